//! Carries out what the plan decides, one act in each iteration.

mod admit;
mod call;
mod publish;
mod read;
mod store;
mod tickets;
mod write_status;

pub use self::call::StartedCall;
