//! First tokens as the chart sets the operator up: with leader election, and the calls a second
//! and at a time of its values.

use tokio::time::Instant;

use super::Bench;
use crate::{
    apps::Apps,
    figures::{self, Figures},
    operator::Operator,
    readiness::{Watch, is_ready},
    testbed::Testbed,
};

/// `platformQPS` of the chart, which is the flag's default.
const CALLS_A_SECOND: u32 = 50;

pub async fn measure(bench: &Bench, count: u32) -> Figures {
    let apps = Apps::new(count, bench.per_namespace);
    let testbed = Testbed::start().await;
    apps.create(&testbed.client).await;
    let mut watch = Watch::begin(&testbed.client).await;
    let began = Instant::now();
    let operator = Operator::start(&bench.program, &testbed, &["--leader-elect"]).await;
    let reached = watch.until(began, apps, is_ready).await;
    let mut figures = Figures::default();
    let seconds = reached.after.as_secs_f64();
    figures.add(figures::SECONDS, seconds);
    figures.add(figures::NOT_READY, f64::from(reached.missing));
    figures.add(figures::QPS_RATIO, seconds * f64::from(CALLS_A_SECOND) / f64::from(count));
    figures.add(figures::CPU, operator.processor_time().as_secs_f64());
    figures.add(figures::PEAK, figures::mebibytes(operator.peak_memory_kib()));
    figures
}
