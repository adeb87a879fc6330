//! Wires the rooms together: servers first, then leadership, and inside it the watches and the controller. Decides nothing.

use std::{
    collections::BTreeMap,
    io,
    num::NonZeroU32,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use kube::{Client, Config, client::ClientBuilder};
use reqwest::Certificate;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc,
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;
use tower::timeout::TimeoutLayer;

use crate::{
    controller::{self, Progress, Rhythm},
    platform,
    reconcile::{
        self, Ctx,
        events::Events,
        fetch::{
            Platforms,
            door::{Bounds, Door, Unusable},
            slots::Slots,
        },
        memory::Memories,
    },
    shell::{
        args::{EndpointError, RunArgs},
        chance::Chance,
        clock::Clock,
        leader::{self, Elector, ElectorEnded, Term},
        metrics::Metrics,
        server::{self, Gate, Health, ListenError},
    },
    watch,
    world::{Change, Scope, World},
};

/// How often the health and the overdue metric are brought up to date.
const BEAT: Duration = Duration::from_secs(5);
/// A candidate that does not lead by then is a standby, and as ready as one can be.
const STANDBY_AFTER: Duration = Duration::from_secs(3);

/// An API server that has not begun to answer by then will not.
const ANSWER_BEGINS_WITHIN: Duration = Duration::from_secs(30);

/// Why the operator could not start, or had to end.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The arguments do not fit together.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// The HTTPS client could not be made.
    #[error(transparent)]
    Door(#[from] Unusable),
    /// A server could not listen.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// A server ended.
    #[error("a server of health or metrics ended")]
    Server(#[source] io::Error),
    /// The CA bundle could not be read.
    #[error("could not read --ca-bundle {path}: check that it is mounted and holds PEM certificates")]
    CaBundle {
        /// The path that was given.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// There is no cluster to talk to.
    #[error("found no way to the API server: run in a cluster, or set KUBECONFIG")]
    Client(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Leader election ended.
    #[error(transparent)]
    Elector(#[from] ElectorEnded),
    /// Signals cannot be received.
    #[error("could not listen for signals")]
    Signal(#[source] io::Error),
}

/// Runs the operator until it is told to stop.
///
/// # Errors
/// If it cannot start, or a part that it cannot do without has ended.
pub async fn run(args: RunArgs) -> Result<(), Error> {
    let names: Vec<_> = platform::ALL.iter().map(|platform| platform.name).collect();
    args.check_platforms(&names)?;
    let clock = Clock::system();
    let metrics = Metrics::new(env!("CARGO_PKG_VERSION"), &args.lease_name, args.per_object_metrics);
    let health = Health::new(clock.clone(), args.overdue_liveness);
    let watches = health.gate("watches");
    let stop = stop_on_signal()?;
    let servers_stop = CancellationToken::new();
    let servers = serve(&args, &metrics, &health, &servers_stop).await?;
    let parts = Parts { client: client().await?, clock, metrics, health, watches, stop, door: door(&args)?, args };
    let ended = parts.lead_again_and_again().await;
    servers_stop.cancel();
    servers.join_all().await;
    ended
}

/// What every term is made from.
struct Parts {
    args: RunArgs,
    client: Client,
    clock: Clock,
    metrics: Metrics,
    health: Health,
    watches: Gate,
    door: Door,
    stop: CancellationToken,
}

impl Parts {
    async fn lead_again_and_again(&self) -> Result<(), Error> {
        let operator = format!("{}/{}", self.args.lease_namespace(), self.args.lease_name);
        if !self.args.leader_elect {
            self.metrics.leads(true);
            self.lead(Term::unelected(operator, self.clock.clone())).await;
            return Ok(());
        }
        let config = leader::Config {
            namespace: self.args.lease_namespace(),
            name: self.args.lease_name.clone(),
            identity: leader::identity(),
            duration: self.args.lease_duration,
        };
        let metrics = self.metrics.clone();
        let mut elector = Elector::start(self.client.clone(), config, self.clock.clone(), move |leads| metrics.leads(leads));
        loop {
            let term = tokio::select! {
                () = self.stop.cancelled() => break,
                term = self.candidate(&mut elector) => term?,
            };
            if !self.lead(term).await {
                // A call is still in flight: the Lease must run out before anybody else may make one.
                drop(elector);
                return Ok(());
            }
            if self.stop.is_cancelled() {
                break;
            }
        }
        elector.release().await;
        Ok(())
    }

    async fn candidate(&self, elector: &mut Elector) -> Result<Term, ElectorEnded> {
        if let Ok(term) = tokio::time::timeout(STANDBY_AFTER, elector.lead()).await {
            return term;
        }
        self.watches.open();
        elector.lead().await
    }

    /// Works for one term; false if something was still under way when the grace ran out.
    async fn lead(&self, term: Term) -> bool {
        let scopes = scopes(self.args.watch_namespaces.names());
        let world = Arc::new(Mutex::new(World::new(&scopes)));
        let progress = Progress::default();
        let ctx = Arc::new(self.context(term.clone(), Arc::clone(&world)));
        let (looks, look_receiver) = mpsc::unbounded_channel();
        let changed = {
            let (ctx, progress, world, gate) = (Arc::clone(&ctx), progress.clone(), Arc::clone(&world), self.watches.clone());
            move |change: Change| {
                for gone in change.gone {
                    ctx.forget(&gone);
                    progress.forget(&gone.name);
                }
                for name in change.look {
                    // Nobody listens any more once the term is over.
                    let _ = looks.send(name);
                }
                if world.lock().unwrap_or_else(PoisonError::into_inner).complete() {
                    gate.open();
                }
            }
        };
        let stop = CancellationToken::new();
        let selector = Some(self.args.selector.clone()).filter(|selector| !selector.is_empty());
        let watching = tokio::spawn(watch::run(self.client.clone(), scopes, selector, world, changed, stop.clone()));
        let (looking, panicking) = (Arc::clone(&ctx), Arc::clone(&ctx));
        let mut controller = tokio::spawn(controller::run(
            look_receiver,
            move |name| reconcile::reconcile(Arc::clone(&looking), name),
            move |name| reconcile::panicked(&panicking, name),
            progress.clone(),
            self.clock.clone(),
            Rhythm::default(),
            stop.clone(),
        ));
        tokio::select! {
            () = term.over() => {}
            () = self.stop.cancelled() => {}
            () = self.watch_over(&progress) => {}
        }
        term.close();
        stop.cancel();
        self.health.overdue_since(None);
        let done = tokio::time::timeout(self.args.shutdown_grace, &mut controller).await.is_ok();
        watching.abort();
        done
    }

    /// Tells the probes and the metrics how the controller gets on.
    async fn watch_over(&self, progress: &Progress) {
        let mut beat = tokio::time::interval(BEAT);
        loop {
            beat.tick().await;
            let now = self.clock.now().boot;
            let stuck = progress.longest_running().unwrap_or(now).min(progress.last_turn().max(BEAT));
            self.health.overdue_since(Some(stuck));
            let overdue = progress.oldest_overdue().map_or(Duration::ZERO, |since| now.saturating_sub(since));
            self.metrics.oldest_overdue(overdue);
        }
    }

    fn context(&self, term: Term, world: Arc<Mutex<World>>) -> Ctx {
        let mut hosts: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
        for platform in platform::ALL {
            let given = self.args.endpoints().find(|endpoint| endpoint.platform == platform.name);
            let theirs = || platform.hosts.iter().map(|host| (*host).to_owned()).collect();
            hosts.insert(platform.name, given.map_or_else(theirs, |endpoint| endpoint.hosts.clone()));
        }
        let client = term.client(&self.client);
        Ctx {
            events: Events::new(client.clone(), Some(leader::identity())),
            client,
            world,
            memories: Memories::default(),
            platforms: Platforms {
                door: self.door.clone(),
                hosts,
                connect_timeout: self.args.connect_timeout,
                request_timeout: self.args.request_timeout,
            },
            slots: Slots::new(
                self.args.concurrency.into(),
                NonZeroU32::new(self.args.platform_qps).unwrap_or(NonZeroU32::MIN),
                &self.clock,
            ),
            term,
            clock: self.clock.clone(),
            chance: Chance::system(),
            metrics: self.metrics.clone(),
        }
    }
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
) -> Result<JoinSet<io::Result<()>>, Error> {
    let mut servers = JoinSet::new();
    let listening = [
        (args.health_probe_bind_address.bind("--health-probe-bind-address").await?, server::health(health.clone())),
        (args.metrics_bind_address.bind("--metrics-bind-address").await?, server::metrics(metrics.clone())),
    ];
    for (listener, router) in listening {
        if let Some(listener) = listener {
            servers.spawn(server::serve(listener, router, stop.clone()));
        }
    }
    Ok(servers)
}

async fn client() -> Result<Client, Error> {
    let mut config = Config::infer().await.map_err(|error| Error::Client(error.into()))?;
    // kube would retry 429, 503 and 504 for minutes inside one await; the plan has its own times.
    config.default_retry = false;
    let builder = ClientBuilder::try_from(config).map_err(|error| Error::Client(error.into()))?;
    // Until an answer begins, kube waits for ever: a list that is accepted and then met with silence would end a watch. What
    // comes after the head of an answer is not cut, or no watch could live.
    Ok(builder.with_layer(&TimeoutLayer::new(ANSWER_BEGINS_WITHIN)).build())
}

fn door(args: &RunArgs) -> Result<Door, Error> {
    let bounds = Bounds {
        connect_timeout: args.connect_timeout,
        max_response_bytes: usize::try_from(args.max_response_bytes).unwrap_or(usize::MAX),
    };
    let roots = args.ca_bundle.as_ref().map_or(Ok(vec![]), |path| {
        let failed = |source| Error::CaBundle { path: path.clone(), source };
        let pem = std::fs::read(path).map_err(|error| failed(error.into()))?;
        Certificate::from_pem_bundle(&pem).map_err(|error| failed(error.into()))
    })?;
    Ok(Door::network(bounds, roots)?)
}

fn stop_on_signal() -> Result<CancellationToken, Error> {
    let stop = CancellationToken::new();
    for kind in [SignalKind::terminate(), SignalKind::interrupt()] {
        let mut signals = signal(kind).map_err(Error::Signal)?;
        let stop = stop.clone();
        tokio::spawn(async move {
            signals.recv().await;
            tracing::info!("told to stop: calls under way are finished, no new one begins");
            stop.cancel();
        });
    }
    Ok(stop)
}
