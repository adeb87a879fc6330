//! Installs and runs the operator as an administrator would: what ships, its account, its process.
//! Knows no platform, and not what a test is about.
//!
//! Whatever goes wrong here is a broken test environment, so everything panics and says what it
//! wanted.

#![allow(clippy::missing_panics_doc, reason = "everything does")]

mod account;
mod install;
mod process;
mod usage;

pub use account::{Account, Credential};
pub use install::{client, install, shipped};
pub use process::{Process, Start};
