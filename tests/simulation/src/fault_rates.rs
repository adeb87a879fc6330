//! What goes wrong on the way: draws the outcome of each request, and knows when something is down.
//! Carries nothing out.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use miniprogram_operator::controller::Timing;
use tokio::sync::Notify;

use crate::{
    cluster::{
        Kind,
        request::{Asked, Verb},
    },
    dice::Dice,
    hidden::Hidden,
    time::{HOUR, MINUTE, Millis, SECOND},
};

/// How often an object is looked at for no reason.
const WATCHFUL: Duration = Duration::from_mins(60);

/// How many kinds of faults each door draws from.
pub const API_KINDS: u64 = 14;
pub const PLATFORM_KINDS: u64 = 12;

/// How likely what is, until `calm_from`.
#[derive(Clone, Debug, Default)]
pub struct Climate {
    /// From then on nothing goes wrong any more.
    pub calm_from: Millis,
    /// Before that, things go wrong for so long at a time, and then it is calm for so long; 0 for
    /// no calm between.
    pub bout: Millis,
    pub calm: Millis,
    /// A request to the API server meets a fault of its own.
    pub api: f64,
    /// A call to the platform meets a fault of its own.
    pub platform: f64,
    /// Which faults those are, by number: rare ones come up where there are few.
    pub api_kinds: Vec<u64>,
    pub platform_kinds: Vec<u64>,
    /// The process dies right before or after a request has its effect.
    pub crash: f64,
    /// An event on a watch is late, torn away or repeated.
    pub streams: f64,
    /// Whether watches end when their caller asked for it, instead of going on for hours.
    pub short_streams: bool,
    /// Whether the node's clock is stepped now and then.
    pub steps_clock: bool,
    /// Whether objects are hidden from lists and watches now and then. Readiness is probed there.
    pub hides: bool,
}

impl Climate {
    #[must_use]
    pub fn is_calm(&self, at: Millis) -> bool {
        at >= self.calm_from || self.bout_ends(at) <= at
    }

    /// When the bout of faults around a moment ends, or has ended.
    #[must_use]
    pub fn bout_ends(&self, at: Millis) -> Millis {
        if self.calm == 0 {
            return self.calm_from;
        }
        (at - at % (self.bout + self.calm) + self.bout).min(self.calm_from)
    }

    /// This moment, or when the next bout of faults begins if it is calm; none if there is no
    /// other.
    #[must_use]
    pub fn in_a_bout(&self, at: Millis) -> Option<Millis> {
        let period = self.bout + self.calm;
        let at = if self.calm > 0 && self.is_calm(at) { (at / period + 1) * period } else { at };
        (at < self.calm_from).then_some(at)
    }
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestOutcome {
    /// It takes effect and is answered; so long each way.
    Fine(Millis, Millis),
    /// No connection.
    Unsent(Millis),
    /// It never arrives; the caller hears of it (reset) or waits.
    Lost { reset: bool },
    /// It takes effect, the answer is lost, or stops in the middle (no reset).
    AnswerLost { reset: bool },
    /// It takes effect so much later, whoever still waits for it.
    Late { by: Millis, reset: bool },
    /// It is refused with this code.
    Refused(i64),
    /// An admission policy takes an annotation away from what is written.
    Altered,
    /// A gateway answers in its place; true if it took effect nevertheless.
    Garbled(bool),
    /// The process dies before it takes effect, or right after.
    Crash { after: bool },
}

#[derive(Default)]
struct Down {
    api_until: Millis,
    platform_until: Millis,
    hidden: Option<Hidden>,
}

pub struct FaultRates {
    pub dice: Dice,
    climate: Climate,
    down: Mutex<Down>,
    storm: Notify,
}

/// How often health is brought up to date, and looked at, where that matters.
pub const PROBES_APART: Millis = 5 * SECOND;

impl FaultRates {
    pub fn new(dice: Dice, climate: Climate) -> Self {
        Self { dice, climate, down: Mutex::default(), storm: Notify::new() }
    }

    pub fn api_goes_down(&self, until: Millis) {
        self.down().api_until = until;
        self.storm.notify_waiters();
    }

    pub fn platform_goes_down(&self, until: Millis) {
        self.down().platform_until = until;
    }

    /// Hides objects from lists and watches, also from those that stand.
    pub fn hides(&self, hidden: Hidden) {
        self.down().hidden = Some(hidden);
        self.tear_streams();
    }

    /// What is hidden at a moment.
    pub fn hidden(&self, now: Millis) -> Option<Hidden> {
        self.down().hidden.filter(|hidden| now < hidden.until)
    }

    fn down(&self) -> MutexGuard<'_, Down> {
        self.down.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tears all streams.
    pub fn tear_streams(&self) {
        self.storm.notify_waiters();
    }

    pub async fn storm_begins(&self) {
        self.storm.notified().await;
    }

    pub fn api_outcome(&self, now: Millis, asked: &Asked) -> RequestOutcome {
        let fine = RequestOutcome::Fine(self.dice.between(1, 8), self.dice.between(1, 8));
        if now < self.down().api_until {
            return match self.dice.between(0, 3) {
                0 => RequestOutcome::Unsent(self.dice.between(1, 3000)),
                1 => RequestOutcome::Lost { reset: false },
                _ => RequestOutcome::Refused(503),
            };
        }
        if let Some(outcome) = self.hidden(now).and_then(|hidden| hidden.outcome(now, asked)) {
            return outcome;
        }
        if self.climate.is_calm(now) {
            return fine;
        }
        let matters = asked.writes() || !matches!(asked.verb, Verb::Watch | Verb::List);
        // A candidate asks for the Lease every other second: it would never live to do anything
        // else.
        let crash =
            if asked.kind == Kind::Lease { self.climate.crash / 200.0 } else { self.climate.crash };
        if matters && self.dice.chance(crash) {
            return RequestOutcome::Crash { after: self.dice.chance(0.5) };
        }
        if !self.dice.chance(self.climate.api) {
            return fine;
        }
        let reset = self.dice.chance(0.5);
        let is_target = asked.kind == Kind::Secret && asked.verb == Verb::Apply;
        match self.kind(&self.climate.api_kinds, API_KINDS) {
            0 => RequestOutcome::Unsent(self.dice.between(1, 3000)),
            1 | 2 => RequestOutcome::Lost { reset },
            3..=5 => RequestOutcome::AnswerLost { reset },
            6 => RequestOutcome::Late { by: self.dice.log_between(100, 60 * SECOND), reset },
            7 => RequestOutcome::Fine(
                self.dice.log_between(10, 20 * SECOND),
                self.dice.log_between(10, 20 * SECOND),
            ),
            8 if asked.writes() => RequestOutcome::Refused(409),
            8 | 10 => RequestOutcome::Refused(500),
            9 => RequestOutcome::Refused(429),
            12 if is_target => RequestOutcome::Refused(403),
            13 if is_target => RequestOutcome::Altered,
            _ => RequestOutcome::Refused(503),
        }
    }

    fn kind(&self, kinds: &[u64], all: u64) -> u64 {
        self.dice.pick(kinds).copied().unwrap_or_else(|| self.dice.between(0, all))
    }

    pub fn platform_outcome(&self, now: Millis) -> RequestOutcome {
        let fine = RequestOutcome::Fine(self.dice.between(5, 100), self.dice.between(5, 100));
        if now < self.down().platform_until {
            return match self.dice.between(0, 5) {
                0 => RequestOutcome::Unsent(self.dice.between(1, 5000)),
                1 => RequestOutcome::Lost { reset: self.dice.chance(0.5) },
                2 => RequestOutcome::Garbled(false),
                _ => RequestOutcome::Refused(-1),
            };
        }
        if self.climate.is_calm(now) {
            return fine;
        }
        if self.dice.chance(self.climate.crash) {
            return RequestOutcome::Crash { after: self.dice.chance(0.5) };
        }
        if !self.dice.chance(self.climate.platform) {
            return fine;
        }
        let reset = self.dice.chance(0.5);
        match self.kind(&self.climate.platform_kinds, PLATFORM_KINDS) {
            0 | 1 => RequestOutcome::Unsent(self.dice.between(1, 5000)),
            2 => RequestOutcome::Lost { reset },
            3..=5 => RequestOutcome::AnswerLost { reset },
            6 | 7 => RequestOutcome::Late { by: self.dice.log_between(100, 110 * SECOND), reset },
            8 => RequestOutcome::Fine(
                self.dice.log_between(10, 15 * SECOND),
                self.dice.log_between(10, 15 * SECOND),
            ),
            9 => RequestOutcome::Garbled(self.dice.chance(0.5)),
            10 => RequestOutcome::Refused(45011),
            _ => RequestOutcome::Refused(-1),
        }
    }

    /// Whether the node's clock is stepped now and then.
    pub fn steps_clock(&self) -> bool {
        self.climate.steps_clock
    }

    /// Short sleeps are for clocks that somebody sets. Where nobody does, they would hide a moment
    /// that is slept through.
    pub fn timing(&self) -> Timing {
        if self.steps_clock() {
            Timing::default()
        } else {
            Timing { resync_period: WATCHFUL, tick: WATCHFUL }
        }
    }

    pub fn health_period(&self) -> Duration {
        if self.climate.hides { Duration::from_millis(PROBES_APART) } else { self.timing().tick }
    }

    /// What a watch asks for. Years of silence are mostly bookmarks, so where streams live for
    /// hours they are far apart.
    pub fn watch_seconds(&self) -> u32 {
        if self.climate.short_streams { 30 } else { 290 }
    }

    pub fn stream_life(&self, asked: &Asked) -> Millis {
        if self.climate.short_streams {
            let wanted = asked
                .parameter("timeoutSeconds")
                .and_then(|seconds| seconds.parse().ok())
                .unwrap_or(290);
            return wanted * SECOND;
        }
        self.dice.between(6 * HOUR, 12 * HOUR)
    }

    pub fn stream_lag(&self, now: Millis) -> Millis {
        if self.troubles_streams(now) {
            self.dice.log_between(10, MINUTE)
        } else {
            self.dice.between(1, 15)
        }
    }

    pub fn tears_stream(&self, now: Millis) -> bool {
        self.troubles_streams(now)
    }

    /// Whether a stream that breaks stays open, and says nothing more. Only where it soon shows.
    pub fn breaks_in_silence(&self) -> bool {
        self.climate.short_streams && self.dice.chance(0.3)
    }

    pub fn repeats_event(&self, now: Millis) -> bool {
        self.troubles_streams(now)
    }

    fn troubles_streams(&self, now: Millis) -> bool {
        !self.climate.is_calm(now) && self.dice.chance(self.climate.streams)
    }
}

#[cfg(test)]
mod tests {
    use super::Climate;

    #[test]
    fn where_no_calm_lies_between_any_moment_is_in_a_bout_and_none_after_the_last() {
        let climate = Climate { calm_from: 100, ..Climate::default() };
        assert_eq!(climate.in_a_bout(99), Some(99));
        assert_eq!(climate.in_a_bout(100), None);
    }

    #[test]
    fn a_moment_of_calm_waits_for_the_next_bout() {
        let climate = Climate { calm_from: 90, bout: 10, calm: 5, ..Climate::default() };
        assert_eq!(climate.in_a_bout(7), Some(7));
        assert_eq!(climate.in_a_bout(12), Some(15));
        assert_eq!(climate.in_a_bout(87), None);
    }
}
