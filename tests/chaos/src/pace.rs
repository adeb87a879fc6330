//! How fast a run goes: lives, leads, leases, and the times that an operator may need. Knows no
//! process and no fault.
//!
//! A run of ten minutes must hold many rotations, and the operator counts some things in real
//! seconds whatever a token's life: 120 s is the shortest lead that a spec may ask for, 120 to 180
//! s after it an unconfirmed token is confirmed. So the platform is WeChat in small, with the one
//! thing kept that the operator relies on: **the lead, the overlap and the window are one length of
//! time**, which is 300 s there and 120 s here. Lives of 180 to 320 s make rotations 60 to 200 s
//! apart: the longest-lived apps see an unconfirmed token confirmed, the shortest-lived ones
//! replace it before.
//!
//! A run shorter than four minutes has no time for that. There the lease is four seconds, and lives
//! are shorter than the shortest lead, so that the operator asks at half of a life; the overlap and
//! the window are that half and a little.
//!
//! Processes are hit in bouts, and left in peace after each for long enough that all must be well
//! again, and then go well for a while.

use judge::{Rules, rules::Limits};
use platform_simulator::{Millis, model::AppSettings};
use witness::ON_ITS_WAY;

const SECOND: Millis = 1000;
/// Of each mode.
const APPS: u64 = 8;
/// The first run that has time for real minutes.
const LONG: Millis = 240 * SECOND;

/// How long readers may lag: they look a few times a second.
const READ_WITHIN: Millis = 2 * SECOND;

/// How fast a run goes.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// How many bouts there are.
    pub bouts: u64,
    /// For how long processes are hit in each.
    pub bout: Millis,
    /// For how long they are left in peace after it.
    pub peace: Millis,
    /// `--lease-duration-seconds`
    pub lease: Millis,
    /// `--connect-timeout-seconds`
    pub connect: Millis,
    /// `--request-timeout-seconds`
    pub request: Millis,
    /// `spec.refreshBeforeSeconds`, where lives leave room for one.
    pub lead: Option<Millis>,
    shortest_life: Millis,
    step: Millis,
    /// A machine that compiles meanwhile is slow.
    slack: Millis,
}

/// How the tokens of one app live.
#[derive(Clone, Copy, Debug)]
pub struct Lives {
    pub life: Millis,
    /// How long after it was made a token is due to be replaced.
    pub rotates_after: Millis,
    overlap: Millis,
}

impl Pace {
    pub fn of(length: Millis) -> Self {
        let (bout, peace) = if length >= LONG { (40, 110) } else { (20, 40) };
        let (bout, peace) = (bout * SECOND, peace * SECOND);
        let bouts = (length / (bout + peace)).max(1);
        if length >= LONG {
            Self {
                bouts,
                bout,
                peace,
                lease: 15 * SECOND,
                connect: 5 * SECOND,
                request: 10 * SECOND,
                lead: Some(120 * SECOND),
                shortest_life: 180 * SECOND,
                step: 20 * SECOND,
                slack: 6 * SECOND,
            }
        } else {
            Self {
                bouts,
                bout,
                peace,
                lease: 4 * SECOND,
                connect: SECOND,
                request: 2 * SECOND,
                lead: None,
                shortest_life: 44 * SECOND,
                step: 2 * SECOND,
                slack: 6 * SECOND,
            }
        }
    }

    /// One for each app of a mode, all different, so that rotations do not come at one moment.
    pub fn lives(&self) -> impl Iterator<Item = Lives> {
        let (lead, first, step) = (self.lead, self.shortest_life, self.step);
        (0..APPS).map(move |nth| {
            let life = first + nth * step;
            let rotates_after = lead.map_or(life / 2, |lead| life - lead);
            let overlap = lead.unwrap_or(life / 2 + 4 * SECOND);
            Lives { life, rotates_after, overlap }
        })
    }

    /// The longest that it may take from a leader's end to the first call of the next one: the
    /// lease runs out, the other one looks every sixth of it, begins its term and lists what there
    /// is.
    pub fn takeover(&self) -> Millis {
        self.lease + self.lease / 6 + self.slack
    }

    /// How long a leader leaves an open intent of another one alone, and then needs for a call and
    /// a write.
    pub fn patience(&self) -> Millis {
        self.connect + self.request + self.slack / 2
    }

    /// When a holder that cannot renew has stopped by its own clock.
    pub fn term(&self) -> Millis {
        self.lease * 2 / 3
    }

    /// Well again: a term, and a call that was lost.
    fn recovery(&self) -> Millis {
        self.takeover() + self.patience()
    }

    /// At least so long it is calm after each bout.
    pub fn calm(&self) -> Millis {
        self.peace - self.recovery()
    }

    /// Until all is well at the beginning.
    pub fn ready_within(&self) -> Millis {
        self.recovery() + 60 * SECOND
    }

    /// The figures that a run is judged by.
    pub fn rules(&self) -> Rules {
        let rules = Rules::default();
        // Intents are cut to the second.
        let unanswered_apart = self.connect + self.request - SECOND;
        let platform = Limits { unanswered_apart, ..rules.platform };
        Rules {
            pod_lag: READ_WITHIN,
            recovery: self.recovery(),
            delay: self.slack,
            lease: self.lease + ON_ITS_WAY,
            platform,
            ..rules
        }
    }
}

impl Lives {
    pub fn pace(&self) -> judge::Pace {
        judge::Pace { refresh_after: self.rotates_after, interval: None }
    }

    pub fn settings(&self, secret: &str) -> AppSettings {
        AppSettings {
            life_ms: Some(self.life),
            overlap_ms: Some(self.overlap),
            window_ms: Some(self.overlap),
            ..AppSettings::with_secret(secret)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{LONG, Pace};

    #[test]
    fn a_token_that_is_due_lives_long_enough_for_a_takeover_with_a_lost_answer() {
        for length in [60_000, LONG - 1, LONG, 600_000] {
            let pace = Pace::of(length);
            for lives in pace.lives() {
                let left = lives.life - lives.rotates_after;
                assert!(left > pace.takeover() + pace.patience(), "{pace:?}: {lives:?}");
                assert!(lives.overlap >= left, "{pace:?}: {lives:?}");
                assert!(pace.calm() > pace.rules().delay, "{pace:?}");
            }
        }
    }
}
