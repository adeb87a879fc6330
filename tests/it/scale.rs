//! Many apps at once: each asked exactly once, soon, within the rate, and a hung platform in the
//! way of nobody else.

use futures::future::join_all;
use miniprogram_operator::api::ConditionType::Ready;
use platform_simulator::model::Fault;
use serde_json::json;

use crate::harness::{Mini, Stage};

#[tokio::test]
async fn twenty_apps_are_ready_within_ten_seconds_for_exactly_twenty_calls() {
    let stage = Stage::new("scale").await;
    let _operator = stage.operator().start().await;
    let shops = join_all((0..20).map(|n| {
        let mode = if n % 2 == 0 { "Stable" } else { "Legacy" };
        stage.app(&format!("shop-{n}")).spec(json!({ "tokenMode": mode })).create()
    }))
    .await;
    join_all(shops.iter().map(|shop| shop.until_says_within(Ready, "True/TokenAvailable", 10)))
        .await;
    for shop in &shops {
        shop.was_asked(1);
    }
}

#[tokio::test]
async fn no_more_calls_a_second_than_the_flag_says() {
    let stage = Stage::new("scale").await;
    let _operator = stage.operator().flag("--platform-qps", "5").start().await;
    let shops = join_all((0..30).map(|n| stage.app(&format!("shop-{n}")).create())).await;
    join_all(shops.iter().map(|shop| shop.until_says_within(Ready, "True/TokenAvailable", 20)))
        .await;
    let mut at: Vec<_> = shops.iter().flat_map(Mini::calls).map(|call| call.arrived_ms).collect();
    at.sort_unstable();
    assert_eq!(at.len(), 30);
    // Five may have been saved up, and the first may have been on its way for half a second.
    let is_early = |(nth, at_ms): (u64, &u64)| at_ms - at[0] + 500 < nth.saturating_sub(5) * 200;
    assert!(!(0..).zip(&at).any(is_early), "{at:?}");
}

#[tokio::test]
async fn apps_that_hang_hold_up_no_other() {
    let stage = Stage::new("scale").await;
    let _operator = stage
        .operator()
        .flag("--concurrency", "4")
        .flag("--request-timeout-seconds", "30")
        .start()
        .await;
    let well = stage.app("well").ready().await;
    let hanging = join_all((0..3).map(|n| {
        let draft = stage.app(&format!("hanging-{n}"));
        let mini = draft.without_credential().whose_platform_knows("right").create();
        async {
            let mini = mini.await;
            stage.simulator.fault(&mini.app_id, Fault::Hang);
            stage.put_secret(&format!("{}-credential", mini.name), "appSecret", "right").await;
        }
    }));
    hanging.await;
    stage.delete_secret(&well.target_name()).await;
    well.until_token_lives(5).await;
    stage.app("another").ready().await;
}
