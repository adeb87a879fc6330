//! Fingerprints, which identify a token without showing it, and the other forms in which users
//! write them. Pure.

/// The schema's pattern of a fingerprint.
pub const PATTERN: &str = "^sha256:[0-9a-f]{12}$";
const PREFIX: &str = "sha256:";
const DIGITS: usize = 12;
const WHOLE_DIGEST: usize = 64;

/// Whether a text is a fingerprint in the form that the operator writes.
#[must_use]
pub fn is_fingerprint(text: &str) -> bool {
    text.strip_prefix(PREFIX).is_some_and(|digits| digits.len() == DIGITS && is_hex(digits))
}

/// The fingerprint that a text denotes: the text itself, or the start of a whole SHA-256 such as
/// `sha256sum` prints.
#[must_use]
pub fn meant_by(text: &str) -> Option<String> {
    let digits = text.strip_prefix(PREFIX).unwrap_or(text);
    let whole = digits.len() == WHOLE_DIGEST && is_hex(digits);
    (whole || is_fingerprint(text)).then(|| format!("{PREFIX}{}", &digits[..DIGITS]))
}

fn is_hex(digits: &str) -> bool {
    digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::{is_fingerprint, meant_by};

    #[test]
    fn a_whole_digest_means_its_fingerprint_and_nothing_else_does() {
        let (short, digest) = ("9f2c4e1ab0d3", "9f2c4e1ab0d3".repeat(6)[..64].to_owned());
        let fingerprint = format!("sha256:{short}");
        for text in [fingerprint.clone(), digest.clone(), format!("sha256:{digest}")] {
            assert_eq!(meant_by(&text), Some(fingerprint.clone()), "{text}");
        }
        for text in [
            "",
            "sha256:",
            short,
            "sha256:9f2c4e1ab0d",
            "sha256:9f2c4e1ab0d34",
            "sha256:9F2C4E1AB0D3",
            "76_token",
            "密钥",
        ] {
            assert_eq!(meant_by(text), None, "{text}");
            assert!(!is_fingerprint(text), "{text}");
        }
        assert!(is_fingerprint(&fingerprint) && !is_fingerprint(&digest));
    }
}
