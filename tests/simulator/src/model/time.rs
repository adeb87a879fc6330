//! Days of the platform, and counting in them and in shorter periods; knows no clock.

use crate::Millis;

pub const DAY_MS: Millis = 86_400_000;

/// Where the platform's days turn, measured from the simulator's start.
#[derive(Debug, Clone, Copy)]
pub struct Calendar {
    pub day_ms: Millis,
    pub first_midnight_ms: Millis,
}

/// A moment, and the day that it lies in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    pub now: Millis,
    pub day: u64,
}

impl Calendar {
    pub(crate) fn at(&self, now: Millis) -> Moment {
        let day_ms = self.day_ms.max(1);
        let before_first = day_ms - self.first_midnight_ms % day_ms;
        Moment { now, day: (now + before_first) / day_ms }
    }
}

impl Default for Calendar {
    fn default() -> Self {
        Self { day_ms: DAY_MS, first_midnight_ms: DAY_MS }
    }
}

/// How often something happened in the current day or shorter period.
#[derive(Debug, Default)]
pub(crate) struct Used {
    period: u64,
    times: u32,
}

impl Used {
    pub fn in_period(&self, period: u64) -> u32 {
        if self.period == period { self.times } else { 0 }
    }

    pub fn count(&mut self, period: u64) {
        self.times = self.in_period(period) + 1;
        self.period = period;
    }
}
