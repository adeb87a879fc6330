//! Reads the clocks: the one place where the process learns what time it is. Knows nothing of
//! tokens.

use std::{sync::Arc, time::Duration};

use k8s_openapi::jiff::Timestamp;

/// One reading of both clocks, passed as an argument to whatever decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Wall time: what a token's expiry is measured in. May jump when somebody sets the clock.
    pub wall: Timestamp,
    /// Time since boot, suspended time included: what "since we first saw it" and the lease are
    /// measured in.
    pub boot: Duration,
}

/// Where `Now` comes from: the machine's clocks, or a simulation's.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Now + Send + Sync>);

impl Clock {
    /// The machine's own clocks: `CLOCK_REALTIME` and `CLOCK_BOOTTIME`.
    #[must_use]
    #[allow(
        clippy::disallowed_methods,
        reason = "this is the module that the rule sends everybody to"
    )]
    pub fn system() -> Self {
        Self::from_fn(|| Now { wall: Timestamp::now(), boot: boot_time() })
    }

    /// A clock that `read` answers for, as a simulation needs it.
    pub fn from_fn(read: impl Fn() -> Now + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }

    /// Reads both clocks.
    #[must_use]
    pub fn now(&self) -> Now {
        (self.0)()
    }
}

fn boot_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or_default())
}
