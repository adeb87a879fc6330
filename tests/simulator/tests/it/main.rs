//! The simulator's own tests, in one binary: its rules as WeChat states them, what a call does to
//! the tokens before it, and its answers as a raw client sees them.

mod client;
mod faults;
mod kinds;
mod rules;
mod server;
mod wire;
