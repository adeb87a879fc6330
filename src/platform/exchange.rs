//! A request to a platform, its response, and a token with its life. Values only.

use std::time::Duration;

use zeroize::Zeroizing;

use crate::sensitive::{AccessToken, AppSecret};

/// What a request for a token is made from.
pub struct TokenRequest<'a> {
    /// The app id.
    pub app_id: &'a str,
    /// The app secret.
    pub secret: &'a AppSecret,
    /// Whether a new token is wanted even if the current one is still valid.
    pub force: bool,
}

/// Names and values of a query, a form or headers; the values may be secret.
pub type Pairs = Vec<(&'static str, Zeroizing<String>)>;

/// An HTTP request, without the host. Has no `Debug`: it carries the app secret.
pub struct Request {
    /// The path on the host; empty if a configured URL has it.
    pub path: &'static str,
    /// The parameters of the query.
    pub query: Pairs,
    /// The headers besides those that every request has. Names are in lower case.
    pub headers: Pairs,
    /// The body, which also determines the method.
    pub body: Body,
}

/// The body of a request.
pub enum Body {
    /// None: a GET.
    None,
    /// A POST of JSON.
    Json(Zeroizing<Vec<u8>>),
    /// A POST of a form, `application/x-www-form-urlencoded`.
    Form(Pairs),
}

impl Request {
    /// A GET with these parameters.
    #[must_use]
    pub fn get(path: &'static str, query: Pairs) -> Self {
        Self { path, query, headers: vec![], body: Body::None }
    }

    /// A POST of JSON.
    #[must_use]
    pub fn json(path: &'static str, body: &serde_json::Value) -> Self {
        let body = Body::Json(Zeroizing::new(body.to_string().into_bytes()));
        Self { path, query: vec![], headers: vec![], body }
    }

    /// A POST of a form.
    #[must_use]
    pub fn form(path: &'static str, fields: Pairs) -> Self {
        Self { path, query: vec![], headers: vec![], body: Body::Form(fields) }
    }
}

/// A complete HTTP response. Has no `Debug`: it may carry a token.
pub struct Response<'a> {
    /// The HTTP status.
    pub status: u16,
    /// The media type, in lower case and without parameters; empty if there is none.
    pub content_type: &'a str,
    /// The body.
    pub body: &'a [u8],
}

impl Response<'_> {
    /// Whether the HTTP status is that of a success.
    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// A token that a platform issued.
pub struct Grant {
    /// The token.
    pub token: AccessToken,
    /// Its life.
    pub life: Life,
}

/// The life of a token, as a response reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// The remaining life, counted from when the request was sent.
    Left(Duration),
    /// The whole life, which each response repeats, or a life of which that is not known: it is
    /// counted from the first response with this token, and no later one gives the token more.
    Whole(Duration),
}

impl Life {
    /// The duration, however it is counted.
    #[must_use]
    pub fn span(self) -> Duration {
        match self {
            Self::Left(span) | Self::Whole(span) => span,
        }
    }
}
