//! Reports a pass to people: log lines, Events about requests, the object's metrics. Decides
//! nothing and writes no object.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use strum::IntoEnumIterator;

use crate::reconcile::{
    Ctx,
    call::{Call, Why},
    events,
    memory::{Calls, Ended, How, Seen},
    observed::{Observed, TargetLookup},
};
use crate::{
    api::{ConditionType, MiniProgram, MiniProgramStatus, Reason, conditions, names},
    fingerprint,
    platform::Replacement,
    sensitive::AccessToken,
    shell::metrics::Object,
    world::ObjectName,
};

impl Ctx {
    /// A report about a token that is not the current one, or about no token, costs no call and is
    /// answered by one Event.
    pub(in crate::reconcile) fn answers_to_reports(
        &self,
        mp: &MiniProgram,
    ) -> Vec<events::Announcement> {
        let current =
            mp.status.as_ref().and_then(|status| Some(status.token.as_ref()?.fingerprint.as_str()));
        let reported = mp.annotation(names::INVALID_TOKEN).map(str::to_owned);
        let seen = Seen { value: reported.clone() };
        let before = self.recall(mp, |recall| recall.reports.invalid_seen.replace(seen));
        let is_new = before.is_some_and(|before| before.value != reported);
        let Some(reported) = reported.filter(|_| is_new) else { return vec![] };
        match fingerprint::meant_by(&reported) {
            Some(meant) if Some(meant.as_str()) == current => match mp.endpoint() {
                Some((_, endpoint)) if endpoint.replacement() == Replacement::None => {
                    vec![events::not_replaceable()]
                }
                _ => vec![],
            },
            Some(_) => vec![events::already_replaced()],
            None => {
                let shown = AccessToken::parse(&reported).map(|token| token.fingerprint());
                let is_token = shown.is_some() && shown.as_deref() == current;
                vec![if is_token { events::token_shown() } else { events::names_no_token() }]
            }
        }
    }

    /// A report whose token has been replaced since was answered by that: no Event says that it came
    /// too late.
    pub(in crate::reconcile) fn note_answered_report(&self, old: &MiniProgram, new: &MiniProgram) {
        let current = |mp: &MiniProgram| {
            mp.status.as_ref().and_then(|status| Some(status.token.as_ref()?.fingerprint.clone()))
        };
        let Some(reported) = old.annotation(names::INVALID_TOKEN) else { return };
        let meant = fingerprint::meant_by(reported);
        if meant.is_some() && meant == current(old) && meant != current(new) {
            self.recall(old, |recall| {
                recall.reports.invalid_seen = Some(Seen { value: Some(reported.to_owned()) });
            });
        }
    }

    /// Reports another release that writes our targets: a mistake of the installation that is
    /// visible nowhere else.
    pub(in crate::reconcile) async fn report_foreign_write(&self, seen: &Observed) {
        let TargetLookup::Is(target) = &seen.target else { return };
        let mp = &seen.mini_program;
        let before = self.recall(mp, |recall| {
            std::mem::replace(&mut recall.reports.issued_for, target.issued_for.clone())
        });
        let theirs =
            target.operator.as_deref().is_some_and(|operator| operator != self.term.operator());
        if theirs && before.is_some() && before != target.issued_for {
            let (namespace, name, operator) = (mp.namespace(), mp.name(), &target.operator);
            tracing::warn!(namespace, name, operator, "another operator wrote the target Secret");
            self.metrics.foreign_write();
            self.events.publish(mp, &[events::foreign_write()]).await;
        }
    }

    /// A requested call that returned the same token is answered by an Event, or people would
    /// report a bug.
    pub(in crate::reconcile) async fn publish_same_token(
        &self,
        mp: &MiniProgram,
        call: &Call,
        forced_ineffective: bool,
    ) {
        let requested = call.handles.is_some().then(events::same_token);
        let forced = forced_ineffective.then(events::forced_refresh_ineffective);
        let announcements: Vec<_> = requested.into_iter().chain(forced).collect();
        self.events.publish(mp, &announcements).await;
    }

    /// Sets the object's own metrics.
    pub(in crate::reconcile) fn expose(&self, name: &ObjectName, mp: &MiniProgram) {
        #[allow(
            clippy::cast_precision_loss,
            reason = "seconds since 1970 are exact in a float for the next hundred million years"
        )]
        let seconds = |time: &Time| time.0.as_second() as f64;
        let Some(status) = &mp.status else { return };
        let token = status.token.as_ref();
        let conditions = ConditionType::iter().filter_map(|kind| {
            let condition = conditions::find(&status.conditions, kind)?;
            let status = ["True", "False", "Unknown"]
                .into_iter()
                .find(|status| condition.status == *status)?;
            Some((kind.into(), status))
        });
        let object = Object {
            token_expiration: token.map(|token| seconds(&token.expiration_time)),
            next_refresh: token.and_then(|token| token.next_refresh_time.as_ref()).map(seconds),
            conditions: conditions.collect(),
        };
        self.metrics.object(name.namespace(), name.name(), object);
    }
}

/// The Events about a call that has ended.
pub(in crate::reconcile) fn events_of_call(
    mp: &MiniProgram,
    calls: &Calls,
) -> Vec<events::Announcement> {
    let accepted =
        calls.accepted.map(|_| events::credential_accepted(&mp.spec.credential_ref.name));
    let fresh = mp.status.as_ref().and_then(|status| {
        conditions::find(&status.conditions, ConditionType::TokenFresh).and_then(Reason::of)
    });
    let is_report = calls.ended.as_ref().is_some_and(|ended| {
        ended.call.wanted.why == Why::Invalid && matches!(ended.how, How::Token { .. })
    });
    // While a limit delayed the call, the condition has said it.
    let is_second = is_report && calls.reported > 1 && fresh != Some(Reason::AnotherCaller);
    let another = is_second.then(|| events::another_caller(mp.spec.platform.as_str()));
    accepted.into_iter().chain(another).collect()
}

/// Logs one line for each new token, for each failure and for each condition that turns False or
/// back, and none for an object that rests.
pub(in crate::reconcile) fn log_changes(
    old: &MiniProgram,
    new: &MiniProgram,
    ended: Option<&Ended>,
) {
    let Some(status) = &new.status else { return };
    let before = old.status.as_ref();
    let why: Option<&str> = ended.map(|ended| ended.call.wanted.why.into());
    let (namespace, name) = (new.namespace(), new.name());
    let platform = new.spec.platform.as_str();
    let known = before.and_then(|status| status.token.as_ref()).map(|token| &token.fingerprint);
    if let Some(token) = status.token.as_ref().filter(|token| Some(&token.fingerprint) != known) {
        tracing::info!(
            namespace,
            name,
            platform,
            fingerprint = token.fingerprint,
            expires = token.expiration_time.0.to_string(),
            secret = status.target_ref.as_ref().map(|target| target.name.as_str()),
            why,
            "stored a new token in the target Secret"
        );
    }
    let failed_before = before.and_then(|status| status.last_failure.as_ref());
    let failure = status.last_failure.as_ref();
    if let Some(failure) = failure.filter(|failure| Some(*failure) != failed_before) {
        let request_id = ended.and_then(|ended| match &ended.how {
            How::Failed { refusal, .. } => refusal.request_id.as_deref(),
            _ => None,
        });
        tracing::warn!(
            namespace,
            name,
            platform,
            reason = failure.reason,
            code = failure.platform_code,
            cause = failure.cause,
            caller_ip = failure.caller_ip,
            request_id,
            attempts = failure.attempts,
            why,
            next = failure.next_attempt_time.0.to_string(),
            "a call to the platform failed"
        );
    }
    for (condition, reason) in changed(before, status) {
        if failure.is_none_or(|failure| failure.reason != reason) {
            tracing::info!(namespace, name, condition, reason, "a condition changed");
        }
    }
}

/// The conditions that have turned False for another reason, or are False no more. Where Ready has
/// the reason of another condition, only that one.
fn changed<'a>(
    old: Option<&MiniProgramStatus>,
    new: &'a MiniProgramStatus,
) -> Vec<(&'static str, &'a str)> {
    let mut changed: Vec<(&str, &str)> = Vec::new();
    let causes = ConditionType::iter()
        .filter(|kind| !matches!(kind, ConditionType::Ready | ConditionType::Stalled));
    for kind in causes.chain([ConditionType::Ready]) {
        let before = old.and_then(|status| conditions::find(&status.conditions, kind));
        let Some(now) = conditions::find(&new.conditions, kind) else { continue };
        let was_false = before.is_some_and(|before| before.status == "False");
        let is_news = before.is_none_or(|before| before.reason != now.reason);
        // Blocked only refers to another condition.
        let is_told = now.reason == Reason::Blocked.as_str()
            || changed.iter().any(|(_, reason)| *reason == now.reason);
        if is_news && !is_told && (was_false || now.status == "False") {
            changed.push((kind.into(), &now.reason));
        }
    }
    changed
}

#[cfg(test)]
mod tests {
    use k8s_openapi::jiff::Timestamp;

    use super::changed;
    use crate::api::{
        ConditionType, MiniProgramStatus, Reason,
        conditions::{self, ConditionStatus, ConditionValue},
    };

    use ConditionStatus::{False, True};
    use ConditionType::{CredentialValid, Ready, TokenFresh};

    fn status(all: &[(ConditionType, ConditionStatus, Reason)]) -> MiniProgramStatus {
        let mut status = MiniProgramStatus::default();
        for (kind, truth, reason) in all {
            let value = ConditionValue { truth: *truth, reason: *reason, message: String::new() };
            conditions::set(&mut status.conditions, *kind, &value, None, Timestamp::UNIX_EPOCH);
        }
        status
    }

    #[test]
    fn a_condition_is_logged_when_it_turns_false_and_back_and_its_cause_once() {
        let well = status(&[
            (Ready, True, Reason::TokenAvailable),
            (CredentialValid, True, Reason::Accepted),
            (TokenFresh, True, Reason::Fresh),
        ]);
        let ill = status(&[
            (Ready, False, Reason::KeyMissing),
            (CredentialValid, False, Reason::KeyMissing),
            (TokenFresh, False, Reason::Blocked),
        ]);
        assert_eq!(changed(None, &well), []);
        assert_eq!(changed(Some(&well), &well), []);
        assert_eq!(changed(Some(&well), &ill), [("CredentialValid", "KeyMissing")]);
        let again =
            [("CredentialValid", "Accepted"), ("TokenFresh", "Fresh"), ("Ready", "TokenAvailable")];
        assert_eq!(changed(Some(&ill), &well), again);
    }
}
