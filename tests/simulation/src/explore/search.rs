//! All scripts of so many faults: plays each, and extends it by every fault at every step that
//! comes after its last one. What a shorter script has led to is what a longer one begins with,
//! since runs are deterministic: nothing is left out, nothing is played twice. Judges nothing.
//!
//! Longer scripts may be held to the grave faults: then it is all of those.

use std::{
    collections::{BTreeMap, HashSet},
    sync::{Condvar, Mutex, PoisonError},
    thread,
};

use super::{
    play::{Played, play},
    scenario::Scenario,
    script::{Script, Trigger},
};
/// What all runs of a scenario came to.
#[derive(Clone, Debug, Default)]
pub struct Sum {
    /// How many runs, by how many faults they had.
    pub runs: Vec<u64>,
    /// How many of them did different things.
    pub histories: HashSet<u64>,
    /// The most mints, by how many faults.
    pub mints: Vec<u64>,
    pub calls: Worst,
    pub writes: Worst,
    /// The longest that the target held no live token, in milliseconds.
    pub dead: Worst,
    /// The longest that the object was Ready all the same.
    pub lie: Worst,
    /// The longest way to rest.
    pub rest: Worst,
    pub failed: Vec<Failed>,
}

/// The most of something, and a script that led to it.
#[derive(Clone, Debug, Default)]
pub struct Worst {
    pub most: u64,
    pub script: Script,
}

/// A script that did not end well.
#[derive(Clone, Debug)]
pub struct Failed {
    pub scenario: Scenario,
    pub script: Script,
    pub faults: Vec<String>,
}

/// How far to go.
#[derive(Clone, Copy, Debug)]
pub struct Depth {
    /// How many faults of any kind.
    pub faults: usize,
    /// How many grave ones.
    pub grave: usize,
}

/// A script to play, and whether all its faults are grave.
struct Next {
    scenario: Scenario,
    script: Script,
    grave: bool,
}

/// What is still to be played, and how many are at it.
struct Work {
    next: Vec<Next>,
    busy: usize,
    sums: BTreeMap<String, Sum>,
}

/// Plays every script that is no longer than that.
#[must_use]
pub fn explore(scenarios: &[Scenario], depth: Depth, threads: usize) -> BTreeMap<String, Sum> {
    let first =
        |scenario: &Scenario| Next { scenario: *scenario, script: Script::default(), grave: true };
    let work = Mutex::new(Work {
        next: scenarios.iter().rev().map(first).collect(),
        busy: 0,
        sums: BTreeMap::new(),
    });
    let changed = Condvar::new();
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(next) = take(&work, &changed) {
                    let played = play(next.scenario, &next.script, false);
                    let longer = next.extensions(depth, &played);
                    let mut work = work.lock().unwrap_or_else(PoisonError::into_inner);
                    work.busy -= 1;
                    work.next.extend(longer);
                    work.sums.entry(next.scenario.to_string()).or_default().add(
                        next.scenario,
                        next.script,
                        played,
                    );
                    changed.notify_all();
                }
            });
        }
    });
    work.into_inner().unwrap_or_else(PoisonError::into_inner).sums
}

/// The next script, or none if there will be no more.
fn take(work: &Mutex<Work>, changed: &Condvar) -> Option<Next> {
    let work = work.lock().unwrap_or_else(PoisonError::into_inner);
    let mut work = changed
        .wait_while(work, |work| work.next.is_empty() && work.busy > 0)
        .unwrap_or_else(PoisonError::into_inner);
    let next = work.next.pop()?;
    work.busy += 1;
    Some(next)
}

impl Next {
    /// This script and one fault more, by all that it led to after its last one.
    fn extensions(&self, depth: Depth, played: &Played) -> Vec<Self> {
        let length = self.script.len() + 1;
        let mut longer = Vec::new();
        for (index, made) in played.made.iter().enumerate() {
            for fault in made.step.faults(self.scenario.population) {
                let trigger = Trigger { step: index + 1, fault };
                let grave = self.grave && made.step.is_grave(fault);
                if self.script.may_go_on(trigger)
                    && (length <= depth.faults || grave && length <= depth.grave)
                {
                    longer.push(Self {
                        scenario: self.scenario,
                        script: self.script.and(trigger),
                        grave,
                    });
                }
            }
        }
        longer
    }
}

impl Sum {
    fn add(&mut self, scenario: Scenario, script: Script, played: Played) {
        let (faults, ending) = (script.len(), played.ending);
        self.runs.resize(self.runs.len().max(faults + 1), 0);
        self.mints.resize(self.mints.len().max(faults + 1), 0);
        self.runs[faults] += 1;
        self.mints[faults] = self.mints[faults].max(ending.mints);
        self.histories.insert(ending.history);
        for (worst, value) in [
            (&mut self.calls, ending.calls),
            (&mut self.writes, ending.writes),
            (&mut self.dead, ending.dead),
            (&mut self.lie, ending.lie),
            (&mut self.rest, ending.rest),
        ] {
            if value > worst.most {
                *worst = Worst { most: value, script: script.clone() };
            }
        }
        if !ending.faults.is_empty() {
            self.failed.push(Failed { scenario, script, faults: ending.faults });
        }
    }
}
