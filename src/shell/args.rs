//! The command line and its environment: reads it, and refuses what cannot work. Starts nothing,
//! and knows no platform.

#![allow(
    clippy::doc_markdown,
    reason = "the comments on flags are the help text, where backticks would be noise"
)]

mod endpoint;
mod values;

use std::{ffi::OsString, path::PathBuf, time::Duration};

use clap::{
    ArgAction, Args, CommandFactory, FromArgMatches, Parser, Subcommand,
    builder::BoolishValueParser,
};
use reqwest::Url;

use super::{
    server::Listen,
    telemetry::{LogFormat, LogLevel},
};
use crate::template::AllowedMetadata;
pub use endpoint::{Endpoint, EndpointError, Endpoints};
pub use values::Namespaces;
use values::{object_name, seconds, selector};

/// Keeps the access tokens of mini program platforms fresh in Kubernetes Secrets.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the operator. The cluster is that of the pod, or of KUBECONFIG.
    Run(Box<RunArgs>),
    /// Print the CustomResourceDefinition as YAML.
    Crd,
    /// Ask a running operator whether it is ready; the exit code is the answer.
    Probe(ProbeArgs),
}

/// Of a flag that is given twice the last one counts, so that a chart's `extraArgs` can replace
/// what the chart itself gives.
#[derive(Debug, Args)]
#[command(args_override_self = true)]
pub struct RunArgs {
    /// Namespaces to work in, separated by commas. All of them if absent, which needs a
    /// ClusterRole.
    #[arg(
        long,
        env = "MINIPROGRAM_WATCH_NAMESPACES",
        value_name = "NAMESPACES",
        default_value = "",
        hide_default_value = true
    )]
    pub watch_namespaces: Namespaces,

    /// Work only on the MiniPrograms that this label selector matches.
    ///
    /// All objects of one app must match in one release: rotating tokens of an app cannot be shared
    /// between two.
    #[arg(long, env = "MINIPROGRAM_SELECTOR", value_parser = selector, default_value = "", hide_default_value = true)]
    pub selector: String,

    /// Hosts of a platform, as in `WeChat=https://api.weixin.qq.com,https://api2.weixin.qq.com`;
    /// may be repeated.
    ///
    /// Replaces the platform's own hosts. The first one is used; the others are for when it cannot
    /// be reached. Only scheme, host and port may be given. In the environment, platforms are
    /// separated by `;` or white space.
    #[arg(
        long = "platform-endpoint",
        env = "MINIPROGRAM_PLATFORM_ENDPOINT",
        value_name = "PLATFORM=HOSTS"
    )]
    platform_endpoints: Vec<Endpoints>,

    /// Allow http:// endpoints that are not on this machine. App secrets then cross the network in
    /// plain text: for tests.
    #[arg(long, env = "MINIPROGRAM_ALLOW_INSECURE_ENDPOINTS", value_parser = BoolishValueParser::new(), action = ArgAction::Set, value_name = "BOOL",
        num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", hide_possible_values = true)]
    pub allow_insecure_endpoints: bool,

    /// PEM file of further certificate authorities to trust in calls to platforms.
    ///
    /// Refused if any of it cannot be used, and read again whenever it changes.
    #[arg(long, env = "MINIPROGRAM_CA_BUNDLE", value_name = "FILE")]
    pub ca_bundle: Option<PathBuf>,

    /// How long one call to a platform may take (1 to 60).
    #[arg(long = "request-timeout-seconds", env = "MINIPROGRAM_REQUEST_TIMEOUT_SECONDS", value_name = "SECONDS",
        value_parser = seconds::<1, 60>, default_value = "10")]
    pub request_timeout: Duration,

    /// How long connecting to a platform may take (1 to 60). At most the request timeout.
    #[arg(long = "connect-timeout-seconds", env = "MINIPROGRAM_CONNECT_TIMEOUT_SECONDS", value_name = "SECONDS",
        value_parser = seconds::<1, 60>, default_value = "5")]
    pub connect_timeout: Duration,

    /// The most that is read of a platform's answer (1024 to 16777216).
    #[arg(long, env = "MINIPROGRAM_MAX_RESPONSE_BYTES", value_name = "BYTES",
        value_parser = clap::value_parser!(u32).range(1024..=16_777_216), default_value_t = 65_536)]
    pub max_response_bytes: u32,

    /// Calls per second to one platform, at most (1 to 10000).
    #[arg(long, env = "MINIPROGRAM_PLATFORM_QPS", value_name = "CALLS",
        value_parser = clap::value_parser!(u32).range(1..=10_000), default_value_t = 50)]
    pub platform_qps: u32,

    /// Calls to one platform at a time, at most (2 to 1000). Half of them are for objects whose
    /// last call failed.
    #[arg(long, env = "MINIPROGRAM_CONCURRENCY", value_name = "CALLS",
        value_parser = clap::value_parser!(u16).range(2..=1000), default_value_t = 32)]
    pub concurrency: u16,

    /// Labels and annotations that targets may get beside plain ones: keys or their prefixes,
    /// separated by commas.
    ///
    /// Other controllers copy, trust, mount or prune a Secret for what stands there, as in
    /// `replicator.v1.mittwald.de`.
    #[arg(
        long,
        env = "MINIPROGRAM_ALLOW_TEMPLATE_METADATA",
        value_name = "KEYS",
        default_value = "",
        hide_default_value = true
    )]
    pub allow_template_metadata: AllowedMetadata,

    /// Work only while holding a Lease. Needed as soon as two processes could run, also during a
    /// rollout.
    #[arg(long, env = "MINIPROGRAM_LEADER_ELECT", value_parser = BoolishValueParser::new(), action = ArgAction::Set, value_name = "BOOL",
        num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", hide_possible_values = true)]
    pub leader_elect: bool,

    /// Name of the Lease. It is part of what targets are stamped with, also without leader
    /// election.
    #[arg(long, env = "MINIPROGRAM_LEASE_NAME", value_name = "NAME", value_parser = object_name, default_value = "miniprogram-operator")]
    pub lease_name: String,

    /// Namespace of the Lease. If absent: POD_NAMESPACE, the pod's own namespace, or default.
    #[arg(long, env = "MINIPROGRAM_LEASE_NAMESPACE", value_name = "NAMESPACE", value_parser = object_name)]
    lease_namespace: Option<String>,

    /// How long a leader that fell silent is waited for (3 to 600). More than twice the connect
    /// timeout.
    #[arg(long = "lease-duration-seconds", env = "MINIPROGRAM_LEASE_DURATION_SECONDS", value_name = "SECONDS",
        value_parser = seconds::<3, 600>, default_value = "15")]
    pub lease_duration: Duration,

    /// Where to serve /metrics: `:port`, `host:port`, or `0` for nowhere.
    #[arg(
        long,
        env = "MINIPROGRAM_METRICS_BIND_ADDRESS",
        value_name = "ADDRESS",
        default_value = ":8080"
    )]
    pub metrics_bind_address: Listen,

    /// Where to serve /livez and /readyz: `:port`, `host:port`, or `0` for nowhere.
    #[arg(
        long,
        env = "MINIPROGRAM_HEALTH_PROBE_BIND_ADDRESS",
        value_name = "ADDRESS",
        default_value = ":8081"
    )]
    pub health_probe_bind_address: Listen,

    /// Also serve metrics that carry the names of single objects: up to 17 series for each.
    #[arg(long, env = "MINIPROGRAM_PER_OBJECT_METRICS", value_parser = BoolishValueParser::new(), action = ArgAction::Set, value_name = "BOOL",
        num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", hide_possible_values = true)]
    pub per_object_metrics: bool,

    /// Fail /livez when work that nothing hinders is overdue for longer than this (10 to 86400).
    #[arg(long = "overdue-liveness-seconds", env = "MINIPROGRAM_OVERDUE_LIVENESS_SECONDS", value_name = "SECONDS",
        value_parser = seconds::<10, 86_400>, default_value = "300")]
    pub overdue_liveness: Duration,

    /// How long calls under way may take to end after SIGTERM (1 to 3600). Less than the pod's
    /// terminationGracePeriodSeconds.
    #[arg(long = "shutdown-grace-seconds", env = "MINIPROGRAM_SHUTDOWN_GRACE_SECONDS", value_name = "SECONDS",
        value_parser = seconds::<1, 3600>, default_value = "20")]
    pub shutdown_grace: Duration,

    /// How log lines look.
    #[arg(long, env = "MINIPROGRAM_LOG_FORMAT", value_enum, default_value_t)]
    pub log_format: LogFormat,

    /// What to log: off, error, warn, info, debug, trace, or directives such as
    /// info,miniprogram_operator=debug.
    ///
    /// HTTP libraries are never logged below info: their finer lines show secrets.
    #[arg(long, env = "MINIPROGRAM_LOG_LEVEL", value_name = "LEVEL", default_value = "info")]
    pub log_level: LogLevel,
}

#[derive(Debug, Args)]
pub struct ProbeArgs {
    /// What to ask: any path of the health or metrics server.
    #[arg(long, env = "MINIPROGRAM_PROBE_URL", default_value = "http://127.0.0.1:8081/readyz")]
    pub url: Url,

    /// How long to wait for the answer (1 to 60).
    #[arg(long = "timeout-seconds", env = "MINIPROGRAM_PROBE_TIMEOUT_SECONDS", value_name = "SECONDS",
        value_parser = seconds::<1, 60>, default_value = "5")]
    pub timeout: Duration,
}

/// Values that are fine by themselves and not together.
#[derive(Debug, thiserror::Error)]
enum Contradiction {
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    #[error(
        "--connect-timeout-seconds {connect} is more than --request-timeout-seconds {request}, which includes it: lower the one or raise the other"
    )]
    Connect { connect: u64, request: u64 },
    #[error(
        "--lease-duration-seconds {lease} is not more than twice --connect-timeout-seconds {connect}: before a renewal there \
         would be too little of the lease left to begin a call; raise the one or lower the other"
    )]
    Lease { lease: u64, connect: u64 },
}

impl Cli {
    /// Reads the command line of this process. Prints help or what is wrong with it, and exits, if
    /// that is all there is to do.
    #[must_use]
    pub fn read() -> Self {
        Self::try_read(std::env::args_os()).unwrap_or_else(|error| error.exit())
    }

    /// Reads any command line, the program's name first.
    pub fn try_read(
        arguments: impl IntoIterator<Item = impl Into<OsString> + Clone>,
    ) -> Result<Self, clap::Error> {
        let mut command = Self::command();
        let cli = Self::from_arg_matches(&command.try_get_matches_from_mut(arguments)?)?;
        if let Command::Run(run) = &cli.command {
            run.check()
                .map_err(|error| command.error(clap::error::ErrorKind::ValueValidation, error))?;
        }
        Ok(cli)
    }
}

impl RunArgs {
    /// The configured hosts, by platform: a later flag replaces what an earlier one says of its
    /// platform.
    pub fn endpoints(&self) -> impl Iterator<Item = &Endpoint> {
        self.platform_endpoints.iter().enumerate().flat_map(|(place, flag)| {
            let later = &self.platform_endpoints[place + 1..];
            flag.iter().filter(|endpoint| !later.iter().any(|flag| flag.names(&endpoint.platform)))
        })
    }

    /// Refuses endpoints of platforms that are not among the `known` ones.
    pub fn check_platforms(&self, known: &[&str]) -> Result<(), EndpointError> {
        self.endpoints().try_for_each(|endpoint| endpoint.check_platform(known))
    }

    /// The namespace of the Lease: as given, or that of the pod.
    #[must_use]
    pub fn lease_namespace(&self) -> String {
        const IN_CLUSTER: &str = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";
        let given = self.lease_namespace.clone();
        let pod = || std::env::var("POD_NAMESPACE").ok();
        let account = || std::fs::read_to_string(IN_CLUSTER).ok();
        let usable = |name: String| Some(name.trim().to_owned()).filter(|name| !name.is_empty());
        given
            .or_else(|| pod().and_then(usable))
            .or_else(|| account().and_then(usable))
            .unwrap_or("default".to_owned())
    }

    fn check(&self) -> Result<(), Contradiction> {
        endpoint::check(self.endpoints(), self.allow_insecure_endpoints)?;
        let (connect, lease) = (self.connect_timeout.as_secs(), self.lease_duration.as_secs());
        if self.connect_timeout > self.request_timeout {
            return Err(Contradiction::Connect {
                connect,
                request: self.request_timeout.as_secs(),
            });
        }
        if self.leader_elect && self.lease_duration <= 2 * self.connect_timeout {
            return Err(Contradiction::Lease { lease, connect });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
