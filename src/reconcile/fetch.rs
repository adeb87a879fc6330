//! Calls a platform for a token or a ticket; no other step does. Knows no Kubernetes; the other steps pass in
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
    platform::{
        Certainty, ConfiguredEndpoint, ConfiguredEndpoints, Endpoint, Grant, Platform, Refusal,
        Request, Response, Ticket, TokenRequest,
    },
    sensitive::AccessToken,
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
    /// The endpoints that the administrator configures, of a platform without hosts.
    pub configured: ConfiguredEndpoints,
    /// The longest time for a connection.
    pub connect_timeout: Duration,
    /// The longest time for a call.
    pub request_timeout: Duration,
}

impl Platforms {
    /// The hosts for a call: those of the platform that the administrator sets, else the endpoint's
    /// own.
    fn hosts_of(&self, platform: &Platform, own: &[&str]) -> Vec<String> {
        let set = self.hosts.get(platform.name).cloned();
        set.unwrap_or_else(|| own.iter().map(ToString::to_string).collect())
    }
}

/// A call with all that it needs.
pub struct FetchRequest<'a> {
    /// The platform.
    pub platform: &'static Platform,
    /// The endpoint.
    pub endpoint: &'static Endpoint,
    /// What the administrator has configured of it, if the platform has no hosts.
    pub configured: Option<&'a ConfiguredEndpoint>,
    /// What the request is made from.
    pub token: TokenRequest<'a>,
    /// The number of consecutive calls without a response: the next call gets more time.
    pub unanswered: u32,
}

impl FetchRequest<'_> {
    /// The URL that the administrator has configured, else hosts.
    fn hosts(&self, platforms: &Platforms) -> Vec<String> {
        match self.configured {
            Some(configured) => vec![configured.url.clone()],
            None => platforms.hosts_of(self.platform, self.endpoint.hosts),
        }
    }

    fn request(&self) -> Request {
        match self.configured {
            Some(configured) => configured.request(&self.token),
            None => (self.endpoint.request)(&self.token),
        }
    }

    fn read(&self, response: &Response<'_>) -> Result<Grant, Refusal> {
        match self.configured {
            Some(configured) => configured.token(response, &self.token),
            None => self.endpoint.token(response, self.token.secret),
        }
    }
}

/// A call for a ticket.
pub struct TicketRequest<'a> {
    /// The platform.
    pub platform: &'static Platform,
    /// The ticket.
    pub ticket: &'static Ticket,
    /// The token that it is made from.
    pub token: &'a AccessToken,
}

/// How a call ended.
pub enum Fetched {
    /// It returned a token, or a ticket.
    Token {
        /// The token or the ticket, and its life.
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
/// that the token can be stored; `term` issues a permit before every connection.
pub async fn fetch(
    platforms: &Platforms,
    wanted: &FetchRequest<'_>,
    started: &IntentRecorded,
    _preflight: Preflight,
    term: &Term,
    clock: &Clock,
    metrics: &Metrics,
) -> Fetched {
    let is_late = |now: Duration| {
        started.since().is_some_and(|since| now.saturating_sub(since) > platforms.request_timeout)
    };
    let call = Call {
        platform: wanted.platform.name,
        hosts: wanted.hosts(platforms),
        timeout: timeout(platforms.request_timeout, wanted),
        is_late: &is_late,
        request: &|| wanted.request(),
        read: &|response| wanted.read(response),
    };
    send(platforms, call, term, clock, metrics).await
}

/// Makes one call for a ticket. It ends no token and returns the same ticket again, so it needs no
/// intent and no preflight.
pub async fn fetch_ticket(
    platforms: &Platforms,
    wanted: &TicketRequest<'_>,
    term: &Term,
    clock: &Clock,
    metrics: &Metrics,
) -> Fetched {
    let call = Call {
        platform: wanted.platform.name,
        hosts: platforms.hosts_of(wanted.platform, wanted.ticket.hosts),
        timeout: platforms.request_timeout,
        is_late: &|_| false,
        request: &|| (wanted.ticket.request)(wanted.token),
        read: &|response| wanted.ticket.ticket(response, wanted.token),
    };
    send(platforms, call, term, clock, metrics).await
}

/// What a call for a token or a ticket is made of.
struct Call<'a> {
    platform: &'static str,
    hosts: Vec<String>,
    timeout: Duration,
    /// Whether its intent is too old at a boot time.
    is_late: &'a (dyn Fn(Duration) -> bool + Sync),
    request: &'a (dyn Fn() -> Request + Sync),
    read: &'a (dyn Fn(&Response<'_>) -> Result<Grant, Refusal> + Sync),
}

async fn send(
    platforms: &Platforms,
    call: Call<'_>,
    term: &Term,
    clock: &Clock,
    metrics: &Metrics,
) -> Fetched {
    let mut refusal = Refusal::unreachable(Certainty::NotSent, None);
    let timeout = call.timeout;
    for host in call.hosts {
        let now = clock.now();
        let late = (call.is_late)(now.boot);
        let Some(_permit) = term.permit(platforms.connect_timeout).filter(|_| !late) else {
            return Fetched::NotAllowed;
        };
        let request = (call.request)();
        let response = platforms.door.send(Outgoing { host, request, timeout }).await;
        let took = clock.now().boot.saturating_sub(now.boot);
        let read = read(response, call.read);
        metrics.platform_called(call.platform, code(read.as_ref().err()), took);
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
    response: Result<Incoming, TransportError>,
    read: &(dyn Fn(&Response<'_>) -> Result<Grant, Refusal> + Sync),
) -> Result<Grant, Refusal> {
    let response = response.map_err(|error| match error {
        TransportError::NotSent(cause) => Refusal::unreachable(Certainty::NotSent, Some(cause)),
        TransportError::Unknown(cause) => Refusal::unreachable(Certainty::Unknown, Some(cause)),
    })?;
    let Some(body) = &response.body else { return Err(Refusal::unknown(Reason::BadResponse)) };
    let Incoming { status, content_type, .. } = &response;
    let response = Response { status: *status, content_type, body };
    read(&response)
}

/// How a call ended, as a metric label from a fixed list: a platform's code could be anything.
fn code(refusal: Option<&Refusal>) -> &'static str {
    refusal.map_or("ok", |refusal| refusal.reason.as_str())
}
