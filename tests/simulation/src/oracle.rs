//! Judges a run by its ledger. Each question is a file of its own; this one knows what may be tolerated, and since when.

mod economy;
mod liveness;
pub mod spans;

use self::spans::Spans;
use crate::{
    ledger::{Ledger, Since},
    time::{MINUTE, Millis, SECOND, show},
};

/// What is tolerated.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// When the traces of what went wrong must be gone.
    pub settled_from: Millis,
    pub end: Millis,
    /// How long after its end a trouble may still excuse a dead token.
    pub recovery: Millis,
    /// How far off a clock may be before the operator must notice.
    pub skew: Millis,
    /// How many operators that know nothing of each other may ask for the same object's token.
    pub operators: u64,
}

/// The judgement of one run.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    pub faults: Vec<String>,
    /// The longest that a Secret held a dead token, or none, without an excuse.
    pub worst_excess: Millis,
    /// The longest at all.
    pub worst_dead: Millis,
    pub calls: u64,
    pub ideal_calls: u64,
    /// Tokens beyond the ideal, in percent of the troubles that may have cost one.
    pub surplus: u64,
    pub troubles: u64,
    pub crashes: u64,
}

#[must_use]
pub fn judge(ledger: &Ledger, bounds: &Bounds) -> Verdict {
    let mut verdict = Verdict { faults: ledger.blames.clone(), ..Verdict::default() };
    verdict.troubles = ledger.troubles.len() as u64;
    verdict.crashes = ledger.troubles.iter().filter(|trouble| trouble.what == "crash").count() as u64;
    liveness::dead_tokens(ledger, bounds, &mut verdict);
    liveness::lies(ledger, bounds, &mut verdict);
    economy::calls(ledger, bounds, &mut verdict);
    economy::writes(ledger, bounds, &mut verdict);
    verdict
}

/// When troubles of an app excuse something, so much longer than they lasted. In quiet times nothing does.
fn excused(ledger: &Ledger, bounds: &Bounds, app: Option<u64>, longer: Millis) -> Spans {
    let mut spans = Spans::default();
    for trouble in ledger.troubles.iter().filter(|trouble| trouble.app.is_none() || trouble.app == app) {
        spans.add(trouble.from, (trouble.to + longer).min(bounds.settled_from.max(trouble.from + MINUTE)));
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
        self.faults.iter().fold(String::new(), |all, fault| all + "  " + fault + "\n")
    }

    fn say(&mut self, what: String) {
        self.faults.push(what);
    }

    /// Finds fault with the longest of these, if it is longer than a second, and answers how long it is.
    fn tell_longest(&mut self, spans: &Spans, what: &str) -> Millis {
        let Some((from, to)) = spans.longest().filter(|(from, to)| to - from > SECOND) else { return 0 };
        self.say(format!("{what} for {} s from {}", (to - from) / SECOND, show(from)));
        to - from
    }
}
