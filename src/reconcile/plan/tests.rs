//! Tables of decisions: one line for each case, with what the object needs next. The builders are
//! in `sight.rs`.

mod bad_hour;
mod call;
mod credential;
mod crowd;
mod due;
mod failure;
mod fold;
mod found;
mod kinds;
mod limits;
mod next_call;
mod ownership;
pub mod sight;
mod status;
mod target;
mod tickets;
mod trusted;
mod unknown_outcome;
mod unstored;
