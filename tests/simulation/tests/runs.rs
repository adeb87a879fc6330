//! A fixed set of runs that every build repeats: the operator's code on virtual time.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    thread,
};

use simulation::{
    panics,
    run::{Ended, run},
    run_plan::Focus,
};

/// The runs of these seeds, but for those that stand for a year: each focus occurs several times,
/// within a minute or so.
const SEEDS: std::ops::RangeInclusive<u64> = 1..=48;

/// On two threads, since a run is a thread's work.
#[test]
fn the_promises_are_kept() {
    panics::remember();
    let next = AtomicU64::new(*SEEDS.start());
    let runs: Vec<Ended> = thread::scope(|scope| {
        let work = || {
            let seeds = std::iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed))
                .take_while(|seed| SEEDS.contains(seed));
            seeds
                .filter(|seed| Focus::of(*seed) != Focus::Year)
                .map(|seed| run(seed, false))
                .collect::<Vec<_>>()
        };
        let workers = [scope.spawn(work), scope.spawn(work)];
        workers
            .into_iter()
            .flat_map(|worker| worker.join().expect("no run panics by itself"))
            .collect()
    });
    let broken: Vec<_> =
        runs.iter().filter(|run| !run.verdict.is_good()).map(ToString::to_string).collect();
    assert!(broken.is_empty(), "replay with `--seed … --trace`:\n{}", broken.join("\n"));
    let calm: u64 = runs.iter().map(|run| run.verdict.calm).sum();
    let simulated: u64 = runs.iter().map(|run| run.simulated * run.apps).sum();
    assert!(
        calm * 5 > simulated,
        "liveness is judged in calm, and there was little: {calm} of {simulated} ms"
    );
}

#[test]
fn a_run_replays_exactly() {
    assert_eq!(run(2007, true).trace.to_string(), run(2007, true).trace.to_string());
}
