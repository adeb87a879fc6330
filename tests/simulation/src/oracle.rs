//! Judges a run by its ledger. Each oracle has a name and a file; this one knows what may be tolerated, and since when.

mod economy;
pub mod limits;
mod liveness;
mod pace;
pub mod spans;

use std::fmt;

use self::spans::Spans;
use crate::{
    ledger::{Ledger, Since},
    time::{DAY, MINUTE, Millis, SECOND, show},
    trouble::Cause,
};

/// What is asked of a run. Every fault is that one of these was not so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Oracle {
    /// (a) The token that a pod holds is dead only while nobody could do better.
    DeadToken,
    /// (b) The platform is asked as often as is needed, and as a crash, a takeover or a lost answer costs.
    NeedlessCall,
    /// (c) Ready is not True over a dead token.
    FalseReady,
    /// (d) A refresh costs a few writes, and rest costs none.
    WriteLoop,
    /// (e) Whatever went wrong, all is well again within the bound of its class.
    SlowRecovery,
    /// (f) No quota and no limit of the platform is exceeded.
    Limits,
    /// No look panics, and nothing is asked that no API server would serve.
    Soundness,
}

/// One thing that was wrong.
#[derive(Clone, Debug)]
pub struct Fault {
    pub oracle: Oracle,
    pub what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.oracle, self.what)
    }
}

/// What is tolerated.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// When the traces of what went wrong must be gone.
    pub settled_from: Millis,
    pub end: Millis,
    /// How far off a clock may be before the operator must notice.
    pub skew: Millis,
    /// How many operators that know nothing of each other may ask for the same object's token.
    pub operators: u64,
}

/// The judgement of one run.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    pub faults: Vec<Fault>,
    /// The longest that a pod had a dead token, or none, beyond what anybody could have prevented.
    pub worst_excess: Millis,
    /// The longest at all.
    pub worst_dead: Millis,
    pub calls: u64,
    pub ideal_calls: u64,
    /// What was put in the operator's way.
    pub injected: u64,
    pub crashes: u64,
}

/// So many intents in a day may have spent the share of the quota that goes to mints which no clock asks for.
const MANY: usize = 150;
/// From then on two of them are so far apart, and an intent counts also if its process died before it could call.
const LONGEST_FLOOR: Millis = 180 * SECOND;

/// A trouble that comes before another one is over may undo what was almost done.
const TOGETHER: Millis = 120 * SECOND;

#[must_use]
pub fn judge(ledger: &Ledger, bounds: &Bounds) -> Verdict {
    let mut verdict = Verdict::default();
    for blame in &ledger.blames {
        verdict.say(Oracle::Soundness, blame.clone());
    }
    verdict.injected = ledger.troubles.iter().filter(|trouble| trouble.cause.is_a_fault()).count() as u64;
    verdict.crashes = ledger.troubles.iter().filter(|trouble| trouble.cause == Cause::Crash).count() as u64;
    liveness::dead_tokens(ledger, bounds, &mut verdict);
    liveness::contested_tokens(ledger, bounds, &mut verdict);
    liveness::lies(ledger, bounds, &mut verdict);
    liveness::silence(ledger, bounds, &mut verdict);
    economy::calls(ledger, bounds, &mut verdict);
    economy::writes(ledger, bounds, &mut verdict);
    pace::calls(ledger, bounds, &mut verdict);
    pace::rest(ledger, bounds, &mut verdict);
    limits::quotas(ledger, &mut verdict);
    if bounds.skew == 0 {
        limits::forced(ledger, &mut verdict);
        pace::floors(ledger, &mut verdict);
    }
    verdict
}

/// When troubles of an app excuse something, each so much longer than it lasted as its class may. In quiet times nothing does.
fn excused(ledger: &Ledger, bounds: &Bounds, app: Option<u64>, longer: impl Fn(Cause) -> Millis) -> Spans {
    let mut spans = Spans::default();
    let intents = ledger.intents(app);
    let is_spent = |at| intents.partition_point(|from| *from <= at) >= MANY + intents.partition_point(|from| *from + DAY <= at);
    let mut troubles: Vec<_> = ledger.troubles.iter().filter(|trouble| trouble.concerns(app)).collect();
    troubles.sort_unstable_by_key(|trouble| trouble.from);
    let mut before = 0;
    for trouble in troubles {
        let begins_anew = trouble.cause.is_of_a_process() && is_spent(trouble.to);
        let until = trouble.to + longer(trouble.cause) + if begins_anew { LONGEST_FLOOR } else { 0 };
        let together = if trouble.from < before { TOGETHER } else { 0 };
        before = before.max(until);
        spans.add(trouble.from, (until + together).min(bounds.settled_from.max(trouble.from + MINUTE)));
    }
    spans
}

/// From when to when what was so.
fn stretches<T>(story: &[Since<T>], end: Millis) -> impl Iterator<Item = (Millis, Millis, &T)> {
    let ends = story.iter().skip(1).map(|next| next.from).chain([end]);
    story.iter().zip(ends).map(|(since, to)| (since.from, to, &since.is))
}

impl Verdict {
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.faults.is_empty()
    }

    #[must_use]
    pub fn summary(&self) -> String {
        self.faults.iter().fold(String::new(), |all, fault| format!("{all}  {fault}\n"))
    }

    pub fn say(&mut self, oracle: Oracle, what: String) {
        self.faults.push(Fault { oracle, what });
    }

    /// Finds fault with the longest of these, if it is longer than a second, and answers how long it is.
    fn tell_longest(&mut self, oracle: Oracle, spans: &Spans, what: &str) -> Millis {
        let Some((from, to)) = spans.longest().filter(|(from, to)| to - from > SECOND) else { return 0 };
        self.say(oracle, format!("{what} for {} s from {}", (to - from) / SECOND, show(from)));
        to - from
    }
}
