//! The Kubernetes API `miniprogram.dev/v1alpha1`: types, names and reasons. Does no IO and decides
//! nothing.

pub mod conditions;
pub mod crd;
mod identity;
pub mod names;
mod rules;
pub mod sibling;
mod spec;
mod status;
mod ticket;

pub use conditions::{ConditionType, Reason};
pub use spec::{
    CredentialRef, DeletionPolicy, MiniProgram, MiniProgramSpec, ObjectMetaTemplate, Target,
    TargetKeys, Template, TokenMode,
};
pub use status::{
    CredentialStatus, Intent, LastFailure, MiniProgramStatus, Mints, NextCall, TargetRef,
    TicketStatus, TokenStatus,
};
pub use ticket::TicketType;
