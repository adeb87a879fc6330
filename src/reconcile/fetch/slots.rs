//! Slots for calls: a limited number at a time and per second for each platform, and one at a time
//! for each app. Callers without a slot wait in order, each namespace in lines of its own, so that
//! many objects in one namespace delay no other.

mod documented;
mod rejections;

use std::{collections::HashMap, num::NonZeroU32, sync::Arc, time::Duration};

use governor::{
    Quota, RateLimiter,
    middleware::NoOpMiddleware,
    state::{InMemoryState, NotKeyed},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use self::{
    documented::{Documented, permitted},
    rejections::Rejections,
};
use crate::{
    platform,
    reconcile::{
        memory::AppKey,
        queues::{Place, Queues},
    },
    shell::clock::Clock,
};

/// The longest wait for a turn or a slot: the object's status must follow the clock.
const PATIENCE: Duration = Duration::from_secs(10);
/// The same for an object without a token, whose status changes by no clock: each further
/// iteration would only find that it still waits.
const FIRST_PATIENCE: Duration = Duration::from_secs(60);
/// The number in each line that compete with those of other lines.
const IN_FRONT: usize = 4;
/// Calls of one app that end no token are made so many at a time.
const SHARING: usize = 16;

type Rate<K, S> = RateLimiter<K, S, Clock, NoOpMiddleware<Duration>>;

/// The slots for calls to all platforms.
pub struct Slots {
    platforms: HashMap<&'static str, Room>,
    /// The apps with a call under way or an object that waits for the turn.
    apps: Queues<AppKey>,
    /// The same of calls that end no token.
    sharing: Queues<AppKey>,
    lines: Queues<Line>,
    documented: Documented,
    rejections: Rejections,
    clock: Clock,
}

/// The objects of a line have the same platform, namespace and urgency.
type Line = (&'static str, String, Urgency);

/// The urgency of a call, by which lines are separated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// It replaces a stored token.
    Refresh,
    /// The object has no token yet.
    First,
    /// The object's last call failed.
    Failing,
    /// It is for a ticket.
    Ticket,
}

struct Room {
    all: Arc<Semaphore>,
    /// Half of the slots are for tokens of objects whose last call succeeded: neither failing
    /// objects nor tickets must starve them.
    failing: Arc<Semaphore>,
    rate: Rate<NotKeyed, InMemoryState>,
}

/// A slot for one call, released when dropped.
pub struct Slot {
    _all: OwnedSemaphorePermit,
    _failing: Option<OwnedSemaphorePermit>,
    turn: Turn,
}

impl Slot {
    /// Whether a call that must, or need not, be alone may be made in this slot.
    pub fn allows(&self, alone: bool) -> bool {
        self.turn.allows(alone)
    }

    /// Releases the slot after the call and returns the app's turn.
    pub fn leave(self) -> Turn {
        self.turn
    }
}

/// The right to make a call for an app, beside few others or alone.
pub struct Turn {
    alone: bool,
    place: Place<AppKey>,
}

impl Turn {
    /// Whether a call that must, or need not, be alone may be made in this turn.
    pub fn allows(&self, alone: bool) -> bool {
        self.alone || !alone
    }
}

/// The object that needs a slot.
#[derive(Clone)]
pub struct Claimant {
    /// Platform, app id and mode.
    pub key: AppKey,
    /// The namespace, for which rejected credentials are counted.
    pub namespace: String,
    /// The urgency of its call.
    pub urgency: Urgency,
    /// Whether the platform has accepted its credential.
    pub accepted: bool,
    /// Whether its call ends other tokens of the app, so that no other call of that kind may be
    /// under way.
    pub alone: bool,
}

impl Slots {
    /// Slots for `concurrency` calls at a time and `qps` per second, on each platform.
    #[must_use]
    pub fn new(concurrency: usize, qps: NonZeroU32, clock: &Clock) -> Self {
        let room = || Room {
            all: Arc::new(Semaphore::new(concurrency)),
            failing: Arc::new(Semaphore::new(concurrency.div_ceil(2))),
            rate: RateLimiter::direct_with_clock(Quota::per_second(qps), clock.clone()),
        };
        Self {
            platforms: platform::every().map(|platform| (platform.name, room())).collect(),
            apps: Queues::new(1),
            sharing: Queues::new(SHARING),
            lines: Queues::new(IN_FRONT),
            documented: Documented::new(clock),
            rejections: Rejections::new(clock),
            clock: clock.clone(),
        }
    }

    /// The calls of an app that wait for each other.
    fn calls(&self, alone: bool) -> &Queues<AppKey> {
        if alone { &self.apps } else { &self.sharing }
    }

    /// Waits for an app's turn, in order of arrival: at most a minute where there is no token whose
    /// end the status must report, else `PATIENCE`. Returns none if no turn came in that time.
    pub async fn turn(&self, key: AppKey, alone: bool, has_token: bool) -> Option<Turn> {
        let patience = if has_token { PATIENCE } else { FIRST_PATIENCE };
        let place = tokio::time::timeout(patience, self.calls(alone).enter(&key)).await.ok()??;
        Some(Turn { alone, place })
    }

    /// The wait for a slot for one call, in order, and as long as [`Self::turn`] at most: its output
    /// is none if no slot came in that time. There is no wait if the namespace or the platform has
    /// rejected too many credentials, or if another object has the app's turn.
    ///
    /// Thousands of objects may wait: what is not needed until the slot is there is not kept.
    pub fn enter(
        &self,
        claimant: &Claimant,
        turn: Option<Turn>,
        boot: Duration,
    ) -> Option<impl Future<Output = Option<Slot>> + Send + use<'_>> {
        if !claimant.accepted && self.may_be_banned(claimant, boot) {
            return None;
        }
        let turn = turn.or_else(|| self.try_turn(&claimant.key, claimant.alone))?;
        let platform = claimant.key.0;
        let room = self.platforms.get(platform)?;
        let line = (platform, claimant.namespace.clone(), claimant.urgency);
        let patience = if claimant.urgency == Urgency::First { FIRST_PATIENCE } else { PATIENCE };
        Some(async move {
            // A pass that has used up its cooperative budget still gets a free slot at once.
            let wait = tokio::time::timeout(patience, self.wait(room, &line, &turn));
            let (all, failing) = tokio::task::unconstrained(wait).await.ok()??;
            Some(Slot { _all: all, _failing: failing, turn })
        })
    }

    async fn wait(
        &self,
        room: &Room,
        line: &Line,
        turn: &Turn,
    ) -> Option<(OwnedSemaphorePermit, Option<OwnedSemaphorePermit>)> {
        // Before the line, in which those of other apps wait too.
        self.documented.app(turn.place.key()).await;
        let _front = self.lines.enter(line).await?;
        let failing = match line.2 {
            Urgency::Failing | Urgency::Ticket => {
                Some(Arc::clone(&room.failing).acquire_owned().await.ok()?)
            }
            Urgency::Refresh | Urgency::First => None,
        };
        let all = Arc::clone(&room.all).acquire_owned().await.ok()?;
        // The rate limits are checked last: a permit that is not used is lost.
        self.documented.address(line.0).await;
        permitted(&self.clock, || room.rate.check()).await;
        Some((all, failing))
    }

    /// Counts a platform's rejection of a credential.
    pub fn rejected(&self, platform: &str, namespace: &str, boot: Duration) {
        self.rejections.count(platform, namespace, boot);
    }

    /// The boot time until which a platform is sent no app secret that it has not accepted, since it
    /// would soon ban the operator's address. None if it may be.
    pub fn stopped_until(&self, platform: &str, boot: Duration) -> Option<Duration> {
        self.rejections.stopped_until(platform, boot)
    }

    fn may_be_banned(&self, claimant: &Claimant, boot: Duration) -> bool {
        self.rejections.is_spent(&claimant.namespace, boot)
            || self.stopped_until(claimant.key.0, boot).is_some()
    }

    /// An app's turn, if it is free and no object waits for it.
    pub fn try_turn(&self, key: &AppKey, alone: bool) -> Option<Turn> {
        Some(Turn { alone, place: self.calls(alone).try_enter(key)? })
    }
}

#[cfg(test)]
mod tests;
