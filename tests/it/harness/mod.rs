//! What the tests are written in: one control plane for all, and for each a stage with apps, operators and consumers on it.

mod account;
mod audit;
mod consumer;
mod mini;
mod operator;
mod plane;
mod stage;
pub mod wait;

pub use audit::{Ledger, Request};
pub use consumer::Consumer;
pub use mini::{Draft, Mini, message, random_app_id, says};
pub use operator::{Launch, Operator};
pub use plane::plane;
pub use stage::{Stage, value, version};
