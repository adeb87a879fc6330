//! Keeps the access tokens of mini program platforms fresh in Kubernetes Secrets.
//!
//! Data flows one way: **watch → observe → plan → fetch → apply → status**.
//!
//! | room | its one job | must not know |
//! |---|---|---|
//! | [`api`] | the types, names and reasons of `miniprogram.dev/v1alpha1` | IO |
//! | [`platform`] | the platforms as data, one file each | HTTP, the cluster, the clock |
//! | [`sensitive`] | app secrets and tokens that cannot be printed | platforms, Kubernetes objects |
//! | [`fingerprint`] | what names a token without showing it | tokens |
//! | [`projection`] | what of a target Secret is kept in memory | its data |
//! | [`world`] | what the cluster looks like: projections and indexes, pure | clients, clocks |
//! | [`watch`] | turns the API server's watches into changes of the world | decisions |
//! | [`controller`] | which object is looked at when | what a look does |
//! | [`reconcile`] | one object: observe, plan, one act, again | which object is next |
//! | [`shell`] | arguments, clocks, leadership, metrics, servers, logs | tokens |
//! | [`operator`] | wires them together, for one term of leadership after the other | flags, decisions |
//! | [`run`] | starts the process: flags, client, servers, signals | what a term does |

pub mod api;
pub mod controller;
pub mod fingerprint;
pub mod operator;
pub mod platform;
pub mod projection;
pub mod reconcile;
pub mod run;
pub mod sensitive;
pub mod shell;
pub mod template;
pub mod watch;
pub mod world;
