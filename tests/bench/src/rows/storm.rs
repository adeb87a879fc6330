//! A storm: other people's Secrets change a thousand times a second.

use futures::{StreamExt as _, stream};
use k8s_openapi::api::core::v1::Secret;
use kube::{
    Api,
    api::{Patch, PatchParams},
};
use serde_json::json;
use tokio::time::{Duration, Instant, MissedTickBehavior, interval};

use super::{Bench, UNHINDERED};
use crate::{
    apps::{Apps, CONCURRENCY},
    figures::{self, Figures},
    operator::Operator,
    readiness::{Watch, is_ready},
    secrets,
    testbed::Testbed,
};

const APPS: u32 = 100;
const SECRETS: u32 = 100;
const UPDATES_A_SECOND: u32 = 1000;
const SECONDS: u32 = 20;

pub async fn measure(bench: &Bench) -> Figures {
    let testbed = Testbed::start().await;
    secrets::create(&testbed.client, "foreign", SECRETS, 1 << 10).await;
    let apps = Apps::new(APPS, bench.per_namespace);
    apps.create(&testbed.client).await;
    let mut watch = Watch::begin(&testbed.client).await;
    let mut operator = Operator::start(&bench.program, &testbed, &UNHINDERED).await;
    let first = watch.until(Instant::now(), apps, is_ready).await;
    assert_eq!(first.missing, 0, "all are Ready");
    drop(watch);
    operator.until_at_rest(APPS).await;

    let (began, used) = (Instant::now(), operator.processor_time());
    update(&testbed).await;
    let took = began.elapsed();
    let used = operator.processor_time().saturating_sub(used);
    let updates = f64::from(UPDATES_A_SECOND * SECONDS);
    let mut figures = Figures::default();
    figures.add(figures::UPDATES, updates / took.as_secs_f64());
    // Where the API server is too slow for a thousand a second, the same updates last longer.
    figures.add(figures::STORM, 100.0 * used.as_secs_f64() / f64::from(SECONDS));
    figures
}

/// Makes all updates, no faster than planned.
async fn update(testbed: &Testbed) {
    let mut pace = interval(Duration::from_secs(1) / UPDATES_A_SECOND);
    pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let paced = stream::unfold((pace, 0), async |(mut pace, nth)| {
        pace.tick().await;
        (nth < UPDATES_A_SECOND * SECONDS).then_some((nth, (pace, nth + 1)))
    });
    let secrets = Api::<Secret>::namespaced(testbed.client.clone(), "foreign");
    let updated = paced.map(async |nth| {
        let patch = json!({ "metadata": { "labels": { "update": nth.to_string() } } });
        let name = secrets::name(nth % SECRETS);
        secrets
            .patch(&name, &PatchParams::default(), &Patch::Merge(patch))
            .await
            .expect("an update");
    });
    updated.buffer_unordered(CONCURRENCY).collect::<()>().await;
}
