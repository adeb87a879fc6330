//! The simulator's own tests, in one binary: its rules as WeChat states them, and its answers as a
//! raw client sees them.

mod client;
mod faults;
mod rules;
mod server;
mod wire;
