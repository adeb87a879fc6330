//! A call that brought no token: how certain it is that the platform did nothing, and what it
//! said. Values only.

use std::{fmt, net::IpAddr, time::Duration};

use crate::api::Reason;

/// Why a call brought no token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Whether the platform may have made a token all the same.
    pub certainty: Certainty,
    /// What it comes down to.
    pub reason: Reason,
    /// The platform's own code.
    pub code: Option<Code>,
    /// The caller's IP as the platform saw it, where it says so.
    pub caller_ip: Option<IpAddr>,
    /// How long the platform itself asks to wait.
    pub wait: Option<Duration>,
    /// Why there is no response, where there is none.
    pub cause: Option<Cause>,
}

/// What is known of a call that brought no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certainty {
    /// The platform said no, and did nothing.
    Refused,
    /// The platform has seen nothing of it.
    NotSent,
    /// The platform may have made a token that nobody has.
    Unknown,
}

/// A platform's own code for a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Code {
    /// A number.
    Number(i64),
    /// A word, as [`Code::word`] takes it.
    Word(String),
}

/// Why there is no response: a closed list, since the text of an error may quote the URL and with
/// it the app secret.
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
    /// Nobody listens there.
    ConnectionRefused,
    /// The connection was not made in time.
    ConnectTimeout,
    /// The connection was not made for another reason.
    ConnectFailed,
    /// The response did not come in time.
    ResponseTimeout,
    /// The proxy asks for other credentials (407).
    ProxyRefused,
    /// The proxy made no tunnel to the host.
    ProxyFailed,
    /// The certificate's authority is not trusted.
    CertificateNotTrusted,
    /// The certificate is another host's.
    CertificateOfAnotherName,
    /// The certificate's time is over, or has not begun.
    CertificateExpired,
    /// The TLS handshake failed for another reason.
    TlsFailed,
    /// The connection was closed before the response was whole.
    ConnectionClosed,
}

impl Refusal {
    /// A refusal without a code of the platform's own: a token may have been made and lost on its
    /// way.
    #[must_use]
    pub fn unknown(reason: Reason) -> Self {
        let certainty = Certainty::Unknown;
        Self { certainty, reason, code: None, caller_ip: None, wait: None, cause: None }
    }

    /// A refusal in the platform's own words: it did nothing.
    #[must_use]
    pub fn refused(reason: Reason, code: Code) -> Self {
        let (certainty, code) = (Certainty::Refused, Some(code));
        Self { certainty, code, ..Self::unknown(reason) }
    }

    /// No response came.
    #[must_use]
    pub fn unreachable(certainty: Certainty, cause: Option<Cause>) -> Self {
        Self { certainty, cause, ..Self::unknown(Reason::PlatformUnreachable) }
    }

    /// Whether the platform may have made a token that nobody has.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        self.certainty == Certainty::Unknown
    }
}

impl Code {
    /// A word of a platform's, if it is one: up to 64 letters, digits, dots, dashes and
    /// underscores, since it is shown in the status.
    #[must_use]
    pub fn word(text: &str) -> Option<Self> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let is_word = (1..=64).contains(&text.len()) && text.bytes().all(is_plain);
        is_word.then(|| Self::Word(text.to_owned()))
    }
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
    /// The cause as it stands in a status or a log line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

#[cfg(test)]
mod tests {
    use super::Code;

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
}
