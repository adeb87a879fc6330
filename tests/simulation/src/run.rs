//! One seed from beginning to end: sets the stage, lets the plot happen, has the ledger judged.

use std::sync::Arc;

use crate::{
    director::Director,
    oracle::{Bounds, Oracle, Verdict, judge},
    panics,
    plot::Plot,
    stage::Stage,
    time::{Millis, SECOND},
    trace::Trace,
    users::App,
};

/// How a run ended.
pub struct Ended {
    pub verdict: Verdict,
    pub trace: Trace,
    pub simulated: Millis,
    pub apps: u64,
}

/// Runs one seed on this thread, and writes down what happens if somebody will read it.
///
/// # Panics
/// If no runtime can be made.
#[must_use]
pub fn run(seed: u64, traced: bool) -> Ended {
    fastrand::seed(seed);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.expect("a runtime without IO can always be made");
    runtime.block_on(play(seed, traced))
}

async fn play(seed: u64, traced: bool) -> Ended {
    let plot = Plot::of(seed);
    let (stage, deaths) = Stage::set(seed, plot.climate.clone(), traced, None);
    stage.trace.note("director", format_args!("seed {seed}: {plot:?}"));
    let mut apps = Vec::new();
    for number in 0..plot.apps {
        let mode = if stage.dice.chance(0.5) { "Stable" } else { "Legacy" };
        let paired = stage.dice.chance(plot.second_objects);
        apps.push(App { paired, life: plot.life, ..App::new(number, mode, false) });
        if paired {
            apps.push(App { life: plot.life, ..App::new(number, mode, true) });
        }
    }
    let objects = apps.len() as u64;
    for app in &apps {
        app.install(&stage);
    }
    Director::new(Arc::clone(&stage), plot.clone(), deaths, apps).direct().await;
    let end = stage.time.now();
    let skew = if plot.clock_every > 0 { 60 * SECOND } else { 0 };
    let bounds = Bounds { settled_from: plot.settled_from(), end, skew, operators: plot.operators() };
    let mut verdict = judge(&stage.ledger(), &bounds);
    for panic in panics::taken() {
        verdict.say(Oracle::Soundness, format!("the operator panicked: {panic}"));
    }
    Ended { verdict, trace: stage.trace.clone(), simulated: end, apps: objects }
}
