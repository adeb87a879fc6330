//! Carries out the plan of a run: starts and kills processes, takes things down, lets users act, each in its
//! time. Judges nothing.

use std::{collections::VecDeque, sync::Arc};

use judge::{Act, Event};
use tokio::{
    sync::mpsc,
    time::{Duration, Instant, sleep_until},
};

use crate::{
    adversary::Adversary,
    cluster::{Copy, Kind},
    dice::Dice,
    fault_rates::PROBES_APART,
    hidden::Hidden,
    process::{self, Leads, Process},
    run_plan::RunPlan,
    stage::{ProcessId, Stage},
    time::{HOUR, MINUTE, Millis, SECOND},
    users::{App, actions::UserAction},
};

const NEVER: Millis = Millis::MAX;
/// Whoever does something over and over does it so often.
const NAG: Millis = 5 * SECOND;

/// Where a process runs, again and again.
struct Slot {
    leads: Leads,
    process: Option<Process>,
    restart_at: Millis,
}

/// What happens by the plan, and when next.
pub struct Director {
    stage: Arc<Stage>,
    run_plan: RunPlan,
    dice: Dice,
    deaths: mpsc::UnboundedReceiver<ProcessId>,
    apps: Vec<App>,
    slots: Vec<Slot>,
    processes: ProcessId,
    pause_at: Millis,
    crash_at: Millis,
    api_outage_at: Millis,
    platform_outage_at: Millis,
    hidden_at: Millis,
    probe_at: Millis,
    user_at: Millis,
    /// What is done over and over, and by whose user.
    nag: Option<(usize, UserAction)>,
    clock_at: Millis,
    calm_at: Millis,
    /// Those who come later, and when.
    arsiblings: VecDeque<(Millis, App)>,
    adversary: Option<Adversary>,
    /// When the storage is copied and restored: what is yet to come.
    restores: VecDeque<(Millis, Millis)>,
    copy: Option<Copy>,
    /// When the garbage collector comes.
    collect_at: Vec<Millis>,
}

impl Director {
    pub fn new(
        stage: Arc<Stage>,
        run_plan: RunPlan,
        deaths: mpsc::UnboundedReceiver<ProcessId>,
        apps: Vec<App>,
    ) -> Self {
        let dice = stage.dice.fork();
        let mut director = Self {
            stage,
            dice,
            deaths,
            apps,
            slots: run_plan
                .population
                .iter()
                .map(|leads| Slot { leads: *leads, process: None, restart_at: 0 })
                .collect(),
            processes: 0,
            pause_at: NEVER,
            crash_at: NEVER,
            api_outage_at: NEVER,
            platform_outage_at: NEVER,
            hidden_at: NEVER,
            probe_at: if run_plan.climate.hides { 0 } else { NEVER },
            user_at: NEVER,
            nag: None,
            clock_at: NEVER,
            calm_at: run_plan.climate.calm_from,
            arsiblings: VecDeque::new(),
            adversary: None,
            restores: run_plan.restores.iter().copied().collect(),
            copy: None,
            collect_at: Vec::new(),
            run_plan,
        };
        director.crash_at = director.after(director.run_plan.crash_every);
        director.pause_at = director.after(director.run_plan.pause_every);
        director.api_outage_at = director.after(director.run_plan.api_outage_every);
        director.platform_outage_at = director.after(director.run_plan.platform_outage_every);
        director.hidden_at = director.after(director.run_plan.hidden_every);
        director.user_at = director.after(director.run_plan.user_every);
        director.clock_at = director.after(director.run_plan.clock_every);
        director
    }

    /// The same, with these apps to come and those who act against them.
    #[must_use]
    pub fn beset(self, arsiblings: Vec<(Millis, App)>, adversary: Adversary) -> Self {
        Self { arsiblings: arsiblings.into(), adversary: Some(adversary), ..self }
    }

    /// Some time from now, a mean time away, or never.
    fn after(&self, mean: Millis) -> Millis {
        if mean == 0 {
            return NEVER;
        }
        let at = self.stage.time.now() + self.dice.between(1, 2 * mean);
        // Not all at the first moment after a calm.
        self.run_plan.climate.in_a_bout(at).map_or(NEVER, |begins| {
            if begins == at { at } else { begins + self.dice.between(1, MINUTE) }
        })
    }

    /// Goes on until the run is over.
    pub async fn direct(&mut self) {
        let begin = Instant::now();
        loop {
            let now = self.stage.time.now();
            if now >= self.run_plan.end || self.stage.record().is_hectic() {
                return;
            }
            self.act(now).await;
            let times = [
                self.crash_at,
                self.pause_at,
                self.api_outage_at,
                self.platform_outage_at,
                self.hidden_at,
                self.probe_at,
                self.user_at,
                self.clock_at,
                self.calm_at,
                self.copies_or_restores_at(),
                self.arsiblings.front().map_or(NEVER, |(at, _)| *at),
                self.adversary.as_ref().map_or(NEVER, Adversary::acts_at),
                self.run_plan.end,
            ];
            let starts = self.slots.iter().map(|slot| slot.restart_at);
            let next = times
                .into_iter()
                .chain(starts)
                .chain(self.collect_at.iter().copied())
                .min()
                .unwrap_or(NEVER);
            // Now and then it is seen whether the operator runs in circles.
            let next = next.min(now + 10 * MINUTE);
            let changed = self.stage.cluster().changed();
            tokio::select! {
                biased;
                Some(dead) = self.deaths.recv() => {
                    let now = self.stage.time.now();
                    let at = now + self.dice.log_between(500, 2 * MINUTE);
                    let is_it = |slot: &&mut Slot| slot.process.as_ref().is_some_and(|process| process.id == dead);
                    if let Some(slot) = self.slots.iter_mut().find(is_it) {
                        (slot.process, slot.restart_at) = (None, at);
                    }
                    self.note_absence(now);
                    if let Some(adversary) = &mut self.adversary {
                        adversary.hears_of_a_death(now);
                    }
                }
                () = changed.notified(), if self.adversary.is_some() => {
                    self.adversary.iter_mut().for_each(|adversary| adversary.looks(&self.stage));
                }
                () = sleep_until(begin + Duration::from_millis(next)) => {}
            }
        }
    }

    async fn act(&mut self, now: Millis) {
        for slot in self.slots.iter_mut().filter(|slot| slot.restart_at <= now) {
            slot.restart_at = NEVER;
            self.processes += 1;
            self.stage.begins_anew("a process starts");
            slot.process = Some(process::start(&self.stage, self.processes, slot.leads));
        }
        if self.pause_at <= now {
            self.pause_at = self.after(self.run_plan.pause_every);
            self.pause(now);
        }
        if self.crash_at <= now {
            self.crash_at = self.after(self.run_plan.crash_every);
            self.crash_or_restart().await;
        }
        if self.api_outage_at <= now {
            self.api_outage_at = self.after(self.run_plan.api_outage_every);
            let until = now + self.outage();
            self.say(format_args!("the API server is down for {} s", (until - now) / SECOND));
            self.stage.record().disturbed(now, until, None, "the API server is down");
            self.stage.fault_rates.api_goes_down(until);
            if self.dice.chance(0.5) {
                self.stage.cluster().compact();
            }
        }
        if self.platform_outage_at <= now {
            self.platform_outage_at = self.after(self.run_plan.platform_outage_every);
            let until = now + self.outage();
            self.say(format_args!("the platform is down for {} s", (until - now) / SECOND));
            self.stage.record().disturbed(now, until, None, "the platform is down");
            self.stage.fault_rates.platform_goes_down(until);
        }
        if self.hidden_at <= now {
            self.hide(now);
            self.hidden_at = self.after(self.run_plan.hidden_every);
        }
        if self.probe_at <= now {
            self.probe_at = now + PROBES_APART;
            self.probe(now);
        }
        if self.clock_at <= now {
            self.clock_at = self.after(self.run_plan.clock_every);
            self.step_clock(now);
        }
        if self.user_at <= now {
            self.let_a_user_act(now);
            let goes_on = self.run_plan.nags && self.dice.chance(0.7);
            self.user_at = if goes_on && !self.run_plan.climate.is_calm(now + NAG) {
                now + NAG
            } else {
                self.after(self.run_plan.user_every)
            };
            self.nag = self.nag.filter(|_| goes_on);
        }
        while self.arsiblings.front().is_some_and(|(at, _)| *at <= now) {
            self.apps.extend(self.arsiblings.pop_front().map(|(_, app)| app.arrives(&self.stage)));
        }
        if let Some(adversary) = &mut self.adversary {
            adversary.act(&self.stage, now);
        }
        if self.calm_at <= now {
            self.calm_at = NEVER;
            self.say(format_args!("from now on nothing goes wrong"));
            for app in &mut self.apps {
                app.set_right(&self.stage);
            }
        }
        if self.copies_or_restores_at() <= now {
            self.copy_or_restore(now);
        }
        if self.collect_at.iter().any(|at| *at <= now) {
            self.collect_at.retain(|at| *at > now);
            self.collect_garbage(now);
        }
    }

    /// Hides objects for the rest of the bout, or a part of it.
    fn hide(&self, now: Millis) {
        if self.stage.fault_rates.hidden(now).is_some() {
            return;
        }
        let until = self.dice.between(now, self.run_plan.climate.bout_ends(now));
        let hidden = Hidden::draw(&self.dice, until);
        let (kind, how) = (hidden.kind, hidden.how);
        self.say(format_args!("{kind:?}s are hidden for {} s: {how:?}", (until - now) / SECOND));
        self.stage.record().hides(now, until);
        // Whoever is behind has to list.
        if self.dice.chance(0.5) {
            self.stage.cluster().compact();
        }
        self.stage.fault_rates.hides(hidden);
    }

    /// Asks each process whether it is ready, as a kubelet does.
    fn probe(&self, now: Millis) {
        for process in self.slots.iter().filter_map(|slot| slot.process.as_ref()) {
            self.stage.record().probed(now, process.id, Some(process.is_ready()));
        }
    }

    fn copies_or_restores_at(&self) -> Millis {
        let Some((copied, restored)) = self.restores.front() else { return NEVER };
        if self.copy.is_none() { *copied } else { *restored }
    }

    /// The API server's storage is copied; or the server stops, the copy takes the place of its
    /// storage, and it starts again.
    fn copy_or_restore(&mut self, now: Millis) {
        let Some(copy) = self.copy.take() else {
            self.copy = Some(self.stage.cluster().copy());
            return;
        };
        self.restores.pop_front();
        let until = now + self.dice.between(SECOND, MINUTE);
        self.say(format_args!("the storage of the API server is restored from a copy"));
        self.stage.record().disturbed(now, until, None, "the storage is restored");
        self.stage.fault_rates.api_goes_down(until);
        self.stage.cluster().restore(now, copy);
        for app in &self.apps {
            app.expect(&self.stage, Act::Edit, "is restored from a copy");
        }
    }

    /// Where nobody stands by, nobody works until the next start.
    fn note_absence(&self, now: Millis) {
        if self.slots.iter().all(|slot| slot.process.is_none() || slot.leads != Leads::ByElection) {
            let until = self
                .slots
                .iter()
                .map(|slot| slot.restart_at)
                .filter(|at| *at != NEVER)
                .min()
                .unwrap_or(now);
            self.stage.record().disturbed(now, until, None, "no process runs");
        }
    }

    async fn crash_or_restart(&mut self) {
        let at = usize::try_from(self.dice.between(0, self.slots.len() as u64)).unwrap_or(0);
        let Some(slot) = self.slots.get_mut(at) else { return };
        if self.dice.chance(0.5) {
            if let Some(process) = &slot.process {
                self.stage.kill(process.id, "out of nothing");
            }
        } else if let Some(process) = slot.process.take() {
            let began = self.stage.time.now();
            process.stop(&self.stage).await;
            let ended = self.stage.time.now();
            slot.restart_at = ended + self.dice.log_between(100, MINUTE);
            self.stage.record().disturbed(began, slot.restart_at, None, "no process runs");
        }
    }

    /// A process stands still for a while, in the middle of whatever it was doing.
    fn pause(&mut self, now: Millis) {
        let until = now + self.dice.log_between(SECOND, 3 * MINUTE);
        let running: Vec<_> = self
            .slots
            .iter()
            .filter_map(|slot| slot.process.as_ref())
            .map(|process| process.id)
            .collect();
        if let Some(process) = self.dice.pick(&running) {
            self.say(format_args!("P{process} stands still for {} ms", until - now));
            self.stage.pause(*process, until);
            self.stage.record().disturbed(now, until, None, "a process stands still");
        }
    }

    fn let_a_user_act(&mut self, now: Millis) {
        let any = || {
            Some((
                usize::try_from(self.dice.between(0, self.apps.len() as u64)).ok()?,
                *self.dice.pick(&self.run_plan.actions)?,
            ))
        };
        self.nag = self.nag.or_else(any);
        if let Some((at, action)) = self.nag
            && let Some(app) = self.apps.get_mut(at)
        {
            app.act(&self.stage, action);
            let (app_id, secret, reported) = (app.app_id.clone(), app.secret, app.reported);
            for other in self.apps.iter_mut().filter(|other| other.app_id == app_id) {
                other.hear_of_reset(&self.stage, secret);
                if reported == self.stage.time.now() && other.reported != reported {
                    other.report_dead(&self.stage);
                }
            }
        }
        // The garbage collector comes a moment later, and again for what was made meanwhile.
        let soon = now + self.dice.log_between(50, 15 * SECOND);
        self.collect_at.extend([soon, soon + MINUTE]);
    }

    fn collect_garbage(&self, now: Millis) {
        let orphans = self.stage.cluster().orphans();
        for orphan in orphans {
            self.stage.trace.note("gc", format_args!("takes Secret {}", orphan.1));
            self.stage.cluster().delete(now, Kind::Secret, &orphan);
            for app in self.apps.iter().filter(|app| app.target() == orphan.1) {
                app.expect(&self.stage, Act::Edit, "loses its target");
            }
        }
    }

    fn step_clock(&self, now: Millis) {
        let by = i64::try_from(self.dice.log_between(SECOND, 5 * HOUR)).unwrap_or_default();
        let skew =
            if self.dice.chance(0.3) { 0 } else { by * if self.dice.chance(0.5) { 1 } else { -1 } };
        self.say(format_args!("the node's clock is {} s off", skew / 1000));
        self.stage.time.step_nodes_clock(skew);
        self.stage.record().log.push(now, Event::Clock { skew });
    }

    /// Never into the calm.
    fn outage(&self) -> Millis {
        let now = self.stage.time.now();
        let left = self.run_plan.climate.bout_ends(now).saturating_sub(now);
        self.dice.log_between(SECOND, 4 * HOUR).min(left)
    }

    fn say(&self, what: std::fmt::Arguments<'_>) {
        self.stage.trace.note("director", what);
    }
}
