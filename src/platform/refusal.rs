//! A call that returned no token: how certain it is that the platform did nothing, and what it
//! reported. Values only.

use std::{fmt, net::IpAddr, time::Duration};

use crate::api::Reason;

/// Why a call returned no token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Whether the platform may have made a token nevertheless.
    pub certainty: Certainty,
    /// The reason, as the conditions report it.
    pub reason: Reason,
    /// The platform's own code.
    pub code: Option<Code>,
    /// The caller's IP as the platform saw it, if the platform reports it.
    pub caller_ip: Option<IpAddr>,
    /// How long the platform asks to wait.
    pub wait: Option<Duration>,
    /// The cause of a missing response.
    pub cause: Option<Cause>,
    /// The platform's id of the request, which its support asks for. It differs in each response, so
    /// it is logged and never part of a status.
    pub request_id: Option<String>,
}

/// Whether a call that returned no token has changed anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certainty {
    /// The platform refused, and did nothing.
    Refused,
    /// The platform did not receive the request.
    NotSent,
    /// The outcome is unknown: the platform may have made a token that was lost.
    Unknown,
}

/// A platform's own code for a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Code {
    /// A number.
    Number(i64),
    /// A word that [`Code::word`] accepts.
    Word(String),
}

/// The cause of a missing response: a closed list, since the text of an error may quote the URL and
/// with it the app secret.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    strum::IntoStaticStr,
    strum::EnumString,
    strum::EnumIter,
)]
pub enum Cause {
    /// The host's name was not resolved.
    NameNotResolved,
    /// No process listens at the address.
    ConnectionRefused,
    /// The connection was not established in time.
    ConnectTimeout,
    /// The connection was not established for another reason.
    ConnectFailed,
    /// The response did not arrive in time.
    ResponseTimeout,
    /// The proxy asks for other credentials (407).
    ProxyRefused,
    /// The proxy did not open a tunnel to the host.
    ProxyFailed,
    /// The certificate's authority is not trusted.
    CertificateNotTrusted,
    /// The certificate is for another host.
    CertificateOfAnotherName,
    /// The certificate has expired, or is not valid yet.
    CertificateExpired,
    /// The TLS handshake failed for another reason.
    TlsFailed,
    /// The connection was closed before the response was complete.
    ConnectionClosed,
}

impl Refusal {
    /// A refusal without a code of the platform: a token may have been made and lost.
    #[must_use]
    pub fn unknown(reason: Reason) -> Self {
        let certainty = Certainty::Unknown;
        Self {
            certainty,
            reason,
            code: None,
            caller_ip: None,
            wait: None,
            cause: None,
            request_id: None,
        }
    }

    /// A refusal with the platform's own code: the platform did nothing.
    #[must_use]
    pub fn refused(reason: Reason, code: Code) -> Self {
        let (certainty, code) = (Certainty::Refused, Some(code));
        Self { certainty, code, ..Self::unknown(reason) }
    }

    /// A call without a response.
    #[must_use]
    pub fn unreachable(certainty: Certainty, cause: Option<Cause>) -> Self {
        Self { certainty, cause, ..Self::unknown(Reason::PlatformUnreachable) }
    }

    /// The refusal without a code or request id that shows this secret: who answers for a platform
    /// may echo what was sent.
    #[must_use]
    pub(super) fn without(self, secret: &str) -> Self {
        let code = self.code.filter(|code| !shows(&code.to_string(), secret));
        let request_id = self.request_id.filter(|id| !shows(id, secret));
        Self { code, request_id, ..self }
    }

    /// Whether the outcome is unknown: the platform may have made a token that was lost.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        self.certainty == Certainty::Unknown
    }
}

impl Code {
    /// A platform's code that is a word: up to 64 letters, digits, dots, dashes and underscores.
    /// Others are not accepted, since the status shows the code.
    #[must_use]
    pub fn word(text: &str) -> Option<Self> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let is_word = (1..=64).contains(&text.len()) && text.bytes().all(is_plain);
        is_word.then(|| Self::Word(text.to_owned()))
    }
}

/// Whether a text is the secret, contains it, or is a part of it that narrows it down.
fn shows(text: &str, secret: &str) -> bool {
    /// A shorter part is found by chance, and says little.
    const TELLING: usize = 6;
    text.contains(secret) || text.len() >= TELLING && secret.contains(text)
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Word(word) => f.write_str(word),
        }
    }
}

impl Cause {
    /// The cause as a status or a log line shows it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

#[cfg(test)]
mod tests {
    use super::{Code, Refusal};
    use crate::api::Reason;

    #[test]
    fn a_code_is_a_number_or_a_plain_word() {
        assert_eq!(Code::Number(-1).to_string(), "-1");
        let word = |text: &str| Code::word(text).map(|code| code.to_string());
        assert_eq!(word("invalid_client").as_deref(), Some("invalid_client"));
        assert_eq!(word("Forbidden.AccessDenied").as_deref(), Some("Forbidden.AccessDenied"));
        for text in ["", "two words", "\u{1b}[31m", "token=T", &"x".repeat(65)] {
            assert_eq!(word(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_code_that_shows_the_app_secret_is_not_kept() {
        let secret = "0123456789abcdef";
        let kept =
            |code: Code| Refusal::refused(Reason::BadResponse, code).without(secret).code.is_some();
        let word = |text: &str| Code::word(text).expect("a word");
        for text in ["0123456789abcdef", "key_0123456789abcdef", "0123456789", "456789abc"] {
            assert!(!kept(word(text)), "{text}");
        }
        for text in ["invalid_client", "cdef", "0123456789abcdeX"] {
            assert!(kept(word(text)), "{text}");
        }
        assert!(!kept(Code::Number(123_456)));
        assert!(kept(Code::Number(40125)));
    }

    #[test]
    fn a_request_id_that_shows_the_app_secret_is_not_kept() {
        let secret = "0123456789abcdef";
        let kept = |id: &str| {
            let refusal = Refusal::refused(Reason::CredentialRejected, Code::Number(40125));
            Refusal { request_id: Some(id.to_owned()), ..refusal }.without(secret).request_id
        };
        for shown in ["0123456789abcdef", "6123-0123456789abcdef", "456789abc"] {
            assert_eq!(kept(shown), None, "{shown}");
        }
        assert_eq!(kept("6123abcd-0a1b-5e4f").as_deref(), Some("6123abcd-0a1b-5e4f"));
    }
}
