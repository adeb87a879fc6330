//! The API server cannot be reached, or its answers are lost on the way: no token is fetched twice
//! for that, and none is lost.

use std::{net::SocketAddr, time::Duration};

use futures::future::join_all;
use miniprogram_operator::api::ConditionType::Ready;
use platform_simulator::model::Fault;
use rand::RngExt as _;
use serde_json::json;

use crate::harness::{
    Consumer, Mini, Operator, Stage, State, Wire, plane,
    wait::{check, eventually, pass},
};

async fn wire() -> Wire {
    let server: SocketAddr =
        plane().url().trim_start_matches("https://").parse().expect("an address");
    Wire::to(server).await
}

async fn until_leads(operator: &Operator<'_>, seconds: u64) {
    eventually("it leads", seconds, async || {
        check(operator.metric("miniprogram_leader", &[]).await > 0.0, || operator.log())
    })
    .await;
}

#[tokio::test]
async fn after_an_outage_all_goes_on_and_nothing_is_asked_anew() {
    let stage = Stage::new("outage").await;
    let wire = wire().await;
    let operator = stage.operator().over(&wire).start().await;
    let shops =
        join_all(["Stable", "Legacy"].map(|mode| {
            stage.app(&mode.to_lowercase()).spec(json!({ "tokenMode": mode })).ready()
        }))
        .await;
    wire.set(State::Cut);
    pass(Duration::from_secs(5)).await;
    stage.put_secret("stable-credential", "unrelated", "x").await;
    wire.set(State::Whole);
    let new = stage.app("new").create().await;
    new.until_says_within(Ready, "True/TokenAvailable", 30).await;
    operator.until_calm().await;
    for shop in &shops {
        shop.was_asked(1);
    }
}

#[tokio::test]
async fn an_outage_has_a_line_when_it_begins_and_one_when_it_ends_and_none_for_each_request() {
    let stage = Stage::new("outage").await;
    let wire = wire().await;
    let operator = stage.operator().over(&wire).start().await;
    wire.set(State::Cut);
    let lines = |text: &str| operator.log().lines().filter(|line| line.contains(text)).count();
    let told = async |text: &str| {
        eventually(text, 60, async || check(lines(text) > 0, || operator.log())).await;
    };
    told("the API server cannot be reached").await;
    wire.set(State::Whole);
    told("the API server answers again").await;
    assert_eq!(lines("the API server cannot be reached"), 1);
    assert_eq!(lines("kube_client"), 0, "{}", operator.log());
}

/// Lets one Legacy call begin and loses the API server's answers from some point of it on.
async fn lose_answers_during_a_call(stage: &Stage, wire: &Wire, shop: &Mini<'_>, into: Duration) {
    let before = shop.counts().legacy;
    stage.delete_secret(&shop.target_name()).await;
    eventually("the call begins", 30, async || {
        check(shop.counts().legacy > before, || "not yet".into())
    })
    .await;
    pass(into).await;
    wire.set(State::Mute);
    pass(Duration::from_millis(600)).await;
    wire.set(State::Cut);
    pass(Duration::from_millis(100)).await;
    wire.set(State::Whole);
}

#[tokio::test]
async fn a_write_whose_answer_is_lost_is_found_done_and_costs_no_second_token() {
    let stage = Stage::new("outage").await;
    let wire = wire().await;
    let operator = stage.operator().over(&wire).start().await;
    // Ten objects, so that none waits for the floor between two mints of an app.
    for n in 0..10 {
        let shop = stage.app(&format!("shop-{n}")).legacy().ready().await;
        stage.simulator.fault(&shop.app_id, Fault::SlowAfterMint { ms: 100 });
        let into = Duration::from_millis(rand::rng().random_range(0..200));
        lose_answers_during_a_call(&stage, &wire, &shop, into).await;
        let token = shop.until_token_lives(20).await;
        shop.until_says_within(Ready, "True/TokenAvailable", 20).await;
        operator.until_calm().await;
        assert_eq!(shop.token().await, token);
        assert_eq!(
            shop.counts().minted,
            2,
            "answers were lost {into:?} into the call: {}",
            operator.log()
        );
        assert!(shop.get().await.status.expect("a status").intent.is_none());
    }
}

#[tokio::test]
async fn a_leader_that_is_cut_off_stops_before_another_begins() {
    let stage = Stage::new("outage").await;
    let wire = wire().await;
    let leader = stage.operator().elected().over(&wire).start().await;
    until_leads(&leader, 5).await;
    let standby = stage.operator().elected().start().await;
    let shops = join_all(
        ["a", "b", "c"].map(|name| stage.app(name).legacy().short_lived(8_000, 5_000).ready()),
    )
    .await;
    let consumers: Vec<_> = shops.iter().map(Consumer::of).collect();

    wire.set(State::Cut);
    eventually("the leader has stopped", 4, async || {
        check(leader.metric("miniprogram_leader", &[]).await < 1.0, || leader.log())
    })
    .await;
    assert!(
        standby.metric("miniprogram_leader", &[]).await < 1.0,
        "it took over before the leader had stopped"
    );
    until_leads(&standby, 5).await;
    let rotations: Vec<_> = shops.iter().map(|shop| shop.counts().minted).collect();
    eventually("tokens rotate again", 15, async || {
        let now: Vec<_> = shops.iter().map(|shop| shop.counts().minted).collect();
        check(now.iter().zip(&rotations).all(|(now, before)| now >= &(before + 2)), || {
            format!("{now:?}")
        })
    })
    .await;
    wire.set(State::Whole);
    for (shop, consumer) in shops.iter().zip(&consumers) {
        assert_eq!(
            consumer.refused(),
            0,
            "{}: {:?}",
            shop.name,
            shop.calls().iter().map(ToString::to_string).collect::<Vec<_>>()
        );
    }
}
