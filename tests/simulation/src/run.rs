//! One seed from beginning to end: sets the stage, lets the plot happen, has the ledger judged.

use std::sync::Arc;

use tokio::{
    sync::mpsc,
    time::{Duration, Instant, sleep_until},
};

use crate::{
    dice::Dice,
    oracle::{Bounds, Verdict, judge},
    plot::Plot,
    process::{self, Process},
    stage::{ProcessId, Stage},
    time::{DAY, HOUR, MINUTE, Millis, SECOND},
    trace::Trace,
    users::App,
};

/// How a run ended.
pub struct Ended {
    pub verdict: Verdict,
    pub trace: Trace,
    pub simulated: Millis,
    pub apps: u64,
}

/// Runs one seed on this thread.
///
/// # Panics
/// If no runtime can be made.
#[must_use]
pub fn run(seed: u64) -> Ended {
    fastrand::seed(seed);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.expect("a runtime without IO can always be made");
    runtime.block_on(play(seed))
}

async fn play(seed: u64) -> Ended {
    let plot = Plot::of(seed);
    let (stage, deaths) = Stage::set(seed, plot.climate.clone());
    stage.trace.note("director", format_args!("seed {seed}: {plot:?}"));
    let apps: Vec<App> =
        (0..plot.apps).map(|number| App::new(number, if stage.dice.chance(0.5) { "Stable" } else { "Legacy" })).collect();
    for app in &apps {
        app.install(&stage, app.spec());
    }
    let mut director = Director::new(Arc::clone(&stage), plot.clone(), deaths);
    director.direct().await;
    let bounds =
        Bounds { settled_from: plot.settled_from(), end: plot.end, recovery: plot.recovery };
    let mut verdict = judge(&stage.ledger(), &bounds);
    verdict.faults.extend(crate::panics::taken().into_iter().map(|panic| format!("the operator panicked: {panic}")));
    Ended { verdict, trace: stage.trace.clone(), simulated: plot.end, apps: plot.apps }
}

/// What happens by the plot, and when next.
struct Director {
    stage: Arc<Stage>,
    plot: Plot,
    dice: Dice,
    deaths: mpsc::UnboundedReceiver<ProcessId>,
    process: Option<Process>,
    processes: ProcessId,
    restart_at: Option<Millis>,
    crash_at: Millis,
    api_outage_at: Millis,
    platform_outage_at: Millis,
}

impl Director {
    fn new(stage: Arc<Stage>, plot: Plot, deaths: mpsc::UnboundedReceiver<ProcessId>) -> Self {
        let dice = stage.dice.fork();
        let mut director = Self {
            stage,
            dice,
            deaths,
            process: None,
            processes: 0,
            restart_at: Some(0),
            crash_at: 0,
            api_outage_at: 0,
            platform_outage_at: 0,
            plot,
        };
        director.crash_at = director.after(director.plot.crash_every);
        director.api_outage_at = director.after(director.plot.api_outage_every);
        director.platform_outage_at = director.after(director.plot.platform_outage_every);
        director
    }

    /// Some time from now, a mean time away, or never.
    fn after(&self, mean: Millis) -> Millis {
        if mean == 0 {
            return Millis::MAX;
        }
        let at = self.stage.time.now() + self.dice.between(1, 2 * mean);
        if at < self.plot.climate.calm_from { at } else { Millis::MAX }
    }

    async fn direct(&mut self) {
        let begin = Instant::now();
        loop {
            let now = self.stage.time.now();
            if now >= self.plot.end {
                return;
            }
            self.act(now).await;
            let times = [self.crash_at, self.api_outage_at, self.platform_outage_at, self.restart_at.unwrap_or(Millis::MAX)];
            let next = times.into_iter().min().unwrap_or(Millis::MAX).min(self.plot.end);
            tokio::select! {
                biased;
                Some(_) = self.deaths.recv() => {
                    self.process = None;
                    self.restart_at = Some(self.stage.time.now() + self.dice.log_between(500, 2 * MINUTE));
                }
                () = sleep_until(begin + Duration::from_millis(next)) => {}
            }
        }
    }

    async fn act(&mut self, now: Millis) {
        if self.restart_at.is_some_and(|at| at <= now) {
            self.restart_at = None;
            self.processes += 1;
            self.stage.ledger().trouble(now, now, "start", None);
            self.process = Some(process::start(&self.stage, self.processes, "mp-system/operator"));
        }
        if self.crash_at <= now {
            self.crash_at = self.after(self.plot.crash_every);
            if self.dice.chance(0.5) {
                if let Some(process) = &self.process {
                    self.stage.kill(process.id, "out of nothing");
                }
            } else if let Some(process) = self.process.take() {
                let began = self.stage.time.now();
                process.stop(&self.stage).await;
                let ended = self.stage.time.now();
                self.stage.ledger().trouble(began, ended, "restart", None);
                self.restart_at = Some(ended + self.dice.log_between(100, MINUTE));
            }
        }
        if self.api_outage_at <= now {
            let until = now + self.outage();
            self.stage.trace.note("director", format_args!("the API server is down for {} s", (until - now) / SECOND));
            self.stage.ledger().trouble(now, until, "api outage", None);
            self.stage.weather.api_goes_down(until);
            if self.dice.chance(0.5) {
                self.stage.cluster().compact();
            }
            self.api_outage_at = self.after(self.plot.api_outage_every);
        }
        if self.platform_outage_at <= now {
            let until = now + self.outage();
            self.stage.trace.note("director", format_args!("the platform is down for {} s", (until - now) / SECOND));
            self.stage.ledger().trouble(now, until, "platform outage", None);
            self.stage.weather.platform_goes_down(until);
            self.platform_outage_at = self.after(self.plot.platform_outage_every);
        }
    }

    /// Never beyond the calm.
    fn outage(&self) -> Millis {
        let left = self.plot.climate.calm_from.saturating_sub(self.stage.time.now());
        self.dice.log_between(SECOND, 4 * HOUR).min(left).min(DAY)
    }
}
