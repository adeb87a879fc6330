//! Carries out what the plan says, one act in each pass of the loop: no act decides anything.

mod admit;
mod call;
mod publish;
mod store;
mod write_status;

pub use self::call::StartedCall;
