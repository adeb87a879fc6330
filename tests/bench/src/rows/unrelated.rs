//! Secrets that are none of the operator's business: what they add to its memory, at a start.

use tokio::time::Instant;

use super::{Bench, UNHINDERED};
use crate::{
    apps::Apps,
    figures::{self, Figures, mebibytes},
    operator::Operator,
    readiness::{Watch, is_ready},
    secrets,
    testbed::Testbed,
};

const APPS: u32 = 100;
const SMALL: usize = 4 << 10;
/// As much as a Secret holds, less what its key takes.
const LARGE: usize = (1 << 20) - 64;

/// For every app five small ones, and for every hundred three large ones.
pub async fn measure(bench: &Bench, scale: u32) -> Figures {
    let testbed = Testbed::start().await;
    let apps = Apps::new(APPS, bench.per_namespace);
    apps.create(&testbed.client).await;
    let mut watch = Watch::begin(&testbed.client).await;
    let operator = Operator::start(&bench.program, &testbed, &UNHINDERED).await;
    let first = watch.until(Instant::now(), apps, is_ready).await;
    assert_eq!(first.missing, 0, "all are Ready");
    operator.end().await;
    drop(watch);

    let without = memory_of_a_start(bench, &testbed).await;
    secrets::create(&testbed.client, "small", scale * 5, SMALL).await;
    secrets::create(&testbed.client, "large", scale * 3 / 100, LARGE).await;
    let with = memory_of_a_start(bench, &testbed).await;
    let mut figures = Figures::default();
    figures.add(figures::PEAK, with.peak);
    figures.add(figures::GROWTH_PEAK, with.peak - without.peak);
    figures.add(figures::STEADY, with.steady);
    figures.add(figures::GROWTH_STEADY, with.steady - without.steady);
    figures
}

/// In MiB.
struct Memory {
    peak: f64,
    steady: f64,
}

/// Of a process that finds all apps with their tokens.
async fn memory_of_a_start(bench: &Bench, testbed: &Testbed) -> Memory {
    let mut operator = Operator::start(&bench.program, testbed, &UNHINDERED).await;
    operator.until_at_rest(APPS).await;
    let memory = Memory {
        peak: mebibytes(operator.peak_memory_kib()),
        steady: mebibytes(operator.memory_kib()),
    };
    operator.end().await;
    memory
}
