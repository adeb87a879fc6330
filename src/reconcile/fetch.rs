//! Asks a platform for a token: the only step that does. Knows no Kubernetes; what it needs as
//! proof that it may ask, the other steps hand to it.

pub mod door;
pub mod slots;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, time::Duration};

use k8s_openapi::jiff::Timestamp;

use self::door::{Answer, Door, NoAnswer, Sending};
use super::{apply::Preflight, status::IntentRecorded};
use crate::{
    api::Reason,
    platform::{Ask, Endpoint, Grant, Platform, Refusal},
    sensitive::AppSecret,
    shell::{clock::Clock, leader::Term, metrics::Metrics},
};

/// A hung platform gets no more of a call's time, however often it stayed silent.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(60);

/// How the platforms are reached.
#[derive(Clone)]
pub struct Platforms {
    /// Where requests go out.
    pub door: Door,
    /// The hosts of each platform, by name; later ones are fail-over.
    pub hosts: BTreeMap<&'static str, Vec<String>>,
    /// How long a connection may take.
    pub connect_timeout: Duration,
    /// How long a call may take.
    pub request_timeout: Duration,
}

/// A call in all its parts.
pub struct Asking<'a> {
    /// The platform.
    pub platform: &'static Platform,
    /// The endpoint on it.
    pub endpoint: &'static Endpoint,
    /// The app id.
    pub app_id: &'a str,
    /// The app secret.
    pub secret: &'a AppSecret,
    /// Whether a new token is forced.
    pub force: bool,
    /// How many calls in a row stayed without an answer: the next one gets more time.
    pub unanswered: u32,
}

/// How a call ended.
pub enum Outcome {
    /// It brought a token, counted from when it was sent.
    Token {
        /// The token and its life.
        grant: Grant,
        /// When the request was sent.
        sent: Timestamp,
        /// How long the answer took.
        took: Duration,
    },
    /// The platform said no, and did nothing.
    Refused(Refusal),
    /// The platform has seen nothing of it.
    NotSent(Refusal),
    /// The platform may have made a token that nobody has.
    Unknown(Refusal),
    /// The lease or the intent was too old to ask; nothing was sent.
    NotAllowed,
}

/// Makes one call. `started` says that the intent stands or none is needed, `_preflight` that the
/// answer can be stored, and `term` hands out a ticket before every connection.
pub async fn fetch(
    platforms: &Platforms,
    asking: &Asking<'_>,
    started: &IntentRecorded,
    _preflight: Preflight,
    term: &Term,
    clock: &Clock,
    metrics: &Metrics,
) -> Outcome {
    let timeout = timeout(platforms.request_timeout, asking);
    for host in platforms.hosts.get(asking.platform.name).into_iter().flatten() {
        let now = clock.now();
        let late = started
            .since()
            .is_some_and(|since| now.boot.saturating_sub(since) > platforms.request_timeout);
        let Some(_ticket) = term.ticket(platforms.connect_timeout).filter(|_| !late) else {
            return Outcome::NotAllowed;
        };
        let ask = Ask { app_id: asking.app_id, secret: asking.secret, force: asking.force };
        let request = (asking.endpoint.request)(&ask);
        let answer = platforms.door.send(Sending { host: host.clone(), request, timeout }).await;
        let took = clock.now().boot.saturating_sub(now.boot);
        let outcome = judge(asking.endpoint, answer, now.wall, took);
        metrics.platform_called(asking.platform.name, code(&outcome), took);
        // Another host is worth a try only if this one has certainly seen nothing.
        if !matches!(outcome, Outcome::NotSent(_)) {
            return outcome;
        }
    }
    Outcome::NotSent(Refusal::because(Reason::PlatformUnreachable))
}

/// A platform that minted and answered too late is given more time, or every try would mint and
/// none would be stored.
fn timeout(precondition: Duration, asking: &Asking<'_>) -> Duration {
    let doubled = if asking.endpoint.rotates() {
        precondition * 2_u32.pow(asking.unanswered.min(6))
    } else {
        precondition
    };
    doubled.min(LONGEST_TIMEOUT.max(precondition))
}

fn judge(
    endpoint: &Endpoint,
    answer: Result<Answer, NoAnswer>,
    sent: Timestamp,
    took: Duration,
) -> Outcome {
    let answer = match answer {
        Ok(answer) => answer,
        Err(NoAnswer::NotSent) => {
            return Outcome::NotSent(Refusal::because(Reason::PlatformUnreachable));
        }
        Err(NoAnswer::Unknown) => {
            return Outcome::Unknown(Refusal::because(Reason::PlatformUnreachable));
        }
    };
    let Some(body) = answer.body else {
        return Outcome::Unknown(Refusal::because(Reason::BadResponse));
    };
    match (endpoint.answer)(answer.status, &body) {
        Ok(grant) => Outcome::Token { grant, sent, took },
        Err(refusal) if refusal.code.is_some() => Outcome::Refused(refusal),
        // Without a code of the platform's own, a token may have been made and lost on its way.
        Err(refusal) => Outcome::Unknown(refusal),
    }
}

/// The outcome as a metric label: a fixed list, since a code could be anything.
fn code(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Token { .. } => "ok",
        Outcome::Refused(refusal) | Outcome::Unknown(refusal) | Outcome::NotSent(refusal) => {
            refusal.reason.as_str()
        }
        Outcome::NotAllowed => "not_allowed",
    }
}
