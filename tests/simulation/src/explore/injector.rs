//! Numbers the steps of both callers as they come to a door, and lets a script's faults happen
//! there. Judges nothing.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde_json::{Value, json};
use tokio::time::{Duration, sleep};

use super::{
    history::History,
    scenario::Scenario,
    script::{Fault, PersonAction, Script},
    step::Step,
};
use crate::{
    cluster::{Kind, Name},
    fault_rates::RequestOutcome,
    stage::{ProcessId, Stage},
    time::{Millis, SECOND},
    users::{App, actions},
};

/// A process that dies is started again after so long.
const AWAY: Millis = 2 * SECOND;
/// Longer than anything that is still to be done.
const AWAY_FOR_LONG: Millis = 400 * SECOND;
/// The garbage collector comes so long after an owner is gone.
const COLLECTION: Duration = Duration::from_millis(200);
/// The longest that a caller waits for an answer that does not come.
const LONGEST_SILENCE: Millis = 30 * SECOND;

/// A step as it was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Made {
    pub at: Millis,
    pub process: ProcessId,
    pub step: Step,
}

pub struct Injector {
    script: Script,
    /// The one app, as its user knows it.
    app: Mutex<App>,
    history: Mutex<History>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    begun: bool,
    made: Vec<Made>,
    /// When the last thing that went wrong is over.
    over: Millis,
    /// When a process that is about to die is started again.
    away: BTreeMap<ProcessId, Millis>,
}

impl Injector {
    #[must_use]
    pub fn new(scenario: Scenario, script: Script) -> Self {
        let app = App::new(1, scenario.endpoint, false);
        let history = History::of(&app);
        Self { script, app: Mutex::new(app), history: Mutex::new(history), state: Mutex::default() }
    }

    #[must_use]
    pub fn script(&self) -> &Script {
        &self.script
    }

    pub fn app(&self) -> MutexGuard<'_, App> {
        lock(&self.app)
    }

    pub fn history(&self) -> MutexGuard<'_, History> {
        lock(&self.history)
    }

    /// From now on steps are numbered.
    pub fn begin(&self, now: Millis) {
        let mut state = lock(&self.state);
        (state.begun, state.over) = (true, now);
    }

    #[must_use]
    pub fn made(&self) -> Vec<Made> {
        lock(&self.state).made.clone()
    }

    /// When the last thing that went wrong so far is over.
    #[must_use]
    pub fn over(&self) -> Millis {
        lock(&self.state).over
    }

    /// When a process that died is to be started again.
    pub fn returns(&self, process: ProcessId, now: Millis) -> Millis {
        let mut state = lock(&self.state);
        let at = state.away.get(&process).copied().unwrap_or(now + AWAY);
        state.over = state.over.max(at);
        at
    }

    pub fn saw(&self, now: Millis, kind: Kind, name: &Name, object: Option<&Value>) {
        self.history().saw(now, kind, name, object);
    }

    /// What becomes of a request; whoever has to stand still before it does so here.
    pub async fn outcome(
        &self,
        stage: &Arc<Stage>,
        process: ProcessId,
        step: Option<Step>,
        fine: RequestOutcome,
    ) -> RequestOutcome {
        let Some(number) = step.and_then(|step| self.number(stage, process, step)) else {
            return fine;
        };
        let mut outcome = fine;
        for fault in self.script.at(number) {
            stage.trace.note("script", format_args!("{number}:{fault}"));
            match fault {
                Fault::User(action) => self.act(stage, action),
                Fault::Pause { seconds } => {
                    stage.pause(process, self.lasts(stage, seconds * SECOND));
                    stage.pass_pause(process).await;
                }
                // The request is out; the answer will find the process asleep.
                Fault::PauseAnswer { seconds } => {
                    stage.pause(process, self.lasts(stage, seconds * SECOND));
                }
                Fault::Crash { gone } => {
                    let at = self.lasts(stage, if gone { AWAY_FOR_LONG } else { AWAY });
                    lock(&self.state).away.insert(process, at);
                    outcome = RequestOutcome::Crash { after: true };
                }
                Fault::Lost { reset } => {
                    outcome = RequestOutcome::Lost { reset: self.heard(stage, reset) }
                }
                Fault::AnswerLost { reset } => {
                    outcome = RequestOutcome::AnswerLost { reset: self.heard(stage, reset) }
                }
                Fault::Late { seconds } => {
                    let by = seconds * SECOND;
                    self.lasts(stage, by);
                    outcome = RequestOutcome::Late { by, reset: true };
                }
                Fault::Refused(code) => {
                    self.lasts(stage, 0);
                    outcome = RequestOutcome::Refused(code);
                }
            }
        }
        outcome
    }

    fn number(&self, stage: &Stage, process: ProcessId, step: Step) -> Option<usize> {
        let mut state = lock(&self.state);
        if !state.begun {
            return None;
        }
        state.made.push(Made { at: stage.time.now(), process, step });
        let number = state.made.len();
        stage.trace.note("step", format_args!("{number} P{process} {step}"));
        Some(number)
    }

    /// Something goes wrong for so long; answers until when.
    fn lasts(&self, stage: &Stage, long: Millis) -> Millis {
        let now = stage.time.now();
        let until = now + long;
        stage.record().disturbed(now, until, None, "the script");
        let mut state = lock(&self.state);
        state.over = state.over.max(until);
        until
    }

    fn heard(&self, stage: &Stage, reset: bool) -> bool {
        self.lasts(stage, if reset { 0 } else { LONGEST_SILENCE });
        reset
    }

    fn act(&self, stage: &Arc<Stage>, action: PersonAction) {
        self.lasts(stage, 0);
        let mut app = self.app();
        match action {
            PersonAction::Label => app.act(stage, actions::UserAction::AddLabel),
            PersonAction::Data => app.act(stage, actions::UserAction::BreakToken),
            PersonAction::Delete => app.act(stage, actions::UserAction::DeleteTarget),
            PersonAction::Touch => touch(stage, &app.name),
            PersonAction::Recreate => {
                app.act(stage, actions::UserAction::Recreate);
                tokio::spawn(collect_garbage(Arc::clone(stage)));
            }
        }
    }
}

fn touch(stage: &Stage, name: &Name) {
    let mut cluster = stage.cluster();
    let Some(live) = cluster.get(Kind::MiniProgram, name) else { return };
    let mut mini = Value::clone(live);
    mini["metadata"]["labels"]["team"] = json!(stage.time.now().to_string());
    cluster.put(stage.time.now(), Kind::MiniProgram, name, mini);
}

async fn collect_garbage(stage: Arc<Stage>) {
    sleep(COLLECTION).await;
    let orphans = stage.cluster().orphans();
    for orphan in orphans {
        stage.trace.note("gc", format_args!("takes Secret {}", orphan.1));
        stage.cluster().delete(stage.time.now(), Kind::Secret, &orphan);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
