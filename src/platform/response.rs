//! What the responses of all platforms have in common: JSON that may be malformed, lenient numbers,
//! plausible tokens. Never returns the parser's error text: it may quote the token.

use std::{fmt, net::IpAddr, time::Duration};

use serde::{
    Deserialize, Deserializer,
    de::{self, DeserializeOwned},
};
use zeroize::Zeroizing;

use super::{Code, Grant, Life, Refusal, Response};
use crate::{api::Reason, sensitive::AccessToken};

/// Reads a body as JSON. For any other body the HTTP status decides, since a gateway wrote it and
/// not the platform.
pub(super) fn json<T: DeserializeOwned>(response: &Response<'_>) -> Result<T, Refusal> {
    // Only an object is accepted: serde would read an array as the fields in order.
    let object = response.body.trim_ascii();
    if !object.starts_with(b"{") {
        return Err(without_json(response.status));
    }
    serde_json::from_slice(object).map_err(|_| without_json(response.status))
}

/// The refusal that an HTTP status alone means.
pub(super) fn without_json(status: u16) -> Refusal {
    Refusal::unknown(match status {
        429 => Reason::Throttled,
        500.. => Reason::PlatformBusy,
        _ => Reason::BadResponse,
    })
}

/// Whether a body that was read as a token reports an error as well. Some platforms repeat in such
/// a field that there is none.
pub(super) fn has_error(response: &Response<'_>) -> bool {
    #[derive(Deserialize)]
    struct Fields {
        #[serde(default, deserialize_with = "token_text")]
        error: Option<Zeroizing<String>>,
    }
    json::<Fields>(response)
        .ok()
        .and_then(|fields| fields.error)
        .is_some_and(|error| !["", "ok", "success"].contains(&error.as_str()))
}

/// The result of a response whose body has a number, which is 0 if there is a token.
pub(super) fn by_number(
    response: &Response<'_>,
    number: i64,
    refusal: impl FnOnce(i64) -> Refusal,
    grant: impl FnOnce() -> Result<Grant, Refusal>,
) -> Result<Grant, Refusal> {
    match number {
        0 if response.is_success() => grant(),
        0 => Err(without_json(response.status)),
        number => Err(with_status(refusal(number), response.status)),
    }
}

/// The result of a response whose body has a word if there is no token. A word that the status must
/// not show leaves the outcome open.
pub(super) fn by_word(
    response: &Response<'_>,
    word: Option<&str>,
    reason: impl FnOnce(&str) -> Reason,
    grant: impl FnOnce() -> Result<Grant, Refusal>,
) -> Result<Grant, Refusal> {
    match word.filter(|word| !word.is_empty()) {
        None if response.is_success() => grant(),
        None => Err(without_json(response.status)),
        Some(word) => Err(match Code::word(word) {
            Some(code) => with_status(Refusal::refused(reason(word), code), response.status),
            None => without_json(response.status),
        }),
    }
}

/// A refusal with a code that its platform does not document: its HTTP status may say more.
pub(super) fn with_status(refusal: Refusal, status: u16) -> Refusal {
    match refusal.reason {
        Reason::BadResponse => Refusal { reason: without_json(status).reason, ..refusal },
        _ => refusal,
    }
}

/// The first word after `marker` if it is an IP.
pub(super) fn ip_after(marker: &str, message: &str) -> Option<IpAddr> {
    let (_, rest) = message.split_once(marker)?;
    let word = rest.split(|c: char| c.is_whitespace() || c == ',').next()?;
    word.parse::<IpAddr>().ok().map(|ip| ip.to_canonical())
}

/// A token and its life in seconds, if both are plausible; `counted` says how the life is counted.
pub(super) fn grant(
    token: Option<Zeroizing<String>>,
    seconds: Option<i64>,
    counted: fn(Duration) -> Life,
    longest: Duration,
) -> Result<Grant, Refusal> {
    let token = token.and_then(|text| AccessToken::parse(&text));
    let life = seconds.and_then(|seconds| u64::try_from(seconds).ok()).map(Duration::from_secs);
    match (token, life) {
        (Some(token), Some(life)) if !life.is_zero() && life <= longest => {
            Ok(Grant { token, life: counted(life) })
        }
        _ => Err(Refusal::unknown(Reason::BadResponse)),
    }
}

/// An integer as a number or as a string; anything else counts as absent.
pub(super) fn lenient_integer<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<i64>, D::Error> {
    struct Lenient;

    impl<'de> de::Visitor<'de> for Lenient {
        type Value = Option<i64>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a whole number")
        }

        fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
            Ok(Some(value))
        }

        fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
            Ok(i64::try_from(value).ok())
        }

        #[allow(
            clippy::cast_possible_truncation,
            reason = "a cast from float saturates, and what it saturates to is refused"
        )]
        fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
            Ok(Some(value.floor() as i64))
        }

        fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
            Ok(value.trim().parse().ok())
        }

        fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            while map.next_entry::<de::IgnoredAny, de::IgnoredAny>()?.is_some() {}
            Ok(None)
        }

        fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
            while seq.next_element::<de::IgnoredAny>()?.is_some() {}
            Ok(None)
        }
    }

    deserializer.deserialize_any(Lenient)
}

/// A token's text, wiped when dropped; anything but a string counts as absent.
pub(super) fn token_text<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Zeroizing<String>>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Text {
        Is(Zeroizing<String>),
        Not(de::IgnoredAny),
    }
    Ok(match Text::deserialize(deserializer)? {
        Text::Is(text) => Some(text),
        Text::Not(_) => None,
    })
}
