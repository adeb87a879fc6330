//! Two operators, one Lease: only its holder calls and writes, and it passes on when the holder
//! dies, leaves or is stopped.

use futures::future::join_all;
use k8s_openapi::api::coordination::v1::Lease;
use platform_simulator::model::Fault;
use serde_json::json;

use crate::harness::{
    Mini, Operator, Stage,
    wait::{check, eventually},
};

/// The lease of these tests lasts four seconds.
const TAKEOVER: u64 = 5;

async fn holder(stage: &Stage) -> Option<String> {
    let lease = stage.api::<Lease>().get_opt("miniprogram-operator").await.expect("an answer")?;
    lease.spec?.holder_identity.filter(|holder| !holder.is_empty())
}

async fn leads(operator: &Operator<'_>) -> bool {
    operator.metric("miniprogram_leader", &[]).await > 0.0
}

async fn until_leads(operator: &Operator<'_>, seconds: u64) {
    eventually("it leads", seconds, async || check(leads(operator).await, || operator.log())).await;
}

/// A leader and a standby.
async fn pair(stage: &Stage) -> (Operator<'_>, Operator<'_>) {
    let leader = stage.operator().elected().start().await;
    until_leads(&leader, TAKEOVER).await;
    let standby = stage.operator().elected().start().await;
    assert!(!leads(&standby).await);
    (leader, standby)
}

async fn rotating<'a>(stage: &'a Stage, names: &[&str]) -> Vec<Mini<'a>> {
    join_all(names.iter().map(|name| stage.app(name).legacy().short_lived(10_000, 8_000).ready()))
        .await
}

#[tokio::test]
async fn a_standby_is_ready_and_asks_nobody() {
    let stage = Stage::new("leader").await;
    let (_leader, standby) = pair(&stage).await;
    let shops = rotating(&stage, &["a", "b"]).await;
    eventually("tokens rotate", 20, async || {
        let minted: Vec<_> = shops.iter().map(|shop| shop.counts().minted).collect();
        check(minted.iter().all(|minted| *minted >= 3), || format!("{minted:?}"))
    })
    .await;
    for shop in &shops {
        let at: Vec<_> = shop.calls().iter().map(|call| call.arrived_ms).collect();
        assert!(at.windows(2).all(|pair| pair[1] - pair[0] > 3_000), "{at:?}");
    }
    assert!(!leads(&standby).await);
    assert!(standby.metric("miniprogram_secret_writes_total", &[]).await < 0.5);
}

#[tokio::test]
async fn when_the_leader_is_killed_the_standby_takes_over_within_the_lease_and_asks_nobody_anew() {
    let stage = Stage::new("leader").await;
    let (mut leader, standby) = pair(&stage).await;
    let shops = join_all(["a", "b", "c", "d"].map(|name| stage.app(name).legacy().ready())).await;
    leader.kill();
    until_leads(&standby, TAKEOVER).await;
    standby.until_calm().await;
    for shop in &shops {
        shop.was_asked(1);
    }
    stage.app("new").ready().await;
}

#[tokio::test]
async fn when_the_leader_is_told_to_end_the_lease_is_free_at_once_and_the_exit_is_clean() {
    let stage = Stage::new("leader").await;
    let (mut leader, standby) = pair(&stage).await;
    let shop = stage.app("shop").legacy().ready().await;
    let before = leader.log();
    assert!(before.contains(r#""message":"starting","version":""#), "{before}");
    assert!(leader.terminate().await.success());
    let log = leader.log();
    let farewell = &log[before.len()..];
    for line in ["no longer leading", "released the Lease"] {
        assert!(farewell.contains(line), "{farewell}");
    }
    assert!(!farewell.contains(r#""level":"WARN""#), "an ordinary stop: {farewell}");
    until_leads(&standby, 2).await;
    standby.until_calm().await;
    shop.was_asked(1);
}

#[tokio::test]
async fn a_call_under_way_is_finished_and_stored_before_the_end() {
    let stage = Stage::new("leader").await;
    for (name, mode) in [("stable", "Stable"), ("legacy", "Legacy")] {
        let (mut leader, standby) = pair(&stage).await;
        let slow = Fault::SlowAfterMint { ms: 2_000 };
        let shop = stage.app(name).spec(json!({ "tokenMode": mode }));
        let shop = shop.whose_first_call_meets(slow, "right").await;
        shop.until_called().await;
        assert!(leader.terminate().await.success());
        let token = shop.until_token_lives(1).await;
        until_leads(&standby, 2).await;
        standby.until_calm().await;
        shop.was_asked(1);
        assert_eq!(shop.token().await, token);
    }
}

#[tokio::test]
async fn a_call_that_outlasts_the_grace_keeps_the_lease_and_is_asked_again_by_the_next_leader() {
    let stage = Stage::new("leader").await;
    let patient = || {
        stage
            .operator()
            .elected()
            .flag("--shutdown-grace-seconds", "1")
            .flag("--request-timeout-seconds", "3")
    };
    let mut leader = patient().start().await;
    until_leads(&leader, TAKEOVER).await;
    let standby = patient().start().await;
    let slow = Fault::SlowAfterMint { ms: 2_900 };
    let shop = stage.app("shop").legacy().whose_first_call_meets(slow, "right").await;
    shop.until_called().await;
    leader.terminate().await;
    assert!(
        !leader.log().contains("released the Lease"),
        "a call is still in flight: {}",
        leader.log()
    );
    assert!(!leads(&standby).await);
    until_leads(&standby, TAKEOVER).await;
    shop.until_token_lives(10).await;
    standby.until_calm().await;
    shop.was_asked(2);
}

#[tokio::test]
async fn when_the_leader_is_killed_in_mid_call_only_that_app_is_asked_again() {
    let stage = Stage::new("leader").await;
    let quick = || stage.operator().elected().flag("--request-timeout-seconds", "2");
    let mut leader = quick().start().await;
    until_leads(&leader, TAKEOVER).await;
    let standby = quick().start().await;
    let others = join_all(["a", "b", "c"].map(|name| stage.app(name).legacy().ready())).await;
    let slow = Fault::SlowAfterMint { ms: 1_500 };
    let shop = stage.app("shop").legacy().whose_first_call_meets(slow, "right").await;
    shop.until_called().await;
    leader.kill();
    until_leads(&standby, TAKEOVER).await;
    shop.until_token_lives(10).await;
    standby.until_calm().await;
    // A third call, the confirming one, comes two minutes later.
    shop.was_asked(2);
    for other in &others {
        other.was_asked(1);
    }
}

#[tokio::test]
async fn a_leader_that_was_stopped_neither_calls_nor_writes_when_it_wakes() {
    let stage = Stage::new("leader").await;
    let sleeper = stage.operator().elected().start().await;
    until_leads(&sleeper, TAKEOVER).await;
    let standby = stage.operator().elected().start().await;
    let shops = rotating(&stage, &["a", "b", "c"]).await;
    let before = holder(&stage).await;
    sleeper.pause();
    until_leads(&standby, TAKEOVER).await;
    assert_ne!(holder(&stage).await, before);
    for shop in &shops {
        shop.until_token_lives(10).await;
    }
    // That it neither calls nor writes now is judged at the end: it has no Lease.
    sleeper.resume();
    eventually("it has noticed", 10, async || {
        check(!leads(&sleeper).await, || "it still thinks that it leads".into())
    })
    .await;
    let minted: Vec<_> = shops.iter().map(|shop| shop.counts().minted).collect();
    eventually("the standby goes on", 15, async || {
        let now: Vec<_> = shops.iter().map(|shop| shop.counts().minted).collect();
        check(now.iter().zip(&minted).all(|(now, before)| now > before), || format!("{now:?}"))
    })
    .await;
    for shop in &shops {
        shop.until_token_lives(2).await;
    }
}
