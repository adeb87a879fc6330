//! One process of the operator: the real watches, controller and reconciler, wired as `run.rs` wires them, on the stage's doors.

use std::{
    collections::BTreeMap,
    num::NonZeroU32,
    sync::{Arc, Mutex},
    time::Duration,
};

use miniprogram_operator::{
    controller::{self, Progress},
    reconcile::{
        self, Ctx,
        events::Events,
        fetch::{Platforms, slots::Slots},
        memory::Memories,
    },
    shell::{chance::Chance, leader::Term, metrics::Metrics},
    watch,
    world::{Change, Scope, World},
};
use tokio::{sync::mpsc, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::{
    cluster, platform,
    stage::{ProcessId, Stage},
};

/// What `--shutdown-grace-seconds` says unless told otherwise.
const GRACE: Duration = Duration::from_secs(20);

pub struct Process {
    pub id: ProcessId,
    term: Term,
    stop: CancellationToken,
    controller: JoinHandle<()>,
}

/// Starts a process that leads by its owner's word.
pub fn start(stage: &Arc<Stage>, id: ProcessId, operator: &str) -> Process {
    stage.trace.note("process", format_args!("P{id} starts"));
    let client = cluster::door::client(stage, id);
    let clock = stage.time.nodes_clock();
    let dice = stage.dice.fork();
    let chance = Chance::from_fn(move || dice.number());
    let term = Term::unelected(operator.to_owned(), clock.clone());
    let scopes = vec![Scope::All];
    let world = Arc::new(Mutex::new(World::new(&scopes)));
    let ctx = Arc::new(Ctx {
        client: client.clone(),
        world,
        memories: Memories::default(),
        platforms: Platforms {
            door: platform::door(stage, id),
            hosts: BTreeMap::from([("WeChat", vec!["https://api.weixin.qq.com".to_owned()])]),
            connect_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(10),
        },
        slots: Slots::new(32, NonZeroU32::new(50).unwrap_or(NonZeroU32::MIN), &clock),
        term: term.clone(),
        clock: clock.clone(),
        chance,
        metrics: Metrics::new("0", "simulation", false),
        events: Events::new(client.clone(), Some(format!("P{id}"))),
    });
    let progress = Progress::default();
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
    let stop = CancellationToken::new();
    let watching = tokio::spawn(watch::run(client, scopes, None, Arc::clone(&ctx.world), changed, stop.clone()));
    let (looking, panicking) = (Arc::clone(&ctx), Arc::clone(&ctx));
    let controller = tokio::spawn(controller::run(
        look_receiver,
        move |name| reconcile::reconcile(Arc::clone(&looking), name),
        move |name| reconcile::panicked(&panicking, name),
        progress,
        clock,
        stop.clone(),
    ));
    stage.started(id, vec![watching.abort_handle(), controller.abort_handle()]);
    Process { id, term, stop, controller }
}

impl Process {
    /// Ends it in good order, as SIGTERM does.
    pub async fn stop(mut self, stage: &Stage) {
        stage.trace.note("process", format_args!("P{} is told to stop", self.id));
        self.term.close();
        self.stop.cancel();
        let done = tokio::time::timeout(GRACE, &mut self.controller).await.is_ok();
        stage.trace.note("process", format_args!("P{} has ended{}", self.id, if done { "" } else { ", with a call under way" }));
        self.controller.abort();
        stage.ended(self.id);
    }
}
