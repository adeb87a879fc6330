//! Carries out the acts of a call: record the intent, preflight, fetch, and remember how the call
//! ended.

mod end;

use std::{sync::Arc, time::Duration};

use super::admit::urgency;
use crate::reconcile::{
    Ctx, Next, Pass, REQUEUE_SOON, SOON,
    api_error::ApiError,
    app_key, apply,
    call::{Call, Wanted},
    fetch::{FetchRequest, Fetched, fetch, slots::Slot},
    memory::{AppMints, Ended, How, Precondition, UnstoredFacts, UnstoredToken},
    plan::{
        due, limits, preflight, refused_write,
        target::{old_in_use, stays_in_use},
        tickets,
        time::{after, whole_seconds},
        unknown_outcome,
        view::View,
    },
    reads::Errand,
    status::{self, IntentRecorded},
};
use crate::{
    api::{MiniProgram, Mints},
    platform::{Grant, Life, TokenRequest},
    projection::{Sent, TokenFacts},
    sensitive::AppSecret,
    shell::{chance::Chance, clock::Now},
};

/// A call whose intent, if it needs one, is recorded in the status.
pub struct StartedCall {
    /// The call.
    pub call: Call,
    recorded: IntentRecorded,
    mints_before: Option<Mints>,
    /// What this process counted for the app before this call.
    app_before: Option<AppMints>,
}

impl StartedCall {
    /// The end of a call that was withdrawn before it was sent.
    pub fn withdrawn(self, mp: &MiniProgram) -> Ended {
        Ended {
            call: self.call,
            generation: mp.metadata.generation,
            credential: None,
            mints_before: Some(self.mints_before.unwrap_or_default()),
            how: How::Withdrawn,
        }
    }
}

impl Ctx {
    /// Writes the intent of a call and makes another live read: the earlier one is older than the
    /// intent.
    pub(in crate::reconcile) async fn record_intent(
        &self,
        view: &View<'_>,
        pass: &mut Pass,
        wanted: Wanted,
    ) -> Next<'_> {
        let (mp, now) = (view.mp, view.now);
        // No intent is recorded for a call that this term has no time left for.
        if self.term.permit(self.platforms.connect_timeout).is_none() {
            self.delay(mp, now);
            return Next::Continue;
        }
        if let Err(instead) = self.admit(view, pass, urgency(view)).await {
            return instead;
        }
        let call = new_call(view, wanted, &self.chance);
        self.recall(mp, |recall| recall.calls.own_intent = Some(call.id.clone()));
        let started =
            status::record_intent(&self.client, mp, status::with_intent(view, &call), now).await;
        match started {
            Ok((written, recorded)) => {
                self.metrics.status_written();
                let app_before = self.count_mint(view, &call);
                let mints_before = view.status.mints.clone();
                let written = self.world().record_status_write(written);
                self.remember_status(&written);
                self.recall(mp, |recall| recall.calls.ended = None);
                let started = StartedCall { call, recorded, mints_before, app_before };
                pass.started = Some(Box::new(started));
                let (target, old) = (!preflight::is_target_known(view, wanted), old_in_use(view));
                match self.make_live_read(view, target, old, None, Errand::Call).await {
                    Ok(live) => {
                        self.record_live_read(mp, &live);
                        pass.live = Some(Arc::new(live));
                        Next::Continue
                    }
                    Err(error) => {
                        self.withdraw(mp, pass);
                        self.back_off(mp, &error, "read the target before a call")
                    }
                }
            }
            Err(error) => {
                pass.live = None;
                if matches!(error, ApiError::Unanswered) {
                    // The intent may be stored although no answer came. No call was made for it.
                    let mints_before = view.status.mints.clone();
                    let never_sent = StartedCall {
                        call,
                        recorded: IntentRecorded::at(Duration::ZERO),
                        mints_before,
                        app_before: None,
                    };
                    self.recall(mp, |recall| {
                        recall.calls.ended = Some(Box::new(never_sent.withdrawn(mp)));
                    });
                }
                self.back_off_on_write(mp, &error, pass).await
            }
        }
    }

    /// Makes the call if its token can be stored, and remembers how the call ended before anything
    /// else can fail.
    pub(in crate::reconcile) async fn call(
        &self,
        view: &View<'_>,
        pass: &mut Pass,
        wanted: Wanted,
    ) -> Next<'_> {
        let (mp, now, seen) = (view.mp, view.now, view.seen);
        if let Err(instead) = self.admit(view, pass, urgency(view)).await {
            return instead;
        }
        pass.live = None;
        let Some(live) = view.live() else { return REQUEUE_SOON };
        let Some((version, secret)) = live.app_secret() else { return Next::Continue };
        let started = match (pass.started.take(), IntentRecorded::not_needed(wanted)) {
            (Some(started), _) => *started,
            (None, Some(recorded)) => StartedCall {
                call: new_call(view, wanted, &self.chance),
                recorded,
                mints_before: None,
                app_before: None,
            },
            (None, None) => return Next::Continue,
        };
        let (name, precondition) = destination(view);
        // For an object that came after it, the creation says nothing: a policy may have come first.
        let created_nearby = seen.recall.sightings.due_since.is_some_and(|since| {
            self.memories.creations(|creations| creations.any(mp.namespace(), since, now.boot))
        });
        let dry_run = preflight::needs_dry_run(view, wanted, &precondition, created_nearby);
        let preflight =
            match apply::preflight(&self.client, mp, &name, &precondition, &seen.template, dry_run)
                .await
            {
                Ok(preflight) => preflight,
                Err(error) => {
                    pass.started = Some(Box::new(started));
                    return self.preflight_failed(mp, pass, &error, now);
                }
            };
        self.recall(mp, |recall| {
            let is_over = recall.calls.last_sent.is_none_or(|last| last + limits::ROW < now.boot);
            recall.calls.unasked = if is_over { 0 } else { recall.calls.unasked };
            (recall.writes.refused, recall.calls.last_sent) = (None, Some(now.boot));
        });
        let token = TokenRequest { app_id: &mp.spec.app_id, secret, force: wanted.force };
        let request = FetchRequest {
            platform: view.platform,
            endpoint: view.endpoint,
            configured: self.platforms.configured.of(view.platform, &mp.spec.app_id),
            token,
            unanswered: seen.recall.calls.unanswered,
        };
        let sibling = due::newer_sibling(view);
        let outcome = fetch(
            &self.platforms,
            &request,
            &started.recorded,
            preflight,
            &self.term,
            &self.clock,
            &self.metrics,
        )
        .await;
        // On an endpoint where each call ends the token before it, the next object of the app
        // decides by what this object's status reports of this call. So the turn is kept until the
        // pass ends.
        pass.turn =
            pass.slot.take().map(Slot::leave).filter(|_| view.endpoint.reissue.is_exclusive());
        if let Some(key) = app_key(mp).filter(|_| wanted.force) {
            let boot = self.clock.now().boot;
            self.memories.change_app(&key, boot, |app| app.forced_at = Some(boot));
        }
        let version = version.clone();
        if !matches!(outcome, Fetched::NotAllowed) {
            self.metrics.called_because(view.platform.name, wanted.why.into());
        }
        match outcome {
            Fetched::Token { grant, sent, took } => {
                self.recall(mp, |recall| {
                    recall.calls.sibling_asked = sibling.or(recall.calls.sibling_asked.take());
                });
                let sent_with = sent_with(view, secret, &self.chance);
                let facts = facts(view, &grant, sent);
                let unstored = UnstoredFacts {
                    name,
                    unconfirmed: started.call.outcome_unknown,
                    call: started.call,
                    token: facts,
                    asked_at: sent,
                    sent: sent_with,
                    precondition,
                    refused: None,
                };
                let tickets = tickets::kept_in_use(view, live);
                let unstored = UnstoredToken { token: grant.token, tickets, facts: unstored };
                self.got_token(view, unstored, version, sent, took);
            }
            Fetched::NotAllowed => {
                pass.started = Some(Box::new(started));
                self.withdraw(mp, pass);
                self.delay(mp, now);
            }
            Fetched::Refused(refusal) => self.failed(view, started, version, refusal),
        }
        Next::Continue
    }

    /// Delays reads, calls and writes for a moment.
    pub(super) fn delay(&self, mp: &MiniProgram, now: Now) {
        self.recall(mp, |recall| recall.backoffs.requests.until = now.boot + SOON);
    }

    /// Without a passed preflight no call is made: its token could not be stored.
    fn preflight_failed(
        &self,
        mp: &MiniProgram,
        pass: &mut Pass,
        error: &ApiError,
        now: Now,
    ) -> Next<'_> {
        self.withdraw(mp, pass);
        if matches!(error, ApiError::Conflict | ApiError::NotFound | ApiError::Unanswered) {
            return self.back_off(mp, error, "make sure that a token could be stored");
        }
        self.refused(mp, error, now);
        Next::Continue
    }

    /// Remembers that the target cannot be written, and how long the back-off lasts.
    pub(in crate::reconcile) fn refused(&self, mp: &MiniProgram, error: &ApiError, now: Now) {
        let attempts = self.recall(mp, |recall| {
            let refused =
                refused_write::after_refused_write(recall.writes.refused.take(), error, now);
            recall.writes.refused.insert(refused).attempts
        });
        let (namespace, name) = (mp.namespace(), mp.name());
        self.memories.creations(|creations| creations.refused(namespace));
        tracing::warn!(namespace, name, %error, attempts, "the target Secret cannot be written; it is tried again");
    }
}

fn new_call(view: &View<'_>, wanted: Wanted, chance: &Chance) -> Call {
    let handled = view.status.handled_refresh_request.as_deref();
    Call {
        id: chance.digits(32),
        wanted,
        handles: due::request(view.mp).filter(|request| handled != Some(request)),
        stood: view.status.intent.as_ref().map(|intent| intent.id.clone()),
        known: view.status.token.as_ref().map(|token| token.fingerprint.clone()),
        outcome_unknown: unknown_outcome::another_call_may_land(view),
    }
}

/// The Secret that the token is stored in, as the live read found it. While the spec's target
/// cannot be created, the old target stays in use.
pub(in crate::reconcile) fn destination(view: &View<'_>) -> (String, Precondition) {
    match stays_in_use(view) {
        Some(old) => (
            old.name.clone(),
            Precondition::Is {
                uid: old.uid.clone(),
                version: old.version.clone(),
                issued_for: old.issued_for.clone(),
            },
        ),
        None => (view.mp.target_name(), view.seen.target.precondition()),
    }
}

/// What was sent, with its digest under the salt that the target already has, so that equal
/// credentials have equal digests.
pub(in crate::reconcile) fn sent_with(
    view: &View<'_>,
    secret: &AppSecret,
    chance: &Chance,
) -> Sent {
    let kept = view.in_use.map(|target| target.sent.salt.clone()).filter(|salt| !salt.is_empty());
    let salt = kept.unwrap_or_else(|| chance.digits(16));
    Sent {
        platform: view.platform.name.into(),
        app_id: view.mp.spec.app_id.clone(),
        mode: view.mode().into(),
        digest: secret.digest(&salt),
        salt,
    }
}

/// A token's times: the same token keeps its issue time, and its expiration time is counted from
/// when this call was sent. Where the response may repeat the whole life, the same token keeps an
/// earlier expiration time.
fn facts(view: &View<'_>, grant: &Grant, sent: k8s_openapi::jiff::Timestamp) -> TokenFacts {
    let fingerprint = grant.token.fingerprint();
    let sent = whole_seconds(sent);
    let known = view.status.token.as_ref().filter(|known| known.fingerprint == fingerprint);
    let known = known.filter(|known| known.issue_time.0 <= sent);
    let issued = known.map_or(sent, |known| known.issue_time.0);
    let end = after(sent, grant.life.span());
    let expires = match grant.life {
        Life::Left(_) => end,
        Life::Whole(_) => known.map_or(end, |known| known.expiration_time.0.min(end)),
    };
    TokenFacts { fingerprint, issued, expires }
}

#[cfg(test)]
mod tests;
