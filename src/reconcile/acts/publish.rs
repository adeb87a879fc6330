//! Reports a pass to people: log lines, Events about requests, the object's metrics. Decides
//! nothing and writes no object.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use strum::IntoEnumIterator;

use crate::reconcile::{
    Ctx,
    call::{Call, Why},
    events,
    observed::{Observed, TargetLookup},
};
use crate::{
    api::{ConditionType, MiniProgram, conditions, names},
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
        let before =
            self.recall(mp, |recall| recall.reports.invalid_seen.replace(reported.clone()));
        let is_new = before.is_some_and(|before| before != reported);
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
        self.metrics.object(&name.namespace, &name.name, object);
    }
}

/// Logs one line for each refresh and for each failure, and none for an object that rests.
pub(in crate::reconcile) fn log_changes(old: &MiniProgram, new: &MiniProgram, why: Option<Why>) {
    let why: Option<&str> = why.map(Into::into);
    let (namespace, name) = (new.namespace(), new.name());
    let platform = new.spec.platform.as_str();
    let fingerprint = |mp: &MiniProgram| {
        mp.status.as_ref().and_then(|status| Some(status.token.as_ref()?.fingerprint.clone()))
    };
    let failure =
        |mp: &MiniProgram| mp.status.as_ref().and_then(|status| status.last_failure.clone());
    if let Some(now) = fingerprint(new).filter(|now| Some(now) != fingerprint(old).as_ref()) {
        tracing::info!(
            namespace,
            name,
            platform,
            fingerprint = now,
            why,
            "stored a new token in the target Secret"
        );
    }
    if let Some(failure) = failure(new).filter(|now| Some(now) != failure(old).as_ref()) {
        let next = failure.next_attempt_time.0.to_string();
        tracing::warn!(
            namespace,
            name,
            platform,
            reason = failure.reason,
            code = failure.platform_code,
            cause = failure.cause,
            attempts = failure.attempts,
            why,
            next,
            "a call to the platform failed"
        );
    }
}
