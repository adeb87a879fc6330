//! One script from beginning to end: brings the callers to the point where something makes them
//! call, lets them work until nothing is left to do, has it judged.

use std::sync::Arc;

use tokio::{
    sync::mpsc,
    time::{Duration, Instant, sleep_until},
};

use super::{
    injector::{Injector, Made},
    judge::{Ending, judge},
    scenario::{Occasion, Scenario},
    script::Script,
};
use crate::{
    fault_rates::Climate,
    panics,
    platform::outside,
    process::{self, Leads, Process},
    stage::{ProcessId, Stage},
    time::{MINUTE, Millis, SECOND},
    trace::Trace,
    users::actions::UserAction,
};

/// Jitter, ids and salts are the same in every run.
const SEED: u64 = 1;
/// So long a leader needs to be one.
const START: Millis = 5 * SECOND;
/// How long tokens live.
const LIFE: Millis = 2 * 60 * MINUTE;
/// A token that somebody reports is older than the floor between mints.
const BEFORE_REPORT: Millis = 10 * MINUTE;
/// Longer than the design lets anything wait but a token's own time, the floor of 300 s between
/// mints: who has been quiet for so long has nothing left to do.
pub const QUIET: Millis = 310 * SECOND;
/// So long after the last thing that went wrong all must be quiet.
pub const SETTLING: Millis = 15 * MINUTE;

/// A run.
pub struct Played {
    pub made: Vec<Made>,
    pub ending: Ending,
    pub trace: Trace,
}

/// Plays one script on this thread, and writes down what happens if somebody will read it.
///
/// # Panics
/// If no runtime can be made.
#[must_use]
pub fn play(scenario: Scenario, script: &Script, traced: bool) -> Played {
    fastrand::seed(SEED);
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.expect("a runtime without IO can always be made");
    runtime.block_on(async {
        let injector = Arc::new(Injector::new(scenario, script.clone()));
        let (stage, deaths) =
            Stage::set(SEED, Climate::default(), traced, Some(Arc::clone(&injector)));
        let mut callers = Callers::new(Arc::clone(&stage), Arc::clone(&injector), scenario, deaths);
        let began = callers.bring_about().await;
        let end = callers.work().await;
        let mut ending = judge(&stage.record(), &injector, scenario, (began, end));
        ending.faults.extend(
            panics::taken().into_iter().map(|panic| format!("the operator panicked: {panic}")),
        );
        Played { made: injector.made(), ending, trace: stage.trace.clone() }
    })
}

/// Where one of the two runs, again and again.
struct Slot {
    leads: Leads,
    process: Option<Process>,
    starts: Option<Millis>,
}

struct Callers {
    stage: Arc<Stage>,
    injector: Arc<Injector>,
    scenario: Scenario,
    deaths: mpsc::UnboundedReceiver<ProcessId>,
    slots: [Slot; 2],
    processes: ProcessId,
    begin: Instant,
}

impl Callers {
    fn new(
        stage: Arc<Stage>,
        injector: Arc<Injector>,
        scenario: Scenario,
        deaths: mpsc::UnboundedReceiver<ProcessId>,
    ) -> Self {
        let slots = scenario.callers().map(|leads| Slot { leads, process: None, starts: None });
        Self { stage, injector, scenario, deaths, slots, processes: 0, begin: Instant::now() }
    }

    /// Lets everything happen that comes before the steps that matter; answers when it was that
    /// something made them call.
    async fn bring_about(&mut self) -> Millis {
        let before = match self.scenario.occasion {
            Occasion::First => 0,
            Occasion::Due => self.scenario.endpoint.refresh_after(LIFE, None),
            Occasion::Report | Occasion::Request => BEFORE_REPORT,
        };
        if before > 0 {
            self.issue_the_first_token().await;
            self.until(before).await;
        }
        for slot in &mut self.slots {
            slot.starts = Some(self.stage.time.now());
        }
        self.start_who_is_due();
        self.until(before + START).await;
        let now = self.stage.time.now();
        self.injector.begin(now);
        match self.scenario.occasion {
            Occasion::First => self.injector.app().install(&self.stage),
            Occasion::Due => {}
            Occasion::Report => {
                let mut app = self.injector.app();
                outside(&self.stage, &app.app_id, |model, now| model.kill_tokens(now, &app.app_id));
                app.report_dead(&self.stage);
            }
            Occasion::Request => self.injector.app().act(&self.stage, UserAction::Request),
        }
        now
    }

    async fn issue_the_first_token(&mut self) {
        self.injector.app().install(&self.stage);
        let first = self.start(self.scenario.callers()[0]);
        self.until(START).await;
        first.stop(&self.stage).await;
    }

    /// Goes on until nothing has gone wrong and nobody has done anything for long enough.
    async fn work(&mut self) -> Millis {
        loop {
            let now = self.stage.time.now();
            let over = self.injector.over();
            let last = self.stage.record().last_act().unwrap_or(over);
            let end = over.max(last.min(over + SETTLING)) + QUIET;
            if now >= end {
                return now;
            }
            self.start_who_is_due();
            let next =
                self.slots.iter().filter_map(|slot| slot.starts).chain([end]).min().unwrap_or(end);
            tokio::select! {
                biased;
                Some(dead) = self.deaths.recv() => {
                    let at = self.injector.returns(dead, self.stage.time.now());
                    let is_it = |slot: &&mut Slot| slot.process.as_ref().is_some_and(|process| process.id == dead);
                    if let Some(slot) = self.slots.iter_mut().find(is_it) {
                        (slot.process, slot.starts) = (None, Some(at));
                    }
                }
                () = sleep_until(self.begin + Duration::from_millis(next)) => {}
            }
        }
    }

    fn start_who_is_due(&mut self) {
        let now = self.stage.time.now();
        for at in 0..self.slots.len() {
            if self.slots[at].starts.is_some_and(|starts| starts <= now) {
                let process = self.start(self.slots[at].leads);
                (self.slots[at].process, self.slots[at].starts) = (Some(process), None);
            }
        }
    }

    fn start(&mut self, leads: Leads) -> Process {
        self.processes += 1;
        let now = self.stage.time.now();
        self.stage.record().disturbed(now, now, None, "a process starts");
        process::start(&self.stage, self.processes, leads)
    }

    async fn until(&self, at: Millis) {
        sleep_until(self.begin + Duration::from_millis(at)).await;
    }
}
