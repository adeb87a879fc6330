//! Rejected credentials: how many one namespace may cause, and how many the operator's address can
//! bear. One tenant's wrong app secrets must not get the address banned.

use std::{
    collections::HashMap,
    num::NonZeroU32,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use governor::{
    Quota, RateLimiter,
    state::{InMemoryState, NotKeyed, keyed::HashMapStateStore},
};

use super::{Rate, documented};
use crate::{
    platform::{self, LimitOf},
    shell::clock::Clock,
};

/// The rejections per hour that one namespace may cause, and the rate for the whole process.
const AN_HOUR: NonZeroU32 = NonZeroU32::new(30).expect("not zero");
const A_SECOND: NonZeroU32 = NonZeroU32::new(2).expect("not zero");

/// The rejections so far.
pub struct Rejections {
    namespaces: Rate<String, HashMapStateStore<String>>,
    all: Rate<NotKeyed, InMemoryState>,
    /// The namespaces whose budget is spent, and the boot time at which it is checked again.
    spent: Mutex<HashMap<String, Duration>>,
    /// The platforms that ban an address.
    bans: HashMap<&'static str, Ban>,
}

struct Ban {
    rate: Rate<NotKeyed, InMemoryState>,
    within: Duration,
    stopped_until: Mutex<Duration>,
}

impl Rejections {
    pub fn new(clock: &Clock) -> Self {
        let bans = platform::every().filter_map(|platform| {
            let limit = *documented::limits(platform, LimitOf::Rejections).first()?;
            let ban = Ban {
                rate: RateLimiter::direct_with_clock(documented::quota(&limit), clock.clone()),
                within: limit.within,
                stopped_until: Mutex::default(),
            };
            Some((platform.name, ban))
        });
        Self {
            namespaces: RateLimiter::new(
                Quota::per_hour(AN_HOUR),
                HashMapStateStore::default(),
                clock.clone(),
            ),
            all: RateLimiter::direct_with_clock(
                Quota::per_second(A_SECOND).allow_burst(AN_HOUR),
                clock.clone(),
            ),
            spent: Mutex::default(),
            bans: bans.collect(),
        }
    }

    /// Counts a platform's rejection of a credential.
    pub fn count(&self, platform: &str, namespace: &str, boot: Duration) {
        // A namespace's budget is whole again within the hour, and its entry is then removed.
        self.namespaces.retain_recent();
        let hour = self
            .namespaces
            .check_key(&namespace.to_owned())
            .is_err()
            .then_some(Duration::from_secs(120));
        let second = self.all.check().is_err().then_some(Duration::from_secs(1));
        if let Some(wait) = hour.max(second) {
            lock(&self.spent).insert(namespace.to_owned(), boot + wait);
        }
        if let Some(ban) = self.bans.get(platform).filter(|ban| ban.rate.check().is_err()) {
            *lock(&ban.stopped_until) = boot + ban.within;
        }
    }

    /// Whether a namespace has caused too many.
    pub fn is_spent(&self, namespace: &str, boot: Duration) -> bool {
        let mut spent = lock(&self.spent);
        spent.retain(|_, until| *until > boot);
        spent.contains_key(namespace)
    }

    /// The boot time until which a platform is sent no app secret that it has not accepted, since it
    /// would soon ban the address. None if it may be.
    pub fn stopped_until(&self, platform: &str, boot: Duration) -> Option<Duration> {
        let until = *lock(&self.bans.get(platform)?.stopped_until);
        (until > boot).then_some(until)
    }

    #[cfg(test)]
    pub fn namespaces(&self) -> usize {
        self.namespaces.len()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
