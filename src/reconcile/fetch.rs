//! Calls a platform for a token; no other step does. Knows no Kubernetes; the other steps pass in
//! the proofs that the call may be made.

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

/// The longest timeout of a call, however often the platform did not respond.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(60);

/// How the platforms are reached.
#[derive(Clone)]
pub struct Platforms {
    /// The door that requests pass through.
    pub door: Door,
    /// The hosts that the administrator sets, by platform; later ones are fail-over.
    pub hosts: BTreeMap<&'static str, Vec<String>>,
    /// The longest time for a connection.
    pub connect_timeout: Duration,
    /// The longest time for a call.
    pub request_timeout: Duration,
}

impl Platforms {
    /// The hosts for a call: those of the platform that the administrator sets, else the endpoint's
    /// own.
    fn hosts_of(&self, wanted: &FetchRequest<'_>) -> Vec<String> {
        let set = self.hosts.get(wanted.platform.name).cloned();
        set.unwrap_or_else(|| wanted.endpoint.hosts.iter().map(ToString::to_string).collect())
    }
}

/// A call with all that it needs.
pub struct FetchRequest<'a> {
    /// The platform.
    pub platform: &'static Platform,
    /// The endpoint.
    pub endpoint: &'static Endpoint,
    /// What the request is made from.
    pub token: TokenRequest<'a>,
    /// The number of consecutive calls without a response: the next call gets more time.
    pub unanswered: u32,
}

/// How a call ended.
pub enum Fetched {
    /// It returned a token.
    Token {
        /// The token and its life.
        grant: Grant,
        /// When the request was sent.
        sent: Timestamp,
        /// How long the response took.
        took: Duration,
    },
    /// It returned no token.
    Refused(Refusal),
    /// The Lease or the intent was too old for a call; nothing was sent.
    NotAllowed,
}

/// Makes one call. `started` proves that the intent is recorded or none is needed, and `_preflight`
/// that the token can be stored; `term` issues a ticket before every connection.
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
    for host in platforms.hosts_of(wanted) {
        let now = clock.now();
        let late = started
            .since()
            .is_some_and(|since| now.boot.saturating_sub(since) > platforms.request_timeout);
        let Some(_ticket) = term.ticket(platforms.connect_timeout).filter(|_| !late) else {
            return Fetched::NotAllowed;
        };
        let request = (wanted.endpoint.request)(&wanted.token);
        let response = platforms.door.send(Outgoing { host, request, timeout }).await;
        let took = clock.now().boot.saturating_sub(now.boot);
        let read = read(wanted, response);
        metrics.platform_called(wanted.platform.name, code(read.as_ref().err()), took);
        match read {
            Ok(grant) => return Fetched::Token { grant, sent: now.wall, took },
            // Another host is tried only if this one has certainly received nothing.
            Err(not_sent) if not_sent.certainty == Certainty::NotSent => refusal = not_sent,
            Err(refusal) => return Fetched::Refused(refusal),
        }
    }
    Fetched::Refused(refusal)
}

/// A platform that made a token and responded too late gets more time: otherwise every retry would
/// make a token and none would be stored.
fn timeout(base: Duration, wanted: &FetchRequest<'_>) -> Duration {
    if !wanted.endpoint.reissue.makes_new() {
        return base;
    }
    backoff(wanted.unanswered.saturating_add(1), base, LONGEST_TIMEOUT.max(base))
}

fn read(
    wanted: &FetchRequest<'_>,
    response: Result<Incoming, TransportError>,
) -> Result<Grant, Refusal> {
    let response = response.map_err(|error| match error {
        TransportError::NotSent(cause) => Refusal::unreachable(Certainty::NotSent, Some(cause)),
        TransportError::Unknown(cause) => Refusal::unreachable(Certainty::Unknown, Some(cause)),
    })?;
    let Some(body) = &response.body else { return Err(Refusal::unknown(Reason::BadResponse)) };
    let Incoming { status, content_type, .. } = &response;
    let response = Response { status: *status, content_type, body };
    wanted.endpoint.token(&response, wanted.token.secret)
}

/// How a call ended, as a metric label from a fixed list: a platform's code could be anything.
fn code(refusal: Option<&Refusal>) -> &'static str {
    refusal.map_or("ok", |refusal| refusal.reason.as_str())
}
