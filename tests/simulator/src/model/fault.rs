//! The bad days of a platform: which there are, whom they hit, and what they make of an honest
//! answer; knows no socket.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::app::Refused;
use super::raw::{FORGED_TOKEN, Raw};
use super::wire::{JSON, Reply};
use crate::Millis;
use crate::platforms::Kind;

/// Whether the call takes effect, a token minted included, is said at each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Fault {
    /// A refusal in the platform's own form, with its usual text if `msg` is left out. No effect.
    Code {
        code: i64,
        #[serde(default)]
        msg: Option<String>,
    },
    /// A refusal for this reason, in the platform's own form. No effect. Without a word for it, the
    /// platform closes the connection.
    Refusal { why: Refused },
    /// Takes effect; the token in the answer is an empty text, and its life is nothing.
    EmptyToken,
    /// An HTTP status with a page, as from a gateway. No effect.
    Status { status: u16 },
    /// Takes effect and answers after a while, unless the caller left before that.
    Slow { ms: Millis },
    /// Never answers. No effect.
    Hang,
    /// Ends the connection without an answer. No effect.
    Drop {
        #[serde(default)]
        reset: bool,
    },
    /// Takes effect, then ends the connection without an answer.
    DropAfterMint {
        #[serde(default)]
        reset: bool,
    },
    /// Takes effect at once and answers after a while.
    SlowAfterMint { ms: Millis },
    /// Takes effect after a while even if the caller has left: a load balancer that was stalled.
    Late { ms: Millis },
    /// Takes effect; half of the answer is missing, though it ends properly.
    TruncatedJson,
    /// A page with status 200, as from a captive portal. No effect.
    Html,
    /// An answer that begins well and has this many bytes. No effect.
    Huge { bytes: usize },
    /// No effect.
    Redirect {
        location: String,
        #[serde(default = "found")]
        status: u16,
    },
    /// Takes effect; the field's number becomes a string, its string a number. A missing field
    /// becomes `"0"`.
    WrongType { field: String },
    /// Takes effect; `expires_in` says this, and `null` removes it. The token's true life stays.
    ExpiresIn { value: Value },
    /// Exactly this. No effect.
    Body {
        content: String,
        #[serde(default = "ok")]
        status: u16,
        #[serde(default)]
        content_type: Option<String>,
    },
    /// `{}`. No effect.
    Empty,
    /// Takes effect; the answer comes a byte at a time, with so long before each.
    Trickle { ms: Millis },
    /// An answer that begins well and goes on for so many bytes, in its body or its header. No
    /// effect.
    Flood {
        bytes: u64,
        #[serde(default)]
        in_header: bool,
    },
    /// A good answer that unpacks to so many bytes, in gzip though nobody asked for that. No
    /// effect.
    Gzip { bytes: usize },
    /// Takes effect; a second, forged answer follows on the same connection.
    TwoAnswers,
    /// Takes effect; a second, forged document follows in the same answer.
    TwoDocuments,
    /// Ends the connection within the answer's header. No effect.
    MidHeader,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum On {
    /// The token endpoints; those that need a token fail only where they are named.
    #[default]
    Any,
    Legacy,
    Stable,
    Business,
    Ticket,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FaultRule {
    #[serde(flatten)]
    pub fault: Fault,
    /// How many calls it hits; `None` is all of them until it is removed.
    #[serde(default)]
    pub times: Option<u32>,
    #[serde(default)]
    pub on: On,
}

fn ok() -> u16 {
    200
}

fn found() -> u16 {
    302
}

impl From<Fault> for FaultRule {
    fn from(fault: Fault) -> Self {
        Self { fault, times: None, on: On::Any }
    }
}

impl FaultRule {
    #[must_use]
    pub fn times(self, times: u32) -> Self {
        Self { times: Some(times), ..self }
    }

    #[must_use]
    pub fn on(self, on: On) -> Self {
        Self { on, ..self }
    }

    pub(crate) fn hits(&self, kind: Kind) -> bool {
        self.times != Some(0)
            && match self.on {
                On::Any => !matches!(kind, Kind::Business | Kind::Ticket),
                On::Legacy => kind == Kind::Legacy,
                On::Stable => kind == Kind::Stable,
                On::Business => kind == Kind::Business,
                On::Ticket => kind == Kind::Ticket,
            }
    }
}

impl Fault {
    /// The word by which requests and logs call it.
    #[must_use]
    pub fn name(&self) -> String {
        json!(self)["kind"].as_str().unwrap_or_default().to_owned()
    }

    /// The answer of something that stands before the platform and knows nothing of it.
    pub(crate) fn foreign_reply(&self) -> Option<Reply> {
        Some(match self {
            Self::Status { status } => Reply::new(
                *status,
                "text/html",
                format!("<html><body><h1>{status}</h1></body></html>"),
            ),
            Self::Html => Reply::new(
                200,
                "text/html",
                "<!DOCTYPE html><html><body>Please log in to use this network.</body></html>",
            ),
            Self::Huge { bytes } => Reply::new(200, JSON, huge(*bytes)),
            Self::Redirect { location, status } => {
                Reply { location: Some(location.clone()), ..Reply::new(*status, "text/html", "") }
            }
            Self::Body { content, status, content_type } => {
                Reply::new(*status, content_type.as_deref().unwrap_or(JSON), content.as_str())
            }
            Self::Empty => Reply::new(200, JSON, "{}"),
            _ => return None,
        })
    }

    /// The same, where HTTP alone would not send it.
    pub(crate) fn foreign_bytes(&self) -> Option<Raw> {
        Some(match self {
            Self::Flood { bytes, in_header } => Raw::flood(*bytes, *in_header),
            Self::Gzip { bytes } => Raw::bomb(*bytes),
            Self::MidHeader => Raw::mid_header(),
            _ => return None,
        })
    }

    /// How an honest answer goes out, where it does not as HTTP has it.
    pub(crate) fn bytes(&self, honest: &Reply) -> Option<Raw> {
        match self {
            Self::Trickle { ms } => Some(Raw::trickle(honest, *ms)),
            Self::TwoAnswers => Some(Raw::twice(honest)),
            _ => None,
        }
    }

    /// What arrives of an honest answer.
    pub(crate) fn bend(&self, mut honest: Reply) -> Reply {
        match self {
            Self::TruncatedJson => honest.body.truncate(honest.body.len() / 2),
            Self::WrongType { field } => edit(&mut honest, |object| {
                let wrong = match object.get(field) {
                    Some(Value::String(_)) => json!(12345),
                    Some(other) => json!(other.to_string()),
                    None => json!("0"),
                };
                object.insert(field.clone(), wrong);
            }),
            Self::TwoDocuments => {
                honest.body.extend_from_slice(
                    format!("{{\"access_token\":\"{FORGED_TOKEN}\",\"expires_in\":7200}}")
                        .as_bytes(),
                );
            }
            Self::ExpiresIn { value } => edit(&mut honest, |object| {
                if value.is_null() {
                    object.remove("expires_in");
                } else if object.contains_key("expires_in") {
                    object.insert("expires_in".to_owned(), value.clone());
                }
            }),
            _ => {}
        }
        honest
    }
}

fn edit(reply: &mut Reply, change: impl FnOnce(&mut serde_json::Map<String, Value>)) {
    if let Ok(Value::Object(mut object)) = serde_json::from_slice(&reply.body) {
        change(&mut object);
        reply.body = Value::Object(object).to_string().into_bytes();
    }
}

fn huge(bytes: usize) -> Vec<u8> {
    let mut body = br#"{"access_token":""#.to_vec();
    body.resize(bytes, b'A');
    body
}
