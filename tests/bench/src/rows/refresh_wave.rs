//! A wave: all tokens are due in one window, as after an outage of the operator.

use k8s_openapi::jiff::Timestamp;
use kube::{Api, api::ListParams};
use miniprogram_operator::api::MiniProgram;
use platform_simulator::model::AppSettings;
use tokio::time::{Duration, Instant, sleep};

use super::{Bench, UNHINDERED};
use crate::{
    apps::Apps,
    cost::Reading,
    figures::{self, Figures},
    operator::Operator,
    readiness::{Watch, is_ready, is_refreshed_since},
    testbed::Testbed,
};

pub async fn measure(bench: &Bench, count: u32) -> Figures {
    let apps = Apps::new(count, bench.per_namespace);
    // Longer than first tokens may take, twice: no token is due before all are there.
    let life = u64::from(120_000 + count * 100);
    let testbed = Testbed::with(AppSettings {
        life_ms: Some(life),
        overlap_ms: Some(life / 2),
        window_ms: Some(life * 11 / 16),
        ..AppSettings::default()
    })
    .await;
    apps.create(&testbed.client).await;
    let mut watch = Watch::begin(&testbed.client).await;
    let operator = Operator::start(&bench.program, &testbed, &UNHINDERED).await;
    let first = watch.until(Instant::now(), apps, is_ready).await;
    operator.end().await;

    let mut figures = Figures::default();
    figures.add(figures::NOT_READY, f64::from(first.missing));
    if first.missing > 0 {
        return figures;
    }
    sleep(until_all_are_due(&testbed).await).await;
    let mut watch = Watch::begin(&testbed.client).await;
    let before = Reading::take(&testbed, None).await;
    // To the second, as the status has it.
    let moment = Timestamp::from_second(Timestamp::now().as_second()).expect("a time");
    let began = Instant::now();
    let operator = Operator::start(&bench.program, &testbed, &UNHINDERED).await;
    let reached = watch.until(began, apps, is_refreshed_since(moment)).await;
    let cost = Reading::take(&testbed, Some(&operator)).await.since(&before);
    figures.add(figures::WAVE, reached.after.as_secs_f64());
    figures.add(figures::NOT_REFRESHED, f64::from(reached.missing));
    figures.append(cost.per_app(count));
    figures.add(figures::PEAK, figures::mebibytes(operator.peak_memory_kib()));
    figures
}

/// How long it is until the last of all tokens is due.
async fn until_all_are_due(testbed: &Testbed) -> Duration {
    let minis = Api::<MiniProgram>::all(testbed.client.clone());
    let minis = minis.list(&ListParams::default()).await.expect("a list");
    let due = minis.items.iter().filter_map(|mini| {
        let token = mini.status.as_ref()?.token.as_ref()?;
        token.next_refresh_time.as_ref().map(|time| time.0)
    });
    let last = due.max().expect("tokens that are refreshed");
    // Negative where it is past already.
    last.duration_since(Timestamp::now()).try_into().unwrap_or_default()
}
