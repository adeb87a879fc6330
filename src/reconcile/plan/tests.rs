//! Tables for the decisions: what an object needs next, in one line a case. The builders are in
//! `sight`.

mod call;
mod credential;
mod crowd;
mod due;
mod failure;
mod fold;
mod found;
mod hand;
mod kinds;
mod limits;
mod next_call;
mod ownership;
pub mod sight;
mod status;
mod target;
mod trusted;
mod unknown_outcome;
