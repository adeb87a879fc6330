//! Carries out the acts that put a token into its Secret: the unstored one, or one that another of
//! our Secrets already holds.

use std::time::Duration;

use super::call::{destination, sent_with};
use crate::reconcile::{
    Ctx, Next, Pass,
    api_error::ApiError,
    app_key,
    apply::{self, Resolution, secret::Content},
    call::Why,
    events,
    memory::{How, Precondition, Stored, UnstoredFacts, UnstoredToken},
    observed::{HeldTicket, LiveRead},
    plan::{Rewrite, due, refused_write, synchronise::trusted_fingerprint, tickets, view::View},
};
use crate::{
    api::MiniProgram,
    projection::{Projection, Sent, TokenFacts},
    sensitive::AccessToken,
    shell::{chance::Chance, metrics::Outcome},
};

/// The number of tries against a writer that edits the target faster than we can write it, before
/// the object backs off.
const TRIES: usize = 20;
/// The longest wait after the first lost race.
const FIRST_LOSS: Duration = Duration::from_secs(2);

impl Ctx {
    /// Writes the unstored token. It stays in memory until it is stored or superseded by another
    /// caller's token.
    pub(in crate::reconcile) async fn store(&self, mp: &MiniProgram) -> Next<'_> {
        let uid = mp.uid();
        for _ in 0..TRIES {
            let unstored = self.memories.with(uid, |memory| {
                memory.unstored.as_ref().map(|unstored| {
                    let UnstoredToken { token, tickets, facts } = &**unstored;
                    (token.clone(), tickets.clone(), facts.clone())
                })
            });
            let Some((token, tickets, unstored)) = unstored else { return Next::Continue };
            let error = match self.write_unstored(mp, &token, &tickets, &unstored).await {
                Ok(written) => return self.stored(mp, &unstored, &written).await,
                Err(error) => error,
            };
            if !matches!(error, ApiError::Conflict | ApiError::Unanswered | ApiError::NotFound) {
                return self.store_refused(mp, &error);
            }
            match apply::resolve(&self.client, &self.reads, mp, &unstored.name, &unstored).await {
                Ok(Resolution::AlreadyWritten(written)) => {
                    return self.stored(mp, &unstored, &written).await;
                }
                Ok(Resolution::Retry(precondition)) => self.memories.with(uid, |memory| {
                    if let Some(unstored) = &mut memory.unstored {
                        unstored.facts.precondition = precondition;
                    }
                }),
                Ok(Resolution::Superseded) => return self.lost(mp, &unstored),
                Err(error) => return self.store_refused(mp, &error),
            }
        }
        self.store_refused(mp, &ApiError::Conflict)
    }

    async fn write_unstored(
        &self,
        mp: &MiniProgram,
        token: &AccessToken,
        tickets: &[HeldTicket],
        unstored: &UnstoredFacts,
    ) -> Result<Projection, ApiError> {
        let content = Content {
            token,
            facts: &unstored.token,
            sent: &unstored.sent,
            issued_for: &unstored.call.id,
            handled: unstored.call.handles.as_deref().or(mp
                .status
                .as_ref()
                .and_then(|status| status.handled_refresh_request.as_deref())),
            unconfirmed: unstored.unconfirmed,
            operator: self.term.operator(),
            tickets,
            template: &self.allowed.template(mp),
        };
        apply::write(&self.client, mp, &unstored.name, &unstored.precondition, &content).await
    }

    async fn stored(
        &self,
        mp: &MiniProgram,
        unstored: &UnstoredFacts,
        written: &Projection,
    ) -> Next<'_> {
        self.metrics.secret_written("apply");
        let version = written.version.clone();
        self.world().record_own_write(mp.namespace(), written);
        if unstored.precondition == Precondition::Absent {
            let boot = self.clock.now().boot;
            self.memories.creations(|creations| creations.created(mp.namespace(), boot));
        }
        let uid = mp.uid();
        let same = self.memories.with(uid, |memory| {
            memory.unstored = None;
            let recall = &mut memory.recall;
            (recall.writes.refused, recall.writes.unmatched, recall.calls.checked) =
                (None, None, None);
            recall.writes.verified = Some(version);
            let (call, token) = (unstored.call.id.clone(), unstored.token.clone());
            recall.writes.stored = Some(Stored { call, token, asked_at: unstored.asked_at });
            match recall.calls.ended.as_mut().map(|ended| &mut ended.how) {
                Some(How::Token { stored, same, .. }) => {
                    *stored = true;
                    *same
                }
                _ => false,
            }
        });
        if let Some(key) = app_key(mp).filter(|_| !unstored.call.wanted.why.urgent()) {
            self.memories.change_app(&key, self.clock.now().boot, |app| app.urgent_in_a_row = 0);
        }
        if same {
            self.publish_same_token(mp, &unstored.call, false).await;
        }
        if unstored.call.wanted.why == Why::Edited {
            self.events.publish(mp, &[events::drift_corrected()]).await;
        }
        Next::Continue
    }

    /// The call returned the same token: nothing is written, except the check time if the token
    /// came back outside its window.
    pub(in crate::reconcile) async fn keep(&self, mp: &MiniProgram, in_window: bool) -> Next<'_> {
        let uid = mp.uid();
        let stands = mp
            .status
            .as_ref()
            .is_some_and(|status| status.intent.is_some() || status.last_failure.is_some());
        let reported = self.memories.with(uid, |memory| {
            memory.unstored = None;
            let recall = &mut memory.recall;
            let Some(ended) = &mut recall.calls.ended else { return None };
            let How::Token { token, sent, stored, .. } = &mut ended.how else { return None };
            *stored = true;
            recall.calls.checked = in_window.then(|| (token.fingerprint.clone(), *sent));
            let call = ended.call.clone();
            if in_window && !stands && call.handles.is_none() {
                recall.calls.ended = None;
            }
            Some(call)
        });
        if let Some(call) = reported {
            let status = mp.status.as_ref();
            let issued = status.and_then(|status| Some(status.token.as_ref()?.issue_time.0));
            let forced = status
                .and_then(|status| status.mints.as_ref())
                .map(|mints| &mints.forced_times)
                .into_iter()
                .flatten();
            let unchanged = forced.filter(|time| Some(time.0) > issued).count();
            self.publish_same_token(
                mp,
                &call,
                call.wanted.force && unchanged >= due::FORCED_ENOUGH,
            )
            .await;
        }
        Next::Continue
    }

    fn store_refused(&self, mp: &MiniProgram, error: &ApiError) -> Next<'_> {
        let now = self.clock.now();
        let uid = mp.uid();
        let attempts = self.memories.with(uid, |memory| {
            let unstored = memory.unstored.as_mut()?;
            // What refuses a ticket must not keep the token from its Secret.
            unstored.tickets.clear();
            let refused =
                refused_write::after_refused_write(unstored.facts.refused.take(), error, now);
            Some(unstored.facts.refused.insert(refused).attempts)
        });
        let (namespace, name) = (mp.namespace(), mp.name());
        self.memories.creations(|creations| creations.refused(namespace));
        tracing::warn!(namespace, name, %error, attempts, "a new token could not be stored; it is kept and the write tried again");
        Next::Continue
    }

    /// Drops a token that another caller's token superseded: that one is newer or as new. The next
    /// plan follows after a growing back-off.
    fn lost(&self, mp: &MiniProgram, unstored: &UnstoredFacts) -> Next<'_> {
        let now = self.clock.now();
        let uid = mp.uid();
        let jitter = self.chance.fraction();
        let wait = self.memories.with(uid, |memory| {
            memory.unstored = None;
            let recall = &mut memory.recall;
            recall.calls.ended = None;
            recall.backoffs.requests.fail(now.boot, FIRST_LOSS.mul_f64(jitter))
        });
        let (namespace, name) = (mp.namespace(), mp.name());
        tracing::warn!(
            namespace,
            name,
            call = unstored.call.id,
            "another caller has stored a token meanwhile; this one is dropped"
        );
        Next::Requeue(wait, Outcome::Error)
    }

    /// Deletes the Secret that was the target before.
    pub(in crate::reconcile) async fn delete_old(
        &self,
        mp: &MiniProgram,
        old: &Projection,
    ) -> Next<'_> {
        if let Err(error) = apply::forget(&self.client, mp, old).await {
            return self.back_off(mp, &error, "delete the Secret that was the target before");
        }
        let (namespace, name) = (mp.namespace(), mp.name());
        self.metrics.secret_written("delete");
        self.world().record_own_delete(namespace, &old.name, &old.uid);
        tracing::info!(
            namespace,
            name,
            secret = old.name,
            "deleted the Secret that was the target before"
        );
        self.events.publish(mp, &[events::old_target_deleted(&old.name)]).await;
        Next::Continue
    }

    /// Writes the target once more without a call, from a token that one of our Secrets holds.
    pub(in crate::reconcile) async fn rewrite(
        &self,
        view: &View<'_>,
        pass: &mut Pass,
        rewrite: &Rewrite,
    ) -> Next<'_> {
        let (mp, now, seen) = (view.mp, view.now, view.seen);
        pass.live = None;
        let Some(live) = view.live() else { return Next::Continue };
        let from = &*rewrite.from;
        let held = live.held_by(from, mp);
        let fingerprint = trusted_fingerprint(view, from);
        let Some(token) = fingerprint.as_deref().and_then(|fingerprint| held.token(fingerprint))
        else {
            return Next::Continue;
        };
        let (Some(facts), sent) = (facts(view, from), sent(view, live, from, &self.chance)) else {
            return Next::Continue;
        };
        let tickets = tickets::kept(view, from, held);
        let content = rewritten(view, from, (token, &facts, &sent), &tickets, self.term.operator());
        let (name, precondition) = if rewrite.renamed {
            (mp.target_name(), seen.target.precondition())
        } else {
            destination(view)
        };
        match apply::write(&self.client, mp, &name, &precondition, &content).await {
            Ok(written) => {
                self.metrics.secret_written(if rewrite.drift {
                    "drift-correction"
                } else {
                    "apply"
                });
                // A field that another manager also owns stays as it is, however often our apply
                // leaves it out.
                let unchanged = rewrite.from.version == written.version;
                let version = written.version.clone();
                self.world().record_own_write(mp.namespace(), &written);
                self.recall(mp, |recall| {
                    (recall.writes.refused, recall.writes.unmatched, recall.writes.verified) =
                        (None, None, Some(version.clone()));
                    recall.writes.unchanged = unchanged.then_some(version);
                    recall.writes.corrected =
                        rewrite.drift.then_some(now.boot).or(recall.writes.corrected);
                });
                if rewrite.drift && !unchanged {
                    self.events.publish(mp, &[events::drift_corrected()]).await;
                }
                Next::Continue
            }
            Err(ApiError::Conflict | ApiError::NotFound) if pass.may_race_again() => Next::Continue,
            Err(error @ (ApiError::Conflict | ApiError::NotFound)) => {
                self.back_off(mp, &error, "write the target Secret")
            }
            Err(error) => {
                self.refused(mp, &error, now);
                Next::Continue
            }
        }
    }
}

/// The content of a target whose token stays as another version of it, or another of our Secrets,
/// has it.
pub(super) fn rewritten<'a>(
    view: &'a View<'_>,
    from: &'a Projection,
    (token, facts, sent): (&'a AccessToken, &'a TokenFacts, &'a Sent),
    tickets: &'a [HeldTicket],
    operator: &'a str,
) -> Content<'a> {
    Content {
        token,
        facts,
        sent,
        issued_for: from.issued_for.as_deref().filter(|_| from.stamped).unwrap_or_default(),
        handled: view.status.handled_refresh_request.as_deref(),
        unconfirmed: view.is_unconfirmed(),
        operator,
        tickets,
        template: &view.seen.template,
    }
}

/// The times of the token that is written again. Those of an edited Secret may be false, so the
/// status gives them.
fn facts(view: &View<'_>, from: &Projection) -> Option<TokenFacts> {
    if !view.is_edited(from) {
        return from.token.clone();
    }
    let known = view.status.token.as_ref()?;
    Some(TokenFacts {
        fingerprint: known.fingerprint.clone(),
        issued: known.issue_time.0,
        expires: known.expiration_time.0,
    })
}

/// What was sent for the token. Where an edit has removed that from the Secret, the accepted
/// credential takes its place.
fn sent(view: &View<'_>, live: &LiveRead, from: &Projection, chance: &Chance) -> Sent {
    use crate::api::Reason;
    use crate::reconcile::plan::view::Credential;
    let accepted = view.credential == Credential::Known(Reason::Accepted);
    match live.app_secret().filter(|_| view.is_edited(from) && accepted) {
        Some((_, secret)) => {
            let mode = Some(from.sent.mode.clone()).filter(|mode| !mode.is_empty());
            let sent = sent_with(view, secret, chance);
            Sent { mode: mode.unwrap_or_else(|| sent.mode.clone()), ..sent }
        }
        None => from.sent.clone(),
    }
}

#[cfg(test)]
mod tests;
