//! Which error each answer of the API server to a write becomes.

use kube::core::Status;
use serde_json::{Value, json};

use super::ApiError;
use crate::sensitive::AccessToken;

fn status(code: u16, message: &str, fields: &[&str]) -> Status {
    let causes: Vec<Value> =
        fields.iter().map(|field| json!({ "field": field, "message": message })).collect();
    let details = json!({ "name": "shop-token", "kind": "Secret", "causes": causes });
    serde_json::from_value(
        json!({ "status": "Failure", "code": code, "message": message, "details": details }),
    )
    .expect("a Status")
}

fn word(error: &ApiError) -> &'static str {
    match error {
        ApiError::Conflict => "conflict",
        ApiError::Forbidden(_) => "forbidden",
        ApiError::Immutable => "immutable",
        ApiError::NotFound => "not found",
        ApiError::Refused { .. } => "refused",
        ApiError::Altered(_) => "altered",
        ApiError::NoRoom => "no room",
        ApiError::TermOver(_) => "term over",
        ApiError::Unanswered => "unanswered",
    }
}

#[test]
fn an_answer_is_what_its_fields_say_and_a_denial_is_one_whatever_its_code() {
    const DENIED: &str = "admission webhook \"check.example.com\" denied the request: the name is immutable and exists";
    let cases = [
        (409, "the object has been modified", &[][..], "conflict"),
        (409, DENIED, &[], "refused"),
        (404, "secrets \"shop-token\" not found", &[], "not found"),
        (404, DENIED, &[], "refused"),
        (
            403,
            "secrets is forbidden: User \"op\" cannot patch resource \"secrets\"",
            &[],
            "forbidden",
        ),
        (
            403,
            "secrets \"x\" is forbidden: exceeded quota: few, requested: count/secrets=1",
            &[],
            "refused",
        ),
        (
            422,
            "Secret \"x\" is invalid: metadata.uid: Invalid value",
            &["metadata.uid"],
            "conflict",
        ),
        (
            422,
            "Secret \"x\" is invalid: data: Forbidden: field is immutable when `immutable` is set",
            &["data"],
            "immutable",
        ),
        (
            422,
            "Secret \"x\" is invalid: data: Too long: may not be more than 1048576 bytes",
            &["data"],
            "refused",
        ),
        (422, "a policy says that names are immutable", &[], "refused"),
        (422, DENIED, &["data"], "refused"),
        (500, "etcdserver: request timed out", &[], "unanswered"),
        (
            500,
            "Internal error occurred: failed calling webhook \"check.example.com\": timeout",
            &[],
            "refused",
        ),
        (504, "context deadline exceeded", &[], "unanswered"),
        (429, "too many requests", &[], "refused"),
    ];
    for (code, message, fields, expected) in cases {
        assert_eq!(
            word(&ApiError::of(&status(code, message, fields))),
            expected,
            "{code} {message}"
        );
    }
}

#[test]
fn whatever_answers_a_dry_run_it_did_nothing() {
    for (code, expected) in
        [(500, "refused"), (504, "refused"), (403, "refused"), (409, "conflict")]
    {
        let answer = kube::Error::Api(status(code, "no", &[]).boxed());
        assert_eq!(word(&ApiError::of_dry_run(answer)), expected, "{code}");
    }
    let silence = kube::Error::Service(Box::new(std::io::Error::other("broken pipe")));
    assert_eq!(word(&ApiError::of_dry_run(silence)), "unanswered");
}

#[test]
fn a_refusal_that_quotes_the_token_is_not_repeated() {
    let token = AccessToken::parse("76_0123456789abcdef").expect("plausible");
    let said = |message: &str| {
        ApiError::Refused { code: 403, message: message.into() }.without(&token).to_string()
    };
    for quoted in [
        "76_0123456789abcdef",
        "76_0123456789...",
        "NzZfMDEyMzQ1Njc4OWFiY2RlZg==",
        "NzZfMDEyMzQ1Njc4...",
        // {"access_token":"76_… and {"a":"76_… and {"ab":"76_…, as token.json has it.
        "eyJhY2Nlc3NfdG9rZW4iOiI3Nl8wMTIzNDU2Nzg5YWJjZGVmIn0=",
        "eyJhIjoiNzZfMDEyMzQ1Njc4OWFiY2RlZiJ9",
        "eyJhYiI6Ijc2XzAxMjM0NTY3ODlhYmNkZWYifQ==",
    ] {
        assert!(!said(&format!("no {quoted} here")).contains(quoted), "{quoted}");
    }
    assert!(said("no tokens here").contains("no tokens here"));
}
