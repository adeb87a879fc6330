//! What a platform's file says of an endpoint, and how a call is read by it. Knows no state.

use std::net::IpAddr;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::Millis;
use crate::model::{Family, Granted, Refused, Reply, Request};

/// An endpoint that hands out tokens.
#[derive(Debug)]
pub(crate) struct TokenEndpoint {
    pub path: &'static str,
    /// What a call does to the tokens before it.
    pub family: Family,
    pub figures: Figures,
    pub ask: Ask,
    /// Whether the list of allowed addresses holds here: some platforms check it at other calls
    /// only.
    pub checks_address: bool,
    /// The body of an answer with a token.
    pub grant: fn(&Granted) -> Value,
    /// How it refuses, the first table first. What no line is about never happens here.
    pub refusals: Refusals,
    pub refuse: fn(&Said<'_>) -> Reply,
}

/// One of the paths that need a token, chosen for needing nothing else.
#[derive(Debug)]
pub(crate) struct BusinessEndpoint {
    pub path: &'static str,
    pub token: Presented,
    /// The body of an answer to a live token.
    pub success: fn() -> Value,
    pub refusals: Refusals,
    pub refuse: fn(&Said<'_>) -> Reply,
}

/// An endpoint that makes tickets from a token: the same one until its end, and always with its
/// whole life.
#[derive(Debug)]
pub(crate) struct TicketEndpoint {
    pub path: &'static str,
    pub token: Presented,
    /// What the parameter `type` may be; nothing if it is not needed.
    pub types: &'static [&'static str],
    /// The body of an answer with a ticket.
    pub grant: fn(&Granted) -> Value,
    pub refusals: Refusals,
    pub refuse: fn(&Said<'_>) -> Reply,
}

/// What a platform documents of an endpoint's tokens.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Figures {
    pub life_ms: Millis,
    /// How long a replaced token lives on, and how long before the end of a token that is returned
    /// again and again its successor is made.
    pub turn_ms: Millis,
    /// So many calls in so long.
    pub calls: (u32, Millis),
    pub per_day: u32,
    /// Forced refreshes: so many a day, so far apart. None: no call forces one.
    pub force: Option<(u32, Millis)>,
}

impl Figures {
    /// Two hours, and the last five minutes; no limit is documented.
    pub const TWO_HOURS: Self = Self {
        life_ms: 7_200_000,
        turn_ms: 300_000,
        calls: (u32::MAX, 60_000),
        per_day: u32::MAX,
        force: None,
    };
}

/// What a call must carry, and where.
#[derive(Debug)]
pub(crate) struct Ask {
    pub method: &'static str,
    pub place: Place,
    pub app_id: &'static str,
    pub secret: &'static str,
    pub grant_type: Option<&'static str>,
    /// The field that forces a refresh, where there is one.
    pub force: Option<&'static str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Query,
    Json,
    Form,
    /// The form, but app id and secret in the header `Authorization` of HTTP Basic. The app id that
    /// the tests know has the name of this endpoint and a slash before it.
    Basic {
        endpoint: &'static str,
    },
}

/// Where a consumer puts the token.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Presented {
    Query(&'static str),
    /// A header, and what stands before the token in it.
    Header(&'static str, &'static str),
}

/// What was asked for.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    pub app_id: Option<String>,
    pub secret: Option<String>,
    pub forced: bool,
    /// What is wrong with the request itself.
    pub flaw: Option<Refused>,
}

/// One way to refuse. `{ip}` and `{ipv6}` in a text stand for the caller's address.
#[derive(Debug)]
pub(crate) struct Refusal {
    /// When it is said; nothing if only a test has it said.
    pub why: Option<Refused>,
    pub status: u16,
    pub code: Code,
    pub text: &'static str,
}

/// Tables of refusals.
pub(crate) type Refusals = &'static [&'static [Refusal]];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    Number(i64),
    Word(&'static str),
}

/// A refusal that is about to be put into the platform's form.
pub(crate) struct Said<'a> {
    pub status: u16,
    pub code: Code,
    pub text: String,
    /// The caller's address as the platform sees it.
    pub ip: IpAddr,
    /// Another one each time, in WeChat's form.
    pub request_id: &'a str,
}

impl Refusal {
    /// A refusal with HTTP status 200 and a number.
    pub const fn number(why: Refused, number: i64, text: &'static str) -> Self {
        Self { why: Some(why), status: 200, code: Code::Number(number), text }
    }

    /// A refusal with an HTTP status and a word.
    pub const fn word(why: Refused, status: u16, word: &'static str, text: &'static str) -> Self {
        Self { why: Some(why), status, code: Code::Word(word), text }
    }

    /// A text that only a test asks for, by its number.
    pub const fn only(number: i64, text: &'static str) -> Self {
        Self { why: None, status: 200, code: Code::Number(number), text }
    }
}

impl Code {
    /// What the log keeps: the number, or the HTTP status that a word came with.
    pub fn logged(self, status: u16) -> i64 {
        match self {
            Self::Number(number) => number,
            Self::Word(_) => status.into(),
        }
    }

    pub fn json(self) -> Value {
        match self {
            Self::Number(number) => json!(number),
            Self::Word(word) => json!(word),
        }
    }
}

impl Ask {
    pub fn read(&self, request: &Request) -> Asked {
        let Some(fields) = self.fields(request) else {
            let flaw = if self.is_method(request) { Refused::Body } else { Refused::Method };
            return Asked { flaw: Some(flaw), ..Asked::default() };
        };
        let (app_id, secret) = (fields.text(self.app_id), fields.text(self.secret));
        let granted = self.grant_type.is_none_or(|word| {
            fields.text("grant_type").is_ok_and(|given| given.as_deref() == Some(word))
        });
        let forced = self.force.map_or(Ok(false), |field| fields.flag(field));
        let flaws = [
            (!self.is_method(request), Refused::Method),
            (app_id.is_err() || secret.is_err() || forced.is_err(), Refused::Body),
            (!granted, Refused::GrantType),
            (matches!(app_id, Ok(None)), Refused::NoAppId),
            (matches!(secret, Ok(None)), Refused::NoSecret),
        ];
        Asked {
            flaw: flaws.into_iter().find(|(is, _)| *is).map(|(_, flaw)| flaw),
            app_id: app_id.unwrap_or_default(),
            secret: secret.unwrap_or_default(),
            forced: forced.unwrap_or_default(),
        }
    }

    fn is_method(&self, request: &Request) -> bool {
        request.method == self.method
    }

    fn fields(&self, request: &Request) -> Option<Fields> {
        match self.place {
            Place::Query => Some(Fields::pairs(request.query.as_bytes())),
            Place::Form => Some(Fields::pairs(&request.body)),
            Place::Basic { endpoint } => {
                let Fields(mut fields) = Fields::pairs(&request.body);
                if let Some((client, secret)) = basic(request) {
                    fields.insert(self.app_id.into(), json!(format!("{endpoint}/{client}")));
                    fields.insert(self.secret.into(), json!(secret));
                }
                Some(Fields(fields))
            }
            Place::Json => match serde_json::from_slice(&request.body) {
                Ok(Value::Object(object)) => Some(Fields(object)),
                _ => None,
            },
        }
    }
}

/// Client and secret of HTTP Basic, each encoded as in a form.
fn basic(request: &Request) -> Option<(String, String)> {
    let encoded = request.header("authorization")?.strip_prefix("Basic ")?;
    let joined = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let decoded = |text: &str| {
        let (name, _) = form_urlencoded::parse(text.as_bytes()).next()?;
        Some(name.into_owned())
    };
    let (client, secret) = joined.split_once(':')?;
    Some((decoded(client)?, decoded(secret)?))
}

/// The fields of a request, whatever form they came in.
struct Fields(serde_json::Map<String, Value>);

/// A field that is there and is of another type.
struct WrongType;

impl Fields {
    fn pairs(encoded: &[u8]) -> Self {
        let pairs = form_urlencoded::parse(encoded);
        Self(pairs.map(|(name, value)| (name.into_owned(), json!(value))).collect())
    }

    /// A text; an empty one counts as missing.
    fn text(&self, name: &str) -> Result<Option<String>, WrongType> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone()).filter(|text| !text.is_empty())),
            Some(_) => Err(WrongType),
        }
    }

    fn flag(&self, name: &str) -> Result<bool, WrongType> {
        match self.0.get(name) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(Value::String(text)) => text.parse().map_err(|_| WrongType),
            Some(_) => Err(WrongType),
        }
    }
}

impl Presented {
    /// Puts a token into a request.
    pub fn present(self, request: Request, token: &str) -> Request {
        match self {
            Self::Query(name) => {
                let mut query = form_urlencoded::Serializer::new(request.query);
                Request { query: query.append_pair(name, token).finish(), ..request }
            }
            Self::Header(name, before) => {
                let headers = vec![(name.to_owned(), format!("{before}{token}"))];
                Request { headers, ..request }
            }
        }
    }

    pub fn read(self, request: &Request) -> Option<String> {
        match self {
            Self::Query(name) => request.parameter(name),
            Self::Header(name, before) => {
                request.header(name)?.strip_prefix(before).map(str::to_owned)
            }
        }
    }
}
