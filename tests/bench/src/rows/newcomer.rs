//! Fairness: one new app among many failing ones, and behind many new ones, of other namespaces.

use platform_simulator::model::Fault;
use tokio::time::Instant;

use super::{Bench, UNHINDERED};
use crate::{
    apps::Apps,
    cost::Reading,
    figures::{self, Figures},
    operator::Operator,
    readiness::{Watch, has_failed, is_ready},
    testbed::Testbed,
};

/// What the figures of the two halves begin with.
pub const AMONG_FAILING: &str = "among failing apps";
pub const BEHIND_NEW: &str = "behind new apps";
/// What WeChat says when it is too busy: tried again by the back-off.
const BUSY: Fault = Fault::Code { code: -1, msg: None };

pub async fn measure(bench: &Bench, apps: u32) -> Figures {
    let others = Apps::new(apps * 9 / 10, bench.per_namespace);
    let mut figures = Figures::default();
    figures.add_part(AMONG_FAILING, among_failing(bench, others).await);
    figures.add_part(BEHIND_NEW, behind_new(bench, others).await);
    figures
}

async fn among_failing(bench: &Bench, others: Apps) -> Figures {
    let testbed = Testbed::start().await;
    for id in others.ids() {
        testbed.simulator.fault(&id, BUSY);
    }
    others.create(&testbed.client).await;
    let mut watch = Watch::begin(&testbed.client).await;
    let before = Reading::take(&testbed, None).await;
    let operator = Operator::start(&bench.program, &testbed, &UNHINDERED).await;
    let failed = watch.until(Instant::now(), others, has_failed).await;
    let mut figures = newcomer(&testbed, &mut watch).await;
    figures.add(figures::NOT_ASKED, f64::from(failed.missing));
    // Of those that fail: more writes than calls are writes of what nobody has asked.
    let cost = Reading::take(&testbed, Some(&operator)).await.since(&before);
    figures.add(figures::WRITES_PER_CALL, cost.writes_per_call());
    figures.append(cost.per_app(others.count));
    figures
}

async fn behind_new(bench: &Bench, others: Apps) -> Figures {
    let testbed = Testbed::start().await;
    others.create(&testbed.client).await;
    let mut watch = Watch::begin(&testbed.client).await;
    let _operator = Operator::start(&bench.program, &testbed, &UNHINDERED).await;
    // It is at work once the first is Ready.
    watch.until_some(Instant::now(), others, 1, is_ready).await;
    newcomer(&testbed, &mut watch).await
}

/// A new app of another namespace, until it is Ready.
async fn newcomer(testbed: &Testbed, watch: &mut Watch) -> Figures {
    let began = Instant::now();
    let new = Apps::new(1, 1).in_namespaces("new");
    new.create(&testbed.client).await;
    let reached = watch.until(began, new, is_ready).await;
    let mut figures = Figures::default();
    figures.add(figures::SECONDS_TO_READY, reached.after.as_secs_f64());
    figures.add(figures::NOT_READY, f64::from(reached.missing));
    figures
}
