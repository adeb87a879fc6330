//! Tokens that live for seconds, a hundred rotations in both modes, and consumers that never once
//! call with a dead one.

use futures::future::join_all;
use serde_json::json;

use crate::harness::{
    Consumer, Stage,
    wait::{check, eventually},
};

const APPS: usize = 10;
const ROTATIONS: u64 = 10;

#[tokio::test]
async fn a_hundred_rotations_and_no_consumer_ever_holds_a_dead_token() {
    let stage = Stage::new("rotation").await;
    let _operator = stage.operator().start().await;
    let shops = join_all((0..APPS).map(|n| {
        let mode = if n % 2 == 0 { "Stable" } else { "Legacy" };
        stage
            .app(&format!("shop-{n}"))
            .spec(json!({ "tokenMode": mode }))
            .short_lived(8_000, 3_000)
            .ready()
    }))
    .await;
    let ledger = stage.ledger();
    let before: u64 = shops.iter().map(|shop| shop.counts().minted).sum();
    let consumers: Vec<_> = shops.iter().map(Consumer::of).collect();

    eventually("all have rotated", 50, async || {
        let rotated: Vec<_> = shops.iter().map(|shop| shop.counts().minted).collect();
        check(rotated.iter().all(|minted| *minted > ROTATIONS), || format!("{rotated:?}"))
    })
    .await;
    for (shop, consumer) in shops.iter().zip(&consumers) {
        assert_eq!((consumer.missing(), consumer.refused()), (0, 0), "{}", shop.name);
        assert!(consumer.calls() > 100, "{}", consumer.calls());
        assert_eq!(shop.counts().dead_tokens, 0);
        // Every call has made a token, and none was wasted: each comes half of a life after the one
        // before.
        let counts = shop.counts();
        assert_eq!(counts.minted, counts.legacy + counts.stable, "{}", shop.name);
    }
    // A refresh writes twice, a mint of the legacy endpoint three times. Some may be under way.
    let minted = shops.iter().map(|shop| shop.counts().minted).sum::<u64>() - before;
    let writes = ledger.writes().await.len() as u64;
    assert!(
        writes <= minted.div_ceil(2) * 5 + 3 * APPS as u64,
        "{writes} writes for {minted} tokens"
    );
}
