//! Whether a due call may be made yet: the back-off after a failure, floors, quotas, and the open
//! intent of another process. Pure.

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;

use super::{
    due::{SPACING, request},
    retry,
    time::{after, day, is_past, next_midnight, wait},
    view::View,
};
use crate::{
    api::{Mints, sibling},
    reconcile::call::{WaitsFor, Wanted, Why},
};

/// The floor between two mints where the stored token is or may be gone, by the number of
/// consecutive such mints. If the mint before was lost, the stored token works for 300 s more, and
/// pods need 90 of them.
const GONE_APART: [u64; 6] = [0, 15, 30, 60, 120, 180];
/// The floor for a call that an annotation requests: after a success, and after a failure that
/// stops calls until a request lifts it.
const REQUESTS_APART: Duration = Duration::from_secs(30);
/// The shortest time between two mints that nothing but a person asked for.
const MINTS_APART: Duration = Duration::from_secs(300);
/// The waits before a forced call is repeated that returned the same token. The first is a little
/// longer than the platform's own limit, and each is longer than the one before: the platform may
/// count forced calls that it refuses.
const FORCED_AGAIN: [u64; 5] = [35, 60, 120, 240, 300];

/// The floor between calls of one object that returned a token and that neither time nor a person
/// asked for, by the number of consecutive ones. Whatever undoes each of them costs twelve calls an
/// hour.
const UNASKED_APART: [u64; 8] = [0, 0, 0, 0, 15, 60, 120, 300];
/// After this long without a call, the count of consecutive calls starts again.
pub const ROW: Duration = Duration::from_secs(3600);

/// How long a due call must still wait, and for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delay {
    /// The wait; zero if the call may be made now.
    pub wait: Duration,
    /// The limit that ends last.
    pub by: WaitsFor,
}

type Limit = fn(&View<'_>, Wanted) -> Delay;

const LIMITS: [Limit; 8] = [
    |view, _| Delay { wait: foreign_intent(view), by: WaitsFor::OpenCall },
    |view, _| floor(spacing(view)),
    |view, wanted| floor(unasked(view, wanted)),
    |view, wanted| Delay { wait: last_failure(view, wanted), by: WaitsFor::BackOff },
    |view, _| Delay { wait: view.stopped(), by: WaitsFor::Rejections },
    |view, wanted| floor(requests(view, wanted)),
    mints,
    forced_calls,
];

/// How long a due call must still wait, and for what.
pub fn delay(view: &View<'_>, wanted: Wanted) -> Delay {
    // The limits were checked before the intent was recorded, and the counters include this call.
    let limits = if view.seen.started.is_some() { &LIMITS[..1] } else { &LIMITS[..] };
    let waits = limits.iter().map(|limit| limit(view, wanted));
    let none = Delay { wait: Duration::ZERO, by: WaitsFor::Slot };
    waits.filter(|delay| !delay.wait.is_zero()).max_by_key(|delay| delay.wait).unwrap_or(none)
}

fn floor(wait: Duration) -> Delay {
    Delay { wait, by: WaitsFor::Floor }
}

/// Until the platform's next midnight.
fn quota(view: &View<'_>) -> Delay {
    let midnight = next_midnight(view.now.wall, view.platform.day_offset_seconds);
    Delay { wait: wait(view.now, midnight), by: WaitsFor::Quota }
}

/// The open intent of another process: its call may be on its way, and is given the time that a
/// call may take.
fn foreign_intent(view: &View<'_>) -> Duration {
    let Some(intent) = view.open_intent().filter(|intent| !view.is_own(intent)) else {
        return Duration::ZERO;
    };
    let first_seen = view
        .seen
        .recall
        .sightings
        .foreign_intent
        .as_ref()
        .filter(|(id, _)| *id == intent.id)
        .map_or(view.now.boot, |seen| seen.1);
    (first_seen + view.seen.patience).saturating_sub(view.now.boot)
}

/// The shortest time between two calls of one object, for any reason.
fn spacing(view: &View<'_>) -> Duration {
    view.seen
        .recall
        .calls
        .last_sent
        .map_or(Duration::ZERO, |sent| (sent + SPACING).saturating_sub(view.now.boot))
}

/// Calls that succeed and are undone again are made at growing intervals, whatever undoes them.
fn unasked(view: &View<'_>, wanted: Wanted) -> Duration {
    if !wanted.why.unasked() {
        return Duration::ZERO;
    }
    let in_a_row = usize::try_from(view.seen.recall.calls.unasked).unwrap_or(usize::MAX);
    let apart = UNASKED_APART.get(in_a_row).or(UNASKED_APART.last()).copied().unwrap_or_default();
    let last = view.seen.recall.calls.last_sent.unwrap_or_default();
    (last + Duration::from_secs(apart)).saturating_sub(view.now.boot)
}

fn last_failure(view: &View<'_>, wanted: Wanted) -> Duration {
    let Some((failure, reason)) = view.failure() else { return Duration::ZERO };
    let lifted = wanted.why == Why::Requested || is_requested(view);
    let until = if lifted && retry::stops(reason) {
        after(failure.time.0, REQUESTS_APART)
    } else {
        failure.next_attempt_time.0
    };
    wait(view.now, until)
}

/// Whether the object has a refresh request that no call has answered.
fn is_requested(view: &View<'_>) -> bool {
    request(view.mp)
        .is_some_and(|request| view.status.handled_refresh_request.as_ref() != Some(&request))
}

/// A request waits for its floor after the last success. After a failure the back-off limits calls;
/// forced calls have the floor too.
fn requests(view: &View<'_>, wanted: Wanted) -> Duration {
    let token = view.status.token.as_ref();
    let checked = token.and_then(|token| token.check_time.as_ref()).map(|time| time.0);
    let again = view.seen.recall.calls.checked.as_ref().map(|(_, at)| *at);
    let last = match wanted.why {
        Why::Requested => checked.max(again),
        // A refused call is no longer counted: only the failure has its time.
        _ if wanted.force => view.status.last_failure.as_ref().map(|failure| failure.time.0),
        _ => None,
    };
    last.filter(|last| is_past(view.now, *last))
        .map_or(Duration::ZERO, |last| wait(view.now, after(last, REQUESTS_APART)))
}

/// The mints of the app, as its objects and this process know them.
pub struct Counted {
    /// The time of the last one.
    pub last: Option<Timestamp>,
    /// The number of today's mints that were not due by time.
    pub today: i64,
    /// The times of today's forced calls.
    pub forced: Vec<Timestamp>,
}

/// The mints that the object itself reports, and those that siblings report whose credential the
/// platform has accepted: any object may name the app.
fn of_objects<'a>(view: &'a View<'_>) -> impl Iterator<Item = &'a Mints> {
    let siblings = view
        .seen
        .siblings
        .shown
        .iter()
        .filter(|sibling| super::ownership::same_mode(view, sibling));
    let statuses = siblings.filter_map(|sibling| sibling.status.as_ref());
    let accepted = statuses.filter(|status| sibling::accepted(&status.conditions) == Some(true));
    accepted.filter_map(|status| status.mints.as_ref()).chain(&view.status.mints)
}

/// The forced calls that these objects report.
pub fn forced_by_accepted(view: &View<'_>) -> impl Iterator<Item = Timestamp> {
    of_objects(view).flat_map(|mints| &mints.forced_times).map(|time| time.0)
}

/// The mints of all objects of an app. This process remembers those of deleted objects.
pub fn counted(view: &View<'_>) -> Counted {
    let today = day(view.now.wall, view.platform.day_offset_seconds);
    let of_objects: Vec<&Mints> = of_objects(view).collect();
    let of_process = &view.seen.app.mints;
    let count = |mints: &Mints| if mints.day == today { i64::from(mints.count) } else { 0 };
    let unshown = view
        .seen
        .siblings
        .unshown
        .iter()
        .filter(|unshown| super::ownership::is_mode_of(view, unshown.mode));
    let unshown = unshown.filter(|unshown| unshown.day == today).map(|unshown| unshown.count);
    let all = || of_objects.iter().copied().chain([of_process]);
    let mut forced: Vec<_> =
        all().flat_map(|mints| &mints.forced_times).map(|time| time.0).collect();
    forced.retain(|time| {
        is_past(view.now, *time) && day(*time, view.platform.day_offset_seconds) == today
    });
    forced.sort_unstable();
    forced.dedup();
    let of_shown: i64 = of_objects.iter().map(|mints| count(mints)).sum();
    let of_all = of_shown + unshown.sum::<i64>();
    Counted {
        last: all()
            .filter_map(|mints| mints.last_time.as_ref())
            .map(|time| time.0)
            .filter(|time| is_past(view.now, *time))
            .max(),
        today: of_all.max(count(of_process)),
        forced,
    }
}

/// The floor between two mints. At most a tenth of the daily quota is spent on mints that were not
/// due by time.
fn mints(view: &View<'_>, wanted: Wanted) -> Delay {
    if !wanted.mints || wanted.why.by_time() {
        return floor(Duration::ZERO);
    }
    let counted = counted(view);
    let spent = counted.today >= i64::from(view.endpoint.daily_quota / 10);
    if spent && !wanted.why.urgent() {
        return quota(view);
    }
    // Once this share is spent, a lost token is still replaced, at the longest interval that pods
    // can bear.
    let in_a_row = if spent {
        usize::MAX
    } else {
        usize::try_from(view.seen.app.urgent_in_a_row).unwrap_or(usize::MAX)
    };
    let gone_apart = GONE_APART.get(in_a_row).or(GONE_APART.last()).copied().unwrap_or_default();
    let apart = match wanted.why {
        why if why.urgent() => Duration::from_secs(gone_apart),
        Why::Invalid if wanted.force => Duration::ZERO,
        // Pods see a new Secret late, and the platform keeps two tokens valid for this long, if it
        // promises so.
        _ => view.endpoint.reissue.overlap().max(MINTS_APART),
    };
    floor(match last_own_mint(view) {
        Some(started) => (started + apart).saturating_sub(view.now.boot),
        None => counted.last.map_or(Duration::ZERO, |last| wait(view.now, after(last, apart))),
    })
}

/// The boot time of the app's last mint, if this process made it, so that a change of the wall
/// clock does not move the floor.
fn last_own_mint(view: &View<'_>) -> Option<Duration> {
    let reported = of_objects(view).filter_map(|mints| mints.last_time.as_ref()).max();
    let last = view.seen.app.last.as_ref().map(|last| last.started);
    last.filter(|_| reported == view.seen.app.mints.last_time.as_ref())
}

/// The platform's limits on forced calls. The quota of a day is used up by our count or by the
/// platform's response.
fn forced_calls(view: &View<'_>, wanted: Wanted) -> Delay {
    let Some(limits) = view.endpoint.force.filter(|_| wanted.force) else {
        return floor(Duration::ZERO);
    };
    let counted = counted(view);
    if counted.forced.len() >= limits.per_day {
        return quota(view);
    }
    let stopped =
        view.seen.app.force_stopped_until.map_or(Duration::ZERO, |until| wait(view.now, until));
    let issued = view.token().map_or(Timestamp::MIN, |token| token.issued);
    let ineffective = counted.forced.iter().filter(|time| **time > issued).count();
    let again =
        ineffective.checked_sub(1).and_then(|row| FORCED_AGAIN.get(row).or(FORCED_AGAIN.last()));
    let apart = again.map_or(limits.apart, |seconds| Duration::from_secs(*seconds));
    let since_end = view
        .seen
        .app
        .forced_at
        .map_or(Duration::ZERO, |ended| (ended + limits.apart).saturating_sub(view.now.boot));
    let last = counted.forced.last();
    // If another process made the last forced call, only its intent is known: the call was sent
    // later, and the intent's time is cut to the second.
    let is_own = view.seen.app.forced_at.is_some()
        && view.seen.app.mints.forced_times.last().map(|time| &time.0) == last;
    let sent_within =
        if is_own { Duration::ZERO } else { view.seen.patience + Duration::from_secs(1) };
    let apart = last.map_or(Duration::ZERO, |last| {
        wait(view.now, after(*last, apart.max(limits.apart + sent_within)))
    });
    let floor = floor(apart.max(since_end));
    if stopped > floor.wait { Delay { wait: stopped, by: WaitsFor::Quota } } else { floor }
}
