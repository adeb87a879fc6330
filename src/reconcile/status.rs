//! Writes the status of a `MiniProgram`; no other step does. The intent of a call is a status write
//! too.
//!
//! The plan decides what the status reports. A status reports a token only after its write: its
//! facts come from a `Projection`, which only an object of the API server's answers can make, or
//! from a call whose token `apply` has stored.

use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use kube::{Api, Client, api::PostParams};

use super::{
    api_error::{ApiError, within},
    call::{Call, Wanted},
    plan::{
        limits,
        time::{day, whole_seconds},
        view::View,
    },
};
use crate::{
    api::{Intent, MiniProgram, MiniProgramStatus, Mints, names},
    shell::clock::Now,
};

/// Proof that a call may be made: its intent is recorded in the status, or it cannot shorten any
/// token's life.
pub struct IntentRecorded {
    since: Option<Duration>,
}

impl IntentRecorded {
    /// The proof for a call that cannot shorten a token's life and needs no intent.
    #[must_use]
    pub fn not_needed(wanted: Wanted) -> Option<Self> {
        (!wanted.mints).then_some(Self { since: None })
    }

    /// The proof for an intent that was recorded at this boot time. An old intent allows no call.
    pub(super) fn at(boot: Duration) -> Self {
        Self { since: Some(boot) }
    }

    /// The boot time at which the intent was recorded.
    #[must_use]
    pub fn since(&self) -> Option<Duration> {
        self.since
    }
}

/// Replaces the status that the plan has seen; the resourceVersion is the precondition.
pub async fn write(
    client: &Client,
    mp: &MiniProgram,
    status: MiniProgramStatus,
) -> Result<MiniProgram, ApiError> {
    let metadata = ObjectMeta {
        name: mp.metadata.name.clone(),
        namespace: mp.metadata.namespace.clone(),
        uid: mp.metadata.uid.clone(),
        resource_version: mp.metadata.resource_version.clone(),
        ..ObjectMeta::default()
    };
    let minis = Api::<MiniProgram>::namespaced(client.clone(), mp.namespace());
    // The status subresource ignores everything but the status; a PUT also removes fields that are
    // no longer reported.
    let object = MiniProgram { metadata, spec: mp.spec.clone(), status: Some(status) };
    let name = mp.name();
    let manager = Some(names::FIELD_MANAGER.to_owned());
    let params = PostParams { field_manager: manager, ..PostParams::default() };
    within(minis.replace_status(name, &params, &object)).await
}

/// The status with the counters and the intent of a call that may shorten a token's life.
#[must_use]
pub fn with_intent(view: &View<'_>, call: &Call) -> MiniProgramStatus {
    let now = view.now;
    let today = day(now.wall, view.platform.day_offset_seconds);
    let before = view.status.mints.clone().unwrap_or_default();
    let count = if before.day == today { before.count } else { 0 };
    let mut forced_times = before.forced_times;
    forced_times.retain(|time| day(time.0, view.platform.day_offset_seconds) == today);
    if call.wanted.force {
        forced_times.push(Time(whole_seconds(now.wall)));
        let surplus = forced_times.len().saturating_sub(20);
        forced_times.drain(..surplus);
    }
    let mints = Mints {
        day: today,
        count: count + i32::from(!call.wanted.why.by_time()),
        last_time: Some(Time(whole_seconds(now.wall))),
        forced_times,
    };
    let time = Time(whole_seconds(now.wall));
    let intent = Intent { id: call.id.clone(), time, outcome_unknown: call.outcome_unknown };
    MiniProgramStatus { intent: Some(intent), mints: Some(mints), ..view.status.clone() }
}

/// Writes the intent. Any later process that finds it knows that a token may have been made.
pub async fn record_intent(
    client: &Client,
    mp: &MiniProgram,
    status: MiniProgramStatus,
    now: Now,
) -> Result<(MiniProgram, IntentRecorded), ApiError> {
    let written = write(client, mp, status).await?;
    Ok((written, IntentRecorded::at(now.boot)))
}

/// The app's mints including this call, as this process counts them.
#[must_use]
pub fn counted_with(view: &View<'_>, call: &Call) -> Mints {
    let counted = limits::counted(view);
    let mut forced_times: Vec<_> = counted.forced.into_iter().map(Time).collect();
    if call.wanted.force {
        forced_times.push(Time(whole_seconds(view.now.wall)));
    }
    Mints {
        day: day(view.now.wall, view.platform.day_offset_seconds),
        count: i32::try_from(counted.today)
            .unwrap_or(i32::MAX)
            .saturating_add(i32::from(!call.wanted.why.by_time())),
        last_time: Some(Time(whole_seconds(view.now.wall))),
        forced_times,
    }
}

#[cfg(test)]
mod tests;
