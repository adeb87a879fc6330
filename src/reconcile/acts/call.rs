//! Carries out the acts of a call: record the intent, preflight, fetch, and remember how the call
//! ended.

use std::time::Duration;

use crate::reconcile::{
    Ctx, Next, Pass, REQUEUE_SOON, SOON,
    api_error::ApiError,
    app_key, apply,
    call::{Call, Wanted, Why},
    fetch::{FetchRequest, Fetched, fetch, slots::Slot},
    memory::{AppMints, Ended, How, LastMint, Precondition, UnstoredFacts, UnstoredToken},
    plan::{
        due, limits, refused_write, retry,
        target::{is_told_refused, stays_in_use},
        time::{after, next_midnight, whole_seconds},
        unknown_outcome,
        view::View,
    },
    reads::Errand,
    status::{self, IntentRecorded},
};
use crate::{
    api::{CredentialStatus, MiniProgram, Mints, Reason},
    platform::{Grant, Life, Refusal, TokenRequest},
    projection::{Sent, TokenFacts},
    sensitive::AppSecret,
    shell::{chance::Chance, clock::Now},
};

/// A call whose intent, if it needs one, is recorded in the status.
pub struct StartedCall {
    /// The call.
    pub call: Call,
    started: IntentRecorded,
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
    ) -> Next {
        let (mp, now) = (view.mp, view.now);
        // No intent is recorded for a call that this term has no time left for.
        if self.term.ticket(self.platforms.connect_timeout).is_none() {
            self.wait(mp, now);
            return Next::Continue;
        }
        if let Err(instead) = self.admit(view, pass).await {
            return instead;
        }
        let call = new_call(view, wanted, &self.chance);
        self.recall(mp, |recall| recall.own_intent = Some(call.id.clone()));
        let started =
            status::record_intent(&self.client, mp, status::with_intent(view, &call), now).await;
        match started {
            Ok((written, started)) => {
                self.metrics.status_written();
                self.told(&written);
                let app_before = self.count_mint(view, &call);
                let mints_before = view.status.mints.clone();
                self.world().record_status_write(written);
                self.recall(mp, |recall| recall.ended = None);
                pass.started = Some(StartedCall { call, started, mints_before, app_before });
                let old = view.in_use.filter(|target| target.name != mp.target_name());
                match self.reads.read_live(mp, old, None, Errand::Call).await {
                    Ok(live) => {
                        self.record_live_read(mp, &live);
                        pass.live = Some(live);
                        Next::Continue
                    }
                    Err(error) => {
                        self.give_up(mp, pass);
                        self.back_off(mp, &error, "read the target before a call")
                    }
                }
            }
            Err(error) => {
                pass.drop_live();
                if matches!(error, ApiError::Unanswered) {
                    // If the intent was stored after all, it is our own, and no call was made for
                    // it.
                    let mints_before = view.status.mints.clone();
                    let never_sent = StartedCall {
                        call,
                        started: IntentRecorded::at(Duration::ZERO),
                        mints_before,
                        app_before: None,
                    };
                    self.recall(mp, |recall| recall.ended = Some(never_sent.withdrawn(mp)));
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
    ) -> Next {
        let (mp, now, seen) = (view.mp, view.now, view.seen);
        if let Err(instead) = self.admit(view, pass).await {
            return instead;
        }
        pass.drop_live();
        let Some(live) = view.live() else { return REQUEUE_SOON };
        let Some((version, secret)) = live.app_secret() else { return Next::Continue };
        let started = match (pass.started.take(), IntentRecorded::not_needed(wanted)) {
            (Some(started), _) => started,
            (None, Some(started)) => StartedCall {
                call: new_call(view, wanted, &self.chance),
                started,
                mints_before: None,
                app_before: None,
            },
            (None, None) => return Next::Continue,
        };
        let (name, precondition) = destination(view);
        let was_refused = is_told_refused(view);
        let preflight = match apply::preflight(
            &self.client,
            mp,
            &name,
            &precondition,
            &seen.template,
            was_refused,
        )
        .await
        {
            Ok(preflight) => preflight,
            Err(error) => {
                pass.started = Some(started);
                return self.preflight_failed(mp, pass, &error, now);
            }
        };
        self.recall(mp, |recall| {
            let is_over = recall.last_sent.is_none_or(|last| last + limits::ROW < now.boot);
            recall.unasked = if is_over { 0 } else { recall.unasked };
            (recall.refused, recall.last_sent) = (None, Some(now.boot));
        });
        let token = TokenRequest { app_id: &mp.spec.app_id, secret, force: wanted.force };
        let request = FetchRequest {
            platform: view.platform,
            endpoint: view.endpoint,
            token,
            unanswered: seen.recall.unanswered,
        };
        let sibling = due::newer_sibling(view);
        let outcome = fetch(
            &self.platforms,
            &request,
            &started.started,
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
            self.memories.change_app(&key, boot, |app| app.forced = Some(boot));
        }
        let version = version.clone();
        if !matches!(outcome, Fetched::NotAllowed) {
            self.metrics.called_because(view.platform.name, wanted.why.into());
        }
        match outcome {
            Fetched::Token { grant, sent, took } => {
                self.recall(mp, |recall| {
                    recall.sibling_asked = sibling.or(recall.sibling_asked.take());
                });
                let sent_with = sent_with(view, secret, &self.chance);
                let facts = facts(view, &grant, sent);
                let hand = UnstoredFacts {
                    name,
                    unconfirmed: started.call.outcome_unknown,
                    call: started.call,
                    token: facts,
                    asked_at: sent,
                    sent: sent_with,
                    precondition,
                    refused: None,
                };
                self.got_token(view, grant, hand, version, sent, took);
            }
            Fetched::NotAllowed => {
                pass.started = Some(started);
                self.give_up(mp, pass);
                self.wait(mp, now);
            }
            Fetched::Refused(refusal) => self.failed(view, started, version, refusal),
        }
        Next::Continue
    }

    /// Delays calls for a moment; the status may still be written.
    fn wait(&self, mp: &MiniProgram, now: Now) {
        self.recall(mp, |recall| recall.not_before = now.boot + SOON);
    }

    /// Counts a mint, and returns the counters from before it.
    fn count_mint(&self, view: &View<'_>, call: &Call) -> Option<AppMints> {
        let key = app_key(view.mp)?;
        let mints = status::counted_with(view, call);
        // An app's first mint replaces no lost token, so it is not counted as consecutive.
        let in_a_row = call.wanted.why.urgent() && limits::counted(view).last.is_some();
        let last = LastMint {
            started: view.now.boot,
            uid: view.mp.metadata.uid.clone().unwrap_or_default(),
        };
        self.memories.change_app(&key, view.now.boot, |app| {
            let before = app.clone();
            app.gone = if in_a_row { app.gone.saturating_add(1) } else { 0 };
            (app.mints, app.last) = (mints, Some(last));
            Some(before)
        })
    }

    fn give_up(&self, mp: &MiniProgram, pass: &mut Pass) {
        if let Some(started) = pass.started.take().filter(|started| started.call.wanted.mints) {
            self.take_back(mp, started);
        }
    }

    /// Withdraws a call that was counted and will not be sent.
    pub(in crate::reconcile) fn take_back(&self, mp: &MiniProgram, started: StartedCall) {
        self.uncount_mint(mp, started.app_before.clone());
        self.recall(mp, |recall| recall.ended = Some(started.withdrawn(mp)));
    }

    /// Without a passed preflight no call is made: its token could not be stored.
    fn preflight_failed(
        &self,
        mp: &MiniProgram,
        pass: &mut Pass,
        error: &ApiError,
        now: Now,
    ) -> Next {
        self.give_up(mp, pass);
        if matches!(error, ApiError::Conflict | ApiError::NotFound | ApiError::Unanswered) {
            return self.back_off(mp, error, "make sure that a token could be stored");
        }
        self.refused(mp, error, now);
        Next::Continue
    }

    /// Remembers that the target cannot be written, and how long the back-off lasts.
    pub(in crate::reconcile) fn refused(&self, mp: &MiniProgram, error: &ApiError, now: Now) {
        let attempts = self.recall(mp, |recall| {
            let refused = refused_write::after_refused_write(recall.refused.take(), error, now);
            recall.refused.insert(refused).attempts
        });
        let (namespace, name) = (mp.metadata.namespace.as_deref(), mp.metadata.name.as_deref());
        tracing::warn!(namespace, name, %error, attempts, "the target Secret cannot be written; it is tried again");
    }

    fn got_token(
        &self,
        view: &View<'_>,
        grant: Grant,
        hand: UnstoredFacts,
        version: CredentialStatus,
        sent: k8s_openapi::jiff::Timestamp,
        took: Duration,
    ) {
        let same = view.token().is_some_and(|token| token.fingerprint == hand.token.fingerprint);
        let ended = Ended {
            call: hand.call.clone(),
            generation: view.generation(),
            credential: Some(version),
            mints_before: None,
            how: How::Token {
                token: hand.token.clone(),
                sent,
                stored: false,
                same,
                unconfirmed: hand.unconfirmed,
            },
        };
        let why = hand.call.wanted.why;
        let minted =
            hand.call.wanted.mints.then(|| (hand.token.fingerprint.clone(), view.now.boot));
        self.metrics.refreshed(
            view.platform.name,
            "success",
            if same { "SameToken" } else { "NewToken" },
        );
        let uid = view.mp.metadata.uid.as_deref().unwrap_or_default();
        self.memories.with(uid, |memory| {
            memory.unstored = Some(UnstoredToken { token: grant.token, facts: hand });
            memory.recall.ended = Some(ended);
            memory.recall.minted = minted;
            memory.recall.last_call = took;
            memory.recall.unasked = match why {
                Why::Time => 0,
                why => memory.recall.unasked.saturating_add(u32::from(why.unasked())),
            };
            // The response has just reported how much time is left, so earlier sightings are
            // obsolete.
            memory.recall.ends.clear();
            memory.recall.unanswered = 0;
            memory.recall.errors = 0;
        });
    }

    fn failed(
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
            self.slots.rejected(mp.metadata.namespace.as_deref().unwrap_or_default(), now.boot);
        }
        let key = app_key(mp);
        if let Some(key) = key.as_ref().filter(|_| call.wanted.force)
            && reason == Reason::QuotaExhausted
        {
            let midnight = next_midnight(now.wall, view.platform.day_offset_seconds);
            self.memories.change_app(key, now.boot, |app| app.force_stopped_until = Some(midnight));
        }
        if let Some(key) = key.as_ref().filter(|_| unknown && call.wanted.mints) {
            self.memories.change_app(key, now.boot, |app| app.lost = Some(view.now.boot));
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
            recall.ended = Some(ended);
            recall.unanswered = if unanswered { recall.unanswered.saturating_add(1) } else { 0 };
        });
    }

    /// Restores the counters: a call that was refused or not sent shortened no token's life.
    fn uncount_mint(&self, mp: &MiniProgram, before: Option<AppMints>) {
        let (Some(key), Some(before)) = (app_key(mp), before) else { return };
        self.memories.change_app(&key, self.clock.now().boot, |app| {
            (app.mints, app.last, app.gone) = (before.mints, before.last, before.gone);
        });
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
/// when this call was sent.
fn facts(view: &View<'_>, grant: &Grant, sent: k8s_openapi::jiff::Timestamp) -> TokenFacts {
    let fingerprint = grant.token.fingerprint();
    let sent = whole_seconds(sent);
    let known = view.status.token.as_ref().filter(|known| known.fingerprint == fingerprint);
    let issued = known.map(|known| known.issue_time.0).filter(|issued| *issued <= sent);
    let issued = issued.unwrap_or(sent);
    let expires = match grant.life {
        Life::Left(left) => after(sent, left),
        Life::Whole(life) => after(issued, life),
    };
    TokenFacts { fingerprint, issued, expires }
}

#[cfg(test)]
mod tests;
