//! Killed at any moment, in the mode where a lost answer costs a token: whatever is lost is asked
//! for again, and no more than that.

use std::time::Duration;

use futures::future::join_all;
use miniprogram_operator::api::ConditionType::Ready;
use platform_simulator::model::{Fault, FaultRule};
use rand::RngExt as _;
use serde_json::json;

use crate::harness::{
    Mini, Stage,
    wait::{check, eventually, pass},
};

/// How often the operator is killed; more is better, and slower.
fn kills() -> u32 {
    std::env::var("IT_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(12)
}

fn launch(stage: &Stage) -> crate::harness::Launch<'_> {
    // An open intent is left alone for the sum of both.
    stage.operator().flag("--connect-timeout-seconds", "1").flag("--request-timeout-seconds", "1")
}

#[tokio::test]
async fn after_a_kill_at_any_moment_the_secret_soon_holds_the_newest_token() {
    let stage = Stage::new("crash").await;
    let mut operator = launch(&stage).start().await;
    // Each call takes a while on either side of what it does, so that kills meet it there.
    stage.simulator.fault_for_all(Fault::SlowAfterMint { ms: 150 });
    let shops = join_all(
        (0..6)
            .map(|n| stage.app(&format!("shop-{n}")).legacy().short_lived(12_000, 9_000).create()),
    )
    .await;
    join_all(shops.iter().map(Mini::until_ready)).await;

    for kill in 0..kills() {
        // Wait for a call to begin, then for some point on its way to the Secret and to the status.
        let before = total(&shops);
        eventually("a call begins", 15, async || check(total(&shops) > before, || "none".into()))
            .await;
        let into = rand::rng().random_range(0..350);
        pass(Duration::from_millis(into)).await;
        operator.kill();
        operator = operator.again().await;
        for shop in &shops {
            shop.until_token_lives(4).await;
        }
        eprintln!("kill {kill} at {into} ms: {} calls in all", total(&shops));
    }
    for shop in &shops {
        shop.until_says_within(Ready, "True/TokenAvailable", 10).await;
    }
    // Calm: without kills nothing is asked but what is due by time, each time once.
    let quiet = total(&shops);
    pass(Duration::from_secs(12)).await;
    let asked = total(&shops) - quiet;
    assert!(asked <= 6 * 3, "{asked} calls of six apps within twelve seconds, at six seconds each");
}

fn total(shops: &[Mini<'_>]) -> u64 {
    shops.iter().map(|shop| shop.counts().legacy).sum()
}

#[tokio::test]
async fn a_kill_before_the_answer_costs_two_calls_and_after_the_status_none() {
    let stage = Stage::new("crash").await;
    for (name, fault, killed_after, calls) in [
        // The answer is lost: it is asked again; the confirming call comes two minutes later.
        ("lost", Fault::SlowAfterMint { ms: 900 }, "the call", 2),
        // Nothing was lost, and the status tells of it.
        ("stored", Fault::SlowAfterMint { ms: 0 }, "the status", 1),
    ] {
        let mut operator = launch(&stage).start().await;
        let shop = stage.app(name).legacy().whose_first_call_meets(fault, "right").await;
        eventually(format!("{killed_after} was seen"), 5, async || {
            let seen = if killed_after == "the call" {
                shop.counts().calls == 1
            } else {
                shop.get().await.status.is_some_and(|status| status.token.is_some())
            };
            check(seen, || "not yet".into())
        })
        .await;
        operator.kill();
        let operator = operator.again().await;
        shop.until_says_within(Ready, "True/TokenAvailable", 10).await;
        shop.until_token_lives(2).await;
        operator.until_calm().await;
        shop.was_asked(calls);
        let unconfirmed = shop
            .target()
            .await
            .metadata
            .annotations
            .unwrap_or_default()
            .contains_key("miniprogram.dev/unconfirmed");
        assert_eq!(unconfirmed, calls == 2, "{name}");
        // Another kill while it is unconfirmed forgets nothing and asks nobody.
        let operator = operator.restart().await;
        operator.until_calm().await;
        shop.was_asked(calls);
    }
}

#[tokio::test]
async fn a_lost_call_is_asked_for_again_also_when_nobody_wants_it_any_more() {
    let stage = Stage::new("crash").await;
    let mut operator = launch(&stage).start().await;
    let shop = stage.app("shop").legacy().ready().await;
    operator.kill();
    shop.some_hours_later().await;
    let mut operator = operator.again().await;
    stage
        .simulator
        .faults(&shop.app_id, vec![FaultRule::from(Fault::SlowAfterMint { ms: 900 }).times(1)]);
    shop.annotate("miniprogram.dev/refresh-requested", "now").await;
    eventually("the call is under way", 5, async || {
        check(shop.counts().calls == 2, || "no call".into())
    })
    .await;
    operator.kill();
    shop.patch(
        json!({ "metadata": { "annotations": { "miniprogram.dev/refresh-requested": null } } }),
    )
    .await;
    let lost = shop.token().await;

    let operator = operator.again().await;
    // The token in the Secret has minutes left: only the intent in status tells.
    eventually("it is asked for again", 10, async || {
        check(shop.counts().calls == 3, || format!("{:?}", shop.counts()))
    })
    .await;
    operator.until_calm().await;
    assert_ne!(shop.until_token_lives(5).await, lost);
    shop.was_asked(3);
}

#[tokio::test]
async fn a_token_got_behind_a_lost_answer_is_confirmed_once() {
    let stage = Stage::new("crash").await;
    let _operator = launch(&stage).start().await;
    // The first request executes while the second one's token is in the Secret: the consumer's
    // token is replaced behind our back.
    let late = Fault::Late { ms: 40_000 };
    let shop = stage.app("shop").legacy().whose_first_call_meets(late, "right").await;
    let seen = shop.until_says_within(Ready, "True/TokenAvailable", 30).await;
    assert!(
        seen.status
            .is_some_and(|status| status.intent.is_some_and(|intent| intent.outcome_unknown))
    );
    shop.was_asked(2);
    // 120 to 180 s after the second, and within the five minutes that a replaced token has left.
    eventually("the confirming call", 70, async || {
        check(shop.counts().calls == 3, || format!("{:?}", shop.counts()))
    })
    .await;
    shop.until_says_within(Ready, "True/TokenAvailable", 5).await;
    let seen = shop
        .until("nothing is in doubt any more", 5, |mini| {
            mini.status.as_ref().is_some_and(|status| status.intent.is_none())
        })
        .await;
    assert!(seen.status.is_some());
    assert_eq!(
        stage.simulator.live_tokens(&shop.app_id).last().map(|token| token.token.clone()),
        Some(shop.token().await)
    );
    let calls = shop.calls();
    let apart = calls[2].arrived_ms - calls[1].arrived_ms;
    assert!((119_000..190_000).contains(&apart), "{apart}");
}
