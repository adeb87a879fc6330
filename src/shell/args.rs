//! The command line and the environment variables of its flags: parses them, and refuses values
//! that cannot work. Of the platforms it knows what is configured of an OAuth2 endpoint.

#![allow(
    clippy::doc_markdown,
    reason = "the comments on flags are the help text, which has no Markdown"
)]

mod endpoint;
mod oauth2;
mod values;

use std::{collections::BTreeMap, ffi::OsString, path::PathBuf, time::Duration};

use clap::{
    ArgAction, Args, CommandFactory, FromArgMatches, Parser, Subcommand,
    builder::BoolishValueParser,
    error::{ContextKind, ContextValue},
};
use reqwest::Url;

use super::{
    server::Listen,
    telemetry::{LogFormat, LogLevel},
};
use crate::{platform::ConfiguredEndpoint, template::AllowedMetadata};
pub use endpoint::{Endpoint, EndpointError, Endpoints};
pub use oauth2::{OAuth2EndpointError, OAuth2Endpoints};
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
    /// Run the operator, in the cluster of its pod or of KUBECONFIG.
    Run(Box<RunArgs>),
    /// Print the CustomResourceDefinition as YAML.
    Crd,
    /// Request the readiness of a running operator, and exit with 0 if it is ready.
    Probe(ProbeArgs),
}

/// If a flag is given twice, the last value applies, so that a chart's `extraArgs` can replace the
/// chart's own flags.
#[derive(Debug, Args)]
#[command(args_override_self = true)]
pub struct RunArgs {
    /// Namespaces to watch, separated by commas. If absent, all namespaces are watched, which needs
    /// a ClusterRole.
    #[arg(
        long,
        env = "MINIPROGRAM_WATCH_NAMESPACES",
        value_name = "NAMESPACES",
        default_value = "",
        hide_default_value = true
    )]
    pub watch_namespaces: Namespaces,

    /// Label selector of the MiniPrograms to reconcile. If absent, all are reconciled.
    ///
    /// All MiniPrograms of an app must be reconciled by one release: two releases would end each
    /// other's tokens.
    #[arg(long, env = "MINIPROGRAM_SELECTOR", value_parser = selector, default_value = "", hide_default_value = true)]
    pub selector: String,

    /// Hosts of a platform, as in `WeChat=https://api.weixin.qq.com,https://api2.weixin.qq.com`;
    /// may be repeated.
    ///
    /// They replace the platform's own hosts. The first one is used, and the others when it cannot
    /// be reached. Only scheme, host and port may be given. In the environment variable, platforms
    /// are separated by `;` or white space.
    #[arg(
        long = "platform-endpoint",
        env = "MINIPROGRAM_PLATFORM_ENDPOINT",
        value_name = "PLATFORM=HOSTS"
    )]
    platform_endpoints: Vec<Endpoints>,

    /// A token endpoint that MiniPrograms of platform OAuth2 may name, as in
    /// `shop=https://id.example.com/oauth2/token,auth=post,scope=read,life=3600`; may be repeated.
    ///
    /// The name is what spec.appID has before the slash. Options: auth is how the client proves who
    /// it is, basic (the default) or post; scope may be repeated; audience is sent as it is; life
    /// is that of tokens whose response has no expires_in, in seconds; reissue is adds if earlier
    /// tokens stay valid when another one is issued, and else replaces (the default). In the
    /// environment variable, endpoints are separated by `;` or white space.
    #[arg(long = "oauth2-endpoint", env = "MINIPROGRAM_OAUTH2_ENDPOINT", value_name = "NAME=URL")]
    oauth2_endpoints: Vec<OAuth2Endpoints>,

    /// Allow http:// endpoints on other hosts than this one. App secrets are then sent in plain
    /// text: for tests only.
    #[arg(long, env = "MINIPROGRAM_ALLOW_INSECURE_ENDPOINTS", value_parser = BoolishValueParser::new(), action = ArgAction::Set, value_name = "BOOL",
        num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", hide_possible_values = true)]
    pub allow_insecure_endpoints: bool,

    /// PEM file of additional certificate authorities to trust in calls to platforms.
    ///
    /// The operator does not start if any part of it cannot be used. The file is read again when it
    /// changes.
    #[arg(long, env = "MINIPROGRAM_CA_BUNDLE", value_name = "FILE")]
    pub ca_bundle: Option<PathBuf>,

    /// Timeout of a call to a platform, connecting included (1 to 60).
    #[arg(long = "request-timeout-seconds", env = "MINIPROGRAM_REQUEST_TIMEOUT_SECONDS", value_name = "SECONDS",
        value_parser = seconds::<1, 60>, default_value = "10")]
    pub request_timeout: Duration,

    /// Timeout of connecting to a platform (1 to 60). At most the request timeout.
    #[arg(long = "connect-timeout-seconds", env = "MINIPROGRAM_CONNECT_TIMEOUT_SECONDS", value_name = "SECONDS",
        value_parser = seconds::<1, 60>, default_value = "5")]
    pub connect_timeout: Duration,

    /// Largest response of a platform that is read, in bytes (1024 to 16777216).
    #[arg(long, env = "MINIPROGRAM_MAX_RESPONSE_BYTES", value_name = "BYTES",
        value_parser = clap::value_parser!(u32).range(1024..=16_777_216), default_value_t = 65_536)]
    pub max_response_bytes: u32,

    /// Most calls per second to one platform (1 to 10000).
    #[arg(long, env = "MINIPROGRAM_PLATFORM_QPS", value_name = "CALLS",
        value_parser = clap::value_parser!(u32).range(1..=10_000), default_value_t = 50)]
    pub platform_qps: u32,

    /// Most concurrent calls to one platform (2 to 1000). Objects whose last call failed get at
    /// most half of them.
    #[arg(long, env = "MINIPROGRAM_CONCURRENCY", value_name = "CALLS",
        value_parser = clap::value_parser!(u16).range(2..=1000), default_value_t = 32)]
    pub concurrency: u16,

    /// Labels and annotations of spec.target.template that are allowed in addition to plain ones:
    /// keys or prefixes of keys, separated by commas.
    ///
    /// Other controllers copy, trust, mount or prune a Secret because of such keys, as with
    /// `replicator.v1.mittwald.de`.
    #[arg(
        long,
        env = "MINIPROGRAM_ALLOW_TEMPLATE_METADATA",
        value_name = "KEYS",
        default_value = "",
        hide_default_value = true
    )]
    pub allow_template_metadata: AllowedMetadata,

    /// Elect a leader by a Lease. Needed if two processes may run at the same time, also during a
    /// rollout.
    #[arg(long, env = "MINIPROGRAM_LEADER_ELECT", value_parser = BoolishValueParser::new(), action = ArgAction::Set, value_name = "BOOL",
        num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", hide_possible_values = true)]
    pub leader_elect: bool,

    /// Name of the Lease. It is part of the operator annotation of target Secrets, also without
    /// leader election.
    #[arg(long, env = "MINIPROGRAM_LEASE_NAME", value_name = "NAME", value_parser = object_name, default_value = "miniprogram-operator")]
    pub lease_name: String,

    /// Namespace of the Lease. If absent, it is that of POD_NAMESPACE, the pod's own namespace, or
    /// default.
    #[arg(long, env = "MINIPROGRAM_LEASE_NAMESPACE", value_name = "NAMESPACE", value_parser = object_name)]
    lease_namespace: Option<String>,

    /// How long other candidates wait for a leader that does not renew the Lease (3 to 600). More
    /// than twice the connect timeout.
    #[arg(long = "lease-duration-seconds", env = "MINIPROGRAM_LEASE_DURATION_SECONDS", value_name = "SECONDS",
        value_parser = seconds::<3, 600>, default_value = "15")]
    pub lease_duration: Duration,

    /// Address that serves /metrics: `:port`, `host:port`, or `0` for none.
    #[arg(
        long,
        env = "MINIPROGRAM_METRICS_BIND_ADDRESS",
        value_name = "ADDRESS",
        default_value = ":8080"
    )]
    pub metrics_bind_address: Listen,

    /// Address that serves /livez and /readyz: `:port`, `host:port`, or `0` for none.
    #[arg(
        long,
        env = "MINIPROGRAM_HEALTH_PROBE_BIND_ADDRESS",
        value_name = "ADDRESS",
        default_value = ":8081"
    )]
    pub health_probe_bind_address: Listen,

    /// Serve metrics with the namespace and name of each MiniProgram: up to 17 series for each.
    #[arg(long, env = "MINIPROGRAM_PER_OBJECT_METRICS", value_parser = BoolishValueParser::new(), action = ArgAction::Set, value_name = "BOOL",
        num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", hide_possible_values = true)]
    pub per_object_metrics: bool,

    /// Fail /livez when a call or a write that nothing prevents is overdue for longer than this (10
    /// to 86400).
    #[arg(long = "overdue-liveness-seconds", env = "MINIPROGRAM_OVERDUE_LIVENESS_SECONDS", value_name = "SECONDS",
        value_parser = seconds::<10, 86_400>, default_value = "300")]
    pub overdue_liveness: Duration,

    /// How long to wait for calls under way after SIGTERM (1 to 3600). Less than the pod's
    /// terminationGracePeriodSeconds.
    #[arg(long = "shutdown-grace-seconds", env = "MINIPROGRAM_SHUTDOWN_GRACE_SECONDS", value_name = "SECONDS",
        value_parser = seconds::<1, 3600>, default_value = "20")]
    pub shutdown_grace: Duration,

    /// Format of log lines.
    #[arg(long, env = "MINIPROGRAM_LOG_FORMAT", value_enum, default_value_t)]
    pub log_format: LogFormat,

    /// What to log: off, error, warn, info, debug, trace, or directives such as
    /// info,miniprogram_operator=debug.
    ///
    /// HTTP libraries are never logged below info, since those lines show secrets.
    #[arg(long, env = "MINIPROGRAM_LOG_LEVEL", value_name = "LEVEL", default_value = "info")]
    pub log_level: LogLevel,
}

#[derive(Debug, Args)]
pub struct ProbeArgs {
    /// URL to request: any path of the health or metrics server.
    #[arg(long, env = "MINIPROGRAM_PROBE_URL", default_value = "http://127.0.0.1:8081/readyz")]
    pub url: Url,

    /// Timeout of the request (1 to 60).
    #[arg(long = "timeout-seconds", env = "MINIPROGRAM_PROBE_TIMEOUT_SECONDS", value_name = "SECONDS",
        value_parser = seconds::<1, 60>, default_value = "5")]
    pub timeout: Duration,
}

/// Values of two flags that contradict each other.
#[derive(Debug, thiserror::Error)]
enum Contradiction {
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    #[error(transparent)]
    OAuth2(#[from] OAuth2EndpointError),
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
    /// Parses the command line of this process. Prints help or an error and exits, if there is
    /// nothing else to do.
    #[must_use]
    pub fn read() -> Self {
        Self::try_read(std::env::args_os()).unwrap_or_else(|error| error.exit())
    }

    /// Parses a command line, which begins with the program's name.
    pub fn try_read(
        arguments: impl IntoIterator<Item = impl Into<OsString> + Clone>,
    ) -> Result<Self, clap::Error> {
        let mut command = Self::command();
        let matches = command.try_get_matches_from_mut(arguments).map_err(without_url)?;
        let cli = Self::from_arg_matches(&matches)?;
        if let Command::Run(run) = &cli.command {
            run.check()
                .map_err(|error| command.error(clap::error::ErrorKind::ValueValidation, error))?;
        }
        Ok(cli)
    }
}

/// The error without the value of a flag that holds a URL: the URL may hold a password.
fn without_url(mut error: clap::Error) -> clap::Error {
    let flag = error.get(ContextKind::InvalidArg).map(ToString::to_string).unwrap_or_default();
    if flag.contains("-endpoint") {
        error.insert(ContextKind::InvalidValue, ContextValue::String("…".into()));
    }
    error
}

impl RunArgs {
    /// The configured hosts by platform. A later flag replaces an earlier one for the same
    /// platform.
    pub fn endpoints(&self) -> impl Iterator<Item = &Endpoint> {
        self.platform_endpoints.iter().enumerate().flat_map(|(place, flag)| {
            let later = &self.platform_endpoints[place + 1..];
            flag.iter().filter(|endpoint| !later.iter().any(|flag| flag.names(&endpoint.platform)))
        })
    }

    /// The configured endpoints of OAuth2 by name. A later flag replaces an earlier one for the same
    /// name.
    pub fn oauth2_endpoints(&self) -> BTreeMap<&str, &ConfiguredEndpoint> {
        let all = self.oauth2_endpoints.iter().flat_map(OAuth2Endpoints::iter);
        all.map(|(name, endpoint)| (name.as_str(), endpoint)).collect()
    }

    /// Refuses endpoints of platforms that are not in `known`.
    pub fn check_platforms(&self, known: &[&str]) -> Result<(), EndpointError> {
        self.endpoints().try_for_each(|endpoint| endpoint.check_platform(known))
    }

    /// The namespace of the Lease: the given one, or the pod's.
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
        let mut oauth2 = self.oauth2_endpoints.iter();
        oauth2.try_for_each(|endpoints| endpoints.check(self.allow_insecure_endpoints))?;
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
