//! Decides what a `MiniProgram` needs next. Knows no client, no clock, no environment.
//!
//! The steps are tried in order, and the first that has something to do is the plan; each fits on a
//! screen. Only `ask` may lead to a call, and it takes a live read as an argument: without one it
//! cannot be called.

pub mod advice;
pub mod backoff;
pub mod due;
mod expired;
mod failure;
mod fold;
pub mod limits;
mod next_call;
pub mod ownership;
pub mod preflight;
pub mod refused_write;
pub mod report;
mod rest;
pub mod retry;
pub mod synchronise;
pub mod target;
#[cfg(test)]
pub(super) mod tests;
pub mod tickets;
pub mod time;
pub mod trusted;
pub mod unknown_outcome;
pub mod unplanned;
mod unreachable;
pub mod view;

use std::{sync::Arc, time::Duration};

use k8s_openapi::jiff::Timestamp;

use self::{
    limits::Delay,
    ownership::AppOwner,
    report::{Findings, OVERDUE_AFTER},
    target::{is_reported, old_in_use, refused_write},
    time::wait,
    view::{Credential, Target, View},
};
use super::{
    call::{Wanted, Why},
    memory::{Noted, UnstoredFacts},
    observed::{EndpointLookup, LiveRead, Observed},
};
use crate::{
    api::{ConditionType, LastFailure, MiniProgramStatus, Reason, conditions},
    platform::Ticket,
    projection::Projection,
    shell::clock::Now,
    world::Lookup,
};

/// Watches may miss events and clocks may jump, so every object is planned at least this often.
const LONGEST_REST: Duration = Duration::from_secs(3600);
/// An immutable target cannot store a token. While a call is due, a live read checks this often
/// whether the target is still immutable.
const IMMUTABLE_AGAIN: Duration = Duration::from_secs(300);
/// The shortest time between two of our writes against another controller that keeps changing the
/// target, or another release that keeps changing the status.
pub const CORRECTIONS_APART: Duration = Duration::from_secs(10);
/// The same token is not written again if its expiration time moved by no more than this.
const SAME_EXPIRY: Duration = Duration::from_secs(5);

/// The result of a plan: the act, and the longest time until the next plan.
#[derive(Debug)]
pub struct Planned {
    /// The one act of this iteration.
    pub act: Act,
    /// The time until the next plan, unless a change requeues the object earlier.
    pub wake: Duration,
    /// Whether a call is due that only the operator itself or the API server delays.
    pub due: bool,
    /// Whether an older object of the app has its credential tried first.
    pub waits: bool,
}

impl Planned {
    fn without_a_call(act: Act, wake: Duration) -> Self {
        Self { act, wake, due: false, waits: false }
    }
}

/// The one act of an iteration.
#[derive(Debug)]
pub enum Act {
    /// Nothing to do until the object is requeued.
    Rest,
    /// Write the status.
    Status(Box<MiniProgramStatus>),
    /// Read the credential from the API server, and the target, then plan again.
    ReadLive {
        /// Whether to read the target; otherwise what the world shows of it is enough.
        target: bool,
        /// Another of our Secrets to read: the one whose token the target may be filled from.
        old: Option<Arc<Projection>>,
        /// Whether a call is to follow. Such a read is only made once there is room for the call.
        for_call: bool,
    },
    /// Read the credential from the API server, then plan again.
    ReadCredential,
    /// Remember the result of reading a version of the credential.
    NoteCredential(Noted),
    /// Write the intent of a call that may shorten a token's life, then plan again on a live read.
    RecordIntent(Wanted),
    /// Call the platform.
    Call(Wanted),
    /// Withdraw the intent of a call that is no longer wanted.
    Withdraw,
    /// Write the unstored token to its Secret.
    Store,
    /// The target already holds the unstored token: nothing to write.
    Keep {
        /// Whether the token came back inside its refresh window, so that the platform is about to
        /// make a new one.
        in_window: bool,
    },
    /// Drop the unstored token: it has expired, or its write was refused until its refresh was due.
    Drop,
    /// Write the target once more, from a token that one of our Secrets already holds.
    Rewrite(Rewrite),
    /// Remember that the target's data holds no known token.
    Unmatched(String),
    /// Delete one of our Secrets that is no longer the target.
    Forget(Arc<Projection>),
    /// Request these tickets with the stored token, and store them beside it.
    RenewTickets(Vec<&'static Ticket>),
}

/// Where the token for a rewrite comes from.
#[derive(Clone, Debug)]
pub struct Rewrite {
    /// The Secret that holds the token; its annotations record what was sent for it.
    pub from: Arc<Projection>,
    /// Whether the target has another name than this Secret.
    pub renamed: bool,
    /// Whether the rewrite corrects an edit of the target.
    pub drift: bool,
}

/// The result of a step.
enum Step {
    Do(Act),
    /// Nothing more in this iteration: write the status if it differs, and requeue after this time
    /// at the latest.
    Wait(Duration),
}

type Check = fn(&View<'_>, Option<Wanted>) -> Option<Step>;

/// In this order: the unstored token, the back-off, the owner of the target Secret, writes that
/// need no call, the deletion of old targets, the tickets that are due while no call can be made,
/// the call.
const STEPS: [Check; 7] = [
    store_token,
    backing_off,
    identify,
    synchronise::synchronise,
    forget_old,
    tickets::renew,
    call,
];

/// Plans one iteration of a reconcile pass.
pub fn plan(seen: &Observed, now: Now) -> Planned {
    plan_and_view(seen, now).0
}

/// Plans one iteration, and returns the view that the plan was made from for the act to use.
pub fn plan_and_view(seen: &Observed, now: Now) -> (Planned, Option<View<'_>>) {
    let mp = &seen.mini_program;
    let only = |(act, wake)| (Planned::without_a_call(act, wake), None);
    if mp.metadata.deletion_timestamp.is_some() {
        return only((Act::Rest, LONGEST_REST));
    }
    if !seen.listed {
        return only(rest::unlisted(seen, now));
    }
    let Some(mut view) = View::of(seen, now) else {
        let status = match seen.endpoint {
            EndpointLookup::NotConfigured => unplanned::of_not_configured(mp, now),
            _ => unplanned::of_unsupported(mp, now),
        };
        return only((rest::unless_written(mp.status.as_ref(), status), LONGEST_REST));
    };
    if let Some(wake) = trusted::patience(&view) {
        return only((Act::Rest, wake));
    }
    let wanted = wanted(&view);
    view.status.last_failure = failure(&view, wanted);
    (of_view(&view, wanted), Some(view))
}

fn of_view(view: &View<'_>, wanted: Option<(Wanted, Delay)>) -> Planned {
    let step = STEPS.iter().find_map(|step| step(view, wanted.map(|(wanted, _)| wanted)));
    // A rate-limited refresh request is not an overdue refresh.
    let findings = Findings {
        due: wanted.is_some_and(|(wanted, _)| wanted.why.by_time() || wanted.why.urgent()),
        takes_over: wanted.is_some_and(|(wanted, _)| wanted.why == Why::WonApp),
        replaced_at: reported_invalid(view),
        next_call: wanted,
    };
    let may_call = wanted.is_some_and(|(_, delay)| delay.wait.is_zero()) && !is_hindered(view);
    let wake = wake(view, wanted);
    let (act, wake) = match step {
        Some(Step::Do(act)) => (act, wake),
        Some(Step::Wait(until)) => rest::status_or_rest(view, findings, wake.min(until)),
        None => rest::status_or_rest(view, findings, wake),
    };
    // What a live read found of the credential, and no status reports, is remembered in the end.
    let act = match act {
        Act::Rest => view.to_note().map_or(Act::Rest, Act::NoteCredential),
        act => act,
    };
    let waits = ownership::waits_for_older(view);
    Planned { act, wake, due: findings.due && may_call, waits }
}

/// Whether a call is impossible whatever the operator does: another object keeps the app, or a
/// person must act.
fn is_hindered(view: &View<'_>) -> bool {
    ownership::owner(view) != AppOwner::This || report::is_blocked(view)
}

/// The most pressing call that is due, and its delay. A call without a delay comes before a delayed
/// one.
fn wanted(view: &View<'_>) -> Option<(Wanted, Delay)> {
    if !view.is_served() {
        return None;
    }
    due::due(view)
        .map(|wanted| (wanted, limits::delay(view, wanted)))
        .min_by_key(|(_, delay)| delay.wait)
}

/// When a token that is reported invalid will be replaced, if a limit delays the call.
fn reported_invalid(view: &View<'_>) -> Option<Timestamp> {
    let may_ask =
        view.is_served() && ownership::owner(view) == AppOwner::This && !report::is_blocked(view);
    let wanted = due::due(view).find(|wanted| wanted.why == Why::Invalid).filter(|_| may_ask)?;
    let wait = limits::delay(view, wanted).wait;
    (!wait.is_zero()).then(|| time::round_up(time::after(view.now.wall, wait)))
}

/// The last failure, if the next call still depends on it.
fn failure(view: &View<'_>, wanted: Option<(Wanted, Delay)>) -> Option<LastFailure> {
    let is_mine = view.is_served() && ownership::owner(view) == AppOwner::This;
    let may_ask = is_mine && view.credential.unusable().is_none() && !target::has_none(view);
    let next_call = wanted.filter(|_| may_ask).map(|(_, delay)| delay.wait);
    failure::current(view, next_call, may_ask)
}

/// An unstored token comes before everything else.
fn store_token(view: &View<'_>, _: Option<Wanted>) -> Option<Step> {
    let unstored = view.seen.unstored.as_ref()?;
    let outdated =
        unstored.refused.is_some() && due::next_refresh(view, &unstored.token) <= view.now.wall;
    if outdated || unstored.token.expires <= view.now.wall {
        return Some(Step::Do(Act::Drop));
    }
    if let Some(act) = keep(view, unstored) {
        return Some(Step::Do(act));
    }
    match unstored.refused.as_ref().map(|refused| refused.retry.saturating_sub(view.now.boot)) {
        Some(wait) if !wait.is_zero() => Some(Step::Wait(wait)),
        _ => Some(Step::Do(Act::Store)),
    }
}

/// Every live read of a target includes the Secret whose token may fill it: a Secret that is not
/// read counts as one without a token.
fn live_read(view: &View<'_>) -> Act {
    Act::ReadLive { target: true, old: old_in_use(view).cloned().map(Arc::new), for_call: false }
}

/// The live read for a call.
fn read_for_call(view: &View<'_>, wanted: Wanted) -> Act {
    let target = !preflight::is_target_known(view, wanted);
    Act::ReadLive { target, old: old_in_use(view).cloned().map(Arc::new), for_call: true }
}

/// A call that returns the same token has succeeded. The token is written again only if something
/// has changed that pods or the operator depend on.
fn keep(view: &View<'_>, unstored: &UnstoredFacts) -> Option<Act> {
    let target = view.in_use.filter(|target| target.name == unstored.name)?;
    let held = view.token().filter(|held| held.fingerprint == unstored.token.fingerprint)?;
    let moved = held.expires.duration_since(unstored.token.expires).unsigned_abs();
    // An unconfirmed token is stamped with each call that returns it; otherwise the intent that is
    // kept for it would stay open.
    let same = moved <= SAME_EXPIRY
        && !view.is_unconfirmed()
        && !unstored.unconfirmed
        && target.sent.mode == unstored.sent.mode;
    let in_window = due::is_in_window(view, held);
    (same && same_credential(target, unstored)).then_some(Act::Keep { in_window })
}

fn same_credential(target: &Projection, unstored: &UnstoredFacts) -> bool {
    target.sent.digest == unstored.sent.digest && target.sent.salt == unstored.sent.salt
}

/// After a failed read, a failed write or a lost race, everything waits for the back-off to end.
fn backing_off(view: &View<'_>, _: Option<Wanted>) -> Option<Step> {
    let wait = view.seen.recall.backoffs.requests.until.saturating_sub(view.now.boot);
    (!wait.is_zero()).then_some(Step::Wait(wait))
}

/// Decides which object the Secret of the target's name belongs to. A foreign Secret is reported
/// only after a live read, and is not read again once it is reported.
fn identify(view: &View<'_>, _: Option<Wanted>) -> Option<Step> {
    match view.target {
        Target::Foreign if view.live().is_none() && !is_reported(view, Reason::Conflict) => {
            Some(Step::Do(live_read(view)))
        }
        // If an old target exists, it stays in use and is kept fresh.
        Target::Foreign if view.in_use.is_none() => Some(Step::Wait(LONGEST_REST)),
        Target::Former => {
            let left = view.garbage_collection();
            Some(Step::Wait(if left.is_zero() { LONGEST_REST } else { left }))
        }
        Target::Foreign | Target::Missing | Target::Ours(_) => None,
    }
}

/// Deletes an old target once the new one holds a token. An old target is a Secret of our type
/// under another name that this object controls and this operator has applied. A copy of a target
/// that a person made, owner reference included, is left to the garbage collector.
fn forget_old(view: &View<'_>, _: Option<Wanted>) -> Option<Step> {
    let Target::Ours(_) = view.target else { return None };
    let old = view.seen.old.iter().find(|old| old.applied && old.terminating.is_none())?;
    view.token().is_some().then(|| Step::Do(Act::Forget(Arc::clone(old))))
}

/// Takes the next act towards a call, if a call is due and no limit delays it.
fn call(view: &View<'_>, wanted: Option<Wanted>) -> Option<Step> {
    if !view.is_served() {
        return withdraw_or(view, None);
    }
    match ownership::owner(view) {
        AppOwner::This => {}
        AppOwner::Undecided => {
            return withdraw_or(view, Some(Step::Wait(ownership::patience(view))));
        }
        AppOwner::Other(_) => return withdraw_or(view, Some(Step::Wait(LONGEST_REST))),
    }
    if view.credential == Credential::Unread && !is_read_for_first_call(view, wanted) {
        return Some(Step::Do(Act::ReadCredential));
    }
    if let Some(noted) = view.to_note().filter(|_| view.live().is_none()) {
        return Some(Step::Do(Act::NoteCredential(noted)));
    }
    if view.credential.unusable().is_some() {
        let again = if view.credential == Credential::Known(Reason::CredentialUnreadable) {
            15
        } else {
            3600
        };
        return withdraw_or(view, Some(Step::Wait(Duration::from_secs(again))));
    }
    let Some(wanted) = wanted else { return withdraw_or(view, None) };
    if let Some(wait) = target::closed_for(view) {
        return withdraw_or(view, Some(Step::Wait(wait)));
    }
    let delay = limits::delay(view, wanted).wait;
    if !delay.is_zero() {
        return Some(Step::Wait(delay));
    }
    if is_ready_stale(view) || (!wanted.mints && closed_intent_stands(view)) {
        return None;
    }
    match view.live() {
        None => Some(Step::Do(read_for_call(view, wanted))),
        Some(live) => Some(ask(view, live, wanted)),
    }
}

/// Whether the live read for an object's first call, which follows, is the first read of its
/// credential: it may wait long for its slot, and an earlier read would be too old then.
fn is_read_for_first_call(view: &View<'_>, wanted: Option<Wanted>) -> bool {
    let is_first = view.status.credential.is_none() && view.status.token.is_none();
    let may_call = wanted.is_some_and(|wanted| limits::delay(view, wanted).wait.is_zero());
    let exists = matches!(view.seen.credential, Lookup::Found(_));
    is_first && may_call && exists && target::closed_for(view).is_none()
}

/// The last check before a call, and the only step that returns [`Act::Call`].
fn ask(view: &View<'_>, live: &LiveRead, wanted: Wanted) -> Step {
    if live.immutable {
        return Step::Wait(IMMUTABLE_AGAIN);
    }
    if wanted.mints && view.seen.started.is_none() {
        return Step::Do(Act::RecordIntent(wanted));
    }
    Step::Do(Act::Call(wanted))
}

/// Withdraws a recorded intent whose call is no longer wanted after the live read.
fn withdraw_or(view: &View<'_>, otherwise: Option<Step>) -> Option<Step> {
    if view.seen.started.is_some() { Some(Step::Do(Act::Withdraw)) } else { otherwise }
}

/// Whether the stored Ready condition reports an expired token as valid, which must be corrected
/// before a call.
fn is_ready_stale(view: &View<'_>) -> bool {
    let ready = conditions::find(&view.status.conditions, ConditionType::Ready);
    ready.is_some_and(|ready| ready.status == "True") && view.has_expired()
}

fn closed_intent_stands(view: &View<'_>) -> bool {
    let is_closed = view.open_intent().is_none() && !view.is_unconfirmed();
    view.mp.status.as_ref().is_some_and(|status| status.intent.is_some()) && is_closed
}

fn wake(view: &View<'_>, wanted: Option<(Wanted, Delay)>) -> Duration {
    let limited = wanted.map(|(_, delay)| delay.wait).filter(|wait| !wait.is_zero());
    let next = due::next(view)
        .filter(|_| view.is_served())
        .map(|at| wait(view.now, at))
        .filter(|wait| !wait.is_zero());
    let overdue = view
        .seen
        .recall
        .sightings
        .due_since
        .map(|since| (since + OVERDUE_AFTER).saturating_sub(view.now.boot));
    let overdue = overdue.filter(|wait| !wait.is_zero());
    let failure = view.failure().map(|(failure, _)| wait(view.now, failure.next_attempt_time.0));
    let failure = failure.filter(|wait| !wait.is_zero());
    let refused = refused_write(view);
    let others = [target::next_change(view), synchronise::next(view), tickets::next(view)];
    [limited, next, overdue, failure, refused]
        .into_iter()
        .chain(others)
        .flatten()
        .min()
        .unwrap_or(LONGEST_REST)
        .min(LONGEST_REST)
}
