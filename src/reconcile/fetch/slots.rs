//! Room for a call: so many at a time and a second for each platform, one at a time for each app. By try only; whoever finds
//! its app busy may wait for its turn.

use std::{
    collections::HashMap,
    num::NonZeroU32,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use governor::{
    Quota, RateLimiter,
    middleware::NoOpMiddleware,
    state::{InMemoryState, NotKeyed, keyed::HashMapStateStore},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{
    platform,
    reconcile::{
        memory::AppKey,
        queues::{Place, Queues},
    },
    shell::clock::Clock,
};

/// Rejected credentials: answers an hour for one namespace, and how fast for the whole process. One tenant's junk must not get
/// our address banned.
const REJECTIONS_AN_HOUR: NonZeroU32 = NonZeroU32::new(30).expect("not zero");
const REJECTIONS_A_SECOND: NonZeroU32 = NonZeroU32::new(2).expect("not zero");

/// So long an object waits for its turn: its status must follow the clock.
const PATIENCE: Duration = Duration::from_secs(10);

/// The clock that rates are counted by: the machine's own could not be simulated.
#[derive(Clone)]
struct BootTime(Clock);

impl governor::clock::Clock for BootTime {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.now().boot
    }
}

type Rate<K, S> = RateLimiter<K, S, BootTime, NoOpMiddleware<Duration>>;

/// Room for calls to all platforms.
pub struct Slots {
    platforms: HashMap<&'static str, Room>,
    /// The apps that are asked, or whose turn somebody waits for.
    apps: Queues<AppKey>,
    rejections: Rate<String, HashMapStateStore<String>>,
    all_rejections: Rate<NotKeyed, InMemoryState>,
    /// Namespaces whose budget is spent, until (boot time) it is worth a look again.
    spent: Mutex<HashMap<String, Duration>>,
}

struct Room {
    all: Arc<Semaphore>,
    /// Half of the room is for objects whose last call succeeded: failing ones must not starve them.
    failing: Arc<Semaphore>,
    rate: Rate<NotKeyed, InMemoryState>,
}

/// Room for one call, given back when dropped.
pub struct Slot {
    _all: OwnedSemaphorePermit,
    _failing: Option<OwnedSemaphorePermit>,
    _turn: Turn,
}

/// An app's one call, or the wait for it.
pub type Turn = Place<AppKey>;

/// Who wants a slot.
pub struct Claimant<'a> {
    /// Platform, app id and mode.
    pub key: &'a AppKey,
    /// The namespace, which rejected credentials are counted by.
    pub namespace: &'a str,
    /// Whether its last call failed.
    pub failing: bool,
    /// Whether the platform has accepted its credential.
    pub accepted: bool,
}

impl Slots {
    /// Room for `concurrency` calls at a time and `qps` a second, on each platform.
    #[must_use]
    pub fn new(concurrency: usize, qps: NonZeroU32, clock: &Clock) -> Self {
        let clock = BootTime(clock.clone());
        let room = || Room {
            all: Arc::new(Semaphore::new(concurrency)),
            failing: Arc::new(Semaphore::new(concurrency.div_ceil(2))),
            rate: RateLimiter::direct_with_clock(Quota::per_second(qps), clock.clone()),
        };
        Self {
            platforms: platform::ALL.iter().map(|platform| (platform.name, room())).collect(),
            apps: Queues::new(1),
            rejections: RateLimiter::new(Quota::per_hour(REJECTIONS_AN_HOUR), HashMapStateStore::default(), clock.clone()),
            all_rejections: RateLimiter::direct_with_clock(
                Quota::per_second(REJECTIONS_A_SECOND).allow_burst(REJECTIONS_AN_HOUR),
                clock,
            ),
            spent: Mutex::default(),
        }
    }

    /// Waits for an app's turn, in the order in which objects came, and not for long. None if others were first all the time.
    pub async fn turn(&self, key: &AppKey) -> Option<Turn> {
        tokio::time::timeout(PATIENCE, self.apps.enter(key)).await.ok()?
    }

    /// Takes room for one call, if there is any, and if the app is not asked already but by whoever has its turn.
    pub fn take(&self, claimant: &Claimant<'_>, turn: Option<Turn>, boot: Duration) -> Option<Slot> {
        if !claimant.accepted && self.is_spent(claimant.namespace, boot) {
            return None;
        }
        let room = self.platforms.get(claimant.key.0)?;
        let failing = if claimant.failing { Some(Arc::clone(&room.failing).try_acquire_owned().ok()?) } else { None };
        let all = Arc::clone(&room.all).try_acquire_owned().ok()?;
        let turn = turn.or_else(|| self.try_turn(claimant.key))?;
        // The rate comes last: a token of it that is not used is lost.
        room.rate.check().ok()?;
        Some(Slot { _all: all, _failing: failing, _turn: turn })
    }

    /// Counts a platform's "no" to a credential.
    pub fn rejected(&self, namespace: &str, boot: Duration) {
        // What a namespace has used up comes back within the hour: then it is as good as new.
        self.rejections.retain_recent();
        let hour = self.rejections.check_key(&namespace.to_owned()).is_err().then_some(Duration::from_secs(120));
        let second = self.all_rejections.check().is_err().then_some(Duration::from_secs(1));
        if let Some(wait) = hour.max(second) {
            self.spent.lock().unwrap_or_else(PoisonError::into_inner).insert(namespace.to_owned(), boot + wait);
        }
    }

    fn is_spent(&self, namespace: &str, boot: Duration) -> bool {
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        spent.retain(|_, until| *until > boot);
        spent.contains_key(namespace)
    }

    /// An app's turn, if it is neither being asked nor waited for.
    pub fn try_turn(&self, key: &AppKey) -> Option<Turn> {
        self.apps.try_enter(key)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        num::NonZeroU32,
        sync::{Arc, Mutex},
        time::Duration,
    };

    use futures::FutureExt;
    use k8s_openapi::jiff::Timestamp;

    use super::{AppKey, Claimant, Clock, PATIENCE, Slots};
    use crate::shell::clock::Now;

    const BOOT: Duration = Duration::from_secs(1000);
    const NOW: Now = Now { wall: Timestamp::UNIX_EPOCH, boot: BOOT };

    fn app(id: &str) -> AppKey {
        ("WeChat", id.into(), "Stable".into())
    }

    fn claim(key: &AppKey, failing: bool) -> Claimant<'_> {
        Claimant { key, namespace: "team-a", failing, accepted: false }
    }

    fn slots(concurrency: usize, qps: u32) -> Slots {
        Slots::new(concurrency, NonZeroU32::new(qps).expect("not zero"), &Clock::from_fn(|| NOW))
    }

    #[test]
    fn an_app_is_asked_one_call_at_a_time() {
        let slots = slots(8, 50);
        let (a, b) = (app("a"), app("b"));
        let held = slots.take(&claim(&a, false), None, BOOT);
        assert!(held.is_some() && slots.take(&claim(&a, false), None, BOOT).is_none());
        assert!(slots.take(&claim(&b, false), None, BOOT).is_some());
        drop(held);
        assert!(slots.take(&claim(&a, false), None, BOOT).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_an_app_has_its_turn_in_order_and_not_before() {
        let slots = slots(8, 50);
        let a = app("a");
        let asked = slots.take(&claim(&a, false), None, BOOT).expect("room");
        let mut waiting: Vec<_> = (0..3).map(|_| Box::pin(slots.turn(&a))).collect();
        assert!(waiting.iter_mut().all(|turn| turn.now_or_never().is_none()));
        drop(asked);
        assert!(slots.take(&claim(&a, false), None, BOOT).is_none(), "nobody goes before those that wait");
        assert!(waiting[1].as_mut().now_or_never().is_none());
        let turn = waiting[0].as_mut().now_or_never().expect("it is the first").expect("it did not wait for long");
        let asked = slots.take(&claim(&a, false), Some(turn), BOOT).expect("room");
        let began = tokio::time::Instant::now();
        assert!(waiting[1].as_mut().await.is_none());
        assert_eq!(began.elapsed(), PATIENCE);
        drop((asked, waiting));
        assert!(slots.apps.is_empty(), "nothing is left behind");
    }

    #[test]
    fn failing_objects_take_half_of_the_room() {
        let slots = slots(4, 50);
        let keys: Vec<_> = (0..4).map(|n| app(&n.to_string())).collect();
        let failing: Vec<_> = keys.iter().filter_map(|key| slots.take(&claim(key, true), None, BOOT)).collect();
        assert_eq!(failing.len(), 2);
        let healthy: Vec<_> = keys.iter().filter_map(|key| slots.take(&claim(key, false), None, BOOT)).collect();
        assert_eq!(healthy.len(), 2);
    }

    #[test]
    fn no_more_calls_than_the_rate_allows() {
        let slots = slots(100, 3);
        let keys: Vec<_> = (0..10).map(|n| app(&n.to_string())).collect();
        assert_eq!(keys.iter().filter_map(|key| slots.take(&claim(key, false), None, BOOT)).count(), 3);
    }

    #[test]
    fn a_namespace_is_forgotten_when_its_rejections_are_over() {
        let boot = Arc::new(Mutex::new(BOOT));
        let clock = Arc::clone(&boot);
        let clock = Clock::from_fn(move || Now { boot: *clock.lock().expect("unpoisoned"), ..NOW });
        let slots = Slots::new(8, NonZeroU32::MIN, &clock);
        for namespace in 0..100 {
            slots.rejected(&format!("team-{namespace}"), BOOT);
        }
        assert_eq!(slots.rejections.len(), 100);
        *boot.lock().expect("unpoisoned") += Duration::from_secs(3601);
        slots.rejected("team-a", BOOT);
        assert_eq!(slots.rejections.len(), 1);
    }

    #[test]
    fn a_namespace_of_wrong_secrets_is_slowed_down_and_nobody_else() {
        let slots = slots(100, 50);
        let a = app("a");
        for _ in 0..31 {
            slots.rejected("team-a", BOOT);
        }
        assert!(slots.take(&claim(&a, true), None, BOOT).is_none());
        assert!(slots.take(&Claimant { accepted: true, ..claim(&a, false) }, None, BOOT).is_some());
        assert!(slots.take(&Claimant { namespace: "team-b", ..claim(&a, false) }, None, BOOT).is_some());
        assert!(slots.take(&claim(&a, true), None, BOOT + Duration::from_secs(121)).is_some());
    }
}
