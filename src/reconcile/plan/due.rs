//! Which calls to the platform are due, and why. The file `limits.rs` decides whether a due call
//! may be made yet.

use std::time::Duration;

use k8s_openapi::{apimachinery::pkg::apis::meta::v1::Time, jiff::Timestamp};
use sha2::{Digest, Sha256};

use super::{
    limits::{counted, forced_by_accepted},
    ownership::{self, AppOwner},
    retry,
    time::{SKEW, after, before, is_past, span, spread, wait},
    unknown_outcome::confirm_at,
    view::{Credential, Target, View},
};
use crate::{
    api::{ConditionType, MiniProgram, Reason, conditions, names, sibling},
    fingerprint,
    platform::{Lead, Reissue, Replacement},
    projection::TokenFacts,
    reconcile::{
        call::{Wanted, Why},
        memory::How,
    },
    sensitive::hex,
};

/// The shortest time from a new token to the next call.
const SHORTEST: Duration = Duration::from_secs(2);
/// The shortest time between two calls of one object, for any reason. It is this short since
/// short-lived tokens need their last second.
pub const SPACING: Duration = Duration::from_millis(500);
/// The wait after the same token came back inside its refresh window: the platform is about to make
/// a new one.
const AGAIN: Duration = Duration::from_secs(15);
/// The longest such wait once the token's end is past: the platform has not told its true life.
const PAST_AGAIN: Duration = Duration::from_secs(300);
/// The longest that the guard and the spread together may take from the refresh window.
const LATEST: Duration = Duration::from_secs(60);
const GUARD: Duration = Duration::from_secs(5);
/// How long pods may need to see a new Secret with the kubelet's default settings, with a margin.
const SHORTEST_LEAD: Duration = Duration::from_secs(120);
/// After this many forced calls that returned the same token, forcing is taken for ineffective.
pub const FORCED_ENOUGH: usize = 2;

type Check = fn(&View<'_>) -> Option<Why>;

/// In order of precedence: first what may have lost the token, then changes, then time, then
/// requests.
const CHECKS: [Check; 11] = [
    token_missing,
    open_intent,
    unbelievable,
    unconfirmed,
    credential_changed,
    mode_changed,
    reported_invalid,
    time_has_come,
    requested,
    won_the_app,
    sibling_is_newer,
];

/// The calls that are due now, the most pressing first.
pub fn due<'a>(view: &'a View<'a>) -> impl Iterator<Item = Wanted> + 'a {
    let endpoint = view.endpoint;
    CHECKS.iter().filter_map(|check| check(view)).map(move |why| {
        let force = why == Why::Invalid && endpoint.replacement() == Replacement::ForcedCall;
        Wanted { why, force, mints: endpoint.reissue.ends_older(force) }
    })
}

/// When the stored token's own times make the next call due.
pub fn next(view: &View<'_>) -> Option<Timestamp> {
    let token = view.token()?;
    let unconfirmed =
        view.in_use.filter(|_| view.is_unconfirmed()).map(|target| confirm_at(view, target, token));
    let next = next_refresh(view, token);
    Some(unconfirmed.map_or(next, |at| at.min(next)))
}

fn token_missing(view: &View<'_>) -> Option<Why> {
    match view.in_use {
        None if view.status.token.is_none() => Some(Why::NoToken),
        None => Some(Why::TargetMissing),
        // The old target holds no known token, so it cannot fill the new one.
        Some(before)
            if is_missing(view)
                && view.seen.recall.writes.unmatched.as_ref() == Some(&before.version) =>
        {
            Some(Why::TargetMissing)
        }
        Some(target) if view.is_edited(target) => {
            Some(if view.status.token.is_none() { Why::NoToken } else { Why::Edited })
        }
        Some(_) => None,
    }
}

fn is_missing(view: &View<'_>) -> bool {
    matches!(view.target, Target::Missing)
}

fn open_intent(view: &View<'_>) -> Option<Why> {
    let intent = view.open_intent()?;
    // The intent that this pass has recorded is no reason for its own call, unless it replaces an
    // open intent.
    let beginning = view.seen.started.is_some() && view.is_own(intent);
    // A call that is counted as forced is sent as forced.
    let forced = view.seen.started.is_some_and(|started| started.force);
    (!beginning || intent.outcome_unknown && !forced).then_some(Why::OpenIntent)
}

fn unbelievable(view: &View<'_>) -> Option<Why> {
    let token = view.token()?;
    // The expiration time was counted from the last call, not from the first one that returned this
    // token.
    let counted = view.status.token.as_ref().filter(|known| known.fingerprint == token.fingerprint);
    let counted = counted
        .and_then(|known| known.check_time.as_ref())
        .map_or(token.issued, |checked| checked.0.max(token.issued));
    let too_long = span(counted, token.expires) > view.endpoint.longest_life;
    (!is_past(view.now, counted) || too_long || clock_went_back(view, token))
        .then_some(Why::Unbelievable)
}

/// Whether the wall clock gives the token more time than it had left when this process first saw
/// it, so that the clock has been set back.
fn clock_went_back(view: &View<'_>, token: &TokenFacts) -> bool {
    view.time_left_by_boot(token).is_some_and(|left| wait(view.now, token.expires) > left + SKEW)
}

fn unconfirmed(view: &View<'_>) -> Option<Why> {
    let target = view.in_use.filter(|_| view.is_unconfirmed())?;
    (confirm_at(view, target, view.token()?) <= view.now.wall).then_some(Why::Unconfirmed)
}

fn credential_changed(view: &View<'_>) -> Option<Why> {
    (view.credential == Credential::Known(Reason::NotTested)).then_some(Why::CredentialChanged)
}

fn mode_changed(view: &View<'_>) -> Option<Why> {
    (view.in_use?.sent.mode != view.mode()).then_some(Why::ModeChanged)
}

fn reported_invalid(view: &View<'_>) -> Option<Why> {
    let reported = fingerprint::meant_by(view.mp.annotation(names::INVALID_TOKEN)?)?;
    let token = view.token().filter(|token| token.fingerprint == reported)?;
    let checked = last_check(view, token);
    // A forced call that the platform refused shows nothing: only a response sets the check time.
    let answered = |time: &&Time| time.0 > token.issued && time.0 <= checked;
    let forced =
        view.status.mints.iter().flat_map(|mints| &mints.forced_times).filter(answered).count();
    let helps = match view.endpoint.replacement() {
        Replacement::Call => true,
        Replacement::ForcedCall => forced < FORCED_ENOUGH || view.seen.started.is_some(),
        Replacement::None => false,
    };
    helps.then_some(Why::Invalid)
}

/// When the platform last responded with the token, as the status reports it.
fn last_check(view: &View<'_>, token: &TokenFacts) -> Timestamp {
    let reported = view.status.token.as_ref().and_then(|token| token.check_time.as_ref());
    reported.map_or(token.issued, |time| time.0)
}

fn time_has_come(view: &View<'_>) -> Option<Why> {
    (next_refresh(view, view.token()?) <= view.now.wall).then_some(Why::Time)
}

fn requested(view: &View<'_>) -> Option<Why> {
    let request = request(view.mp)?;
    let handled = |value: Option<&str>| value == Some(request.as_str());
    (!handled(view.status.handled_refresh_request.as_deref())).then_some(Why::Requested)
}

fn won_the_app(view: &View<'_>) -> Option<Why> {
    let stored =
        conditions::find(&view.status.conditions, ConditionType::TokenFresh).and_then(Reason::of);
    // A suspended object never reports AppIDConflict, yet a sibling may have replaced its token.
    let beginning = view.seen.started.is_some_and(|started| started.why == Why::WonApp);
    // The stored condition does not yet include a call that has returned a token since.
    let answered = matches!(
        view.seen.recall.calls.ended.as_ref().map(|ended| &ended.how),
        Some(How::Token { .. })
    );
    let told_lost = stored == Some(Reason::AppIdConflict) && !answered;
    let had_lost = beginning || told_lost || ownership::is_ended_by_another(view);
    (had_lost && ownership::owner(view) == AppOwner::This).then_some(Why::WonApp)
}

fn sibling_is_newer(view: &View<'_>) -> Option<Why> {
    let newer = newer_sibling(view)?;
    (view.seen.recall.calls.sibling_asked.as_ref() != Some(&newer)).then_some(Why::SiblingNewer)
}

/// The newest act of a sibling of the same mode after this object's last call: the fingerprint of
/// the sibling's token, or the time of its forced call. If the sibling's token is gone, its status
/// or this process still remembers the forced call.
pub fn newer_sibling(view: &View<'_>) -> Option<String> {
    if !view.endpoint.reissue.is_shared() {
        return None;
    }
    let token = view.token()?;
    let checked = last_check(view, token);
    let theirs =
        view.seen.siblings.shown.iter().filter(|sibling| ownership::same_mode(view, sibling));
    let tokens = theirs.filter_map(|sibling| sibling::token(sibling));
    // Times are cut to the second: a sibling's token may have been issued in the second of this
    // object's call.
    let newer = tokens
        .filter(|theirs| theirs.issue_time.0 >= checked && theirs.fingerprint != token.fingerprint);
    let newest =
        newer.max_by_key(|theirs| theirs.issue_time.0).map(|theirs| theirs.fingerprint.clone());
    let own = view.status.mints.iter().flat_map(|mints| &mints.forced_times).map(|time| time.0);
    let refused = view.seen.siblings.shown.iter().flat_map(|sibling| refused_forced_calls(sibling));
    // Another object may have forced a new token in the same second.
    let refused = refused.filter(|time| !forced_by_accepted(view).any(|other| other == *time));
    let harmless: Vec<_> = own.chain(refused).collect();
    let forced = || {
        let forced = counted(view).forced.into_iter().rfind(|time| !harmless.contains(time))?;
        (forced > checked).then(|| forced.to_string())
    };
    newest.or_else(forced)
}

/// The forced calls of an object since the platform first rejected its credential: they ended no
/// token.
fn refused_forced_calls(mp: &MiniProgram) -> impl Iterator<Item = Timestamp> {
    let conditions = mp.status.as_ref().map(|status| status.conditions.as_slice());
    let credential =
        conditions.and_then(|all| conditions::find(all, ConditionType::CredentialValid));
    let rejected = credential.filter(|condition| Reason::of(condition).is_some_and(retry::stops));
    let since = rejected.map(|condition| condition.last_transition_time.0);
    let mints = mp.status.iter().filter_map(|status| status.mints.as_ref());
    let forced = mints.flat_map(|mints| &mints.forced_times).map(|time| time.0);
    forced.filter(move |time| since.is_some_and(|since| *time >= since))
}

/// The refresh request on the object, in the form that the status keeps: a long value as its hash.
pub fn request(mp: &MiniProgram) -> Option<String> {
    let value = mp.annotation(names::REFRESH_REQUESTED)?;
    Some(if value.len() > 64 {
        format!("sha256:{}", hex(&Sha256::digest(value.as_bytes()), 64))
    } else {
        value.to_owned()
    })
}

/// When the token's own times make the next call due.
pub fn next_refresh(view: &View<'_>, token: &TokenFacts) -> Timestamp {
    let again = view
        .seen
        .recall
        .calls
        .checked
        .as_ref()
        .filter(|(fingerprint, _)| *fingerprint == token.fingerprint);
    schedule(view).next(
        token,
        view.checked(token).unwrap_or(token.issued),
        again.map(|(_, at)| *at),
    )
}

/// Whether the token is so near its end that the platform is about to make a new one. A refresh
/// interval may make a call due long before that.
pub fn is_in_window(view: &View<'_>, token: &TokenFacts) -> bool {
    schedule(view).opens(token, view.checked(token).unwrap_or(token.issued)) <= view.now.wall
}

fn schedule(view: &View<'_>) -> Schedule {
    Schedule {
        reissue: view.endpoint.reissue,
        lead: view.endpoint.lead,
        wanted_lead: seconds(view.mp.spec.refresh_before_seconds),
        interval: seconds(view.mp.spec.refresh_interval_seconds),
        last_took: view.seen.recall.calls.last_took,
        app: format!("{} {}", view.platform.name, view.mp.spec.app_id),
    }
}

fn seconds(field: Option<i32>) -> Option<Duration> {
    field.and_then(|seconds| u64::try_from(seconds).ok()).map(Duration::from_secs)
}

/// The wait after a call that returned the same token again: the shorter, the nearer its end is,
/// and longer and longer after it.
fn wait_for_another(last: Timestamp, expires: Timestamp) -> Duration {
    let past = span(expires, last);
    if past.is_zero() {
        (span(last, expires) / 2).clamp(SPACING, AGAIN)
    } else {
        (past / 2).clamp(SPACING, PAST_AGAIN)
    }
}

/// What the time of a refresh depends on besides the token.
pub struct Schedule {
    /// What a call does to the tokens before it.
    pub reissue: Reissue,
    /// The endpoint's own lead.
    pub lead: Lead,
    /// `spec.refreshBeforeSeconds`.
    pub wanted_lead: Option<Duration>,
    /// `spec.refreshIntervalSeconds`.
    pub interval: Option<Duration>,
    /// How long the last call with a response took.
    pub last_took: Duration,
    /// Platform and app id: the seed of the spread.
    pub app: String,
}

impl Schedule {
    /// When to request the successor of a token whose last check was at `checked`; `again` is the
    /// time when the same token came back although its refresh was due.
    #[must_use]
    pub fn next(
        &self,
        token: &TokenFacts,
        checked: Timestamp,
        again: Option<Timestamp>,
    ) -> Timestamp {
        let opens = self.opens(token, checked);
        let last = again.into_iter().chain([checked]).max().unwrap_or(checked);
        let by_expiry =
            if last < opens { opens } else { after(last, wait_for_another(last, token.expires)) };
        let by_interval = self.interval.map(|interval| after(last, interval));
        by_interval.map_or(by_expiry, |at| at.min(by_expiry))
    }

    /// The earliest time at which a call is worth making, for a token whose last check was at
    /// `checked`.
    fn opens(&self, token: &TokenFacts, checked: Timestamp) -> Timestamp {
        let lead = self.wanted_lead.unwrap_or(self.lead.default);
        if self.reissue.is_refreshed_at_half() {
            return self.half_way(token, checked.max(token.issued), lead);
        }
        let life = span(token.issued, token.expires);
        let (lead, guard) = match self.reissue.window() {
            Some(window) => (lead.min(window), (GUARD + self.last_took).min(LATEST)),
            None => (lead, Duration::ZERO),
        };
        if life <= lead {
            return after(token.issued, (life / 2).max(SHORTEST));
        }
        let room = lead.saturating_sub(SHORTEST_LEAD).min(LATEST.saturating_sub(guard));
        before(token.expires, lead.saturating_sub(guard + spread(&self.app, room)))
    }

    /// Half of a life that began at `from`, but no later than the lead before the token's end.
    fn half_way(&self, token: &TokenFacts, from: Timestamp, lead: Duration) -> Timestamp {
        let life = span(from, token.expires);
        let half = (life / 2).max(SHORTEST);
        let latest = if life <= lead { half } else { half.min(life.saturating_sub(lead)) };
        let room = LATEST.min(half / 8);
        after(from, latest.saturating_sub(spread(&self.app, room)).max(SHORTEST))
    }
}
