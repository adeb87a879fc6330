//! Reads the clocks. No other module does.

use std::{sync::Arc, time::Duration};

use k8s_openapi::jiff::Timestamp;

/// A reading of both clocks, which is passed as an argument to every decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Wall-clock time, in which a token's expiration time is given. It jumps when the clock is
    /// set.
    pub wall: Timestamp,
    /// Time since boot, including the time while the machine was suspended. Durations and the Lease
    /// are measured by it.
    pub boot: Duration,
}

/// The source of `Now`: the machine's clocks, or a simulation's.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Now + Send + Sync>);

impl Clock {
    /// The machine's own clocks: `CLOCK_REALTIME` and `CLOCK_BOOTTIME`.
    #[must_use]
    #[allow(clippy::disallowed_methods, reason = "this is the module that reads the clocks")]
    pub fn system() -> Self {
        Self::from_fn(|| Now { wall: Timestamp::now(), boot: boot_time() })
    }

    /// A clock that the function `read` reads, for simulations.
    pub fn from_fn(read: impl Fn() -> Now + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }

    /// Reads both clocks.
    #[must_use]
    pub fn now(&self) -> Now {
        (self.0)()
    }
}

/// Rate limits count in boot time; a simulation controls it as it controls everything else.
impl governor::clock::Clock for Clock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        Self::now(self).boot
    }
}

fn boot_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or_default())
}
