//! Counts a call that may end a token, and remembers how each call ended until the status reports
//! it.

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;

use super::StartedCall;
use crate::{
    api::{ConditionType, CredentialStatus, MiniProgram, Mints, Reason, conditions},
    platform::Refusal,
    projection::Sent,
    reconcile::{
        Ctx, Next, Pass, app_key,
        call::{Call, Why},
        memory::{AppMints, Ended, How, LastMint, UnstoredToken},
        plan::{
            limits, retry,
            time::{next_midnight, whole_seconds},
            view::View,
        },
        status,
    },
};

impl Ctx {
    /// Counts a mint, and returns the counters from before it.
    pub(super) fn count_mint(&self, view: &View<'_>, call: &Call) -> Option<AppMints> {
        let key = app_key(view.mp)?;
        let mints = status::counted_with(view, call);
        // An app's first mint replaces no lost token, so it is not counted as consecutive.
        let in_a_row = call.wanted.why.urgent() && limits::counted(view).last.is_some();
        let last = LastMint { started: view.now.boot, uid: view.mp.uid().to_owned() };
        self.memories.change_app(&key, view.now.boot, |app| {
            let before = app.clone();
            app.urgent_in_a_row = if in_a_row { app.urgent_in_a_row.saturating_add(1) } else { 0 };
            (app.mints, app.last) = (mints, Some(last));
            Some(before)
        })
    }

    /// Withdraws the intent of a call that will not be sent, if it has one.
    pub(in crate::reconcile) fn withdraw(&self, mp: &MiniProgram, pass: &mut Pass) -> Next<'_> {
        let started = pass.started.take().filter(|started| started.call.wanted.mints);
        if let Some(started) = started {
            self.uncount_mint(mp, started.app_before.clone());
            self.recall(mp, |recall| recall.calls.ended = Some(Box::new(started.withdrawn(mp))));
        }
        Next::Continue
    }

    pub(super) fn got_token(
        &self,
        view: &View<'_>,
        unstored: UnstoredToken,
        version: CredentialStatus,
        sent: Timestamp,
        took: Duration,
    ) {
        let facts = &unstored.facts;
        let same = view.token().is_some_and(|token| token.fingerprint == facts.token.fingerprint);
        let ended = Ended {
            call: facts.call.clone(),
            generation: view.generation(),
            credential: Some(version),
            mints_before: None,
            how: How::Token {
                token: facts.token.clone(),
                sent,
                stored: false,
                same,
                unconfirmed: facts.unconfirmed,
            },
        };
        let why = facts.call.wanted.why;
        let accepted = is_changed(view, &facts.sent).then(|| whole_seconds(sent));
        let ends_others = view.endpoint.reissue.is_exclusive();
        let minted =
            facts.call.wanted.mints.then(|| (facts.token.fingerprint.clone(), view.now.boot));
        self.metrics.refreshed(
            view.platform.name,
            "success",
            if same { "SameToken" } else { "NewToken" },
        );
        let uid = view.mp.uid();
        self.memories.with(uid, |memory| {
            memory.unstored = Some(Box::new(unstored));
            memory.recall.calls.ended = Some(Box::new(ended));
            memory.recall.calls.minted = minted;
            memory.recall.calls.accepted = accepted.or(memory.recall.calls.accepted);
            memory.recall.calls.reported = match why {
                Why::Invalid if ends_others => memory.recall.calls.reported.saturating_add(1),
                _ => 0,
            };
            memory.recall.calls.last_took = took;
            memory.recall.calls.unasked = match why {
                Why::Time => 0,
                why => memory.recall.calls.unasked.saturating_add(u32::from(why.unasked())),
            };
            // The response has just reported how much time is left, so earlier sightings are
            // obsolete.
            memory.recall.sightings.ends.clear();
            memory.recall.calls.unanswered = 0;
            memory.recall.backoffs.requests.failures = 0;
        });
    }

    pub(super) fn failed(
        &self,
        view: &View<'_>,
        started: StartedCall,
        version: CredentialStatus,
        refusal: Refusal,
    ) {
        let mp = view.mp;
        let now = self.clock.now();
        let (call, reason, unknown) = (started.call, refusal.reason, refusal.is_unknown());
        let how = retry::after_failure(view, &call, refusal, now.wall);
        self.metrics.refreshed(view.platform.name, "failure", reason.as_str());
        let is_of_credential = matches!(reason, Reason::CredentialRejected | Reason::AppIdRejected);
        if is_of_credential {
            self.slots.rejected(view.platform.name, mp.namespace(), now.boot);
        }
        let key = app_key(mp);
        if let Some(key) = key.as_ref().filter(|_| call.wanted.force)
            && reason == Reason::QuotaExhausted
        {
            let midnight = next_midnight(now.wall, view.platform.day_offset_seconds);
            self.memories.change_app(key, now.boot, |app| app.force_stopped_until = Some(midnight));
        }
        if let Some(key) = key.as_ref().filter(|_| unknown && call.wanted.mints) {
            self.memories.change_app(key, now.boot, |app| app.unknown_at = Some(view.now.boot));
        }
        let mints_before =
            (call.wanted.mints && !unknown).then(|| started.mints_before.unwrap_or_default());
        if mints_before.is_some() {
            // A refused call may have used up one of the day's forced calls; one with a wrong app
            // secret uses up none.
            let forced_times = view.seen.app.mints.forced_times.clone();
            let with_forced = |before: AppMints| AppMints {
                mints: Mints { forced_times, ..before.mints },
                ..before
            };
            let before = started
                .app_before
                .map(|before| if is_of_credential { before } else { with_forced(before) });
            self.uncount_mint(mp, before);
        }
        let ended = Ended {
            call,
            generation: view.generation(),
            credential: Some(version),
            mints_before,
            how,
        };
        let unanswered = unknown && reason == Reason::PlatformUnreachable;
        self.recall(mp, |recall| {
            recall.calls.ended = Some(Box::new(ended));
            recall.calls.unanswered =
                if unanswered { recall.calls.unanswered.saturating_add(1) } else { 0 };
        });
    }

    /// Restores the counters: a call that was refused or not sent shortened no token's life.
    fn uncount_mint(&self, mp: &MiniProgram, before: Option<AppMints>) {
        let (Some(key), Some(before)) = (app_key(mp), before) else { return };
        self.memories.change_app(&key, self.clock.now().boot, |app| {
            (app.mints, app.last, app.urgent_in_a_row) =
                (before.mints, before.last, before.urgent_in_a_row);
        });
    }
}

/// Whether the app secret that was sent is another than that of the stored token, or the platform
/// refused the one before.
fn is_changed(view: &View<'_>, sent: &Sent) -> bool {
    let stored = view.in_use.filter(|target| !view.is_edited(target));
    let reported = view.mp.status.as_ref().and_then(|status| {
        conditions::find(&status.conditions, ConditionType::CredentialValid).and_then(Reason::of)
    });
    stored.is_some_and(|target| target.sent.digest != sent.digest)
        || reported.is_some_and(retry::stops)
}
