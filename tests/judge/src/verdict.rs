//! Which promises were broken, and figures for people.

use std::fmt;

use crate::{log::Millis, spans::Spans};

/// What the operator promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Promise {
    /// A Secret, and a pod that reads it late, holds a live token.
    LiveToken,
    /// An object with a right app secret has its first token soon, whoever else names its app.
    FirstToken,
    /// A dead token that is reported is replaced soon, whoever else names its app.
    Reported,
    /// Ready is True exactly while the target holds a valid token.
    Ready,
    /// Accepted is only what the platform has answered with a token.
    Accepted,
    /// A leader that does not see its world is not ready, and one that sees it is.
    Sight,
    /// What a status says of the future comes true.
    Future,
    /// The platform is asked when there is a reason, and otherwise left alone.
    NoNeedlessCall,
    /// No limit of the platform is exceeded, and calls keep their distance.
    Limits,
    /// Who holds no Lease neither calls nor writes.
    Term,
    /// An older token is never written over a newer one.
    NewestWins,
    /// A refresh costs a few requests, and rest costs none.
    Rest,
    /// Nothing panics, and nothing is asked that no API server would serve.
    Soundness,
}

/// A promise that was not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    pub promise: Promise,
    pub at: Millis,
    pub what: String,
}

/// The judgement of one run.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    pub broken: Vec<Broken>,
    /// The longest that an expected Secret held no live token.
    pub longest_dead: Millis,
    pub calls: u64,
    /// How many calls would have done if nothing had gone wrong.
    pub ideal_calls: u64,
    pub disturbances: u64,
    /// How long it was calm for each object, summed up.
    pub calm: Millis,
}

impl Verdict {
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.broken.is_empty()
    }

    pub fn add(&mut self, promise: Promise, at: Millis, what: String) {
        self.broken.push(Broken { promise, at, what });
    }

    /// A promise is broken in the longest of these spans, if that is longer than a second: times
    /// are cut to the second.
    pub(crate) fn add_longest(&mut self, promise: Promise, spans: &Spans, what: &str) {
        if let Some((from, to)) = spans.longest().filter(|(from, to)| to - from > 1000) {
            self.add(promise, from, format!("{what} for {} s", (to - from) / 1000));
        }
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}, at {}", self.promise, self.what, Moment(self.at))
    }
}

/// A moment for people: days and the time of day.
pub struct Moment(pub Millis);

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, millis) = (self.0 / 1000, self.0 % 1000);
        let (minutes, seconds) = (seconds / 60, seconds % 60);
        let (hours, minutes) = (minutes / 60, minutes % 60);
        write!(f, "{}d{:02}:{minutes:02}:{seconds:02}.{millis:03}", hours / 24, hours % 24)
    }
}
