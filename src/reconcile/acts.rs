//! Carries out what the plan decides, one act in each iteration; no act decides anything.

mod admit;
mod call;
mod publish;
mod store;
mod write_status;

pub(super) use self::admit::is_alone;
pub use self::call::StartedCall;
