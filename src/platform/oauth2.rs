//! `OAuth2`: any token endpoint of RFC 6749 that has the client credentials grant and that the
//! administrator has configured. An app id is the endpoint's configured name, a slash and the client
//! ID, so no object says where its app secret is sent.
//!
//! Source: <https://www.rfc-editor.org/rfc/rfc6749>, sections 2.3.1, 4.4, 5.1 and 5.2.
//!
//! Not in the RFC: what a call does to the tokens before it. Unless the administrator knows better,
//! every call is taken to end them at once. Nor does it say whether `expires_in` is what is left of
//! a token that is returned again: so a life is counted from the first response with the token.

use std::{collections::BTreeMap, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

#[cfg(test)]
use super::tests::{Case, Cases};
use super::{
    AppIdPattern, Endpoint, Grant, Lead, Life, Platform, Refusal, Reissue, Request, Response,
    TokenRequest, UNDOCUMENTED_QUOTA, response, rfc6749,
};
use crate::{api::Reason, sensitive::AppSecret};

/// The RFC has no bound; a longer life is more likely a time in milliseconds.
const LONGEST_LIFE: Duration = Duration::from_secs(366 * 24 * 3600);

pub(super) const PLATFORM: Platform = Platform {
    name: "OAuth2",
    app_id: AppIdPattern {
        pattern: "^[a-z0-9]([-a-z0-9]{0,29}[a-z0-9])?/[!-~]{1,96}$",
        meaning: "the name of an endpoint that the operator's administrator has configured, a \
                  slash, and the client ID",
        example: "example/client-1",
    },
    endpoints: &[REPLACING],
    tickets: &[],
    tells_id_from_secret: false,
    day_offset_seconds: 0,
};

/// An endpoint that is not known to leave earlier tokens alone.
const REPLACING: Endpoint = Endpoint {
    mode: None,
    hosts: &[],
    reissue: Reissue::Replaces { overlap: Duration::ZERO },
    lead: Lead { default: Duration::from_secs(300), longest: Duration::from_secs(3600) },
    force: None,
    daily_quota: UNDOCUMENTED_QUOTA,
    limits: &[],
    longest_life: LONGEST_LIFE,
    request: |wanted| ConfiguredEndpoint::default().request(wanted),
    read: |response| ConfiguredEndpoint::default().read(response),
};

/// An endpoint whose tokens stay valid when another one is issued.
const ADDING: Endpoint = Endpoint { reissue: Reissue::Adds, ..REPLACING };

/// The endpoints that the administrator has configured, by name.
#[derive(Clone, Debug, Default)]
pub struct ConfiguredEndpoints(BTreeMap<String, ConfiguredEndpoint>);

/// What the administrator has configured of an endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConfiguredEndpoint {
    /// The URL, with its path and query.
    pub url: String,
    /// How a client proves who it is.
    pub auth: ClientAuth,
    /// The scopes to ask for, separated by spaces; empty leaves the choice to the endpoint.
    pub scope: String,
    /// The audience to ask for, which is no parameter of the RFC; empty for none.
    pub audience: String,
    /// The life of a token whose response has no `expires_in`. If there is none, such a token is
    /// refused.
    pub life: Option<Duration>,
    /// Whether earlier tokens stay valid when another one is issued.
    pub adds: bool,
}

/// How a client proves who it is, section 2.3.1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientAuth {
    /// In the header `Authorization`, which every endpoint must accept.
    #[default]
    Basic,
    /// In the body.
    Post,
}

impl ConfiguredEndpoints {
    /// The endpoint that an app id of this platform names; none if the platform has hosts.
    #[must_use]
    pub fn of(&self, platform: &Platform, app_id: &str) -> Option<&ConfiguredEndpoint> {
        self.0.get(parts(app_id).0).filter(|_| !platform.has_hosts())
    }

    /// The URL of each.
    pub fn urls(&self) -> impl Iterator<Item = &str> {
        self.0.values().map(|endpoint| endpoint.url.as_str())
    }
}

impl FromIterator<(String, ConfiguredEndpoint)> for ConfiguredEndpoints {
    fn from_iter<T: IntoIterator<Item = (String, ConfiguredEndpoint)>>(all: T) -> Self {
        Self(all.into_iter().collect())
    }
}

impl ConfiguredEndpoint {
    /// What the plan must know of it.
    #[must_use]
    pub fn endpoint(&self) -> &'static Endpoint {
        if self.adds { &ADDING } else { &REPLACING }
    }

    /// A request, whose path is that of the URL.
    #[must_use]
    pub fn request(&self, wanted: &TokenRequest<'_>) -> Request {
        let client_id = parts(wanted.app_id).1;
        let mut fields = match self.auth {
            ClientAuth::Basic => vec![rfc6749::grant_type()],
            ClientAuth::Post => rfc6749::parameters(&TokenRequest { app_id: client_id, ..*wanted }),
        };
        let more = [("scope", &self.scope), ("audience", &self.audience)];
        let more = more.into_iter().filter(|(_, value)| !value.is_empty());
        fields.extend(more.map(|(name, value)| (name, Zeroizing::new(value.clone()))));
        let mut request = Request::form("", fields);
        if self.auth == ClientAuth::Basic {
            let value = ["Basic ", basic(client_id, wanted.secret).as_str()].concat();
            request.headers.push(("authorization", Zeroizing::new(value)));
        }
        request
    }

    /// The token of a response to a request that was made with this app secret.
    ///
    /// # Errors
    /// The refusal, whose code is neither the app secret nor the header that carries it, nor a part
    /// of them.
    pub fn token(
        &self,
        response: &Response<'_>,
        wanted: &TokenRequest<'_>,
    ) -> Result<Grant, Refusal> {
        let header = basic(parts(wanted.app_id).1, wanted.secret);
        super::checked(self.read(response), response, wanted.secret)
            .map_err(|refusal| refusal.without(&header))
    }

    fn read(&self, response: &Response<'_>) -> Result<Grant, Refusal> {
        rfc6749::read_with(response, rfc6749::nothing_more, |fields| {
            // A token of another type is of no use without the key that it is bound to.
            let token_type = fields.token_type.as_deref().map_or("bearer", String::as_str);
            if !token_type.eq_ignore_ascii_case("bearer") {
                return Err(Refusal::unknown(Reason::BadResponse));
            }
            let configured = || i64::try_from(self.life?.as_secs()).ok();
            let life = fields.expires_in.or_else(configured);
            response::grant(fields.access_token, life, Life::Whole, LONGEST_LIFE)
        })
    }
}

/// The name of the endpoint and the client ID in an app id.
fn parts(app_id: &str) -> (&str, &str) {
    app_id.split_once('/').unwrap_or_default()
}

/// The credentials of the header `Authorization`: both parts are encoded as in a form before they
/// are joined, since either may contain a colon.
fn basic(client_id: &str, secret: &AppSecret) -> Zeroizing<String> {
    let (client_id, secret) = (form_encoded(client_id), form_encoded(secret.expose()));
    // Unlike `format!`, it leaves no shorter copy behind.
    let joined = Zeroizing::new([client_id.as_str(), ":", secret.as_str()].concat());
    Zeroizing::new(STANDARD.encode(joined.as_bytes()))
}

/// A text as `application/x-www-form-urlencoded` has it.
fn form_encoded(text: &str) -> Zeroizing<String> {
    // With room for the longest result, no copy of a part is left behind.
    let mut encoded = Zeroizing::new(String::with_capacity(3 * text.len()));
    encoded.extend(form_urlencoded::byte_serialize(text.as_bytes()));
    encoded
}

#[cfg(test)]
pub(super) const CASES: &[Cases] = &[Cases {
    mode: None,
    wrong_secret: Case::Means(Reason::CredentialRejected, "invalid_client"),
    wrong_id: Case::Means(Reason::CredentialRejected, "invalid_client"),
    ip_refused: Case::Never,
    too_often: Case::Never,
    day_quota: Case::Never,
    frozen: Case::Never,
    busy: Case::Never,
    malformed: Case::Means(Reason::BadResponse, "invalid_request"),
}];

#[cfg(test)]
mod tests;
