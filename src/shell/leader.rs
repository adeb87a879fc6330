//! Leader election: which of several replicas may act, and until when. Knows nothing of what the
//! leader does.
//!
//! `record` decides as a pure function; `elector` sends requests to the API server; `term` tells
//! the rest of the program whether it leads, and `fence` is a client of the API server that stops
//! working at the end of a term.

mod elector;
mod fence;
mod record;
mod term;

pub use elector::{Config, Elector, ElectorEnded, identity};
pub use fence::TermOver;
pub use term::{Permit, Term};
