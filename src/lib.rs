//! Keeps the access tokens of mini program platforms fresh in Kubernetes Secrets.
//!
//! Data flows one way: **watch → observe → plan → fetch → apply → status**.
//!
//! | module | its job | must not know |
//! |---|---|---|
//! | [`api`] | the types, names and reasons of `miniprogram.dev/v1alpha1` | IO |
//! | [`platform`] | the platforms as data, one file for each | HTTP, the cluster, the clock |
//! | [`sensitive`] | app secrets and tokens, never printed | platforms, Kubernetes objects |
//! | [`fingerprint`] | identifies a token without showing it | tokens |
//! | `token_json` | the token and its facts as one JSON value | Secrets |
//! | [`projection`] | the metadata of a target Secret that is kept in memory | its data |
//! | `packed` | values in memory, compressed into one block each | what they mean |
//! | [`world`] | the known objects of the cluster, and which a change requeues | clients, clocks |
//! | [`watch`] | runs the watches and passes their events to the world | decisions |
//! | [`controller`] | when each object is reconciled | what a reconcile does |
//! | [`reconcile`] | reconciles one object: observe, plan, act, repeat | which object is next |
//! | [`shell`] | arguments, clocks, leadership, metrics, servers, logs | tokens |
//! | [`operator`] | connects the modules, for each term of leadership | flags, decisions |
//! | [`run`] | starts the process: flags, clients, servers, signals | what a term does |

pub mod api;
pub mod controller;
pub mod fingerprint;
pub mod operator;
mod packed;
pub mod platform;
pub mod projection;
pub mod reconcile;
#[cfg(test)]
mod reference;
pub mod run;
pub mod sensitive;
pub mod shell;
pub mod template;
mod token_json;
pub mod watch;
pub mod world;
