//! What the process remembers of an object's back-offs.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::reconcile::plan::backoff::backoff;

/// The longest wait after failures of the API server, and after passes that did not converge.
pub const LONGEST: Duration = Duration::from_secs(60);

/// The back-offs of an object.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Backoffs {
    /// After writes or reads that failed or lost a race: no live read, call or write before it
    /// ends.
    pub requests: Backoff,
    /// After passes that did not converge: no pass before it ends.
    pub passes: Backoff,
}

/// The number of consecutive failures, and the end of the wait after the last one.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Backoff {
    /// The number of consecutive failures.
    pub failures: u32,
    /// The end of the wait, in boot time.
    pub until: Duration,
}

impl Backoff {
    /// Counts a failure at this boot time, and returns the wait after it: `first` after one, doubled
    /// for each further one, up to a minute.
    pub fn fail(&mut self, boot: Duration, first: Duration) -> Duration {
        self.failures = self.failures.saturating_add(1);
        let wait = backoff(self.failures, first, LONGEST);
        self.until = boot + wait;
        wait
    }
}
