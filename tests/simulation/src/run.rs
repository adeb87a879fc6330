//! One seed from beginning to end: sets the stage, carries out its plan, has its log judged.

use std::{fmt, sync::Arc};

use judge::{Promise, Rules, Verdict};

use crate::{
    adversary::Adversary,
    dice::Dice,
    director::Director,
    endpoint::Endpoint,
    panics,
    run_plan::RunPlan,
    stage::Stage,
    time::{HOUR, MINUTE, Millis},
    trace::Trace,
    users::App,
};

/// How a run ended.
pub struct Ended {
    pub seed: u64,
    pub verdict: Verdict,
    pub crashes: u64,
    pub trace: Trace,
    pub simulated: Millis,
    pub apps: u64,
}

impl fmt::Display for Ended {
    /// What was broken, a line each.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seed {} fails:", self.seed)?;
        self.verdict.broken.iter().try_for_each(|broken| write!(f, "\n  {broken}"))
    }
}

/// Runs one seed on this thread, and writes down what happens if somebody will read it.
///
/// # Panics
/// If no runtime can be made.
#[must_use]
pub fn run(seed: u64, traced: bool) -> Ended {
    fastrand::seed(seed);
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.expect("a runtime without IO can always be made");
    runtime.block_on(play(seed, traced))
}

async fn play(seed: u64, traced: bool) -> Ended {
    let run_plan = RunPlan::of(seed);
    let (stage, deaths) = Stage::set(seed, run_plan.climate.clone(), traced, None);
    stage.trace.note("director", format_args!("seed {seed}: {run_plan:?}"));
    let mut apps = Vec::new();
    let kinds = Dice::from_seed(seed ^ 0x71c);
    for number in 0..run_plan.apps {
        let of_wechat = Endpoint::of_wechat(&stage.dice);
        let endpoint = if run_plan.adversary { of_wechat } else { of_wechat.or_made_up(&kinds) };
        let paired = stage.dice.chance(run_plan.second_objects);
        apps.push(App { paired, life: run_plan.life, ..App::new(number, endpoint, false) });
        if paired {
            apps.push(App { life: run_plan.life, ..App::new(number, endpoint, true) });
        }
    }
    let objects = apps.len() as u64;
    let has_one_leader = run_plan.has_one_leader();
    let adversary = run_plan.adversary.then(|| Adversary::new(&stage.dice, &apps, has_one_leader));
    let comes_later = |_: &mut App| run_plan.adversary && stage.dice.chance(0.8);
    let later: Vec<App> = apps.extract_if(.., comes_later).collect();
    for app in &apps {
        app.install(&stage);
    }
    let mut director = Director::new(Arc::clone(&stage), run_plan.clone(), deaths, apps);
    if let Some(adversary) = adversary {
        let at = |app| (stage.dice.between(10 * MINUTE, 3 * HOUR), app);
        let mut arsiblings: Vec<_> = later.into_iter().map(at).collect();
        arsiblings.sort_by_key(|(at, _)| *at);
        director = director.beset(arsiblings, adversary);
    }
    director.direct().await;
    let end = stage.time.now();
    let rules = Rules { operators: run_plan.operators(), ..Rules::default() };
    let mut verdict = stage.record().judge(&rules, end);
    for panic in panics::taken() {
        verdict.add(Promise::Soundness, end, format!("the operator panicked: {panic}"));
    }
    let crashes = stage.record().crashes();
    Ended { seed, verdict, crashes, trace: stage.trace.clone(), simulated: end, apps: objects }
}
