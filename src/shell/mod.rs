//! The parts of the process around the operator: arguments, proxies, certificate authorities,
//! clocks, leader election, metrics, servers, logs. Knows nothing of tokens.

pub mod api_client;
pub mod args;
pub mod ca_bundle;
pub mod cause;
pub mod chance;
pub mod clock;
pub mod core_dumps;
pub mod leader;
pub mod metrics;
pub mod outage;
pub mod proxies;
pub mod server;
pub mod stall;
pub mod telemetry;

/// The User-Agent of every request to the API server and to platforms.
pub const USER_AGENT: &str = concat!("miniprogram-operator/", env!("CARGO_PKG_VERSION"));
