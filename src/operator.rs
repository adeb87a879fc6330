//! The operator between its start and its end: takes part in the election, and reconciles during
//! each term. Decides nothing. The process and the simulation run this same wiring; what differs
//! between them is passed in.

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

/// A candidate that does not lead by then is a standby, and as ready as one can be.
const STANDBY_AFTER: Duration = Duration::from_secs(3);
/// A candidate tries this often whether it would see what it is to work with.
const TRIED_AGAIN: Duration = Duration::from_secs(30);

/// Who has led and seen no object leaves the Lease to others for so many durations: time enough for
/// a standby to try once more whether it sees, and to take over.
const OTHERS_FIRST: u32 = 2;

/// Lists that are not answered by then count as refused.
const TRIAL: Duration = Duration::from_secs(10);

/// How a process comes to lead.
pub enum Leadership {
    /// By its owner's word. Targets are stamped with this name.
    Alone(String),
    /// By holding the Lease.
    ByElection(leader::Config),
}

/// How the last term of a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "after a term that was not wound up, the process must end and leave the Lease to expire"]
pub enum Ended {
    /// All that was begun is finished, and the Lease is released.
    WoundUp,
    /// A call was still under way when the grace ran out: nobody else may make one before the Lease
    /// expires, so it is not released.
    CallUnderWay,
    /// It saw no object: all that was begun is finished, and the Lease is released for others.
    OfNoUse,
}

/// The client of a term's reads and writes, before the term fences it.
pub type ClientOfTerm = dyn Fn(&Term, &Client) -> Client + Send + Sync;

/// Runs one pass over an object.
pub type RunPass = dyn Fn(BoxFuture<'static, Action>) -> BoxFuture<'static, Action> + Send + Sync;

/// What every term is made from.
pub struct Operator {
    /// How it comes to lead.
    pub leadership: Leadership,
    /// Its name in Events.
    pub identity: String,
    /// The way to the API server.
    pub client: Client,
    /// The client of a term's reads and writes: the same, or a watched one.
    pub client_of_term: Box<ClientOfTerm>,
    /// The door to the platforms.
    pub platforms: Platforms,
    /// The most calls to one platform at a time.
    pub concurrency: usize,
    /// The most calls to one platform in a second.
    pub platform_qps: NonZeroU32,
    /// The namespaces to work in.
    pub scopes: Vec<Scope>,
    /// The labels and annotations that targets may get beside plain ones.
    pub allowed: AllowedMetadata,
    /// The label selector of the objects.
    pub selector: Option<String>,
    /// The clocks.
    pub clock: Clock,
    /// What must differ each time.
    pub chance: Chance,
    /// What the controller does although nothing has changed.
    pub timing: Timing,
    /// After how many seconds the API server ends a watch, which is then resumed.
    pub watch_seconds: u32,
    /// How often health and the overdue metric are brought up to date.
    pub health_period: Duration,
    /// How long calls under way may take to end.
    pub grace: Duration,
    /// The metrics.
    pub metrics: Metrics,
    /// The state of the probes.
    pub health: Health,
    /// Opens when the lists are complete, or the process stands by.
    pub watches: Gate,
    /// Hears of every beginning and end of leadership.
    pub on_change: Arc<dyn Fn(bool) + Send + Sync>,
    /// Runs each pass: as it is, or held up where a model lets the process stand still.
    pub run_pass: Arc<RunPass>,
}

impl Operator {
    /// Leads whenever it can, until told to stop.
    ///
    /// # Errors
    /// If the election has ended by itself.
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
                Ended::OfNoUse => {
                    others_until = self.clock.now().boot + config.duration * OTHERS_FIRST;
                }
                ended => return Ok(ended),
            }
        }
    }

    /// Leads whenever it can, until told to stop or until a term was of no use. Other candidates
    /// come first until `others_until`, a boot time.
    async fn campaign(
        &self,
        client: &Client,
        config: leader::Config,
        others_until: Duration,
        stop: &CancellationToken,
    ) -> Result<Ended, ElectorEnded> {
        let yields = stop.run_until_cancelled(self.yields(client, others_until)).await;
        let Some(yields) = yields else { return Ok(Ended::WoundUp) };
        let on_change = Arc::clone(&self.on_change);
        let mut elector =
            Elector::start(client.clone(), config, self.clock.clone(), yields, move |leads| {
                on_change(leads);
            });
        let mut ended = Ended::WoundUp;
        while !stop.is_cancelled() && ended == Ended::WoundUp {
            let standing_by = self.stand_by(client, &mut elector, others_until);
            let Some(term) = stop.run_until_cancelled(standing_by).await else { break };
            ended = self.lead(client, term?, stop).await;
        }
        if ended != Ended::CallUnderWay {
            elector.release().await;
        }
        Ok(ended)
    }

    /// Waits until it leads. As a standby it is ready if it could do the work; else it says why not
    /// and lets others come first.
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
            // Whoever has got the Lease works: a list that is not answered must not keep it from
            // that.
            let yields = tokio::select! {
                biased;
                term = elector.lead() => return term,
                yields = self.yields(client, others_until) => yields,
            };
            elector.yield_to_others(yields);
            if yields == 0 {
                self.watches.open();
            }
            if let Ok(term) = tokio::time::timeout(TRIED_AGAIN, elector.lead()).await {
                return term;
            }
        }
    }

    /// For how many durations a free Lease is left to others. Lists alone do not show whether the
    /// watches of a term would be served: a term that was of no use does.
    async fn yields(&self, client: &Client, others_until: Duration) -> u32 {
        let sees_nothing = self.sees_nothing(client).await;
        let others_first = self.clock.now().boot < others_until;
        if others_first { OTHERS_FIRST } else { sees_nothing.into() }
    }

    /// Whether this process could not list what a term works with: then it is not ready, and says
    /// why.
    async fn sees_nothing(&self, client: &Client) -> bool {
        let trial = trial::refused(client, &self.scopes, self.selector.as_deref());
        let answered = tokio::time::timeout(TRIAL, trial).await;
        let refused = answered.unwrap_or_else(|_| Some("anything: no answer".to_owned()));
        if let Some(refused) = &refused
            && self.watches.close(&format!("cannot list {refused}"))
        {
            let what_to_do = "check the operator's role, --watch-namespaces and --selector";
            tracing::warn!(
                refused,
                what_to_do,
                "this candidate could not do the work, and lets others come first"
            );
        }
        refused.is_some()
    }

    /// Works for one term. All its tasks end with it, also if it is dropped.
    async fn lead(&self, client: &Client, term: Term, stop: &CancellationToken) -> Ended {
        let world = Arc::new(Mutex::new(World::new(&self.scopes)));
        let (progress, gaps) = (Progress::default(), Gaps::default());
        let report = self.report();
        let ctx = Arc::new(self.context(client, term.clone(), Arc::clone(&world)));
        let (looks, look_receiver) = mpsc::unbounded_channel();
        let (farewells, mut farewell_receiver) = mpsc::unbounded_channel();
        let changed = {
            let (ctx, progress) = (Arc::clone(&ctx), progress.clone());
            let (world, gate, gaps) = (Arc::clone(&world), self.watches.clone(), gaps.clone());
            // Without a selector, an object goes out of sight only when it is deleted.
            let farewells = self.selector.as_ref().map(|_| farewells);
            move |change: Change| {
                for gone in change.gone {
                    ctx.forget(&gone);
                    progress.forget(&gone.name);
                    if let Some(farewells) = &farewells {
                        let _ = farewells.send(gone);
                    }
                }
                for name in change.look {
                    // Nobody listens any more once the term is over.
                    let _ = looks.send(name);
                }
                let listed = world.lock().unwrap_or_else(PoisonError::into_inner).complete();
                // Lists stay complete when a watch fails, and another watch may go on.
                if listed && gaps.is_empty() {
                    gate.open();
                }
            }
        };
        let mut of_no_use = false;
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
        // One after the other: a selector may lose thousands of objects at once.
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
            look_receiver,
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
            () = report.run(&progress, &gaps) => of_no_use = true,
        }
        term.close();
        ending.cancel();
        self.health.overdue_since(None);
        self.metrics.watch_gaps(0);
        match tokio::time::timeout(self.grace, controlling.join_next()).await {
            Err(_) => Ended::CallUnderWay,
            Ok(_) if of_no_use => {
                tracing::warn!(
                    "the operator sees no MiniProgram and gives up the Lease: another candidate may see more"
                );
                Ended::OfNoUse
            }
            Ok(_) => Ended::WoundUp,
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
                // Nobody else could lead.
                Leadership::Alone(_) => vec![],
                Leadership::ByElection(_) => self.scopes.iter().map(watch::of_objects).collect(),
            },
        }
    }

    fn context(&self, client: &Client, term: Term, world: Arc<Mutex<World>>) -> Ctx {
        let client = term.client(&(self.client_of_term)(&term, client));
        Ctx {
            events: Events::new(client.clone(), Some(self.identity.clone())),
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
