//! The status of an object that cannot be planned: its spec is not known, its pass panicked, its
//! lists are missing, or the operator no longer selects it. Pure.

use super::{
    advice::{INTERNAL_ERROR, NOT_SELECTED, SUSPENDED, UNLISTED, not_configured, unsupported},
    time::whole_seconds,
};
use crate::{
    api::{
        ConditionType, MiniProgram, MiniProgramStatus, Reason,
        conditions::{self, ConditionStatus, ConditionValue},
    },
    shell::clock::Now,
};

const FRESH: [ConditionType; 2] = [ConditionType::Ready, ConditionType::TokenFresh];

/// The status of an object whose reconcile pass panicked: it reports the panic, and Ready stays
/// True while the token is valid.
pub fn of_panic(mp: &MiniProgram, now: Now) -> MiniProgramStatus {
    let mut status = mp.status.clone().unwrap_or_default();
    let good = status.token.as_ref().is_some_and(|token| token.expiration_time.0 > now.wall);
    let kind = if good { ConditionType::TokenFresh } else { ConditionType::Ready };
    let value = no(Reason::InternalError, INTERNAL_ERROR);
    set(&mut status, [kind], &value, mp, now);
    status
}

/// The status of an object whose token expired while the operator could see nothing but the object
/// itself.
pub fn of_expiry(mp: &MiniProgram, now: Now) -> MiniProgramStatus {
    let mut status = mp.status.clone().unwrap_or_default();
    let is_ready = conditions::find(&status.conditions, ConditionType::Ready)
        .is_some_and(|ready| ready.status == "True");
    let (reason, message) =
        if mp.spec.suspend { (Reason::Suspended, SUSPENDED) } else { (Reason::Expired, UNLISTED) };
    if is_ready {
        set(&mut status, FRESH, &no(reason, message), mp, now);
    }
    status
}

/// The status of an object that the operator no longer selects: it names no future call or refresh.
pub fn of_farewell(mp: &MiniProgram, now: Now) -> MiniProgramStatus {
    let mut status = mp.status.clone().unwrap_or_default();
    (status.last_failure, status.next_call) = (None, None);
    if let Some(token) = &mut status.token {
        token.next_refresh_time = None;
    }
    for ticket in &mut status.tickets {
        ticket.next_refresh_time = None;
    }
    let unknown = ConditionStatus::Unknown;
    let value = ConditionValue { truth: unknown, ..no(Reason::NotSelected, NOT_SELECTED) };
    set(&mut status, FRESH, &value, mp, now);
    if !mp.spec.tickets.is_empty() {
        set(&mut status, [ConditionType::TicketsFresh], &value, mp, now);
    }
    conditions::remove(&mut status.conditions, ConditionType::Stalled);
    status
}

/// The status of an object whose spec has a value that this version does not know.
pub fn of_unsupported(mp: &MiniProgram, now: Now) -> MiniProgramStatus {
    of_stalled(mp, &no(Reason::Unsupported, &unsupported(mp)), now)
}

/// The status of an object whose endpoint the administrator has not configured.
pub fn of_not_configured(mp: &MiniProgram, now: Now) -> MiniProgramStatus {
    of_stalled(mp, &no(Reason::EndpointNotConfigured, &not_configured(mp)), now)
}

/// The status of an object that waits for a person: it reports that and changes nothing else.
fn of_stalled(mp: &MiniProgram, ready: &ConditionValue, now: Now) -> MiniProgramStatus {
    let mut status = mp.status.clone().unwrap_or_default();
    status.observed_generation = mp.metadata.generation;
    // No call is planned.
    (status.last_failure, status.next_call) = (None, None);
    set(&mut status, [ConditionType::Ready], ready, mp, now);
    let stalled = ConditionValue { truth: ConditionStatus::True, ..ready.clone() };
    set(&mut status, [ConditionType::Stalled], &stalled, mp, now);
    status
}

fn no(reason: Reason, message: &str) -> ConditionValue {
    ConditionValue { truth: ConditionStatus::False, reason, message: message.into() }
}

fn set(
    status: &mut MiniProgramStatus,
    kinds: impl IntoIterator<Item = ConditionType>,
    value: &ConditionValue,
    mp: &MiniProgram,
    now: Now,
) {
    let now = whole_seconds(now.wall);
    for kind in kinds {
        conditions::set(&mut status.conditions, kind, value, mp.metadata.generation, now);
    }
}
