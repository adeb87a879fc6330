//! The operator as users meet it: the real program, under its own account's rights, against a real
//! API server and a simulated platform. Tests are named for what they show; `harness` is what they
//! are written in.
//!
//! All of them share one control plane. Each has a namespace, a simulator and an operator process
//! of its own, so they run side by side; most of their time is waiting, so more threads than cores
//! pay off: `cargo test --test it -- --test-threads=12`.

mod harness;

mod admission;
mod annotations;
mod api_server;
mod blind;
mod ca_bundle;
mod conflict;
mod crash;
mod credentials;
mod crowd;
mod drift;
mod expiry;
mod first_token;
mod flood;
mod forged;
mod hostile;
mod identity;
mod leader;
mod lifecycle;
mod limits;
mod midcall;
mod outage;
mod platform_faults;
mod platforms;
mod plugin;
mod proxies;
mod rename;
mod restart;
mod restore;
mod rotation;
mod scale;
mod schema;
mod scope;
mod secrecy;
mod shards;
mod silence;
mod tickets;
mod two_releases;
mod writes;
