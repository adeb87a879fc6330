//! Whether a script ended well: every promise was kept, the target held the newest token or it was
//! known that it may not, at every moment; in the end it does, and nobody goes on calling or
//! writing. Lets nothing happen.

use std::hash::{DefaultHasher, Hash, Hasher};

use judge::{
    Millis, Promise, Rules,
    facts::{Facts, Life, stretches},
    spans::Spans,
};

use super::{
    history::{History, Snapshot},
    injector::{Injector, Made},
    play::SETTLING,
    scenario::{Population, Scenario},
    script::{Fault, PersonAction, Script, Trigger},
    step::Step,
};
use crate::{
    record::Record,
    time::{MINUTE, SECOND, show},
};

/// A token of the platform is asked for so long before its end: from then on another one is due.
const DUE: Millis = 300 * SECOND;
/// All is well so long after the last thing that went wrong.
const RECOVERY: Millis = 240 * SECOND;
/// New tokens, at most, by how many things went wrong that may cost one.
const MOST_MINTS: [u64; 4] = [1, 3, 5, 9];
/// Writes, at most: so many, and as many again for each thing that went wrong.
const MOST_WRITES: u64 = 12;

/// How a run ended.
#[derive(Clone, Debug, Default)]
pub struct Ending {
    pub faults: Vec<String>,
    /// New tokens, from the occasion on.
    pub mints: u64,
    pub calls: u64,
    pub writes: u64,
    /// The longest that the target held no live token, from the occasion on.
    pub dead: Millis,
    /// The longest that the object was Ready all the same.
    pub lie: Millis,
    /// How long after the last thing that went wrong the last call or write came.
    pub rest: Millis,
    /// What was done in which order, whenever it was.
    pub history: u64,
}

/// A run that is over, as far as it is judged.
struct Run<'a> {
    record: &'a Record,
    facts: Facts<'a>,
    history: &'a History,
    script: &'a Script,
    made: &'a [Made],
    scenario: Scenario,
    began: Millis,
    /// When the last thing that went wrong was over.
    over: Millis,
}

#[must_use]
pub fn judge(
    record: &Record,
    injector: &Injector,
    scenario: Scenario,
    (began, end): (Millis, Millis),
) -> Ending {
    let rules = Rules { recovery: RECOVERY, operators: scenario.operators(), ..Rules::default() };
    let (history, made) = (injector.history(), injector.made());
    let (script, over) = (injector.script(), injector.over());
    let facts = Facts::of(&record.log, &rules, end);
    let run = Run { record, facts, history: &history, script, made: &made, scenario, began, over };
    let mut ending = Ending::default();
    run.acts(&mut ending);
    run.lives(&mut ending);
    let knows = !run.outlives_its_object();
    let needs_to_know = |promise| matches!(promise, Promise::LiveToken | Promise::Ready);
    let broken = record
        .judge(&rules, end)
        .broken
        .into_iter()
        .filter(|broken| knows || !needs_to_know(broken.promise));
    ending.faults.extend(broken.map(|broken| broken.to_string()));
    if knows {
        ending.faults.extend([run.doubts(), run.settled()].concat());
    }
    ending
}

impl Run<'_> {
    /// New tokens in the order in which the platform made them.
    fn mints(&self) -> Vec<(Millis, &str)> {
        let mut mints: Vec<_> =
            self.facts.tokens.iter().map(|(token, life)| (life.minted, *token)).collect();
        mints.sort_unstable();
        mints
    }

    fn life(&self, token: Option<&String>) -> Option<&Life<'_>> {
        self.facts.tokens.get(token?.as_str())
    }

    /// Whether a request for an object was on its way when the object was re-created. What is in
    /// doubt stands in the status, and goes with it: that such a request may still land, nobody can
    /// know.
    fn outlives_its_object(&self) -> bool {
        let is_call = |trigger: &&Trigger| {
            self.made.get(trigger.step - 1).is_some_and(|made| made.step == Step::Call)
        };
        let mut slow = self.script.cues().iter().filter(is_call);
        let recreated = self
            .script
            .cues()
            .iter()
            .any(|trigger| trigger.fault == Fault::User(PersonAction::Recreate));
        recreated
            && slow.any(|trigger| matches!(trigger.fault, Fault::Late { .. } | Fault::Pause { .. }))
    }

    /// How much was done, and for how long.
    fn acts(&self, ending: &mut Ending) {
        let after = |at: &Millis| *at >= self.began;
        let calls = self.facts.apps.values().flat_map(|app| &app.calls);
        ending.calls =
            calls.filter(|call| call.is.counted.is_some_and(|(at, _)| after(&at))).count() as u64;
        ending.mints = self.mints().iter().filter(|(at, _)| after(at)).count() as u64;
        ending.writes = self.facts.writes.iter().filter(|write| after(&write.from)).count() as u64;
        ending.rest = self.record.last_act().unwrap_or_default().saturating_sub(self.over);
        let mut hasher = DefaultHasher::new();
        for made in self.made {
            (made.process, made.step).hash(&mut hasher);
        }
        ending.history = hasher.finish();
        let faults = self.script.len();
        let labels = |trigger: &&Trigger| {
            matches!(trigger.fault, Fault::User(PersonAction::Label | PersonAction::Touch))
        };
        let costly = faults - self.script.cues().iter().filter(labels).count();
        // A token that was stored and that no status tells of is not believed: one more is made.
        let crashes = self
            .script
            .cues()
            .iter()
            .filter(|trigger| matches!(trigger.fault, Fault::Crash { .. }))
            .count();
        let most = MOST_MINTS.get(costly).copied().unwrap_or(3 * costly as u64) + crashes as u64;
        // Where tokens add up, each release has one of its own.
        let adds = !self.scenario.endpoint.ends_others();
        let most = if adds { most * self.scenario.operators() } else { most };
        if ending.mints > most {
            ending.faults.push(format!("{} tokens were made, {most} would do", ending.mints));
        }
        let most = MOST_WRITES * (1 + faults as u64);
        if ending.writes > most {
            ending.faults.push(format!("{} writes, {most} would do", ending.writes));
        }
        if ending.rest > SETTLING {
            ending.faults.push(format!(
                "calls and writes go on {} minutes after all is over",
                SETTLING / MINUTE
            ));
        }
    }

    /// For how long the target held a dead token, and for how long that was called good.
    fn lives(&self, ending: &mut Ending) {
        let (mut dead, mut lies) = (Spans::default(), Spans::default());
        for (from, to, snapshot) in stretches(&self.history.scenes, self.facts.end) {
            let token = snapshot.target.as_ref().and_then(|target| target.token.as_ref());
            let since = self.life(token).map_or(from, |life| life.ends).max(from).max(self.began);
            dead.add(since, to);
            if snapshot.object.ready {
                lies.add(since, to);
            }
        }
        let length = |spans: &Spans| spans.longest().map_or(0, |(from, to)| to - from);
        (ending.dead, ending.lie) = (length(&dead), length(&lies));
    }

    /// At every moment the target holds the newest token, or something that lasts says that it may
    /// not. Where tokens add up, an older one is as good.
    fn doubts(&self) -> Vec<String> {
        if !self.scenario.endpoint.ends_others() {
            return vec![];
        }
        let (scenes, mints) = (&self.history.scenes, self.mints());
        let mut moments: Vec<Millis> = scenes
            .iter()
            .map(|snapshot| snapshot.from)
            .chain(mints.iter().map(|(at, _)| *at))
            .collect();
        moments.sort_unstable();
        let is_bad = |at: &Millis| {
            let newest = mints.iter().rfind(|(minted, _)| minted <= at);
            let snapshot = scenes.iter().rfind(|snapshot| snapshot.from <= *at);
            snapshot
                .zip(newest)
                .is_some_and(|(snapshot, (_, newest))| !holds_or_knows(&snapshot.is, newest, *at))
        };
        let first = moments.into_iter().filter(|at| *at >= self.began).find(is_bad);
        first
            .map(|at| format!("the target holds an old token and nobody knows, from {}", show(at)))
            .into_iter()
            .collect()
    }

    /// In the end the newest token lies in the target and lives, the status says so, and no doubt
    /// is left.
    fn settled(&self) -> Vec<String> {
        let Snapshot { target, object } = self.history.now();
        let target = target.unwrap_or_default();
        let newest = self.mints().last().map(|(_, token)| *token);
        let is_older = self.scenario.endpoint.ends_others() && target.token.as_deref() != newest;
        let ends = self.life(target.token.as_ref()).map_or(0, |life| life.ends);
        let wrong = [
            (!target.whole || is_older, "the target does not hold the newest token"),
            (ends <= self.facts.end, "the target holds a dead token"),
            (target.unconfirmed, "the target's token is unconfirmed and nobody asks again"),
            (object.intent.is_some(), "an intent stands and nobody asks again"),
            (!object.ready, "Ready is not True"),
            // One of two releases may have failed in the second in which the other one got the
            // token.
            (object.failing && self.scenario.population == Population::Lease, "a failure stands"),
        ];
        wrong
            .into_iter()
            .filter(|(is, _)| *is)
            .map(|(_, what)| format!("in the end {what}"))
            .collect()
    }
}

fn holds_or_knows(snapshot: &Snapshot, newest: &str, at: Millis) -> bool {
    let Some(target) = snapshot.target.as_ref().filter(|target| target.whole) else { return true };
    let is_open = |(id, outcome_unknown): &(String, bool)| {
        *outcome_unknown || target.issued_for.as_ref() != Some(id)
    };
    target.token.as_deref() == Some(newest)
        || target.unconfirmed
        || snapshot.object.intent.as_ref().is_some_and(is_open)
        || snapshot.object.failing
        || snapshot.object.issued.is_none_or(|known| target.issued < known)
        || snapshot.object.reported == target.token
        || target.expires <= at + DUE
}
