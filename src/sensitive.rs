//! App secrets and access tokens as types that cannot be printed by accident. Knows no platform and
//! no Kubernetes object.

use k8s_openapi::ByteString;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// An app secret, trimmed and checked. Has no `Debug` and no `Display`, and its memory is wiped on
/// drop.
#[derive(Clone)]
pub struct AppSecret(Zeroizing<String>);

/// Why the bytes in a credential Secret are not sent to a platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Implausible {
    /// Nothing but white space.
    Empty,
    /// Over [`AppSecret::LONGEST`] bytes, or not printable ASCII.
    Invalid,
}

impl AppSecret {
    /// Four times the longest app secret of any platform, and less than a key or a certificate has.
    pub const LONGEST: usize = 128;

    /// Parses an app secret as users store it: white space around it, such as the newline of
    /// `echo`, is removed.
    pub fn parse(bytes: &[u8]) -> Result<Self, Implausible> {
        let value = bytes.trim_ascii();
        if value.is_empty() {
            return Err(Implausible::Empty);
        }
        if value.len() > Self::LONGEST || !value.iter().all(|byte| matches!(byte, b' '..=b'~')) {
            return Err(Implausible::Invalid);
        }
        let text = str::from_utf8(value).map_err(|_| Implausible::Invalid)?;
        Ok(Self(Zeroizing::new(text.to_owned())))
    }

    /// The secret itself, for the one request that carries it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// A digest that differs for different secrets and reveals none. With different salts, equal
    /// secrets have different digests.
    #[must_use]
    pub fn digest(&self, salt: &str) -> String {
        let mut hash = Sha256::new();
        hash.update(salt.as_bytes());
        hash.update([0]);
        hash.update(self.0.as_bytes());
        hex(&hash.finalize(), 32)
    }
}

/// An access token. Has no `Debug` and no `Display`, and its memory is wiped on drop.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessToken(Zeroizing<String>);

impl AccessToken {
    /// Twice the longest tokens of any platform, which are Feishu's with about 4 KB.
    pub const LONGEST: usize = 8192;

    /// Parses a token: printable ASCII, since clients send it in URLs and headers.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let plausible = !text.is_empty()
            && text.len() <= Self::LONGEST
            && text.bytes().all(|byte| byte.is_ascii_graphic());
        plausible.then(|| Self(Zeroizing::new(text.to_owned())))
    }

    /// The token itself, for the one Secret that holds it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The fingerprint, which identifies the token without showing it.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        format!("sha256:{}", hex(&Sha256::digest(self.0.as_bytes()), 12))
    }

    /// Whether a text contains the token or its beginning, in plain text or as in a Secret's JSON.
    #[must_use]
    pub fn is_quoted_in(&self, text: &str) -> bool {
        const ENOUGH: usize = 12;
        // Base64 encodes three bytes at a time: in a longer value, such as JSON, the token begins
        // at any of them.
        let encoded = [(0, 0), (1, 2), (2, 3)].map(|(before, mixed)| {
            let bytes = [&[0; 2][..before], self.0.as_bytes()].concat();
            let data = serde_json::to_value(ByteString(bytes)).unwrap_or_default();
            let text = data.as_str().and_then(|text| text.get(mixed..)).unwrap_or_default();
            Zeroizing::new(text.trim_end_matches('=').to_owned())
        });
        let secrets = [self.0.as_str()].into_iter().chain(encoded.iter().map(|text| text.as_str()));
        secrets
            .filter_map(|secret| secret.get(..ENOUGH.min(secret.len())))
            .any(|beginning| !beginning.is_empty() && text.contains(beginning))
    }
}

/// The first `digits` hexadecimal digits of a hash.
#[must_use]
pub fn hex(bytes: &[u8], digits: usize) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .take(digits)
        .filter_map(|nibble| char::from_digit(nibble.into(), 16))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{AccessToken, AppSecret, Implausible};

    #[test]
    fn app_secrets_are_trimmed_and_plausible() {
        let longest = "x".repeat(AppSecret::LONGEST);
        let read = |bytes: &[u8]| AppSecret::parse(bytes).map(|secret| secret.expose().to_owned());
        assert_eq!(read(b"abc\n"), Ok("abc".into()));
        assert_eq!(read(b" \tabc\r\n"), Ok("abc".into()));
        assert_eq!(read(longest.as_bytes()), Ok(longest.clone()));
        assert_eq!(read(b""), Err(Implausible::Empty));
        assert_eq!(read(b" \n"), Err(Implausible::Empty));
        for bytes in [
            &b"a\nb"[..],
            b"a\0b",
            b"\xef\xbb\xbfabc",
            b"\xff",
            "密钥".as_bytes(),
            format!("{longest}x").as_bytes(),
        ] {
            assert_eq!(read(bytes), Err(Implausible::Invalid), "{bytes:?}");
        }
    }

    #[test]
    fn digests_depend_on_salt_and_secret() {
        let secret = |text: &str| AppSecret::parse(text.as_bytes()).expect("plausible");
        assert_eq!(secret("a").digest("1"), secret("a\n").digest("1"));
        assert_ne!(secret("a").digest("1"), secret("a").digest("2"));
        assert_ne!(secret("a").digest("1"), secret("b").digest("1"));
    }

    #[test]
    fn a_fingerprint_is_short_and_constant() {
        let token = AccessToken::parse("76_token").expect("plausible");
        assert_eq!(token.fingerprint(), token.clone().fingerprint());
        assert_eq!(token.fingerprint().len(), "sha256:".len() + 12);
        assert!(AccessToken::parse("").is_none());
        assert!(AccessToken::parse("two words").is_none());
    }
}
