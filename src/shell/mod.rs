//! Process plumbing: arguments, clocks, leadership, metrics, servers, logs. Knows no token and decides nothing about one.

pub mod args;
pub mod chance;
pub mod clock;
pub mod core_dumps;
pub mod leader;
pub mod metrics;
pub mod server;
pub mod stall;
pub mod telemetry;
