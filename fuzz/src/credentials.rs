//! What people store as an app secret: it is sent as it is, but for white space around it, or not
//! at all.

use miniprogram_operator::{
    platform::{self, Body, TokenRequest},
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
        // It is in the one place where the platform looks for it, and nowhere else.
        let in_query = request.query.iter().filter(|(_, value)| value.as_str() == text).count();
        let body: Option<Value> = match &request.body {
            Body::Json(body) => Some(serde_json::from_slice(body).expect("JSON")),
            Body::None | Body::Form(_) => None,
        };
        let in_body = body.iter().filter(|body| body["secret"].as_str() == Some(text)).count();
        assert!(in_query + in_body >= 1, "it is not sent");
    }
}
