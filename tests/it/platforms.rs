//! Every platform in every mode, from an applied object to a Secret whose token the platform lets
//! in, over some rotations; and nothing secret anywhere else.

use std::collections::BTreeSet;

use futures::future::join_all;
use k8s_openapi::api::events::v1::Event;
use kube::api::ListParams;
use miniprogram_operator::{
    api::{
        ConditionType::{Ready, Stalled, TokenFresh},
        MiniProgram,
    },
    platform::{self, Endpoint, Platform, TokenRequest},
    sensitive::AppSecret,
};
use platform_simulator::model::Fault;
use serde_json::json;

use crate::{
    harness::{
        Draft, OAUTH2_PATH, Stage,
        wait::{check, eventually},
    },
    secrecy::forms,
};

/// A hexadecimal app secret, as most platforms have them; also a plausible code of a refusal.
const SECRET: &str = "c0ffee00c0ffee11c0ffee22c0ffee33";

/// What a platform says in an answer.
const ANSWER: &str = "answer-canary for you";

/// The paths of all requests.
fn paths() -> Vec<String> {
    let secret = AppSecret::parse(SECRET.as_bytes()).expect("plausible");
    let endpoints = platform::ALL.iter().flat_map(|platform| platform.endpoints);
    let wanted = TokenRequest { app_id: "app", secret: &secret, force: false };
    let paths = endpoints.map(|endpoint| (endpoint.request)(&wanted).path.to_owned());
    let paths = paths.filter(|path| !path.is_empty()).chain([OAUTH2_PATH.to_owned()]);
    paths.collect()
}

/// An object of each platform in each mode, each with an app of its own.
fn drafts<'a>(stage: &'a Stage, what: &str) -> Vec<(&'static Platform, Draft<'a>)> {
    let endpoints = platform::ALL
        .iter()
        .flat_map(|platform| platform.endpoints.iter().map(move |endpoint| (*platform, endpoint)));
    let first = if what == "kept" { 10 } else { 50 };
    let numbered = (first..).zip(endpoints);
    numbered
        .map(|(number, (platform, endpoint))| draft(stage, what, number, platform, endpoint))
        .collect()
}

fn draft<'a>(
    stage: &'a Stage,
    what: &str,
    number: usize,
    platform: &'static Platform,
    endpoint: &Endpoint,
) -> (&'static Platform, Draft<'a>) {
    let example = platform.app_id.example;
    let app_id = format!("{}{number}", &example[..example.len() - 2]);
    let name = format!("{what}-{}-{number}", platform.name.to_lowercase());
    let mut draft = stage.app(&name).at(platform.name, &app_id);
    if let Some(mode) = endpoint.mode {
        draft = draft.spec(json!({ "tokenMode": format!("{mode:?}") }));
    }
    (platform, draft.with_secret(SECRET).whose_platform_knows(SECRET))
}

#[tokio::test]
async fn every_platform_is_kept_over_three_rotations_and_its_consumers_are_let_in() {
    let stage = Stage::new("platforms").await;
    let operator = stage.operator().of_all_platforms().flag("--log-level", "trace").start().await;
    let kept = drafts(&stage, "kept").into_iter().map(|(platform, draft)| async move {
        (platform, draft.short_lived(8_000, 3_000).ready().await)
    });
    let kept = join_all(kept).await;
    let mut tokens = BTreeSet::new();
    eventually("all have rotated three times", 60, async || {
        let mut late = Vec::new();
        for (platform, mini) in &kept {
            let token = mini.until_token_lives(10).await;
            let name = platform.name;
            let opens = stage.simulator.with_model(|model, now| model.opens(now, name, &token));
            assert!(opens, "{}: the token in its Secret is refused", mini.name);
            tokens.insert(token);
            let calls = mini.counts().calls - mini.counts().business;
            (calls < 4).then(|| late.push(format!("{} {calls}", mini.name)));
        }
        check(late.is_empty(), || format!("{late:?}"))
    })
    .await;
    for (_, mini) in &kept {
        let counts = mini.counts();
        assert_eq!((counts.refused, counts.dead_tokens), (0, 0), "{}", mini.name);
    }

    // A platform, or whoever answers for it, that says the app secret in every field, and more in
    // those for people.
    let codes = ["errcode", "code", "error", "err_no", "result", "sub_error"];
    let texts = ["errmsg", "msg", "message", "error_description", "description", "error_msg"];
    let codes = codes.iter().map(|name| ((*name).to_owned(), json!(SECRET)));
    let texts = texts.iter().map(|name| ((*name).to_owned(), json!(ANSWER)));
    let fields: serde_json::Map<_, _> = codes.chain(texts).collect();
    let echo = Fault::Body { content: json!(fields).to_string(), status: 400, content_type: None };
    let echoed = drafts(&stage, "echo")
        .into_iter()
        .map(|(_, draft)| draft.whose_first_call_meets(echo.clone(), SECRET));
    for mini in join_all(echoed).await {
        mini.until_says(TokenFresh, "False/BadResponse").await;
    }

    let metrics = operator.metrics().await;
    let minis = stage.api::<MiniProgram>().list(&ListParams::default()).await.expect("objects");
    let events = stage.api::<Event>().list(&ListParams::default()).await.expect("Events");
    let places = [
        ("the log", operator.log()),
        ("the metrics", metrics),
        ("the MiniPrograms", serde_json::to_string(&minis).expect("JSON")),
        ("the Events", serde_json::to_string(&events).expect("JSON")),
    ];
    assert!(tokens.len() > 2 * kept.len(), "{}", tokens.len());
    for hidden in paths().iter().map(String::as_str).chain([ANSWER]) {
        for (place, text) in &places {
            assert!(!text.contains(hidden), "{place} shows {hidden}");
        }
    }
    for secret in tokens.iter().map(String::as_str).chain([SECRET]) {
        for form in forms(secret) {
            for (place, text) in &places {
                assert!(!text.contains(&form), "{place} shows a secret as {form}");
            }
        }
    }
}

#[tokio::test]
async fn an_endpoint_that_is_not_configured_gets_no_call_until_the_administrator_adds_it() {
    let stage = Stage::new("platforms").await;
    let mut operator = stage.operator().start().await;
    let shop = stage.app("shop").at("OAuth2", "example/shop").whose_platform_knows(SECRET);
    let shop = shop.with_secret(SECRET).create().await;
    shop.until_says(Ready, "False/EndpointNotConfigured").await;
    shop.until_says(Stalled, "True/EndpointNotConfigured").await;
    assert_eq!(shop.counts().calls, 0);
    assert!(operator.terminate().await.success());
    let _operator = stage.operator().of_all_platforms().start().await;
    shop.until_says(Ready, "True/TokenAvailable").await;
    assert_eq!(shop.counts().calls, 1);
}
