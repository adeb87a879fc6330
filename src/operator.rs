//! Connects the parts of the operator: takes part in the election, and reconciles during each term.
//! Decides nothing. The process and the simulation use the same connections; what differs between
//! them is passed in.

mod health;
#[cfg(test)]
mod tests;

use std::{
    num::NonZeroU32,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures::future::BoxFuture;
use kube::Client;
use tokio::{sync::mpsc, task::JoinSet};
use tokio_util::sync::CancellationToken;

use self::health::Report;
use crate::{
    controller::{self, Action, Progress, Timing},
    reconcile::{
        self, Ctx,
        events::Events,
        fetch::{Platforms, slots::Slots},
        memory::Memories,
        reads::Reads,
    },
    shell::{
        chance::Chance,
        clock::Clock,
        leader::{self, Elector, ElectorEnded, Term},
        metrics::Metrics,
        outage,
        server::{Gate, Health},
        stall,
    },
    template::AllowedMetadata,
    watch::{self, Gaps, Watches, trial},
    world::{Change, Scope, World},
};

/// A candidate that does not lead after this time is a standby, and becomes ready.
const STANDBY_AFTER: Duration = Duration::from_secs(3);
/// How often a standby checks that it may list what the operator needs.
const CHECK_PERIOD: Duration = Duration::from_secs(30);

/// After a term without any working watch on `MiniProgram`s, this process leaves the Lease to
/// others for this many lease durations: enough for a standby to repeat its check and to take over.
const OTHERS_FIRST: u32 = 2;

/// A check that takes longer counts as failed.
const CHECK_TIMEOUT: Duration = Duration::from_secs(10);

/// How a process comes to lead.
pub enum Leadership {
    /// Without an election. This name identifies the operator in the annotations of targets.
    Alone(String),
    /// While it holds the Lease.
    ByElection(leader::Config),
}

/// How the last term of a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "after a term with a call under way, the process must end and leave the Lease to expire"]
pub enum Ended {
    /// All reconciles have finished, and the Lease is released.
    Finished,
    /// A call was still under way at the end of the grace period. The Lease is not released: no
    /// other process may make a call before it expires.
    CallUnderWay,
    /// No watch on `MiniProgram`s worked. All reconciles have finished, and the Lease is released
    /// for another candidate.
    WatchesFailed,
}

/// Makes the client of a term's reads and writes, before the term fences it.
pub type ClientOfTerm = dyn Fn(&Term, &Client) -> Client + Send + Sync;

/// Runs one reconcile pass.
pub type RunPass = dyn Fn(BoxFuture<'static, Action>) -> BoxFuture<'static, Action> + Send + Sync;

/// The operator, and what each of its terms needs.
pub struct Operator {
    /// How this process becomes the leader.
    pub leadership: Leadership,
    /// The identity of this process in Events.
    pub identity: String,
    /// The client of the API server.
    pub client: Client,
    /// Makes the client of a term's reads and writes: `client` itself, or one that a simulation
    /// observes.
    pub client_of_term: Box<ClientOfTerm>,
    /// The client and the hosts of the platforms.
    pub platforms: Platforms,
    /// The most concurrent calls to one platform.
    pub concurrency: usize,
    /// The most calls per second to one platform.
    pub platform_qps: NonZeroU32,
    /// The namespaces that are watched.
    pub scopes: Vec<Scope>,
    /// The labels and annotations that the administrator allows on targets.
    pub allowed: AllowedMetadata,
    /// The label selector of the objects.
    pub selector: Option<String>,
    /// The wall clock and the boot clock.
    pub clock: Clock,
    /// The source of random ids, salts and jitter.
    pub chance: Chance,
    /// The controller's periods.
    pub timing: Timing,
    /// The seconds after which the API server ends a watch, which is then resumed.
    pub watch_seconds: u32,
    /// How often health and the metric of overdue work are updated.
    pub health_period: Duration,
    /// How long a stopping process waits for calls under way.
    pub grace: Duration,
    /// The metrics.
    pub metrics: Metrics,
    /// The state of the probes.
    pub health: Health,
    /// The readiness gate: open while all watches work, or the process is a standby.
    pub watches: Gate,
    /// Called with true when a term begins and with false when it ends.
    pub on_change: Arc<dyn Fn(bool) + Send + Sync>,
    /// Runs each reconcile pass. A simulation may suspend the process there.
    pub run_pass: Arc<RunPass>,
}

impl Operator {
    /// Leads whenever it can, until `stop`.
    ///
    /// # Errors
    /// If leader election ends unexpectedly.
    pub async fn run(&self, stop: &CancellationToken) -> Result<Ended, ElectorEnded> {
        let client = outage::reported(&stall::bounded(&self.client, &self.metrics), &self.clock);
        let config = match &self.leadership {
            Leadership::Alone(operator) => {
                (self.on_change)(true);
                let term = Term::unelected(operator.clone(), self.clock.clone());
                return Ok(self.lead(&client, term, stop).await);
            }
            Leadership::ByElection(config) => config.clone(),
        };
        let mut others_until = Duration::ZERO;
        loop {
            match self.campaign(&client, config.clone(), others_until, stop).await? {
                Ended::WatchesFailed => {
                    others_until = self.clock.now().boot + config.duration * OTHERS_FIRST;
                }
                ended => return Ok(ended),
            }
        }
    }

    /// Leads whenever it can, until `stop` or until a term has no working watch on `MiniProgram`s.
    /// The Lease is left to other candidates until `others_until`, a boot time.
    async fn campaign(
        &self,
        client: &Client,
        config: leader::Config,
        others_until: Duration,
        stop: &CancellationToken,
    ) -> Result<Ended, ElectorEnded> {
        let yields = stop.run_until_cancelled(self.yields(client, others_until)).await;
        let Some(yields) = yields else { return Ok(Ended::Finished) };
        let on_change = Arc::clone(&self.on_change);
        let mut elector =
            Elector::start(client.clone(), config, self.clock.clone(), yields, move |leads| {
                on_change(leads);
            });
        let mut ended = Ended::Finished;
        while !stop.is_cancelled() && ended == Ended::Finished {
            let standing_by = self.stand_by(client, &mut elector, others_until);
            let Some(term) = stop.run_until_cancelled(standing_by).await else { break };
            ended = self.lead(client, term?, stop).await;
        }
        if ended != Ended::CallUnderWay {
            elector.release().await;
        }
        Ok(ended)
    }

    /// Waits for leadership. A standby is ready if it may list what the operator needs. Otherwise
    /// it reports why not, and leaves the Lease to others.
    async fn stand_by(
        &self,
        client: &Client,
        elector: &mut Elector,
        others_until: Duration,
    ) -> Result<Term, ElectorEnded> {
        if let Ok(term) = tokio::time::timeout(STANDBY_AFTER, elector.lead()).await {
            return term;
        }
        loop {
            // A check that does not end must not delay a candidate that has acquired the Lease.
            let yields = tokio::select! {
                biased;
                term = elector.lead() => return term,
                yields = self.yields(client, others_until) => yields,
            };
            elector.yield_to_others(yields);
            if yields == 0 {
                self.watches.open();
            }
            if let Ok(term) = tokio::time::timeout(CHECK_PERIOD, elector.lead()).await {
                return term;
            }
        }
    }

    /// The number of lease durations for which a free Lease is left to others. The check covers
    /// lists only; whether watches work shows in a term.
    async fn yields(&self, client: &Client, others_until: Duration) -> u32 {
        let cannot_list = self.cannot_list(client).await;
        let others_first = self.clock.now().boot < others_until;
        if others_first { OTHERS_FIRST } else { cannot_list.into() }
    }

    /// Checks whether this process may list what the operator needs. If not, it is not ready, and
    /// logs why.
    async fn cannot_list(&self, client: &Client) -> bool {
        let trial = trial::refused(client, &self.scopes, self.selector.as_deref());
        let answered = tokio::time::timeout(CHECK_TIMEOUT, trial).await;
        let refused = answered.unwrap_or_else(|_| Some("anything: no response".to_owned()));
        if let Some(refused) = &refused
            && self.watches.close(&format!("cannot list {refused}"))
        {
            let what_to_do = "check the operator's RBAC rules, --watch-namespaces and --selector";
            tracing::warn!(
                refused,
                what_to_do,
                "this candidate cannot list what the operator needs; leaving the Lease to other candidates"
            );
        }
        refused.is_some()
    }

    /// Runs the operator for one term. All tasks of the term end with this future, also if it is
    /// dropped.
    async fn lead(&self, client: &Client, term: Term, stop: &CancellationToken) -> Ended {
        let world = Arc::new(Mutex::new(World::new(&self.scopes)));
        let (progress, gaps) = (Progress::default(), Gaps::default());
        let report = self.report();
        let ctx = Arc::new(self.context(client, term.clone(), Arc::clone(&world)));
        let (requeues, requeue_receiver) = mpsc::unbounded_channel();
        let (farewells, mut farewell_receiver) = mpsc::unbounded_channel();
        let changed = {
            let (ctx, progress) = (Arc::clone(&ctx), progress.clone());
            let (world, gate, gaps) = (Arc::clone(&world), self.watches.clone(), gaps.clone());
            // Without a selector, an object leaves the watch only when it is deleted.
            let farewells = self.selector.as_ref().map(|_| farewells);
            move |change: Change| {
                for gone in change.gone {
                    ctx.forget(&gone);
                    progress.forget(&gone.name);
                    if let Some(farewells) = &farewells {
                        let _ = farewells.send(gone);
                    }
                }
                for name in change.requeue {
                    // The receiver is gone once the term is over.
                    let _ = requeues.send(name);
                }
                let listed = world.lock().unwrap_or_else(PoisonError::into_inner).complete();
                // A list stays complete when its watch fails, so that the gaps are checked as well.
                if listed && gaps.is_empty() {
                    gate.open();
                }
            }
        };
        let mut watches_failed = false;
        let ending = CancellationToken::new();
        let mut watching = JoinSet::new();
        let watches = Watches {
            client: client.clone(),
            scopes: self.scopes.clone(),
            selector: self.selector.clone(),
            seconds: self.watch_seconds,
            gaps: gaps.clone(),
            clock: self.clock.clone(),
        };
        watching.spawn(watches.run(world, changed, ending.clone()));
        // One after the other: a change of labels may exclude thousands of objects at once.
        let parting = Arc::clone(&ctx);
        watching.spawn(async move {
            while let Some(gone) = farewell_receiver.recv().await {
                reconcile::farewell(&parting, &gone).await;
            }
        });
        let (reconciled, panicked) = (Arc::clone(&ctx), Arc::clone(&ctx));
        let run_pass = Arc::clone(&self.run_pass);
        let mut controlling = JoinSet::new();
        controlling.spawn(controller::run(
            requeue_receiver,
            move |name| run_pass(Box::pin(reconcile::reconcile(Arc::clone(&reconciled), name))),
            move |name| reconcile::panicked(&panicked, name),
            progress.clone(),
            self.clock.clone(),
            self.timing,
            ending.clone(),
        ));
        tokio::select! {
            biased;
            () = term.over() => {}
            () = stop.cancelled() => {}
            () = report.run(&progress, &gaps) => watches_failed = true,
        }
        term.close();
        ending.cancel();
        self.health.overdue_since(None);
        self.metrics.watch_gaps(0);
        match tokio::time::timeout(self.grace, controlling.join_next()).await {
            Err(_) => Ended::CallUnderWay,
            Ok(_) if watches_failed => {
                tracing::warn!(
                    "no watch on MiniPrograms works; releasing the Lease to another candidate"
                );
                Ended::WatchesFailed
            }
            Ok(_) => Ended::Finished,
        }
    }

    fn report(&self) -> Report {
        Report {
            clock: self.clock.clone(),
            metrics: self.metrics.clone(),
            health: self.health.clone(),
            watches: self.watches.clone(),
            period: self.health_period,
            of_objects: match self.leadership {
                // No other process could lead.
                Leadership::Alone(_) => vec![],
                Leadership::ByElection(_) => self.scopes.iter().map(watch::of_objects).collect(),
            },
        }
    }

    fn context(&self, client: &Client, term: Term, world: Arc<Mutex<World>>) -> Ctx {
        let client = term.client(&(self.client_of_term)(&term, client));
        Ctx {
            events: Events::new(client.clone(), Some(self.identity.clone()), &self.clock),
            reads: Reads::new(client.clone()),
            client,
            world,
            memories: Memories::default(),
            platforms: self.platforms.clone(),
            slots: Slots::new(self.concurrency, self.platform_qps, &self.clock),
            term,
            clock: self.clock.clone(),
            chance: self.chance.clone(),
            metrics: self.metrics.clone(),
            allowed: self.allowed.clone(),
        }
    }
}
