//! What people store as an app secret: it is sent as it is, but for white space around it, or not
//! at all.

use base64::{Engine, engine::general_purpose::STANDARD};
use miniprogram_operator::{
    platform::{self, Body, Pairs, TokenRequest},
    sensitive::{AppSecret, Implausible},
};
use serde_json::Value;

/// The bytes are the value under the credential's key.
pub fn judge(bytes: &[u8]) {
    let blank = bytes.trim_ascii().is_empty();
    let secret = match AppSecret::parse(bytes) {
        Ok(secret) => secret,
        Err(why) => {
            assert_eq!(why == Implausible::Empty, blank);
            return;
        }
    };
    let text = secret.expose();
    assert_eq!(text.as_bytes(), bytes.trim_ascii());
    assert!(
        !blank
            && text.len() <= AppSecret::LONGEST
            && text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
    );
    let digest = secret.digest("salt");
    assert!(digest.len() == 32 && digest.bytes().all(|byte| byte.is_ascii_hexdigit()));
    for endpoint in platform::ALL.iter().flat_map(|platform| platform.endpoints) {
        let request = (endpoint.request)(&TokenRequest {
            app_id: "wx0123456789abcdef",
            secret: &secret,
            force: false,
        });
        // It is in one field, whole, and nowhere else.
        let is_whole =
            |pairs: &Pairs| pairs.iter().filter(|(_, value)| value.as_str() == text).count();
        let in_body = match &request.body {
            Body::None => 0,
            Body::Form(fields) => is_whole(fields),
            Body::Json(body) => {
                let body: Value = serde_json::from_slice(body).expect("JSON");
                let fields = body.as_object().into_iter().flat_map(serde_json::Map::values);
                fields.filter(|value| value.as_str() == Some(text)).count()
            }
        };
        let in_headers =
            request.headers.iter().filter(|(_, value)| password(value).as_deref() == Some(text));
        assert!(is_whole(&request.query) + in_body + in_headers.count() == 1, "it is sent once");
    }
}

/// The password of HTTP Basic, which RFC 6749 encodes as in a form.
fn password(header: &str) -> Option<String> {
    let joined = STANDARD.decode(header.strip_prefix("Basic ")?).ok()?;
    let (_, encoded) = str::from_utf8(&joined).ok()?.split_once(':')?;
    let (password, _) = form_urlencoded::parse(encoded.as_bytes()).next()?;
    Some(password.into_owned())
}
