//! One process of the operator: the real watches, controller, reconciler and election, wired as `run.rs` wires them, on the
//! stage's doors.

use std::{
    collections::BTreeMap,
    num::NonZeroU32,
    sync::{Arc, Mutex},
    time::Duration,
};

use kube::Client;
use miniprogram_operator::{
    controller::{self, Progress},
    reconcile::{
        self, Ctx,
        events::Events,
        fetch::{Platforms, slots::Slots},
        memory::Memories,
    },
    shell::{
        chance::Chance,
        leader::{self, Elector, Term},
        metrics::Metrics,
    },
    watch,
    world::{Change, Scope, World},
};
use tokio::{
    sync::mpsc,
    task::{AbortHandle, JoinHandle},
};
use tokio_util::sync::CancellationToken;

use crate::{
    cluster, platform,
    stage::{ProcessId, Stage},
    trouble::Cause,
};

/// What `--shutdown-grace-seconds` says unless told otherwise.
const GRACE: Duration = Duration::from_secs(20);
const LEASE: Duration = Duration::from_secs(15);

/// How a process comes to lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leads {
    /// By its owner's word, under this name.
    Alone(&'static str),
    /// By holding the Lease.
    ByElection,
}

pub struct Process {
    pub id: ProcessId,
    stop: CancellationToken,
    main: JoinHandle<()>,
}

/// Starts a process.
pub fn start(stage: &Arc<Stage>, id: ProcessId, leads: Leads) -> Process {
    stage.trace.note("process", format_args!("P{id} starts"));
    let stop = CancellationToken::new();
    let main = tokio::spawn(main(Arc::clone(stage), id, leads, stop.clone()));
    stage.started(id, main.abort_handle());
    Process { id, stop, main }
}

impl Process {
    /// Ends it in good order, as SIGTERM does.
    pub async fn stop(mut self, stage: &Stage) {
        stage.trace.note("process", format_args!("P{} is told to stop", self.id));
        self.stop.cancel();
        let done = tokio::time::timeout(2 * GRACE, &mut self.main).await.is_ok();
        stage.trace.note("process", format_args!("P{} has ended{}", self.id, if done { "" } else { " by force" }));
        self.main.abort();
        stage.ended(self.id);
    }
}

async fn main(stage: Arc<Stage>, id: ProcessId, leads: Leads, stop: CancellationToken) {
    let client = cluster::door::client(&stage, id);
    match leads {
        Leads::Alone(operator) => {
            let term = Term::unelected(operator.to_owned(), stage.time.nodes_clock());
            lead(&stage, id, &client, term, &stop).await;
        }
        Leads::ByElection => {
            let config = leader::Config {
                namespace: "mp-system".to_owned(),
                name: "operator".to_owned(),
                identity: format!("P{id}"),
                duration: LEASE,
            };
            let told = Arc::clone(&stage);
            let on_change = move |leads| {
                told.trace.note("process", format_args!("P{id} {}", if leads { "leads" } else { "leads no more" }));
                let now = told.time.now();
                told.ledger().trouble(now, now, Cause::Succession, None);
            };
            let mut elector = Elector::start(client.clone(), config, stage.time.nodes_clock(), on_change);
            while !stop.is_cancelled() {
                let Some(Ok(term)) = stop.run_until_cancelled(elector.lead()).await else { break };
                if !lead(&stage, id, &client, term, &stop).await {
                    // A call is still in flight: the Lease must run out before anybody else may make one.
                    return stage.kill(id, "a call was under way for too long");
                }
            }
            elector.release().await;
        }
    }
}

/// Ends a task with its owner.
struct Task(AbortHandle);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Works for one term; false if something was still under way when the grace ran out.
async fn lead(stage: &Arc<Stage>, id: ProcessId, client: &Client, term: Term, stop: &CancellationToken) -> bool {
    let scopes = vec![Scope::All];
    let world = Arc::new(Mutex::new(World::new(&scopes)));
    let progress = Progress::default();
    let witnessed = cluster::door::of_term(stage, id, client, &term);
    let ctx = Arc::new(context(stage, id, &term.client(&witnessed), term.clone(), Arc::clone(&world)));
    let (looks, look_receiver) = mpsc::unbounded_channel();
    let changed = {
        let (ctx, progress) = (Arc::clone(&ctx), progress.clone());
        move |change: Change| {
            for gone in change.gone {
                ctx.forget(&gone);
                progress.forget(&gone.name);
            }
            for name in change.look {
                let _ = looks.send(name);
            }
        }
    };
    let ending = CancellationToken::new();
    let watching = tokio::spawn(watch::run(client.clone(), scopes, None, world, changed, ending.clone()));
    let _watching = Task(watching.abort_handle());
    let (looking, panicking, running) = (Arc::clone(&ctx), Arc::clone(&ctx), Arc::clone(stage));
    let mut controller = tokio::spawn(controller::run(
        look_receiver,
        move |name| Arc::clone(&running).unless_paused(id, reconcile::reconcile(Arc::clone(&looking), name)),
        move |name| reconcile::panicked(&panicking, name),
        progress,
        stage.time.nodes_clock(),
        stage.weather.rhythm(),
        ending.clone(),
    ));
    let _controller = Task(controller.abort_handle());
    tokio::select! {
        biased;
        () = term.over() => {}
        () = stop.cancelled() => {}
    }
    term.close();
    ending.cancel();
    tokio::time::timeout(GRACE, &mut controller).await.is_ok()
}

fn context(stage: &Arc<Stage>, id: ProcessId, client: &Client, term: Term, world: Arc<Mutex<World>>) -> Ctx {
    let dice = stage.dice.fork();
    let clock = stage.time.nodes_clock();
    Ctx {
        client: client.clone(),
        world,
        memories: Memories::default(),
        platforms: Platforms {
            door: platform::door(stage, id),
            hosts: BTreeMap::from([(
                "WeChat",
                ["https://api.weixin.qq.com", "https://api2.weixin.qq.com"].map(str::to_owned).to_vec(),
            )]),
            connect_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(10),
        },
        slots: Slots::new(32, NonZeroU32::new(50).unwrap_or(NonZeroU32::MIN), &clock),
        term,
        clock,
        chance: Chance::from_fn(move || dice.number()),
        metrics: Metrics::new("0", "simulation", false),
        events: Events::new(client.clone(), Some(format!("P{id}"))),
    }
}
