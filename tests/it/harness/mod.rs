//! What the tests are written in: one control plane for all, and for each a stage with apps,
//! operators and consumers on it.

mod audit;
mod consumer;
mod front;
mod mini;
mod operator;
mod plane;
mod record;
mod stage;
pub mod wait;
mod wire;

pub use audit::Ledger;
pub use consumer::Consumer;
pub use front::{Front, Shown, Trap};
pub use mini::{Draft, Mini, message, says};
pub use operator::{Launch, OAUTH2_PATH, Operator};
pub use operator_harness::shipped;
pub use plane::plane;
pub use stage::{Stage, value, version};
pub use wire::{State, Wire};
