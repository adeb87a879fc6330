//! A stand-in for the token endpoints of mini program platforms: their rules, their error codes and
//! their bad days.
//!
//! | room | what happens there |
//! |---|---|
//! | [`model`] | the rules, pure: state and `now` in, answer out; tests on virtual time drive it directly |
//! | `platforms` | what each platform's endpoints look like on the wire; a platform is one file and one line |
//! | `control` | the control API under `/sim`, pure as well |
//! | `server` | the sockets: listens, waits, answers, hangs, resets |
//! | `simulator` | [`Simulator`], the handle that tests hold |
//! | `clock` | the only reader of clocks |
//!
//! Every time is a [`Millis`]: milliseconds since the simulator started.

mod clock;
mod control;
pub mod model;
mod platforms;
mod server;
mod simulator;

pub use control::HELP as CONTROL_API;
pub use simulator::{Settings, Simulator};

/// Milliseconds, as a length of time or as a moment since the simulator's start.
pub type Millis = u64;
