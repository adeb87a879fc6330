//! The real operator on virtual time, between a model of the API server and a model of the
//! platforms, from one seed.
//!
//! | room | its one job |
//! |---|---|
//! | [`run`] | one seed from beginning to end |
//! | [`run_plan`] | what a seed stands for: who is there, and what goes wrong when |
//! | [`director`] | lets it happen |
//! | [`endpoint`] | the token endpoints that apps are of |
//! | [`users`] | what people do to their objects |
//! | [`process`] | one process of the operator |
//! | [`cluster`] | the model of the API server, and the way to it |
//! | [`platform`] | the way to the model of the platform |
//! | [`fault_rates`] | what goes wrong on both ways |
//! | [`hidden`] | what can be neither listed nor watched for a while |
//! | [`adversary`] | tenants who act against the apps of others |
//! | [`record`] | what happened, as the log that crate `judge` judges |
//! | [`known`] | scripts that once found something |
//! | [`explore`] | every script of a few faults instead of chance, for two callers of one app |
//! | [`stage`], [`time`], [`dice`], [`trace`] | what all of them share |

pub mod adversary;
pub mod cluster;
pub mod dice;
pub mod director;
pub mod endpoint;
pub mod explore;
pub mod fault_rates;
pub mod hidden;
pub mod known;
pub mod panics;
pub mod platform;
pub mod process;
pub mod record;
pub mod run;
pub mod run_plan;
pub mod stage;
pub mod time;
pub mod trace;
pub mod users;
