//! Asks a platform for a token: the only step that does. Knows no Kubernetes; what it needs as
//! proof that it may ask, the other steps hand to it.

pub mod door;
pub mod slots;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, time::Duration};

use k8s_openapi::jiff::Timestamp;

use self::door::{Door, Incoming, Outgoing, TransportError};
use super::{apply::Preflight, plan::backoff::backoff, status::IntentRecorded};
use crate::{
    api::Reason,
    platform::{Certainty, Endpoint, Grant, Platform, Refusal, Response, TokenRequest},
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
pub struct FetchRequest<'a> {
    /// The platform.
    pub platform: &'static Platform,
    /// The endpoint on it.
    pub endpoint: &'static Endpoint,
    /// What the request is made from.
    pub token: TokenRequest<'a>,
    /// How many calls in a row stayed without an answer: the next one gets more time.
    pub unanswered: u32,
}

/// How a call ended.
pub enum Fetched {
    /// It brought a token, counted from when it was sent.
    Token {
        /// The token and its life.
        grant: Grant,
        /// When the request was sent.
        sent: Timestamp,
        /// How long the response took.
        took: Duration,
    },
    /// It brought none.
    Refused(Refusal),
    /// The Lease or the intent was too old to ask; nothing was sent.
    NotAllowed,
}

/// Makes one call. `started` says that the intent is recorded or none is needed, `_preflight` that
/// the token can be stored, and `term` hands out a ticket before every connection.
pub async fn fetch(
    platforms: &Platforms,
    wanted: &FetchRequest<'_>,
    started: &IntentRecorded,
    _preflight: Preflight,
    term: &Term,
    clock: &Clock,
    metrics: &Metrics,
) -> Fetched {
    let timeout = timeout(platforms.request_timeout, wanted);
    let mut refusal = Refusal::unreachable(Certainty::NotSent, None);
    for host in platforms.hosts.get(wanted.platform.name).into_iter().flatten() {
        let now = clock.now();
        let late = started
            .since()
            .is_some_and(|since| now.boot.saturating_sub(since) > platforms.request_timeout);
        let Some(_ticket) = term.ticket(platforms.connect_timeout).filter(|_| !late) else {
            return Fetched::NotAllowed;
        };
        let request = (wanted.endpoint.request)(&wanted.token);
        let response = platforms.door.send(Outgoing { host: host.clone(), request, timeout }).await;
        let took = clock.now().boot.saturating_sub(now.boot);
        let read = read(wanted.endpoint, response);
        metrics.platform_called(wanted.platform.name, code(read.as_ref().err()), took);
        match read {
            Ok(grant) => return Fetched::Token { grant, sent: now.wall, took },
            // Another host is worth a try only if this one has certainly seen nothing.
            Err(not_sent) if not_sent.certainty == Certainty::NotSent => refusal = not_sent,
            Err(refusal) => return Fetched::Refused(refusal),
        }
    }
    Fetched::Refused(refusal)
}

/// A platform that made a token and answered too late is given more time, or every try would make
/// one and none would be stored.
fn timeout(base: Duration, wanted: &FetchRequest<'_>) -> Duration {
    if !wanted.endpoint.reissue.makes_new() {
        return base;
    }
    backoff(wanted.unanswered.saturating_add(1), base, LONGEST_TIMEOUT.max(base))
}

fn read(endpoint: &Endpoint, response: Result<Incoming, TransportError>) -> Result<Grant, Refusal> {
    let response = response.map_err(|error| match error {
        TransportError::NotSent(cause) => Refusal::unreachable(Certainty::NotSent, Some(cause)),
        TransportError::Unknown(cause) => Refusal::unreachable(Certainty::Unknown, Some(cause)),
    })?;
    let Some(body) = &response.body else { return Err(Refusal::unknown(Reason::BadResponse)) };
    let Incoming { status, content_type, .. } = &response;
    (endpoint.read)(&Response { status: *status, content_type, body })
}

/// How a call ended, as a metric label: a fixed list, since a code could be anything.
fn code(refusal: Option<&Refusal>) -> &'static str {
    refusal.map_or("ok", |refusal| refusal.reason.as_str())
}
