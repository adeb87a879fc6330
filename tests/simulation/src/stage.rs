//! All that a run's actors share: time, chance, the models and what is known of everything that
//! happened.

use std::{
    collections::BTreeMap,
    future::poll_fn,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Poll,
};

use tokio::{sync::mpsc, task::AbortHandle};

use crate::{
    cluster::{Cluster, Kind},
    dice::Dice,
    explore::injector::Injector,
    fault_rates::{Climate, FaultRates},
    platform::Platform,
    record::Record,
    time::{Millis, Time},
    trace::Trace,
};

/// The number of a process of the operator.
pub type ProcessId = u32;

pub struct Stage {
    pub time: Time,
    pub dice: Dice,
    pub trace: Trace,
    pub fault_rates: FaultRates,
    /// Stands in the place of the fault rates where a script is played.
    pub injector: Option<Arc<Injector>>,
    cluster: Mutex<Cluster>,
    platform: Mutex<Platform>,
    record: Arc<Mutex<Record>>,
    running: Mutex<BTreeMap<ProcessId, AbortHandle>>,
    /// Until when a process stands still.
    paused: Mutex<BTreeMap<ProcessId, Millis>>,
    deaths: mpsc::UnboundedSender<ProcessId>,
}

impl Stage {
    /// Sets the stage; the receiver hears of every process that was killed.
    pub fn set(
        seed: u64,
        climate: Climate,
        traced: bool,
        injector: Option<Arc<Injector>>,
    ) -> (Arc<Self>, mpsc::UnboundedReceiver<ProcessId>) {
        let time = Time::begin();
        let dice = Dice::from_seed(seed);
        let trace = Trace::new(time.clone(), traced);
        let record = Arc::new(Mutex::new(Record::default()));
        let (deaths, heard) = mpsc::unbounded_channel();
        let witness = {
            let (record, injector) = (Arc::clone(&record), injector.clone());
            Box::new(move |now, kind, name: &_, object: Option<&_>| {
                lock(&record).saw(now, kind, name, object);
                if let Some(injector) = &injector {
                    injector.saw(now, kind, name, object);
                }
            })
        };
        let stage = Self {
            fault_rates: FaultRates::new(dice.fork(), climate),
            injector,
            platform: Mutex::new(Platform::new(dice.number())),
            cluster: Mutex::new(Cluster::new(witness)),
            time,
            dice,
            trace,
            record,
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

    pub fn record(&self) -> MutexGuard<'_, Record> {
        lock(&self.record)
    }

    /// Somebody begins to work, and knows no object that is hidden.
    pub fn begins_anew(&self, what: &'static str) {
        let now = self.time.now();
        let hidden = self.fault_rates.hidden(now).filter(|hidden| hidden.kind == Kind::MiniProgram);
        let until = hidden.map_or(now, |hidden| hidden.until);
        self.record().disturbed(now, until, None, what);
    }

    pub fn started(&self, process: ProcessId, main: AbortHandle) {
        lock(&self.running).insert(process, main);
    }

    pub fn ended(&self, process: ProcessId) {
        self.record().probed(self.time.now(), process, None);
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
            let left = self.pause_left(process);
            if left == 0 {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(left)).await;
        }
    }

    /// Carries on with some work of a process, but not while the process stands still: what the
    /// work waited for and its own timers reach it together when it wakes, as after SIGSTOP and
    /// SIGCONT.
    pub async fn unless_paused<T>(
        self: Arc<Self>,
        process: ProcessId,
        work: impl Future<Output = T>,
    ) -> T {
        let mut work = pin!(work);
        loop {
            self.pass_pause(process).await;
            let done = poll_fn(|context| {
                if self.pause_left(process) > 0 {
                    Poll::Ready(None)
                } else {
                    work.as_mut().poll(context).map(Some)
                }
            });
            if let Some(done) = done.await {
                return done;
            }
        }
    }

    fn pause_left(&self, process: ProcessId) -> Millis {
        let until = lock(&self.paused).get(&process).copied().unwrap_or_default();
        until.saturating_sub(self.time.now())
    }

    /// Ends a process as `kill -9` does: whatever it awaited never comes.
    pub fn kill(&self, process: ProcessId, why: &str) {
        let Some(main) = lock(&self.running).remove(&process) else { return };
        self.trace.note("process", format_args!("P{process} dies: {why}"));
        let now = self.time.now();
        self.record().crashed(now);
        self.record().probed(now, process, None);
        main.abort();
        // The director is gone only when the run is over.
        let _ = self.deaths.send(process);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
