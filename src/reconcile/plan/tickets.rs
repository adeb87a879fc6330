//! Which tickets are due, when the next one is, and what the end of a call for one means. A ticket
//! is requested only with a token that is stored, reported and valid, and costs that token nothing.
//! Pure.
//!
//! A response repeats the whole life of a ticket, however old it is. So the end of the first ticket
//! that is seen is not known, and the platform is asked every two minutes until it returns another
//! one. The end of that one is known, but for the time between the two calls.

mod report;

use std::time::Duration;

use k8s_openapi::{apimachinery::pkg::apis::meta::v1::Time, jiff::Timestamp};

pub use self::report::{next_change, statuses, verdict};
use super::{
    Act, Step,
    backoff::backoff,
    due, limits,
    ownership::{self, AppOwner},
    retry,
    target::{self, refused_write},
    time::{after, is_past, next_midnight, round_up, span, spread, wait, whole_seconds},
    view::{Target, View},
};
use crate::{
    api::{LastFailure, MiniProgramStatus, Reason, TicketStatus, TicketType},
    platform::{Grant, Refusal, Ticket},
    projection::{Projection, TicketFacts},
    reconcile::{
        call::{Wanted, Why},
        memory::{LastTicketCall, Recall, TicketCalls, TicketEnd},
        observed::{Held, HeldTicket, LiveRead},
    },
};

/// The time between two calls while a ticket's end is not known. docs/reference/status.md names it.
const APART: Duration = Duration::from_secs(120);
/// The shortest time between two calls for a ticket.
const SHORTEST: Duration = Duration::from_secs(30);
/// The longest time between two calls for a ticket whose end is past.
const LONGEST: Duration = Duration::from_secs(300);
/// A token that expires sooner is not used for a ticket: its successor is about to come.
const LEAST_LIFE: Duration = Duration::from_secs(60);
const MINUTE: Duration = Duration::from_secs(60);
const HALF_HOUR: Duration = Duration::from_secs(30 * 60);

/// Requests the tickets that are due, unless a call for a token can be made now.
pub(super) fn renew(view: &View<'_>, wanted: Option<Wanted>) -> Option<Step> {
    let due = due(view);
    let token_first = || {
        wanted.is_some_and(|wanted| limits::delay(view, wanted).wait.is_zero())
            && !super::is_hindered(view)
    };
    (!due.is_empty() && !token_first()).then_some(Step::Do(Act::RenewTickets(due)))
}

/// The tickets that the spec asks for and the platform has.
pub fn wanted(view: &View<'_>) -> impl Iterator<Item = &'static Ticket> {
    let platform = view.platform;
    view.mp.spec.tickets.iter().filter_map(move |kind| platform.ticket(*kind))
}

fn due(view: &View<'_>) -> Vec<&'static Ticket> {
    let due = |ticket: &&Ticket| may_ask(view) && due_in(view, ticket.kind).is_zero();
    wanted(view).filter(due).collect()
}

/// How long until the next ticket is due.
pub(super) fn next(view: &View<'_>) -> Option<Duration> {
    let all = wanted(view).filter(|_| may_ask(view)).map(|ticket| due_in(view, ticket.kind));
    all.filter(|wait| !wait.is_zero()).min()
}

/// Whether the token may be used for a ticket: its Secret holds it, the status reports it, and
/// nothing says that it is about to end or has ended.
fn may_ask(view: &View<'_>) -> bool {
    let is_settled = view.seen.unstored.is_none()
        && view.seen.started.is_none()
        && view.seen.recall.calls.ended.is_none();
    let is_open = matches!(view.target, Target::Ours(target) if target.terminating.is_none() && !view.is_edited(target));
    let lives = view.valid_token().is_some_and(|token| view.time_left(token) > LEAST_LIFE);
    let is_doubted = || {
        view.is_unconfirmed()
            || due::due(view).any(|wanted| wanted.why.urgent() || wanted.why == Why::Invalid)
    };
    is_settled
        && is_open
        && lives
        && view.is_served()
        && ownership::owner(view) == AppOwner::This
        && !is_doubted()
        && refused_write(view).is_none()
        && !target::is_reported(view, Reason::Immutable)
}

fn due_in(view: &View<'_>, kind: TicketType) -> Duration {
    let status = status_of(&view.status, kind);
    let last = last_call(view, kind);
    let since = |wait: Duration| {
        last.map_or(Duration::ZERO, |last| (last.boot + wait).saturating_sub(view.now.boot))
    };
    if let Some(failure) = status.and_then(|status| status.last_failure.as_ref()) {
        // Another token may be accepted.
        let is_of_older = view.token().is_some_and(|token| token.issued > failure.time.0)
            && failure.reason == Reason::TokenRejected.as_str();
        let of_other_clock = !is_past(view.now, failure.time.0);
        let retry = wait(view.now, failure.next_attempt_time.0);
        let retry = if is_of_older || of_other_clock { Duration::ZERO } else { retry };
        return retry.max(since(SHORTEST));
    }
    let Some(ticket) = stored(view, kind) else { return since(SHORTEST) };
    let next = status.and_then(|status| status.next_refresh_time.as_ref());
    let next = next.map_or(ticket.issue_time.0, |next| next.0);
    // The wall clock can be set back; boot time cannot.
    let until = wait(view.now, next);
    let until = last.map_or(until, |last| until.min(since(span(last.sent, next))));
    if !until.is_zero() && is_past(view.now, ticket.issue_time.0) {
        return until;
    }
    let is_end_known = span(ticket.issue_time.0, next) > APART;
    let past = last.map_or(Duration::ZERO, |last| span(next, last.sent));
    let has_ended = ticket.expiration_time.0 <= view.now.wall;
    since(match (is_end_known, has_ended) {
        (true, _) => (past / 2).clamp(SHORTEST, LONGEST),
        (false, true) => LONGEST,
        (false, false) => APART,
    })
}

fn status_of(status: &MiniProgramStatus, kind: TicketType) -> Option<&TicketStatus> {
    status.tickets.iter().find(|ticket| ticket.kind == kind)
}

fn last_call<'a>(view: &View<'a>, kind: TicketType) -> Option<&'a LastTicketCall> {
    let calls = view.seen.recall.tickets.iter().find(|calls| calls.kind == kind)?;
    Some(&calls.last)
}

/// The ticket of this type in the Secret in use, if the status confirms it: anybody who may write
/// Secrets can put one there.
fn stored<'a>(view: &View<'a>, kind: TicketType) -> Option<&'a TicketFacts> {
    let held = view.in_use?.tickets.iter().find(|ticket| ticket.kind == kind)?;
    is_reported(&view.status, held).then_some(held)
}

fn is_reported(status: &MiniProgramStatus, ticket: &TicketFacts) -> bool {
    status_of(status, ticket.kind).is_some_and(|reported| {
        reported.fingerprint.as_ref() == Some(&ticket.fingerprint)
            && reported.issue_time.as_ref() == Some(&ticket.issue_time)
            && reported.expiration_time.as_ref() == Some(&ticket.expiration_time)
    })
}

/// The tickets that a write of the target keeps: those of this Secret that the spec still asks for
/// and the status confirms, with their values.
pub fn kept(view: &View<'_>, from: &Projection, held: &Held) -> Vec<HeldTicket> {
    let kept = from
        .tickets
        .iter()
        .filter(|ticket| view.mp.spec.tickets.contains(&ticket.kind))
        .filter(|ticket| is_reported(&view.status, ticket));
    kept.filter_map(|facts| {
        let ticket = held.token(&facts.fingerprint)?.clone();
        Some(HeldTicket { ticket, facts: facts.clone() })
    })
    .collect()
}

/// The tickets of the Secret in use that a write of another token keeps.
pub fn kept_in_use(view: &View<'_>, live: &LiveRead) -> Vec<HeldTicket> {
    view.in_use.map(|from| kept(view, from, live.held_by(from, view.mp))).unwrap_or_default()
}

/// The facts of a ticket that a call returned, and from when on the platform is asked for the next
/// one. The stored ticket keeps its times.
pub fn after_response(
    view: &View<'_>,
    kind: TicketType,
    grant: &Grant,
    sent: Timestamp,
) -> (TicketFacts, Timestamp) {
    let fingerprint = grant.token.fingerprint();
    let stored = stored(view, kind).filter(|stored| is_past(view.now, stored.issue_time.0));
    let next = status_of(&view.status, kind).and_then(|status| status.next_refresh_time.as_ref());
    if let (Some(same), Some(next)) =
        (stored.filter(|stored| stored.fingerprint == fingerprint), next)
    {
        return (same.clone(), next.0);
    }
    let life = grant.life.span();
    let sent = whole_seconds(sent);
    let before = last_call(view, kind).filter(|last| {
        last.fingerprint.is_some()
            && last.fingerprint.as_ref() == stored.map(|stored| &stored.fingerprint)
    });
    let earliest_end = before.map(|last| whole_seconds(after(last.sent, life)));
    let facts = TicketFacts {
        kind,
        fingerprint,
        issue_time: Time(sent),
        expiration_time: Time(after(sent, life)),
    };
    let apart = after(sent, APART);
    (facts, earliest_end.map_or(apart, |end| end.max(apart)))
}

/// What a call that returned no ticket leads to.
pub fn after_refusal(
    view: &View<'_>,
    kind: TicketType,
    refusal: &Refusal,
    now: Timestamp,
) -> LastFailure {
    let failure = after_failure(view, kind, refusal.reason, refusal.wait, now);
    LastFailure {
        platform_code: refusal.code.as_ref().map(ToString::to_string),
        cause: refusal.cause.map(|cause| cause.as_str().to_owned()),
        caller_ip: refusal.caller_ip.map(|ip| ip.to_string()),
        ..failure
    }
}

/// What a ticket leads to that was not returned or could not be stored. It has a back-off of its
/// own, so that nothing about the token waits for it.
pub fn after_failure(
    view: &View<'_>,
    kind: TicketType,
    reason: Reason,
    asked: Option<Duration>,
    now: Timestamp,
) -> LastFailure {
    let before = status_of(&view.status, kind).and_then(|status| status.last_failure.as_ref());
    let in_a_row = before.filter(|before| {
        before.reason.parse().is_ok_and(|before| retry::continues(before, reason))
    });
    let attempts = in_a_row.map_or(0, |before| before.attempts).saturating_add(1).min(1_000_000);
    let times = u32::try_from(attempts).unwrap_or(1);
    let wait = match reason {
        Reason::PlatformBusy | Reason::PlatformUnreachable => backoff(times, SHORTEST, LONGEST),
        Reason::Throttled | Reason::IpNotAllowed => backoff(times, MINUTE, LONGEST),
        Reason::QuotaExhausted => {
            let midnight = next_midnight(now, view.platform.day_offset_seconds);
            span(now, after(midnight, Duration::from_secs(1))).min(HALF_HOUR)
        }
        _ => backoff(times, MINUTE, HALF_HOUR),
    };
    let wait = asked.unwrap_or(wait).max(wait);
    let jitter = spread(&format!("{} {attempts}", view.mp.uid()), wait / 8);
    LastFailure {
        time: Time(whole_seconds(view.now.wall)),
        reason: reason.as_str().into(),
        platform_code: None,
        cause: None,
        caller_ip: None,
        attempts,
        next_attempt_time: Time(round_up(after(now, wait + jitter))),
    }
}

/// Applies the ends of calls for tickets that the status does not report yet.
pub(super) fn fold(status: &mut MiniProgramStatus, recall: &Recall) {
    for TicketCalls { kind, ended, .. } in &recall.tickets {
        let Some(end) = ended else { continue };
        let known = status.tickets.iter().position(|ticket| ticket.kind == *kind);
        let before = known.map(|known| status.tickets.remove(known));
        status.tickets.push(match end {
            TicketEnd::Ticket { facts, next } => TicketStatus {
                kind: *kind,
                fingerprint: Some(facts.fingerprint.clone()),
                issue_time: Some(facts.issue_time.clone()),
                expiration_time: Some(facts.expiration_time.clone()),
                next_refresh_time: Some(Time(*next)),
                last_failure: None,
            },
            TicketEnd::Failed(failure) => TicketStatus {
                last_failure: Some(failure.clone()),
                ..before.unwrap_or_else(|| report::not_yet(*kind))
            },
        });
    }
}
