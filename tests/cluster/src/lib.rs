//! Runs a Kubernetes control plane (etcd, API server, controller manager) as plain processes, for
//! tests; it must not know the operator (only the audit policy names its API group).
//!
//! # Layout
//!
//! - `binaries` finds the executables, `from_source` builds them once per machine.
//! - `cluster` starts them and hands out addresses and kubeconfigs, `readiness` waits for them,
//!   `chaos` breaks them on purpose.
//! - `flags` is every command line in one place, `credentials` and `kubeconfig` are what they read.
//! - `process` is one running executable; `watchdog` ends them all, even when we are killed.
//! - `place` finds a free directory and port.
//! - `probe` asks the API server a question without needing a Kubernetes client.
//!
//! ```no_run
//! # async fn example() -> Result<(), local_cluster::Error> {
//! let cluster = local_cluster::Cluster::start(local_cluster::Options::default()).await?;
//! println!("export KUBECONFIG={}", cluster.kubeconfig().display());
//! # Ok(())
//! # }
//! ```

mod binaries;
mod chaos;
mod cluster;
mod credentials;
mod error;
mod flags;
mod from_source;
mod kubeconfig;
mod place;
mod probe;
mod process;
mod readiness;
mod watchdog;

pub use binaries::Binaries;
pub use chaos::Component;
pub use cluster::{Cluster, Options};
pub use error::Error;
pub use place::free_port;
