//! The limits that platforms document, as rates: of one app, and of the operator's address.

use std::{collections::HashMap, num::NonZeroU32, sync::Arc, time::Duration};

use governor::{
    NotUntil, Quota, RateLimiter,
    state::{InMemoryState, NotKeyed, keyed::HashMapStateStore},
};

use super::Rate;
use crate::{
    platform::{self, Limit, LimitOf, Platform},
    reconcile::{memory::AppKey, plan::view::mode_name},
    shell::clock::Clock,
};

/// The part of a limit that the operator uses. A rate lets through twice its size in its time, and
/// others call for the same apps and from the same address.
const PART: u32 = 4;
/// With more apps than this, those are dropped that have not called for a while.
const APPS: usize = 1024;
/// The shortest wait for a rate.
const TICK: Duration = Duration::from_millis(1);

type OfApps = Rate<Arc<str>, HashMapStateStore<Arc<str>>>;
type OfAddress = Rate<NotKeyed, InMemoryState>;

/// The rates of all platforms.
pub struct Documented {
    /// By platform and mode.
    apps: HashMap<(&'static str, &'static str), Vec<OfApps>>,
    addresses: HashMap<&'static str, Vec<OfAddress>>,
    clock: Clock,
}

impl Documented {
    pub fn new(clock: &Clock) -> Self {
        let (mut apps, mut addresses) = (HashMap::new(), HashMap::new());
        for platform in platform::every() {
            let of_address = limits(platform, LimitOf::Address);
            let of_address = of_address
                .iter()
                .map(|limit| RateLimiter::direct_with_clock(quota(limit), clock.clone()));
            addresses.insert(platform.name, of_address.collect());
            for endpoint in platform.endpoints {
                let of_app = endpoint.limits.iter().filter(|limit| limit.of == LimitOf::App);
                let of_app = of_app.map(|limit| {
                    RateLimiter::new(quota(limit), HashMapStateStore::default(), clock.clone())
                });
                apps.insert((platform.name, mode_name(endpoint)), of_app.collect());
            }
        }
        Self { apps, addresses, clock: clock.clone() }
    }

    /// Waits until the limits of the app let one more call through.
    pub async fn app(&self, (platform, app_id, mode): &AppKey) {
        for rate in self.apps.get(&(*platform, *mode)).into_iter().flatten() {
            if rate.len() > APPS {
                rate.retain_recent();
            }
            permitted(&self.clock, || rate.check_key(app_id)).await;
        }
    }

    /// Waits until the limits of the address let one more call through.
    pub async fn address(&self, platform: &str) {
        for rate in self.addresses.get(platform).into_iter().flatten() {
            permitted(&self.clock, || rate.check()).await;
        }
    }
}

/// Waits until a rate lets one call through.
pub async fn permitted(clock: &Clock, check: impl Fn() -> Result<(), NotUntil<Duration>>) {
    while let Err(not_until) = check() {
        #[allow(clippy::disallowed_methods, reason = "it waits in line no longer than others")]
        tokio::time::sleep(not_until.wait_time_from(clock.now().boot).max(TICK)).await;
    }
}

/// The limits of a platform on one thing, each once.
pub fn limits(platform: &Platform, of: LimitOf) -> Vec<Limit> {
    let all = platform.endpoints.iter().flat_map(|endpoint| endpoint.limits);
    let mut limits: Vec<_> = all.filter(|limit| limit.of == of).copied().collect();
    limits.dedup();
    limits
}

/// The operator's part of a limit.
pub fn quota(limit: &Limit) -> Quota {
    let count = NonZeroU32::new(limit.count / PART).unwrap_or(NonZeroU32::MIN);
    let apart = (limit.within / count.get()).max(Duration::from_nanos(1));
    Quota::with_period(apart).unwrap_or(Quota::per_second(count)).allow_burst(count)
}
