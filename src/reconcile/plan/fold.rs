//! Applies the end of a call to the status before it is written: the failure and its next attempt,
//! the verdict on the credential, the intent and the counters; and the tickets. Pure.

use k8s_openapi::{apimachinery::pkg::apis::meta::v1::Time, jiff::Timestamp};

use super::{retry, tickets, time::whole_seconds};
use crate::{
    api::{
        ConditionType, Intent, LastFailure, MiniProgramStatus, Mints, Reason, TokenStatus,
        conditions::{self, ConditionStatus, ConditionValue},
    },
    projection::TokenFacts,
    reconcile::memory::{Ended, How, Noted, Recall},
};

/// The status after the last call's end. Until that status is written, only this process knows of
/// the end.
pub fn fold(mut status: MiniProgramStatus, recall: &Recall) -> MiniProgramStatus {
    tickets::fold(&mut status, recall);
    let Some(ended) = &recall.calls.ended else { return status };
    match &ended.how {
        How::Withdrawn => withdraw(&mut status, ended),
        How::Failed { refusal, sent, next, attempts } => {
            if !refusal.is_unknown() {
                withdraw(&mut status, ended);
            }
            // Any other failure leaves the request open: the back-off repeats the call.
            if retry::stops(refusal.reason) {
                answer_request(&mut status, ended);
            }
            let only_forced = ended.call.wanted.force && refusal.reason == Reason::QuotaExhausted;
            if only_forced {
                // The platform has responded: the earlier failure is over, and other calls may be
                // made.
                status.last_failure = None;
            } else {
                status.observed_generation = ended.generation;
                status.last_failure = Some(LastFailure {
                    time: Time(*sent),
                    reason: refusal.reason.as_str().into(),
                    platform_code: refusal.code.as_ref().map(ToString::to_string),
                    cause: refusal.cause.map(|cause| cause.as_str().to_owned()),
                    caller_ip: refusal.caller_ip.map(|ip| ip.to_string()),
                    attempts: *attempts,
                    next_attempt_time: Time(*next),
                });
            }
            let stops = retry::stops(refusal.reason);
            let verdict = if stops {
                refusal.reason
            } else {
                kept_verdict(&status, ended, recall.reports.noted.as_ref())
            };
            note_verdict(&mut status, ended, verdict, *sent);
        }
        How::Token { token, sent, stored, unconfirmed, .. } => {
            let reported = status.token.as_ref().map(|reported| &reported.fingerprint);
            let stored_for = recall.writes.stored.as_ref().map(|stored| &stored.call);
            let is_written = stored_for == Some(&ended.call.id);
            // Another replica may have reported a newer token since.
            if *stored && is_written && reported == ended.call.known.as_ref() {
                note_token(&mut status, token, *sent);
            }
            status.last_failure = None;
            answer_request(&mut status, ended);
            note_verdict(&mut status, ended, Reason::Accepted, *sent);
            if *stored && *unconfirmed {
                status.intent = Some(Intent {
                    id: ended.call.id.clone(),
                    time: Time(*sent),
                    outcome_unknown: true,
                });
            } else if *stored {
                status.intent = status.intent.filter(|intent| {
                    intent.id != ended.call.id
                        && Some(intent.id.as_str()) != ended.call.stood.as_deref()
                });
            }
        }
    }
    status
}

/// Records the token that its Secret now holds. From here on the earlier token is no longer
/// trusted, even if another writer stores it again before the status is written.
fn note_token(status: &mut MiniProgramStatus, token: &TokenFacts, sent: Timestamp) {
    let same = status.token.take().filter(|known| known.fingerprint == token.fingerprint);
    status.token = Some(TokenStatus {
        fingerprint: token.fingerprint.clone(),
        issue_time: Time(whole_seconds(token.issued)),
        expiration_time: Time(whole_seconds(token.expires)),
        next_refresh_time: same.and_then(|known| known.next_refresh_time),
        check_time: Some(Time(whole_seconds(sent))),
    });
}

/// A call that certainly did nothing withdraws its own intent and restores the counters. An intent
/// that is kept for an older call with an unknown outcome stays.
fn withdraw(status: &mut MiniProgramStatus, ended: &Ended) {
    let own = status
        .intent
        .as_ref()
        .is_some_and(|intent| intent.id == ended.call.id && !intent.outcome_unknown);
    if own {
        status.intent = None;
    }
    if let Some(before) = &ended.mints_before {
        // The platform may have counted a forced call that it refused; it cannot have counted one
        // that was never sent.
        let counted = status.mints.take().filter(|_| !matches!(ended.how, How::Withdrawn));
        let forced_times =
            counted.map_or_else(|| before.forced_times.clone(), |mints| mints.forced_times);
        status.mints = Some(Mints { forced_times, ..before.clone() })
            .filter(|mints| *mints != Mints::default());
    }
}

/// A response that says nothing about the credential keeps the verdict on this version.
fn kept_verdict(status: &MiniProgramStatus, ended: &Ended, noted: Option<&Noted>) -> Reason {
    let condition = conditions::find(&status.conditions, ConditionType::CredentialValid);
    let reported = condition.filter(|_| status.credential == ended.credential).and_then(Reason::of);
    let noted = noted.filter(|noted| {
        Some(&noted.version) == ended.credential.as_ref() && noted.generation == ended.generation
    });
    let said = reported.or(noted.map(|noted| noted.reason));
    said.filter(|reason| *reason == Reason::Accepted).unwrap_or(Reason::NotTested)
}

fn answer_request(status: &mut MiniProgramStatus, ended: &Ended) {
    if ended.call.handles.is_some() {
        status.handled_refresh_request.clone_from(&ended.call.handles);
    }
}

/// The platform's verdict on the credential that was sent, even if the Secret has changed since.
fn note_verdict(status: &mut MiniProgramStatus, ended: &Ended, reason: Reason, at: Timestamp) {
    status.credential.clone_from(&ended.credential);
    let truth = match reason {
        Reason::Accepted => ConditionStatus::True,
        Reason::NotTested => ConditionStatus::Unknown,
        _ => ConditionStatus::False,
    };
    let verdict = ConditionValue { truth, reason, message: String::new() };
    conditions::set(
        &mut status.conditions,
        ConditionType::CredentialValid,
        &verdict,
        ended.generation,
        at,
    );
}
