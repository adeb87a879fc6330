//! Answers of the API server stop in the middle, and watches fall silent, while every connection
//! stays open: each is given up, logged and tried again.

use std::net::SocketAddr;

use futures::{StreamExt as _, stream};
use k8s_openapi::api::core::v1::Secret;
use miniprogram_operator::api::ConditionType::{CredentialValid, Ready};
use serde_json::json;

use crate::harness::{
    Stage, State, Wire, plane,
    wait::{check, eventually},
};

const STALLS: &str = "miniprogram_api_request_stalls_total";

async fn wire() -> Wire {
    let server: SocketAddr =
        plane().url().trim_start_matches("https://").parse().expect("an address");
    Wire::to(server).await
}

#[tokio::test]
async fn a_list_that_stops_in_the_middle_is_asked_for_again() {
    let stage = Stage::new("silence").await;
    stream::iter(0..300)
        .for_each_concurrent(16, async |n| {
            let metadata = json!({ "name": format!("large-{n}"), "annotations": { "example.com/text": "x".repeat(6000) } });
            let _: Secret = stage.create(json!({ "metadata": metadata })).await;
        })
        .await;
    let shop = stage.app("shop").create().await;
    let wire = wire().await;
    wire.set(State::Stalls { after: 400_000 });
    let operator = stage.operator().over(&wire).unready().start().await;
    eventually("the list is given up", 40, async || {
        check(operator.log().contains("response stopped in the middle"), || operator.log())
    })
    .await;
    shop.was_asked(0);
    wire.set(State::Whole);
    shop.until_says_within(Ready, "True/TokenAvailable", 30).await;
    assert!(operator.metric(STALLS, &[]).await >= 1.0);
}

#[tokio::test]
async fn a_watch_that_falls_silent_is_noticed_within_a_minute_without_any_event() {
    let stage = Stage::new("silence").await;
    let wire = wire().await;
    let operator = stage.operator().over(&wire).start().await;
    let shop = stage.app("shop").ready().await;
    let late = stage.app("late").without_credential().whose_platform_knows("right").create().await;
    late.until_says(CredentialValid, "False/SecretNotFound").await;
    wire.set(State::HalfOpen);
    stage.put_secret("late-credential", "appSecret", "right").await;
    late.until_says_within(Ready, "True/TokenAvailable", 45).await;
    assert!(operator.metric(STALLS, &[]).await >= 1.0);
    // The watch was resumed: nothing was asked for again.
    shop.was_asked(1);
}
