//! Reads the clocks and turns them into the model's milliseconds; knows nothing of what they are
//! used for.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

use crate::Millis;
use crate::model::DAY_MS;

/// WeChat's day is China's, eight hours ahead of UTC and without summer time.
const UTC_PLUS_8_MS: Millis = 8 * 3_600_000;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    start: Instant,
}

impl Clock {
    pub fn start() -> Self {
        Self { start: Instant::now() }
    }

    pub fn now(self) -> Millis {
        millis(self.start.elapsed())
    }
}

/// How long from this moment until it is midnight at UTC+8.
pub(crate) fn until_midnight() -> Millis {
    DAY_MS - (since_epoch() + UTC_PLUS_8_MS) % DAY_MS
}

/// Differs from start to start, so that a restarted simulator does not hand out its old tokens
/// again.
pub(crate) fn fresh_seed() -> u64 {
    since_epoch()
}

fn since_epoch() -> Millis {
    millis(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}

fn millis(length: Duration) -> Millis {
    Millis::try_from(length.as_millis()).unwrap_or(Millis::MAX)
}
