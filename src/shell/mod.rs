//! Process plumbing: arguments, proxies, certificate authorities, clocks, leadership, metrics,
//! servers, logs. Knows no token and decides nothing about one.

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

/// Who asks, in every request to the API server and to platforms.
pub const USER_AGENT: &str = concat!("miniprogram-operator/", env!("CARGO_PKG_VERSION"));
