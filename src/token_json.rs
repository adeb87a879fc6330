//! The value of the key `token.json`: the token and its facts in one file, under the names that
//! WeChat's own documents and the common SDKs use. Pure.

use serde::Serialize;

use crate::{projection::TokenFacts, sensitive::AccessToken};

/// Both spellings of the token and of its expiration time are there, so that an SDK's cache can be
/// filled without renaming fields.
#[derive(Serialize)]
struct Fields<'a> {
    access_token: &'a str,
    #[serde(rename = "accessToken")]
    access_token_camel_case: &'a str,
    expires_at: String,
    expires_at_unix: i64,
    /// Milliseconds since 1970.
    #[serde(rename = "expireTime")]
    expire_time: i64,
    app_id: &'a str,
}

/// The JSON for this token. Equal input gives equal bytes, so that a stored value can be compared.
#[must_use]
pub fn token_json(token: &AccessToken, facts: &TokenFacts, app_id: &str) -> Vec<u8> {
    let fields = Fields {
        access_token: token.expose(),
        access_token_camel_case: token.expose(),
        expires_at: facts.expires.to_string(),
        expires_at_unix: facts.expires.as_second(),
        expire_time: facts.expires.as_millisecond(),
        app_id,
    };
    serde_json::to_vec(&fields).expect("strings and numbers are valid JSON")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::token_json;
    use crate::{projection::TokenFacts, sensitive::AccessToken};

    #[test]
    fn both_spellings_say_the_same() {
        let token = AccessToken::parse("76_a\"b").expect("plausible");
        let facts = TokenFacts {
            fingerprint: token.fingerprint(),
            issued: "2026-05-01T10:00:00Z".parse().expect("a time"),
            expires: "2026-05-01T12:00:00Z".parse().expect("a time"),
        };
        let value: Value =
            serde_json::from_slice(&token_json(&token, &facts, "wx1")).expect("JSON");
        let expected = json!({
            "access_token": "76_a\"b", "accessToken": "76_a\"b", "app_id": "wx1",
            "expires_at": "2026-05-01T12:00:00Z", "expires_at_unix": 1_777_636_800,
            "expireTime": 1_777_636_800_000_i64,
        });
        assert_eq!(value, expected);
    }
}
