//! Why the platform is called next and what that call waits for, as the status reports it. Pure.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::{
    due,
    limits::Delay,
    ownership::{self, AppOwner},
    report::is_blocked,
    time::{after, is_about, round_up},
    view::View,
};
use crate::{
    api::NextCall,
    reconcile::call::{WaitsFor, Wanted, Why},
};

/// The next call: `wanted` if one is due, or else the refresh at `refresh`.
pub fn next_call(
    view: &View<'_>,
    wanted: Option<(Wanted, Delay)>,
    refresh: Option<&Time>,
) -> NextCall {
    let why = wanted.map_or(Why::Time, |(wanted, _)| wanted.why);
    let (waits_for, time) = match wanted {
        _ if !view.is_served() => (WaitsFor::Person, None),
        _ if ownership::owner(view) != AppOwner::This => (WaitsFor::OtherObject, None),
        _ if is_blocked(view) => (WaitsFor::Person, None),
        Some((_, delay)) if delay.wait.is_zero() => (WaitsFor::Slot, None),
        Some((_, delay)) => (delay.by, Some(Time(round_up(after(view.now.wall, delay.wait))))),
        None => (WaitsFor::Time, refresh.cloned().or_else(|| due::next(view).map(Time))),
    };
    let waits_for: &str = waits_for.into();
    let reason: &str = why.into();
    let next = NextCall { reason: reason.into(), waits_for: waits_for.into(), time };
    match view.status.next_call.as_ref().filter(|known| is_same(known, &next)) {
        Some(known) => known.clone(),
        None => next,
    }
}

fn is_same(known: &NextCall, next: &NextCall) -> bool {
    // The status reports each failure anyway, so its next attempt is exact.
    let back_off: &str = WaitsFor::BackOff.into();
    let is_back_off = next.waits_for == back_off;
    let same_time = match (&known.time, &next.time) {
        (Some(known), Some(next)) if is_back_off => known == next,
        (Some(known), Some(next)) => is_about(known.0, next.0),
        (known, next) => known == next,
    };
    known.reason == next.reason && known.waits_for == next.waits_for && same_time
}
