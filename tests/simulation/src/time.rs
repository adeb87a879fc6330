//! Virtual time: milliseconds since a run began, true wall time, and what a node's clock shows.
//! Reads tokio's clock only.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use miniprogram_operator::shell::clock::{Clock, Now};
use tokio::time::Instant;

/// Milliseconds since the run began.
pub type Millis = u64;

pub const SECOND: Millis = 1000;
pub const MINUTE: Millis = 60 * SECOND;
pub const HOUR: Millis = 60 * MINUTE;
pub const DAY: Millis = 24 * HOUR;

/// 2026-01-01, a Thursday, midnight in Shanghai.
const BEGINNING: i64 = 1_767_196_800;

/// The one clock of a run.
#[derive(Clone)]
pub struct Time {
    start: Instant,
    /// How far the nodes' clock is off, in milliseconds.
    skew: Arc<AtomicI64>,
}

impl Time {
    /// Must be made inside the run's own runtime.
    pub fn begin() -> Self {
        Self { start: Instant::now(), skew: Arc::default() }
    }

    pub fn now(&self) -> Millis {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// True wall time.
    pub fn wall(&self) -> Timestamp {
        wall_at(self.now())
    }

    pub fn step_nodes_clock(&self, skew_ms: i64) {
        self.skew.store(skew_ms, Ordering::Relaxed);
    }

    pub fn skew_ms(&self) -> i64 {
        self.skew.load(Ordering::Relaxed)
    }

    /// The clock that the operator reads.
    pub fn nodes_clock(&self) -> Clock {
        let time = self.clone();
        Clock::from_fn(move || {
            let boot = time.start.elapsed();
            let skew = SignedDuration::from_millis(time.skew_ms());
            let true_wall = beginning().checked_add(boot).unwrap_or(Timestamp::MAX);
            // A node has been up for a while when the run begins.
            Now {
                wall: true_wall.checked_add(skew).unwrap_or(Timestamp::MAX),
                boot: boot + Duration::from_secs(1000),
            }
        })
    }
}

fn beginning() -> Timestamp {
    Timestamp::from_second(BEGINNING).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// True wall time at a moment.
pub fn wall_at(at: Millis) -> Timestamp {
    beginning().checked_add(Duration::from_millis(at)).unwrap_or(Timestamp::MAX)
}

/// The moment of a wall time, as milliseconds since the run began; negative before it.
pub fn millis_of(wall: Timestamp) -> i64 {
    wall.as_millisecond() - BEGINNING * 1000
}

/// A moment for people: days and the time of day.
pub fn show(at: Millis) -> String {
    let (days, rest) = (at / DAY, at % DAY);
    let (hours, minutes, seconds, millis) =
        (rest / HOUR, rest / MINUTE % 60, rest / SECOND % 60, rest % SECOND);
    format!("{days}d{hours:02}:{minutes:02}:{seconds:02}.{millis:03}")
}
