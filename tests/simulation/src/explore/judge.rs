//! Whether a run ended well: the target holds the newest token or it is known that it may not, at every moment; in the end it
//! does, and nobody goes on calling or writing. Lets nothing happen.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::{
    chronicle::{Chronicle, Scene},
    play::SETTLING,
    prompter::{Made, Prompter},
    scenario::{Cast, Scenario},
    script::{Cue, Deed, Fault, Script},
    step::Step,
};
use crate::{
    cluster::Kind,
    ledger::Ledger,
    oracle::{Verdict, limits, spans::Spans},
    time::{MINUTE, Millis, SECOND, show},
};

/// What a pod's file may lag behind its Secret, with the kubelet's default settings.
const KUBELET: Millis = 90 * SECOND;
/// A token of the platform is asked for so long before its end: from then on another one is due.
const DUE: Millis = 300 * SECOND;
/// A dead token is replaced so long after the last thing that went wrong.
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
    ledger: &'a Ledger,
    chronicle: &'a Chronicle,
    script: &'a Script,
    made: &'a [Made],
    scenario: Scenario,
    began: Millis,
    /// When the last thing that went wrong was over.
    over: Millis,
    end: Millis,
}

#[must_use]
pub fn judge(ledger: &Ledger, prompter: &Prompter, scenario: Scenario, (began, end): (Millis, Millis)) -> Ending {
    let (chronicle, made) = (prompter.chronicle(), prompter.made());
    let (script, over) = (prompter.script(), prompter.over());
    let run = Run { ledger, chronicle: &chronicle, script, made: &made, scenario, began, over, end };
    let mut ending = Ending { faults: ledger.blames.clone(), ..Ending::default() };
    run.acts(&mut ending);
    let mut limits = Verdict::default();
    limits::forced(ledger, &mut limits);
    ending.faults.extend(limits.faults.iter().map(ToString::to_string));
    let tokens = [run.doubts(), run.lives(&mut ending), run.settled()].concat();
    if !run.outlives_its_object() {
        ending.faults.extend(tokens);
    }
    ending
}

/// When somebody last called or wrote.
#[must_use]
pub fn last_act(ledger: &Ledger) -> Option<Millis> {
    let calls = ledger.executed.values().flatten().map(|call| call.arrived_ms);
    calls.chain(writes(ledger)).max()
}

fn writes(ledger: &Ledger) -> impl Iterator<Item = Millis> + '_ {
    ledger.writes.iter().filter(|(_, kind, _)| *kind != Kind::Lease).map(|(at, ..)| *at)
}

impl Run<'_> {
    /// New tokens in the order in which the platform made them.
    fn mints(&self) -> impl DoubleEndedIterator<Item = (Millis, &str)> {
        let calls = self.ledger.executed.values().flatten().filter(|call| call.minted);
        calls.filter_map(|call| Some((call.executed_ms?, call.token.as_deref()?)))
    }

    /// Whether a request for an object was on its way when the object was re-created. What is in doubt stands in the status,
    /// and goes with it: that such a request may still land, nobody can know.
    fn outlives_its_object(&self) -> bool {
        let is_call = |cue: &&Cue| self.made.get(cue.step - 1).is_some_and(|made| made.step == Step::Call);
        let mut slow = self.script.cues().iter().filter(is_call);
        let recreated = self.script.cues().iter().any(|cue| cue.fault == Fault::User(Deed::Recreate));
        recreated && slow.any(|cue| matches!(cue.fault, Fault::Late { .. } | Fault::Pause { .. }))
    }

    /// How much was done, and for how long.
    fn acts(&self, ending: &mut Ending) {
        let after = |at: &Millis| *at >= self.began;
        let calls = self.ledger.executed.values().flatten().map(|call| call.arrived_ms).filter(after);
        ending.calls = calls.count() as u64;
        ending.mints = self.mints().filter(|(at, _)| after(at)).count() as u64;
        ending.writes = writes(self.ledger).filter(after).count() as u64;
        ending.rest = last_act(self.ledger).unwrap_or_default().saturating_sub(self.over);
        let mut hasher = DefaultHasher::new();
        for made in self.made {
            (made.process, made.step).hash(&mut hasher);
        }
        ending.history = hasher.finish();
        let faults = self.script.len();
        let labels = |cue: &&Cue| matches!(cue.fault, Fault::User(Deed::Label | Deed::Touch));
        let costly = faults - self.script.cues().iter().filter(labels).count();
        let most = MOST_MINTS.get(costly).copied().unwrap_or(3 * costly as u64);
        if ending.mints > most {
            ending.faults.push(format!("{} tokens were made, {most} would do", ending.mints));
        }
        let most = MOST_WRITES * (1 + faults as u64);
        if ending.writes > most {
            ending.faults.push(format!("{} writes, {most} would do", ending.writes));
        }
        if ending.rest > SETTLING {
            ending.faults.push(format!("calls and writes go on {} minutes after all is over", SETTLING / MINUTE));
        }
    }

    /// At every moment the target holds the newest token, or something that lasts says that it may not.
    fn doubts(&self) -> Vec<String> {
        let scenes = &self.chronicle.scenes;
        let mut moments: Vec<Millis> = scenes.iter().map(|scene| scene.from).chain(self.mints().map(|(at, _)| at)).collect();
        moments.sort_unstable();
        let is_bad = |at: &Millis| {
            let newest = self.mints().rfind(|(minted, _)| minted <= at);
            let scene = scenes.iter().rfind(|scene| scene.from <= *at);
            scene.zip(newest).is_some_and(|(scene, (_, newest))| !holds_or_knows(&scene.is, newest, *at))
        };
        let first = moments.into_iter().filter(|at| *at >= self.began).find(is_bad);
        first.map(|at| format!("the target holds an old token and nobody knows, from {}", show(at))).into_iter().collect()
    }

    /// Dead tokens, for how long, and whether anybody called them good.
    fn lives(&self, ending: &mut Ending) -> Vec<String> {
        let scenes = &self.chronicle.scenes;
        let (mut dead, mut stale, mut lies) = (Spans::default(), Spans::default(), Spans::default());
        let ends = scenes.iter().skip(1).map(|scene| scene.from).chain([self.end]);
        for (scene, to) in scenes.iter().zip(ends) {
            let token = scene.is.target.as_ref().and_then(|target| target.token.as_ref());
            let dies = token.and_then(|token| self.ledger.tokens.get(token)).map_or(scene.from, |life| life.dies);
            let from = dies.max(scene.from).max(self.began);
            dead.add(from, to);
            if scene.is.object.ready {
                lies.add(from, to);
            }
            if token.is_some() {
                stale.add(from, (to + KUBELET).min(self.end));
            }
        }
        let length = |spans: &Spans| spans.longest().map_or(0, |(from, to)| to - from);
        (ending.dead, ending.lie) = (length(&dead), length(&lies));
        let until = self.over + RECOVERY;
        let judged = [
            (dead, until, "the target holds no live token"),
            (stale, until + KUBELET, "a pod that lags 90 s holds a dead token"),
            (lies, until, "Ready is True over a dead token"),
        ];
        let longest = judged.into_iter().filter_map(|(spans, until, what)| {
            let mut excused = Spans::default();
            excused.add(0, until);
            let (from, to) = spans.without(&excused).longest().filter(|(from, to)| to - from > SECOND)?;
            Some(format!("{what} for {} s from {}", (to - from) / SECOND, show(from)))
        });
        longest.collect()
    }

    /// In the end the newest token lies in the target and lives, the status says so, and no doubt is left.
    fn settled(&self) -> Vec<String> {
        let Scene { target, object } = self.chronicle.now();
        let target = target.unwrap_or_default();
        let newest = self.mints().next_back().map(|(_, token)| token);
        let dies = target.token.as_ref().and_then(|token| self.ledger.tokens.get(token)).map_or(0, |life| life.dies);
        let wrong = [
            (!target.whole || target.token.as_deref() != newest, "the target does not hold the newest token"),
            (dies <= self.end, "the target holds a dead token"),
            (target.unsettled, "the target's token is unsettled and nobody asks again"),
            (object.intent.is_some(), "an intent stands and nobody asks again"),
            (!object.ready, "Ready is not True"),
            // One of two releases may have failed in the second in which the other one got the token.
            (object.failing && self.scenario.cast == Cast::Lease, "a failure stands"),
        ];
        wrong.into_iter().filter(|(is, _)| *is).map(|(_, what)| format!("in the end {what}")).collect()
    }
}

fn holds_or_knows(scene: &Scene, newest: &str, at: Millis) -> bool {
    let Some(target) = scene.target.as_ref().filter(|target| target.whole) else { return true };
    let is_open = |(id, doubt): &(String, bool)| *doubt || target.issued_for.as_ref() != Some(id);
    target.token.as_deref() == Some(newest)
        || target.unsettled
        || scene.object.intent.as_ref().is_some_and(is_open)
        || scene.object.failing
        || scene.object.issued.is_none_or(|known| target.issued < known)
        || scene.object.reported == target.token
        || target.expires <= at + DUE
}
