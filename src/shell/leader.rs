//! Leadership: who of several replicas may act, and until when. Knows nothing of what the leader
//! does with it.
//!
//! `record` decides, purely; `elector` talks to the API server; `term` is the proof that the rest
//! of the program holds, and `fence` the way to the API server that ends with it.

mod elector;
mod fence;
mod record;
mod term;

pub use elector::{Config, Elector, ElectorEnded, identity};
pub use fence::TermOver;
pub use term::{Term, Ticket};
