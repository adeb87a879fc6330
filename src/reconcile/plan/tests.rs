//! Tables for the decisions: what an object needs next, in one line a case. The builders are in `sight`.

mod call;
mod confirmed;
mod credential;
mod crowd;
mod doubt;
mod due;
mod ended;
mod failure;
mod found;
mod hand;
mod hold;
pub mod sight;
mod status;
mod target;
mod turn;
