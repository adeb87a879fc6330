//! What the status says of tickets: the list of them, and the condition `TicketsFresh`. Pure.

use std::time::Duration;

use super::{may_ask, status_of, stored, wanted};
use crate::{
    api::{
        Reason, TicketStatus, TicketType,
        conditions::{ConditionStatus, ConditionValue},
    },
    reconcile::plan::{
        advice::SUSPENDED,
        time::{span, time_of_day},
        view::View,
    },
};

/// The tickets that the spec asks for, as the Secret in use holds them.
pub fn statuses(view: &View<'_>) -> Vec<TicketStatus> {
    let all = wanted(view).map(|ticket| {
        let known = status_of(&view.status, ticket.kind).cloned();
        match (known, stored(view, ticket.kind)) {
            (Some(known), Some(_)) => known,
            (Some(known), None) => {
                TicketStatus { last_failure: known.last_failure, ..not_yet(ticket.kind) }
            }
            (None, _) => not_yet(ticket.kind),
        }
    });
    all.collect()
}

/// A ticket that no call has returned.
pub(super) fn not_yet(kind: TicketType) -> TicketStatus {
    TicketStatus {
        kind,
        fingerprint: None,
        issue_time: None,
        expiration_time: None,
        next_refresh_time: None,
        last_failure: None,
    }
}

/// The condition `TicketsFresh`, or none if the spec asks for no ticket.
pub fn verdict(view: &View<'_>, tickets: &[TicketStatus]) -> Option<ConditionValue> {
    let asked = &view.mp.spec.tickets;
    if asked.is_empty() {
        return None;
    }
    let not = |truth, reason, message| Some(ConditionValue { truth, reason, message });
    if view.mp.spec.suspend {
        return not(ConditionStatus::False, Reason::Suspended, SUSPENDED.into());
    }
    if asked.iter().any(|kind| view.platform.ticket(*kind).is_none()) {
        return not(ConditionStatus::False, Reason::Unsupported, unsupported(view));
    }
    let verdict = tickets.iter().find_map(|ticket| problem(view, ticket));
    verdict.or_else(|| {
        let target = view.in_use.map(|target| target.name.as_str()).unwrap_or_default();
        let message = format!("Secret {target} holds the tickets");
        not(ConditionStatus::True, Reason::Fresh, message)
    })
}

fn problem(view: &View<'_>, ticket: &TicketStatus) -> Option<ConditionValue> {
    let platform = view.platform.name;
    let name = ticket.kind.as_str();
    let (truth, reason, message) = match (&ticket.last_failure, &ticket.expiration_time) {
        (Some(failure), _) => {
            let reason = failure.reason.parse().unwrap_or(Reason::BadResponse);
            (ConditionStatus::False, reason, failed(view, ticket.kind, reason))
        }
        (None, None) if may_ask(view) => {
            let message = format!("The ticket {name} is being asked for at {platform}");
            (ConditionStatus::Unknown, Reason::Issuing, message)
        }
        (None, None) => {
            let message = format!("The ticket {name} waits for a valid token");
            (ConditionStatus::Unknown, Reason::Pending, message)
        }
        (None, Some(end)) if end.0 <= view.now.wall => {
            let end = time_of_day(end.0);
            let message = format!(
                "The ticket {name} has expired at {end}, and {platform} has returned no other since"
            );
            (ConditionStatus::False, Reason::Expired, message)
        }
        (None, Some(_)) => return None,
    };
    Some(ConditionValue { truth, reason, message })
}

fn failed(view: &View<'_>, kind: TicketType, reason: Reason) -> String {
    let platform = view.platform.name;
    let name = kind.as_str();
    let failure = status_of(&view.status, kind).and_then(|status| status.last_failure.as_ref());
    let code = failure.and_then(|failure| failure.platform_code.as_deref());
    let with = code.map(|code| format!(" ({code})")).unwrap_or_default();
    let what = match reason {
        Reason::PlatformBusy => format!("{platform} says that it is busy{with}"),
        Reason::PlatformUnreachable => {
            format!("{platform} did not answer the call for the ticket {name}")
        }
        Reason::Throttled => format!("{platform} asks for fewer calls{with}"),
        Reason::QuotaExhausted => {
            format!("The day's quota of calls for the ticket {name} is used up{with}")
        }
        Reason::IpNotAllowed => format!("{platform} refuses calls from this cluster's IP{with}"),
        Reason::TokenRejected => format!(
            "{platform} refuses the token that the ticket {name} is asked for with{with}. If \
             another caller has ended it, the next token is used"
        ),
        Reason::WriteFailed | Reason::Forbidden | Reason::Altered | Reason::Immutable => {
            let target = view.in_use.map(|target| target.name.as_str()).unwrap_or_default();
            format!(
                "Secret {target} could not be written with the ticket {name}: an admission policy, a quota or a right refuses it"
            )
        }
        _ => format!("{platform} gives no ticket {name}{with}{}", documented_for(view, kind)),
    };
    format!("{what}. The token is not affected; the ticket is asked for again")
}

fn documented_for(view: &View<'_>, kind: TicketType) -> String {
    match view.platform.ticket(kind).map(|ticket| ticket.documented_for) {
        None | Some("") => String::new(),
        Some(apps) => format!(": it documents it for {apps}"),
    }
}

fn unsupported(view: &View<'_>) -> String {
    let platform = view.platform;
    let has: Vec<_> = platform.tickets.iter().map(|ticket| ticket.kind.as_str()).collect();
    let has = if has.is_empty() { "none".to_owned() } else { has.join(", ") };
    format!(
        "spec.tickets has one that {} does not make or this version does not know. It makes: {has}",
        platform.name
    )
}

/// How long until a ticket that the status reports expires.
pub fn next_change(view: &View<'_>, tickets: &[TicketStatus]) -> Option<Duration> {
    let ends = tickets.iter().filter_map(|ticket| ticket.expiration_time.as_ref());
    ends.map(|end| span(view.now.wall, end.0)).filter(|wait| !wait.is_zero()).min()
}
