//! Starts the process: reads the flags, starts the servers, makes the clients, handles signals, and
//! runs the operator. Decides nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    num::NonZeroU32,
    sync::Arc,
    time::Duration,
};

use reqwest::Url;
use tokio::{
    signal::unix::{SignalKind, signal},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use crate::{
    controller::Timing,
    operator::{Leadership, Operator},
    platform::{self, ConfiguredEndpoints, Platform},
    reconcile::fetch::{
        Platforms,
        door::{Bounds, Door, Network, Unusable},
    },
    shell::{
        api_client::{self, ApiClientError},
        args::{EndpointError, RunArgs},
        ca_bundle::{CaBundle, CaBundleError},
        chance::Chance,
        clock::Clock,
        leader::{self, ElectorEnded},
        metrics::Metrics,
        proxies::{self, Proxies, ProxyError},
        server::{self, Health, ListenError},
    },
    world::Scope,
};

/// The API server ends each watch after this time, so that a hanging watch is noticed when it does
/// not end: if a proxy keeps the connection open, nothing else shows it. The cost is one request
/// for each watch in this time. It needs no list, since a watch is resumed where it ended.
const WATCH_SECONDS: u32 = 30;
/// How often health and the metric of overdue work are updated.
const HEALTH_PERIOD: Duration = Duration::from_secs(5);

/// Why the operator could not start, or had to end.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The arguments contradict each other.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// The HTTPS client could not be made.
    #[error(transparent)]
    Door(#[from] Unusable),
    /// A server could not listen.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The CA bundle cannot be used.
    #[error(transparent)]
    CaBundle(#[from] CaBundleError),
    /// The API server's address or credentials were not found or cannot be used.
    #[error(transparent)]
    Client(#[from] ApiClientError),
    /// A proxy that the environment names cannot be used.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    /// Leader election ended unexpectedly.
    #[error(transparent)]
    Elector(#[from] ElectorEnded),
    /// Signal handlers could not be installed.
    #[error("could not listen for signals")]
    Signal(#[source] io::Error),
}

/// Runs the operator until the process receives SIGTERM or SIGINT.
///
/// # Errors
/// If the operator cannot start, or leader election ends unexpectedly.
pub async fn run(args: RunArgs) -> Result<(), Error> {
    let with_hosts = platform::ALL.iter().filter(|platform| platform.has_hosts());
    let names: Vec<_> = with_hosts.map(|platform| platform.name).collect();
    args.check_platforms(&names)?;
    let proxies = Proxies::from_env()?;
    let clock = Clock::system();
    let metrics =
        Metrics::new(env!("CARGO_PKG_VERSION"), &args.lease_name, args.per_object_metrics);
    let door = Door::network(network(&args, &proxies, &metrics)?);
    let health = Health::new(clock.clone(), args.overdue_liveness);
    let watches = health.gate("watches");
    let stop = stop_on_signal()?;
    let servers_stop = CancellationToken::new();
    let servers = serve(&args, &metrics, &health, &servers_stop).await?;
    let identity = leader::identity();
    let client = api_client::connect(&proxies).await?;
    let leader_metrics = metrics.clone();
    let platforms = platforms(&args, &proxies, door);
    log_start(&args, &proxies, &platforms);
    let operator = Operator {
        leadership: leadership(&args, &identity),
        identity,
        client,
        client_of_term: Box::new(|_, client| client.clone()),
        platforms,
        concurrency: args.concurrency.into(),
        platform_qps: NonZeroU32::new(args.platform_qps).unwrap_or(NonZeroU32::MIN),
        scopes: scopes(args.watch_namespaces.names()),
        selector: Some(args.selector.clone()).filter(|selector| !selector.is_empty()),
        allowed: args.allow_template_metadata.clone(),
        clock,
        chance: Chance::system(),
        timing: Timing::default(),
        watch_seconds: WATCH_SECONDS,
        health_period: HEALTH_PERIOD,
        grace: args.shutdown_grace,
        metrics,
        health,
        watches,
        on_change: Arc::new(move |leads| leader_metrics.leads(leads)),
        run_pass: Arc::new(|pass| pass),
    };
    let ended = operator.run(&stop).await;
    servers_stop.cancel();
    servers.join_all().await;
    // If a call is still under way, it ends with the process, and the Lease expires.
    Ok(ended.map(|_| ())?)
}

fn leadership(args: &RunArgs, identity: &str) -> Leadership {
    let (namespace, name) = (args.lease_namespace(), args.lease_name.clone());
    if !args.leader_elect {
        return Leadership::Alone(format!("{namespace}/{name}"));
    }
    let identity = identity.to_owned();
    Leadership::ByElection(leader::Config {
        namespace,
        name,
        identity,
        duration: args.lease_duration,
    })
}

fn platforms(args: &RunArgs, proxies: &Proxies, door: Door) -> Platforms {
    let set = |platform: &&'static Platform| {
        let given = args.endpoints().find(|endpoint| endpoint.platform == platform.name)?;
        Some((platform.name, given.hosts.clone()))
    };
    let hosts: BTreeMap<_, Vec<String>> = platform::ALL.iter().filter_map(set).collect();
    let unset = platform::ALL.iter().filter(|platform| !hosts.contains_key(platform.name));
    let own = unset.flat_map(|platform| platform.endpoints).flat_map(|endpoint| endpoint.hosts);
    let configured =
        args.oauth2_endpoints().into_iter().map(|(name, endpoint)| (name.into(), endpoint.clone()));
    let configured: ConfiguredEndpoints = configured.collect();
    let origins = origins(&configured);
    let set = hosts.values().flatten().chain(&origins).map(String::as_str);
    let all: BTreeSet<_> = set.chain(own.copied()).collect();
    for host in all {
        if let Some(proxy) = host.parse().ok().and_then(|url| proxies.of_platform(&url)) {
            let proxy = proxies::shown(proxy);
            tracing::info!(host, proxy, "calls to this host go through a proxy");
        }
    }
    let RunArgs { connect_timeout, request_timeout, .. } = *args;
    Platforms { door, hosts, configured, connect_timeout, request_timeout }
}

/// Scheme and host of each endpoint, without what its path and query may show.
fn origins(configured: &ConfiguredEndpoints) -> Vec<String> {
    let urls = configured.urls().filter_map(|url| url.parse::<Url>().ok());
    urls.map(|url| url.origin().ascii_serialization()).collect()
}

fn log_start(args: &RunArgs, proxies: &Proxies, platforms: &Platforms) {
    let namespaces = match args.watch_namespaces.names() {
        [] => "all".to_owned(),
        names => names.join(", "),
    };
    let configured = origins(&platforms.configured);
    let hosts = platforms.hosts.values().flatten().chain(&configured);
    let hosts: Vec<_> = hosts.map(String::as_str).collect();
    let urls: Vec<Url> = hosts.iter().filter_map(|host| host.parse().ok()).collect();
    let ways = urls.iter().filter_map(|url| proxies.of_platform(url)).map(proxies::shown);
    let ways: Vec<_> = ways.collect::<BTreeSet<_>>().into_iter().collect();
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        namespaces,
        hosts = hosts.join(", "),
        proxy = if ways.is_empty() { "none".to_owned() } else { ways.join(", ") },
        lease = args.lease_name,
        "starting"
    );
}

fn scopes(namespaces: &[String]) -> Vec<Scope> {
    if namespaces.is_empty() {
        return vec![Scope::All];
    }
    namespaces.iter().cloned().map(Scope::Namespace).collect()
}

async fn serve(
    args: &RunArgs,
    metrics: &Metrics,
    health: &Health,
    stop: &CancellationToken,
) -> Result<JoinSet<()>, Error> {
    let mut servers = JoinSet::new();
    let listening = [
        (
            args.health_probe_bind_address.bind("--health-probe-bind-address").await?,
            server::health(health.clone()),
        ),
        (
            args.metrics_bind_address.bind("--metrics-bind-address").await?,
            server::metrics(metrics.clone()),
        ),
    ];
    for (listener, router) in listening {
        if let Some(listener) = listener {
            servers.spawn(server::serve(listener, router, stop.clone()));
        }
    }
    Ok(servers)
}

/// The network as the flags configure it. A CA bundle is read again when it changes.
fn network(args: &RunArgs, proxies: &Proxies, metrics: &Metrics) -> Result<Network, Error> {
    let bounds = Bounds {
        connect_timeout: args.connect_timeout,
        max_response_bytes: usize::try_from(args.max_response_bytes).unwrap_or(usize::MAX),
    };
    let proxies = proxies.clone();
    let Some(path) = &args.ca_bundle else { return Ok(Network::new(bounds, proxies, vec![])?) };
    let (bundle, roots) = CaBundle::read(path)?;
    let network = Network::new(bounds, proxies, roots)?;
    let trust = network.trust();
    tokio::spawn(bundle.follow(metrics.clone(), move |roots| trust.replace(roots)));
    Ok(network)
}

fn stop_on_signal() -> Result<CancellationToken, Error> {
    let stop = CancellationToken::new();
    for kind in [SignalKind::terminate(), SignalKind::interrupt()] {
        let mut signals = signal(kind).map_err(Error::Signal)?;
        let stop = stop.clone();
        tokio::spawn(async move {
            signals.recv().await;
            tracing::info!(
                "received a termination signal; finishing calls under way and starting no new ones"
            );
            stop.cancel();
        });
    }
    Ok(stop)
}
