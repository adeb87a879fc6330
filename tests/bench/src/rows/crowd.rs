//! Tenants: as many objects of one app as of an app each, in as many namespaces, each with a
//! credential of its own. Who names one app many times must cost no more than who names many.

use tokio::time::Instant;

use super::{Bench, UNHINDERED};
use crate::{
    apps::Apps,
    cost::{Cost, Reading},
    figures::{self, Figures},
    operator::Operator,
    readiness::{Watch, is_ready},
    testbed::Testbed,
};

/// Of the objects of one app in a namespace, the oldest hundred are served.
const SERVED: u32 = 100;
/// What the figures of the two halves begin with.
pub const ONE_APP: &str = "one app";
pub const MANY_APPS: &str = "many apps";

pub async fn measure(bench: &Bench, objects: u32) -> Figures {
    let apps = Apps::new(objects, SERVED);
    let mut figures = Figures::default();
    let one = half(bench, apps.of_one_app(), ONE_APP, &mut figures).await;
    let many = half(bench, apps, MANY_APPS, &mut figures).await;
    let requests = |cost: &Cost| figures::float(cost.requests.all());
    figures.add(figures::CPU_RATIO, one.operator.as_secs_f64() / many.operator.as_secs_f64());
    figures.add(figures::REQUESTS_RATIO, requests(&one) / requests(&many));
    figures.add(figures::SECONDS_RATIO, one.took.as_secs_f64() / many.took.as_secs_f64());
    figures
}

/// First tokens of some objects.
async fn half(bench: &Bench, apps: Apps, part: &str, figures: &mut Figures) -> Cost {
    let testbed = Testbed::start().await;
    apps.create(&testbed.client).await;
    let mut watch = Watch::begin(&testbed.client).await;
    let before = Reading::take(&testbed, None).await;
    let began = Instant::now();
    let operator = Operator::start(&bench.program, &testbed, &UNHINDERED).await;
    let reached = watch.until(began, apps, is_ready).await;
    let cost = Reading::take(&testbed, Some(&operator)).await.since(&before);
    let mut measured = Figures::default();
    measured.add(figures::SECONDS, reached.after.as_secs_f64());
    measured.add(figures::NOT_READY, f64::from(reached.missing));
    measured.append(cost.per_app(apps.count));
    measured.add(figures::PEAK, figures::mebibytes(operator.peak_memory_kib()));
    figures.add_part(part, measured);
    cost
}
