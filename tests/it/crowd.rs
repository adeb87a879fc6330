//! A crowd of objects that one tenant makes: what they share is read once for all, and memory does
//! not grow with their number times the size of that.

use std::{collections::BTreeMap, time::Duration};

use futures::future::join_all;
use k8s_openapi::{ByteString, api::core::v1::Secret};
use miniprogram_operator::api::ConditionType::Ready;
use serde_json::json;

use crate::harness::{
    Ledger, Stage,
    wait::{check, eventually},
};

const OBJECTS: usize = 200;
/// As long as still fits into a Secret beside an app secret: 1.4 times as much in an answer.
const FILLER: usize = (1 << 20) - 64;
/// What all of it may add to the operator's memory. Read for all objects at once, the answers alone
/// would be 280 MiB.
const MEMORY_KIB: u64 = 64 << 10;
/// A read that is under way and the next one, for each of the events that a change makes.
const READS: usize = 4;

/// Waits until the credential was read, and asserts that this was all: few reads, and no write.
async fn is_only_read(ledger: &Ledger, what: &str) {
    let reads = eventually(format!("the credential was read {what}"), 10, async || {
        let reads = ledger.reads().await;
        check(!reads.is_empty(), || "no read".into()).map(|()| reads)
    })
    .await;
    let writes = ledger.writes().await;
    println!("{what}: {} reads, {} writes", reads.len(), writes.len());
    assert!(reads.len() <= READS, "{what}: {reads:?}");
    assert!(writes.is_empty(), "{what}: {writes:?}");
}

#[tokio::test]
async fn objects_that_share_a_credential_of_a_megabyte_read_it_together() {
    let stage = Stage::new("crowd").await;
    let operator = stage.operator().start().await;
    let data = BTreeMap::from([("appSecret", b"right".to_vec()), ("filler", vec![b'x'; FILLER])]);
    let data: BTreeMap<_, _> =
        data.into_iter().map(|(key, value)| (key, ByteString(value))).collect();
    let _: Secret = stage.create(json!({ "metadata": { "name": "shared" }, "data": data })).await;
    let before = operator.peak_memory_kib();
    let shops = join_all((0..OBJECTS).map(|n| {
        let draft =
            stage.app(&format!("shop-{n}")).whose_platform_knows("right").without_credential();
        draft.spec(json!({ "credentialRef": { "name": "shared" } })).create()
    }))
    .await;
    join_all(shops.iter().map(|shop| shop.until_says_within(Ready, "True/TokenAvailable", 120)))
        .await;
    operator.until_calm().await;
    println!(
        "first tokens: memory grew by {} KiB over {before} KiB",
        operator.peak_memory_kib() - before
    );

    let ledger = stage.ledger();
    let label = json!({ "metadata": { "labels": { "edited": "yes" } } });
    let _: Secret = stage.patch("shared", label).await;
    stage.until_noticed().await;
    operator.until_calm().await;
    is_only_read(&ledger, "after a label edit").await;
    let grown = operator.peak_memory_kib() - before;
    println!("first tokens and a label edit: memory grew by {grown} KiB over {before} KiB");
    assert!(grown < MEMORY_KIB, "memory grew by {grown} KiB");

    let ledger = stage.ledger();
    let operator = operator.restart().await;
    operator.until_calm().await;
    is_only_read(&ledger, "after a restart").await;
    for shop in &shops {
        shop.was_asked(1);
    }
}

/// What the first tokens of so many objects cost: requests to the API server, passes, and processor
/// time.
async fn cost(objects: usize, of_one_app: bool) -> (usize, f64, Duration) {
    let stage = Stage::new("crowd").await;
    let ledger = stage.ledger();
    let first = stage.app("shop-0").create().await;
    let more = join_all((1..objects).map(|n| {
        let draft = stage.app(&format!("shop-{n}"));
        let draft = if of_one_app { draft.of_app(&first.app_id) } else { draft };
        draft.create()
    }));
    let shops: Vec<_> = [first.clone()].into_iter().chain(more.await).collect();
    let operator = stage.operator().start().await;
    join_all(shops.iter().map(|shop| shop.until_says_within(Ready, "True/TokenAvailable", 60)))
        .await;
    operator.until_active_looks_end().await;
    let requests = ledger.reads().await.len() + ledger.writes().await.len();
    (
        requests,
        operator.metric("controller_runtime_reconcile_total", &[]).await,
        operator.processor_time(),
    )
}

#[tokio::test]
#[allow(clippy::cast_precision_loss, reason = "a count of dozens")]
async fn many_objects_of_one_app_cost_what_as_many_apps_do() {
    const OBJECTS: usize = 80;
    let (one, many) = (cost(OBJECTS, true).await, cost(OBJECTS, false).await);
    println!(
        "{OBJECTS} objects (requests, passes, processor time): of one app {one:?}, \
         of an app each {many:?}"
    );
    assert!(one.0 <= many.0 * 6 / 5, "requests: {} and {}", one.0, many.0);
    // Each is looked at when it is new, when the first of them has a token, and when its turn takes
    // long, but not each second.
    assert!(one.1 <= 5.0 * OBJECTS as f64, "passes: {} and {}", one.1, many.1);
}
