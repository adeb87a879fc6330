//! What is configured of an endpoint, and the request and the reading that follow from it.

use std::time::Duration;

use super::{ClientAuth, ConfiguredEndpoint, ConfiguredEndpoints, PLATFORM, Reissue, basic};
use crate::{
    api::Reason,
    platform::{Body, Grant, Life, Refusal, Response, TokenRequest},
    sensitive::AppSecret,
};

const SECRET: &str = "hunter2-hunter2";

fn secret(text: &str) -> AppSecret {
    AppSecret::parse(text.as_bytes()).expect("plausible")
}

/// The fields of a request's form, and its headers.
fn sent(endpoint: &ConfiguredEndpoint, app_id: &str, secret: &AppSecret) -> (String, String) {
    let request = endpoint.request(&TokenRequest { app_id, secret, force: false });
    assert_eq!(request.path, "", "the URL has the path");
    let Body::Form(fields) = &request.body else { panic!("no form") };
    let joined = |pairs: &super::super::Pairs| {
        let pairs = pairs.iter().map(|(name, value)| format!("{name}={}", **value));
        pairs.collect::<Vec<_>>().join("&")
    };
    (joined(fields), joined(&request.headers))
}

fn token(endpoint: &ConfiguredEndpoint, status: u16, body: &str) -> Result<Grant, Refusal> {
    let response = Response { status, content_type: "", body: body.as_bytes() };
    let secret = secret(SECRET);
    let wanted = TokenRequest { app_id: "shop/client-1", secret: &secret, force: false };
    endpoint.token(&response, &wanted)
}

#[test]
fn a_client_says_who_it_is_where_the_administrator_says() {
    let basic = ConfiguredEndpoint::default();
    // RFC 6749, section 2.3.1, and the example of section 4.4.2.
    let (form, headers) = sent(&basic, "shop/s6BhdRkqt3", &secret("gX1fBat3bV"));
    assert_eq!(form, "grant_type=client_credentials");
    assert_eq!(headers, "authorization=Basic czZCaGRSa3F0MzpnWDFmQmF0M2JW");
    let more = ConfiguredEndpoint {
        auth: ClientAuth::Post,
        scope: "read write".into(),
        audience: "https://api.test".into(),
        ..basic
    };
    let (form, headers) = sent(&more, "shop/a/b", &secret("s"));
    assert_eq!(
        form,
        "grant_type=client_credentials&client_id=a/b&client_secret=s&scope=read write\
         &audience=https://api.test"
    );
    assert_eq!(headers, "");
}

#[test]
fn both_parts_of_the_header_are_encoded_as_in_a_form() {
    for (client_id, text, joined) in [
        ("a:b", "c:d", "a%3Ab:c%3Ad"),
        ("a b", "+/%=", "a+b:%2B%2F%25%3D"),
        ("a-b._*", "~!", "a-b._*:%7E%21"),
    ] {
        use base64::{Engine, engine::general_purpose::STANDARD};
        assert_eq!(*basic(client_id, &secret(text)), STANDARD.encode(joined), "{joined}");
    }
}

#[test]
fn an_app_id_names_an_endpoint_of_this_platform_only() {
    let all: ConfiguredEndpoints =
        [("shop".to_owned(), ConfiguredEndpoint::default())].into_iter().collect();
    assert!(all.of(&PLATFORM, "shop/client-1").is_some());
    for app_id in ["shop", "shops/client-1", "/client-1", "other/shop"] {
        assert!(all.of(&PLATFORM, app_id).is_none(), "{app_id}");
    }
    let other = crate::platform::find("WeCom").expect("known");
    assert!(all.of(other, "shop/client-1").is_none());
}

#[test]
fn earlier_tokens_live_on_only_if_the_administrator_says_so() {
    let plain = ConfiguredEndpoint::default();
    assert_eq!(plain.endpoint().reissue, Reissue::Replaces { overlap: Duration::ZERO });
    let adding = ConfiguredEndpoint { adds: true, ..plain };
    assert_eq!(adding.endpoint().reissue, Reissue::Adds);
}

#[test]
fn a_token_has_a_life_and_may_be_borne_by_anybody() {
    let plain = ConfiguredEndpoint::default();
    let hour = ConfiguredEndpoint { life: Some(Duration::from_secs(3600)), ..plain.clone() };
    for (body, life, configured) in [
        (r#"{"access_token":"T","token_type":"Bearer","expires_in":60}"#, Some(60), Some(60)),
        (r#"{"access_token":"T","token_type":"bearer","expires_in":"60"}"#, Some(60), Some(60)),
        (r#"{"access_token":"T","expires_in":60}"#, Some(60), Some(60)),
        (r#"{"access_token":"T","token_type":"Bearer"}"#, None, Some(3600)),
        (r#"{"access_token":"T","token_type":"Bearer","expires_in":null}"#, None, Some(3600)),
        (r#"{"access_token":"T","token_type":"Bearer","expires_in":0}"#, None, None),
        (r#"{"access_token":"T","token_type":"Bearer","expires_in":1799999999}"#, None, None),
        (r#"{"access_token":"T","token_type":"DPoP","expires_in":60}"#, None, None),
        (r#"{"access_token":"T","token_type":"mac","expires_in":60}"#, None, None),
        (r#"{"token_type":"Bearer","expires_in":60}"#, None, None),
    ] {
        for (endpoint, life) in [(&plain, life), (&hour, configured)] {
            let read = token(endpoint, 200, body).map(|grant| grant.life);
            let wanted = match life {
                Some(seconds) => Ok(Life::Whole(Duration::from_secs(seconds))),
                None => Err(Refusal::unknown(Reason::BadResponse)),
            };
            assert_eq!(read, wanted, "{body}");
        }
    }
    let long = "x".repeat(6000);
    let body = format!(r#"{{"access_token":"{long}","token_type":"Bearer","expires_in":60}}"#);
    assert_eq!(token(&plain, 200, &body).expect("a token").token.expose(), long);
}

#[test]
fn refusals_are_those_of_the_rfc() {
    for (status, word, reason) in [
        (401, "invalid_client", Reason::CredentialRejected),
        (400, "invalid_client", Reason::CredentialRejected),
        (400, "unauthorized_client", Reason::AppIdRejected),
        (400, "invalid_scope", Reason::BadResponse),
        (400, "temporarily_unavailable", Reason::PlatformBusy),
    ] {
        let body = format!(r#"{{"error":"{word}","error_description":"{SECRET}"}}"#);
        let refusal = token(&ConfiguredEndpoint::default(), status, &body).err().expect("refused");
        let code = refusal.code.map(|code| code.to_string());
        assert_eq!((refusal.reason, code.as_deref()), (reason, Some(word)), "{word}");
    }
}

#[test]
fn no_refusal_shows_the_header_that_an_endpoint_echoes() {
    let header = basic("client-1", &secret(SECRET));
    for echo in [SECRET, &header, &header[4..20], &format!("Basic-{}", *header)] {
        let body = format!(r#"{{"error":"{echo}"}}"#);
        let refusal = token(&ConfiguredEndpoint::default(), 401, &body).err().expect("refused");
        assert_eq!(refusal.code, None, "{echo}");
    }
}
