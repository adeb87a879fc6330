//! Carries out the acts that lead to a call and through it: begin, clear, fetch, and what the process remembers of the end.

use std::time::Duration;

use super::{
    Carry, Ctx, LATER, NO_SLOT, Next,
    api_error::ApiError,
    app_key, apply,
    call::{Call, Wanted, Why},
    case,
    fetch::{Asking, Outcome, fetch, slots::Slot},
    memory::{AppMints, Base, Ended, HandFacts, How, InHand, LastMint},
    observe::Observed,
    plan::{
        case::Case,
        doubt, due, hold, retry,
        target::{is_told_refused, stays_in_use},
        time::{after, next_midnight, whole_seconds},
    },
    reads::Errand,
    refusal::next_refusal,
    status::{self, Begun},
};
use crate::{
    api::{CredentialStatus, MiniProgram, Mints, Reason},
    platform::{Grant, Refusal},
    projection::{Sent, TokenFacts},
    sensitive::AppSecret,
    shell::{chance::Chance, clock::Now},
};

/// A call that has begun: its intent stands in status.
pub struct Begin {
    /// The call.
    pub call: Call,
    begun: Begun,
    mints_before: Option<Mints>,
    /// The process's own counts of the app before this call.
    app_before: Option<AppMints>,
}

impl Begin {
    /// The end of a call that was given up before it was sent.
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
    /// Writes the intent of a call, then reads strongly once more: what was read before is older than the intent.
    pub(super) async fn begin(&self, seen: &Observed, carry: &mut Carry, wanted: Wanted, now: Now) -> Next {
        let Some(case) = case(seen, now) else { return LATER };
        let mp = case.mp;
        // What cannot be asked any more in this term is not begun either.
        if self.term.ticket(self.platforms.connect_timeout).is_none() {
            self.wait(mp, now);
            return Next::Round;
        }
        if let Err(instead) = self.admit(seen, carry, now).await {
            return instead;
        }
        let call = new_call(&case, wanted, &self.chance);
        self.recall(mp, |recall| recall.own_intent = Some(call.id.clone()));
        let begin = status::begin(&self.client, mp, status::with_intent(&case, &call), now).await;
        match begin {
            Ok((written, begun)) => {
                self.metrics.status_written();
                self.told(&written);
                let app_before = self.count_mint(&case, &call);
                let mints_before = case.status.mints.clone();
                self.world().wrote_mini_program(written);
                self.recall(mp, |recall| recall.ended = None);
                carry.begin = Some(Begin { call, begun, mints_before, app_before });
                let old = case.in_use.filter(|target| target.name != mp.target_name());
                match self.reads.look_closer(mp, old, None, Errand::Call).await {
                    Ok(close) => {
                        self.saw_closely(mp, &close);
                        carry.close = Some(close);
                        Next::Round
                    }
                    Err(error) => {
                        self.give_up(mp, carry);
                        self.set_back(mp, &error, "read the target before a call")
                    }
                }
            }
            Err(error) => {
                carry.close = None;
                if matches!(error, ApiError::Unanswered) {
                    // If the intent stands after all, it is our own, and no call was made for it.
                    let mints_before = case.status.mints.clone();
                    let never_sent = Begin { call, begun: Begun::at(Duration::ZERO), mints_before, app_before: None };
                    self.recall(mp, |recall| recall.ended = Some(never_sent.withdrawn(mp)));
                }
                self.set_back_on_write(mp, &error, carry).await
            }
        }
    }

    /// Makes the call, if its answer can be stored, and remembers how it ended before anything else can fail.
    pub(super) async fn ask(&self, seen: &Observed, carry: &mut Carry, wanted: Wanted, now: Now) -> Next {
        if let Err(instead) = self.admit(seen, carry, now).await {
            return instead;
        }
        let (Some(case), Some(close)) = (case(seen, now), carry.close.take()) else { return LATER };
        let mp = case.mp;
        let Some((version, secret)) = close.app_secret() else { return Next::Round };
        let begin = match (carry.begin.take(), Begun::not_needed(wanted)) {
            (Some(begin), _) => begin,
            (None, Some(begun)) => {
                Begin { call: new_call(&case, wanted, &self.chance), begun, mints_before: None, app_before: None }
            }
            (None, None) => return Next::Round,
        };
        let (name, base) = destination(&case, seen);
        let was_refused = is_told_refused(&case);
        let cleared = match apply::clear(&self.client, mp, &name, &base, &seen.template, was_refused).await {
            Ok(cleared) => cleared,
            Err(error) => {
                carry.begin = Some(begin);
                return self.not_cleared(mp, carry, &error, now);
            }
        };
        self.recall(mp, |recall| {
            let is_over = recall.last_sent.is_none_or(|last| last + hold::ROW < now.boot);
            recall.unasked = if is_over { 0 } else { recall.unasked };
            (recall.refused, recall.last_sent) = (None, Some(now.boot));
        });
        let asking = Asking {
            platform: case.platform,
            endpoint: case.endpoint,
            app_id: &mp.spec.app_id,
            secret,
            force: wanted.force,
            unanswered: seen.recall.unanswered,
        };
        let rival = due::newer_rival(&case);
        let outcome = fetch(&self.platforms, &asking, &begin.begun, cleared, &self.term, &self.clock, &self.metrics).await;
        // Whoever is next on an endpoint where each call ends a token decides by what the status tells of this one.
        carry.turn = carry.slot.take().map(Slot::leave).filter(|_| case.endpoint.rotates());
        if let Some(key) = app_key(mp).filter(|_| wanted.force) {
            let boot = self.clock.now().boot;
            self.memories.change_app(&key, boot, |app| app.forced = Some(boot));
        }
        let version = version.clone();
        match outcome {
            Outcome::Token { grant, sent, took } => {
                self.recall(mp, |recall| recall.rival_asked = rival.or(recall.rival_asked.take()));
                let sent_with = sent_with(&case, secret, &self.chance);
                let facts = facts(&case, &grant, sent);
                let hand = HandFacts {
                    name,
                    unsettled: begin.call.doubt,
                    call: begin.call,
                    token: facts,
                    sent: sent_with,
                    base,
                    refused: None,
                };
                self.got_token(&case, grant, hand, version, sent, took);
            }
            Outcome::NotAllowed => {
                carry.begin = Some(begin);
                self.give_up(mp, carry);
                self.wait(mp, now);
            }
            Outcome::Refused(refusal) | Outcome::NotSent(refusal) => self.failed(&case, begin, version, refusal, false),
            Outcome::Unknown(refusal) => self.failed(&case, begin, version, refusal, true),
        }
        Next::Round
    }

    /// Holds calls for a moment, while the status may still be written.
    fn wait(&self, mp: &MiniProgram, now: Now) {
        self.recall(mp, |recall| recall.not_before = now.boot + NO_SLOT);
    }

    /// Counts a mint, and answers what was counted before it.
    fn count_mint(&self, case: &Case<'_>, call: &Call) -> Option<AppMints> {
        let key = app_key(case.mp)?;
        let mints = status::counted_with(case, call);
        // An app's first mint replaces no lost token: it begins no row.
        let in_a_row = call.wanted.why.urgent() && hold::counted(case).last.is_some();
        let last = LastMint { begun: case.now.boot, uid: case.mp.metadata.uid.clone().unwrap_or_default() };
        self.memories.change_app(&key, case.now.boot, |app| {
            let before = app.clone();
            app.gone = if in_a_row { app.gone.saturating_add(1) } else { 0 };
            (app.mints, app.last) = (mints, Some(last));
            Some(before)
        })
    }

    fn give_up(&self, mp: &MiniProgram, carry: &mut Carry) {
        if let Some(begin) = carry.begin.take().filter(|begin| begin.call.wanted.mints) {
            self.take_back(mp, begin);
        }
    }

    /// A call that was counted and will not be sent.
    pub(super) fn take_back(&self, mp: &MiniProgram, begin: Begin) {
        self.uncount_mint(mp, begin.app_before.clone());
        self.recall(mp, |recall| recall.ended = Some(begin.withdrawn(mp)));
    }

    /// A token that could not be stored is not worth a call.
    fn not_cleared(&self, mp: &MiniProgram, carry: &mut Carry, error: &ApiError, now: Now) -> Next {
        self.give_up(mp, carry);
        if matches!(error, ApiError::Conflict | ApiError::NotFound | ApiError::Unanswered) {
            return self.set_back(mp, error, "make sure that a token could be stored");
        }
        self.refused(mp, error, now);
        Next::Round
    }

    /// Remembers that the target cannot be written, and for how long it is left alone.
    pub(super) fn refused(&self, mp: &MiniProgram, error: &ApiError, now: Now) {
        let attempts = self.recall(mp, |recall| {
            let refused = next_refusal(recall.refused.take(), error, now);
            recall.refused.insert(refused).attempts
        });
        let (namespace, name) = (mp.metadata.namespace.as_deref(), mp.metadata.name.as_deref());
        tracing::warn!(namespace, name, %error, attempts, "the target Secret cannot be written; it is tried again");
    }

    fn got_token(
        &self,
        case: &Case<'_>,
        grant: Grant,
        hand: HandFacts,
        version: CredentialStatus,
        sent: k8s_openapi::jiff::Timestamp,
        took: Duration,
    ) {
        let same = case.token().is_some_and(|token| token.fingerprint == hand.token.fingerprint);
        let ended = Ended {
            call: hand.call.clone(),
            generation: case.generation(),
            credential: Some(version),
            mints_before: None,
            how: How::Token { token: hand.token.clone(), sent, stored: false, same, unsettled: hand.unsettled },
        };
        let why = hand.call.wanted.why;
        let minted = hand.call.wanted.mints.then(|| (hand.token.fingerprint.clone(), case.now.boot));
        self.metrics.refreshed(case.platform.name, "success", if same { "SameToken" } else { "NewToken" });
        let uid = case.mp.metadata.uid.as_deref().unwrap_or_default();
        self.memories.with(uid, |memory| {
            memory.in_hand = Some(InHand { token: grant.token, facts: hand });
            memory.recall.ended = Some(ended);
            memory.recall.minted = minted;
            memory.recall.last_call = took;
            memory.recall.unasked = match why {
                Why::Time => 0,
                why => memory.recall.unasked.saturating_add(u32::from(why.unasked())),
            };
            // The answer has just told how much is left, and by which clock.
            memory.recall.ends.clear();
            memory.recall.unanswered = 0;
            memory.recall.setbacks = 0;
        });
    }

    fn failed(&self, case: &Case<'_>, begin: Begin, version: CredentialStatus, refusal: Refusal, unknown: bool) {
        let mp = case.mp;
        let now = self.clock.now();
        let in_a_row = case.failure().filter(|(_, before)| retry::continues(*before, refusal.reason));
        let before = in_a_row.map_or(0, |(failure, _)| failure.attempts);
        let attempts = before.saturating_add(1).min(1_000_000);
        let call = begin.call;
        // A token that a lost call may have replaced has minutes left, whatever it was promised: every moment is urgent.
        let why = call.wanted.why;
        let gone = why.urgent() && !matches!(why, Why::CredentialChanged | Why::TargetMissing);
        let replaced = gone || call.wanted.mints && (unknown || call.doubt);
        let next = retry::next_attempt(
            &retry::Failed {
                refusal: &refusal,
                attempts,
                may_have_minted: unknown && call.wanted.mints,
                expires: case.token().filter(|_| !replaced).map(|token| token.expires),
                seed: mp.metadata.uid.as_deref().unwrap_or_default(),
                day_offset_seconds: case.platform.day_offset_seconds,
            },
            now.wall,
        );
        self.metrics.refreshed(case.platform.name, "failure", refusal.reason.as_str());
        let is_of_credential = matches!(refusal.reason, Reason::CredentialRejected | Reason::AppIdRejected);
        if is_of_credential {
            self.slots.rejected(mp.metadata.namespace.as_deref().unwrap_or_default(), now.boot);
        }
        let unanswered = unknown && refusal.reason == Reason::PlatformUnreachable;
        if let Some(key) = app_key(mp).filter(|_| call.wanted.force && refusal.reason == Reason::QuotaExhausted) {
            let midnight = next_midnight(now.wall, case.platform.day_offset_seconds);
            self.memories.change_app(&key, now.boot, |app| app.force_stopped_until = Some(midnight));
        }
        if let Some(key) = app_key(mp).filter(|_| unknown && call.wanted.mints) {
            self.memories.change_app(&key, now.boot, |app| app.lost = Some(case.now.boot));
        }
        let mints_before = (call.wanted.mints && !unknown).then(|| begin.mints_before.unwrap_or_default());
        if mints_before.is_some() {
            // What was refused may have used up one of the day's forced calls all the same; a wrong app secret uses up none.
            let forced_times = case.seen.app.mints.forced_times.clone();
            let with_forced = |before: AppMints| AppMints { mints: Mints { forced_times, ..before.mints }, ..before };
            let before = begin.app_before.map(|before| if is_of_credential { before } else { with_forced(before) });
            self.uncount_mint(mp, before);
        }
        let sent = whole_seconds(case.now.wall);
        let how = How::Failed { refusal, sent, next: whole_seconds(after(next, Duration::from_millis(999))), attempts, unknown };
        let ended = Ended { call, generation: case.generation(), credential: Some(version), mints_before, how };
        self.recall(mp, |recall| {
            recall.ended = Some(ended);
            recall.unanswered = if unanswered { recall.unanswered.saturating_add(1) } else { 0 };
        });
    }

    /// A call that was refused, or not sent, shortened no token's life.
    fn uncount_mint(&self, mp: &MiniProgram, before: Option<AppMints>) {
        let (Some(key), Some(before)) = (app_key(mp), before) else { return };
        self.memories.change_app(&key, self.clock.now().boot, |app| {
            (app.mints, app.last, app.gone) = (before.mints, before.last, before.gone);
        });
    }
}

fn new_call(case: &Case<'_>, wanted: Wanted, chance: &Chance) -> Call {
    let handled = case.status.handled_refresh_request.as_deref();
    Call {
        id: chance.digits(32),
        wanted,
        handles: due::request(case.mp).filter(|request| handled != Some(request)),
        stood: case.status.intent.as_ref().map(|intent| intent.id.clone()),
        known: case.status.token.as_ref().map(|token| token.fingerprint.clone()),
        doubt: doubt::is_doubtful(case),
    }
}

/// The Secret that the token belongs into, as it was read strongly. While the spec's target cannot be made, the one before it
/// stays in use.
pub(super) fn destination(case: &Case<'_>, seen: &Observed) -> (String, Base) {
    match stays_in_use(case) {
        Some(old) => (
            old.name.clone(),
            Base::Is { uid: old.uid.clone(), version: old.version.clone(), issued_for: old.issued_for.clone() },
        ),
        None => (case.mp.target_name(), seen.target.base()),
    }
}

/// What was sent, with the digest under the salt that the target has already, so that equal credentials look equal.
pub(super) fn sent_with(case: &Case<'_>, secret: &AppSecret, chance: &Chance) -> Sent {
    let kept = case.in_use.map(|target| target.sent.salt.clone()).filter(|salt| !salt.is_empty());
    let salt = kept.unwrap_or_else(|| chance.digits(16));
    Sent {
        platform: case.platform.name.into(),
        app_id: case.mp.spec.app_id.clone(),
        mode: case.mode().into(),
        digest: secret.digest(&salt),
        salt,
    }
}

/// A token's times: the same token keeps its issue time, its end is counted from when this call was sent.
fn facts(case: &Case<'_>, grant: &Grant, sent: k8s_openapi::jiff::Timestamp) -> TokenFacts {
    let fingerprint = grant.token.fingerprint();
    let sent = whole_seconds(sent);
    let known = case.status.token.as_ref().filter(|known| known.fingerprint == fingerprint);
    let issued = known.map(|known| known.issue_time.0).filter(|issued| *issued <= sent);
    TokenFacts { expires: after(sent, grant.life), issued: issued.unwrap_or(sent), fingerprint }
}

#[cfg(test)]
mod tests;
