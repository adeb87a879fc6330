//! A mistake of the installation: two operators that know nothing of each other work on the same
//! objects. It shows, and ends well.

use std::time::Duration;

use futures::future::join_all;
use miniprogram_operator::api::ConditionType::Ready;

use crate::harness::{
    Consumer, Stage,
    wait::{check, eventually, pass},
};

#[tokio::test]
async fn two_live_releases_in_legacy_mode_are_told_of_and_no_consumer_holds_a_dead_token() {
    let stage = Stage::new("releases").await;
    let patience = |name: &str| {
        let operator = stage.operator().flag("--lease-name", name);
        operator
            .flag("--connect-timeout-seconds", "1")
            .flag("--request-timeout-seconds", "1")
            .start()
    };
    let (one, two) = (patience("one").await, patience("two").await);
    let shops = join_all(
        ["a", "b", "c", "d"]
            .map(|name| stage.app(name).legacy().short_lived(30_000, 25_000).create()),
    )
    .await;
    for shop in &shops {
        shop.until_says_within(Ready, "True/TokenAvailable", 20).await;
    }
    let consumers: Vec<_> = shops.iter().map(Consumer::of).collect();
    let before: u64 = shops.iter().map(|shop| shop.counts().minted).sum();
    pass(Duration::from_secs(50)).await;
    let minted = shops.iter().map(|shop| shop.counts().minted).sum::<u64>() - before;
    // Three rotations of four apps are due by time; a collision may cost each of them a handful.
    assert!(minted <= 4 * 3 * 4, "{minted} mints in fifty seconds");
    for (shop, consumer) in shops.iter().zip(&consumers) {
        assert_eq!(
            consumer.refused(),
            0,
            "{}: {:#?}",
            shop.name,
            shop.calls().iter().map(ToString::to_string).collect::<Vec<_>>()
        );
        shop.until_token_lives(5).await;
    }
    eventually("a foreign write is counted", 5, async || {
        let seen = one.metric("miniprogram_foreign_writes_total", &[]).await
            + two.metric("miniprogram_foreign_writes_total", &[]).await;
        check(seen > 0.0, || "none".into())
    })
    .await;
}
