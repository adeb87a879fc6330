//! A ticket: a value that a platform makes from an access token. Both platforms that have tickets
//! respond alike.
//!
//! Source: <https://developer.work.weixin.qq.com/document/path/96909>. Unverified: that a call
//! returns the same ticket until its end, and always its whole life; developers report both. So the
//! life is counted from the first response with a ticket.

use std::time::Duration;

use serde::Deserialize;
use zeroize::Zeroizing;

use super::{Code, Grant, LONGEST_LIFE, Life, Refusal, Request, Response, response};
use crate::{
    api::{Reason, TicketType},
    sensitive::AccessToken,
};

/// A ticket that a platform makes from an access token.
#[derive(Debug)]
pub struct Ticket {
    /// The type, as `spec.tickets` names it.
    pub kind: TicketType,
    /// The apps that the platform documents the ticket for; empty if for all.
    pub documented_for: &'static str,
    /// The hosts, unless the administrator sets others.
    pub hosts: &'static [&'static str],
    /// The longest life of a ticket. A response with a longer one is refused.
    pub longest_life: Duration,
    /// Builds the request.
    pub request: fn(&AccessToken) -> Request,
    /// Reads the response.
    pub read: fn(&Response<'_>) -> Result<Grant, Refusal>,
}

impl Ticket {
    /// The ticket of a response to a request that was made with this token.
    ///
    /// # Errors
    /// The refusal, whose code is never the token nor a part of it.
    pub fn ticket(&self, response: &Response<'_>, token: &AccessToken) -> Result<Grant, Refusal> {
        (self.read)(response).map_err(|refusal| refusal.without(token.expose()))
    }
}

/// A GET with the token, and with the type where one path serves several tickets.
pub(super) fn request(
    path: &'static str,
    token: &AccessToken,
    kind: Option<&'static str>,
) -> Request {
    let token = ("access_token", Zeroizing::new(token.expose().to_owned()));
    let kind = kind.map(|kind| ("type", Zeroizing::new(kind.to_owned())));
    Request::get(path, [token].into_iter().chain(kind).collect())
}

#[derive(Deserialize)]
struct Fields {
    #[serde(default, deserialize_with = "response::token_text")]
    ticket: Option<Zeroizing<String>>,
    #[serde(default, deserialize_with = "response::lenient_integer")]
    expires_in: Option<i64>,
    #[serde(default, deserialize_with = "response::lenient_integer")]
    errcode: Option<i64>,
}

pub(super) fn read(response: &Response<'_>) -> Result<Grant, Refusal> {
    let fields: Fields = response::json(response)?;
    response::by_number(
        response,
        fields.errcode.unwrap_or(0),
        |code| Refusal::refused(reason(code), Code::Number(code)),
        || response::grant(fields.ticket, fields.expires_in, Life::Whole, LONGEST_LIFE),
    )
}

fn reason(code: i64) -> Reason {
    match code {
        -1 => Reason::PlatformBusy,
        40001 | 40014 | 42001 => Reason::TokenRejected,
        40164 | 60020 => Reason::IpNotAllowed,
        45009 => Reason::QuotaExhausted,
        45011 | 45033 => Reason::Throttled,
        _ => Reason::BadResponse,
    }
}
