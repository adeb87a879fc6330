//! All that a run's actors share: time, chance, the models and what is known of everything that happened.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{sync::mpsc, task::AbortHandle};

use crate::{
    cluster::Cluster,
    dice::Dice,
    ledger::Ledger,
    platform::Platform,
    time::{Millis, Time},
    trace::Trace,
    trouble::Cause,
    weather::{Climate, Weather},
};

/// The number of a process of the operator.
pub type ProcessId = u32;

pub struct Stage {
    pub time: Time,
    pub dice: Dice,
    pub trace: Trace,
    pub weather: Weather,
    cluster: Mutex<Cluster>,
    platform: Mutex<Platform>,
    ledger: Arc<Mutex<Ledger>>,
    running: Mutex<BTreeMap<ProcessId, AbortHandle>>,
    /// Until when a process stands still.
    paused: Mutex<BTreeMap<ProcessId, Millis>>,
    deaths: mpsc::UnboundedSender<ProcessId>,
}

impl Stage {
    /// Sets the stage; the receiver hears of every process that was killed.
    pub fn set(seed: u64, climate: Climate, traced: bool) -> (Arc<Self>, mpsc::UnboundedReceiver<ProcessId>) {
        let time = Time::begin();
        let dice = Dice::from_seed(seed);
        let trace = Trace::new(time.clone(), traced);
        let ledger = Arc::new(Mutex::new(Ledger::default()));
        let (deaths, heard) = mpsc::unbounded_channel();
        let witness = {
            let ledger = Arc::clone(&ledger);
            Box::new(move |now, kind, name: &_, object: Option<&_>| lock(&ledger).saw(now, kind, name, object))
        };
        let stage = Self {
            weather: Weather::new(dice.fork(), climate),
            platform: Mutex::new(Platform::new(dice.number())),
            cluster: Mutex::new(Cluster::new(witness)),
            time,
            dice,
            trace,
            ledger,
            running: Mutex::default(),
            paused: Mutex::default(),
            deaths,
        };
        (Arc::new(stage), heard)
    }

    pub fn cluster(&self) -> MutexGuard<'_, Cluster> {
        lock(&self.cluster)
    }

    pub fn platform(&self) -> MutexGuard<'_, Platform> {
        lock(&self.platform)
    }

    pub fn ledger(&self) -> MutexGuard<'_, Ledger> {
        lock(&self.ledger)
    }

    pub fn started(&self, process: ProcessId, main: AbortHandle) {
        lock(&self.running).insert(process, main);
    }

    pub fn ended(&self, process: ProcessId) {
        lock(&self.running).remove(&process);
    }

    pub fn is_running(&self, process: ProcessId) -> bool {
        lock(&self.running).contains_key(&process)
    }

    /// Holds up whatever a process sends and hears.
    pub fn pause(&self, process: ProcessId, until: Millis) {
        lock(&self.paused).insert(process, until);
    }

    /// Passes when the process does not stand still.
    pub async fn pass_pause(&self, process: ProcessId) {
        loop {
            let until = lock(&self.paused).get(&process).copied().unwrap_or_default();
            let left = until.saturating_sub(self.time.now());
            if left == 0 {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(left)).await;
        }
    }

    /// Ends a process as `kill -9` does: whatever it awaited never comes.
    pub fn kill(&self, process: ProcessId, why: &str) {
        let Some(main) = lock(&self.running).remove(&process) else { return };
        self.trace.note("process", format_args!("P{process} dies: {why}"));
        let now = self.time.now();
        self.ledger().trouble(now, now, Cause::Crash, None);
        main.abort();
        // The director is gone only when the run is over.
        let _ = self.deaths.send(process);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
