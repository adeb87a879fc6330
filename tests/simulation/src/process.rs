//! One process of the operator: the wiring that ships, on the stage's doors, clock and dice.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use miniprogram_operator::{
    operator::{Ended, Leadership, Operator},
    platform::{ConfiguredEndpoints, every},
    reconcile::fetch::Platforms,
    shell::{chance::Chance, leader, metrics::Metrics, server::Health},
    template::AllowedMetadata,
    world::Scope,
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{
    cluster, platform,
    stage::{ProcessId, Stage},
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
    health: Health,
}

/// Starts a process.
pub fn start(stage: &Arc<Stage>, id: ProcessId, leads: Leads) -> Process {
    stage.trace.note("process", format_args!("P{id} starts"));
    let stop = CancellationToken::new();
    let health = Health::new(stage.time.nodes_clock(), Duration::from_mins(5));
    let operator = operator(stage, id, leads, health.clone());
    let main = tokio::spawn(main(Arc::clone(stage), id, operator, stop.clone()));
    stage.started(id, main.abort_handle());
    Process { id, stop, main, health }
}

impl Process {
    /// What its readiness probe says.
    pub fn is_ready(&self) -> bool {
        self.health.is_ready()
    }

    /// Ends it in good order, as SIGTERM does.
    pub async fn stop(mut self, stage: &Stage) {
        stage.trace.note("process", format_args!("P{} is told to stop", self.id));
        self.stop.cancel();
        let done = tokio::time::timeout(2 * GRACE, &mut self.main).await.is_ok();
        stage.trace.note(
            "process",
            format_args!("P{} has ended{}", self.id, if done { "" } else { " by force" }),
        );
        self.main.abort();
        stage.ended(self.id);
    }
}

async fn main(stage: Arc<Stage>, id: ProcessId, operator: Operator, stop: CancellationToken) {
    let ended = operator.run(&stop).await;
    if matches!(ended, Ok(Ended::CallUnderWay)) {
        // The process ends, and leaves the Lease to expire.
        stage.kill(id, "a call was under way for too long");
    }
}

fn operator(stage: &Arc<Stage>, id: ProcessId, leads: Leads, health: Health) -> Operator {
    let clock = stage.time.nodes_clock();
    let dice = stage.dice.fork();
    let witness = Arc::clone(stage);
    let held_up = Arc::clone(stage);
    Operator {
        leadership: leadership(id, leads),
        identity: format!("P{id}"),
        client_of_term: Box::new(move |term, client| {
            cluster::door::of_term(&witness, id, client, term)
        }),
        client: cluster::door::client(stage, id),
        platforms: platforms(stage, id),
        concurrency: 32,
        platform_qps: NonZeroU32::new(50).unwrap_or(NonZeroU32::MIN),
        scopes: vec![Scope::All],
        selector: None,
        allowed: AllowedMetadata::default(),
        clock,
        chance: Chance::from_fn(move || dice.number()),
        timing: stage.fault_rates.timing(),
        watch_seconds: stage.fault_rates.watch_seconds(),
        health_period: stage.fault_rates.health_period(),
        grace: GRACE,
        metrics: Metrics::new("0", "simulation", false),
        watches: health.gate("watches"),
        health,
        on_change: on_change(stage, id, leads),
        run_pass: Arc::new(move |pass| Box::pin(Arc::clone(&held_up).unless_paused(id, pass))),
    }
}

fn leadership(id: ProcessId, leads: Leads) -> Leadership {
    match leads {
        Leads::Alone(operator) => Leadership::Alone(operator.to_owned()),
        Leads::ByElection => Leadership::ByElection(leader::Config {
            namespace: "mp-system".to_owned(),
            name: "operator".to_owned(),
            identity: format!("P{id}"),
            duration: LEASE,
        }),
    }
}

/// Notes a succession. Who leads by its owner's word succeeds nobody.
fn on_change(stage: &Arc<Stage>, id: ProcessId, leads: Leads) -> Arc<dyn Fn(bool) + Send + Sync> {
    let stage = Arc::clone(stage);
    Arc::new(move |now_leads| {
        if leads == Leads::ByElection {
            let what = if now_leads { "leads" } else { "leads no more" };
            stage.trace.note("process", format_args!("P{id} {what}"));
            stage.begins_anew("the Lease changes hands");
        }
    })
}

fn platforms(stage: &Arc<Stage>, id: ProcessId) -> Platforms {
    let hosts = ["https://first.test", "https://second.test"].map(str::to_owned).to_vec();
    Platforms {
        door: platform::door(stage, id),
        hosts: every().map(|platform| (platform.name, hosts.clone())).collect(),
        configured: ConfiguredEndpoints::default(),
        connect_timeout: Duration::from_secs(5),
        request_timeout: Duration::from_secs(10),
    }
}
