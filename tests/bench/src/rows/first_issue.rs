//! First tokens: from the operator's start until all objects are Ready, beside the bare limit. Then
//! what it uses at rest, and what a restart costs.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{Bench, UNHINDERED};
use crate::{
    apps::Apps,
    cost::Reading,
    figures::{self, Figures, mebibytes},
    limit::{self, Sample},
    operator::Operator,
    readiness::{Watch, is_ready},
    testbed::{PLATFORM_LATENCY, Testbed},
};

/// What figures of the limit and of a restart begin with.
pub const LIMIT: &str = "limit";
pub const RESTART: &str = "restart";
/// How long the operator is watched at rest.
const REST: Duration = Duration::from_secs(20);

pub async fn measure(bench: &Bench, apps: Apps) -> Figures {
    let (mut figures, sample) = operator(bench, apps).await;
    if let Some(sample) = sample {
        let limit = limit(apps, &sample).await;
        let seconds = |figures: &Figures| figures.get(figures::SECONDS).expect("it was measured");
        figures.add(figures::RATIO, seconds(&figures) / seconds(&limit));
        let cpu = |figures: &Figures| figures.get(figures::API_SERVER_PER_APP).expect("as well");
        figures.add(figures::API_SERVER_RATIO, cpu(&figures) / cpu(&limit));
        figures.add_part(LIMIT, limit);
    }
    figures
}

/// The operator's part, and what it has written.
async fn operator(bench: &Bench, apps: Apps) -> (Figures, Option<Sample>) {
    let testbed = Testbed::start().await;
    let objects = apps.create(&testbed.client).await;
    let mut watch = Watch::begin(&testbed.client).await;
    let before = Reading::take(&testbed, None).await;
    let began = Instant::now();
    let mut operator = Operator::start(&bench.program, &testbed, &UNHINDERED).await;
    let reached = watch.until(began, apps, is_ready).await;
    let cost = Reading::take(&testbed, Some(&operator)).await.since(&before);
    drop(watch);

    let mut figures = Figures::default();
    figures.add(figures::SECONDS, reached.after.as_secs_f64());
    figures.add(figures::MS_PER_APP, reached.after.as_secs_f64() * 1000.0 / f64::from(apps.count));
    figures.add(figures::NOT_READY, f64::from(reached.missing));
    figures.append(cost.per_app(apps.count));
    figures.add(figures::PEAK, mebibytes(operator.peak_memory_kib()));
    if reached.missing > 0 {
        return (figures, None);
    }
    let sample = Sample::take(&testbed.client, &objects[0]).await;
    operator.until_at_rest(apps.count).await;
    figures.append(at_rest(&operator).await);
    operator.end().await;
    figures.add_part(RESTART, restart(bench, &testbed, apps).await);
    (figures, Some(sample))
}

/// The most memory while nothing is due, and the processor time of doing nothing.
async fn at_rest(operator: &Operator) -> Figures {
    let (began, used) = (Instant::now(), operator.processor_time());
    let (mut most, mut own) = (0, 0);
    while began.elapsed() < REST {
        most = most.max(operator.memory_kib());
        own = own.max(operator.own_memory_kib());
        sleep(Duration::from_secs(1)).await;
    }
    let used = operator.processor_time().saturating_sub(used);
    let mut figures = Figures::default();
    figures.add(figures::STEADY, mebibytes(most));
    figures.add(figures::STEADY_OWN, mebibytes(own));
    figures.add(figures::IDLE, 100.0 * used.as_secs_f64() / began.elapsed().as_secs_f64());
    figures
}

/// Another process finds all done.
async fn restart(bench: &Bench, testbed: &Testbed, apps: Apps) -> Figures {
    let before = Reading::take(testbed, None).await;
    let mut operator = Operator::start(&bench.program, testbed, &UNHINDERED).await;
    operator.until_at_rest(apps.count).await;
    let cost = Reading::take(testbed, Some(&operator)).await.since(&before);
    let mut figures = cost.per_app(apps.count);
    figures.add(figures::LISTS, figures::float(cost.requests.lists_of_all()));
    figures.add(figures::PEAK, mebibytes(operator.peak_memory_kib()));
    figures
}

/// What a plain client takes, with the platform's latency counted once.
async fn limit(apps: Apps, sample: &Sample) -> Figures {
    let testbed = Testbed::start().await;
    let objects = apps.create(&testbed.client).await;
    let mut watch = Watch::begin(&testbed.client).await;
    let before = Reading::take(&testbed, None).await;
    let began = Instant::now();
    let written = limit::write(&testbed.client, objects, sample);
    let (reached, ()) = tokio::join!(watch.until(began, apps, is_ready), written);
    assert_eq!(reached.missing, 0, "a plain client has written all");
    let cost = Reading::take(&testbed, None).await.since(&before);
    let mut figures = Figures::default();
    let seconds = (reached.after + PLATFORM_LATENCY).as_secs_f64();
    figures.add(figures::SECONDS, seconds);
    figures.add(figures::MS_PER_APP, seconds * 1000.0 / f64::from(apps.count));
    figures.append(cost.of_api_server(apps.count));
    figures
}
