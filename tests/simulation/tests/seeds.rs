//! Seeds that once showed something, and some that every build runs: the operator's code on virtual time.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    thread,
};

use simulation::{known, panics, run::run};

/// Runs seeds on two threads, since a seed is a thread's work.
#[track_caller]
fn all_good(seeds: &[u64]) {
    panics::remember();
    let next = AtomicU64::new(0);
    let failures: Vec<String> = thread::scope(|scope| {
        let work = || {
            let mut failures = Vec::new();
            while let Some(seed) = usize::try_from(next.fetch_add(1, Ordering::Relaxed)).ok().and_then(|at| seeds.get(at)) {
                let verdict = run(*seed, false).verdict;
                if !verdict.is_good() {
                    failures.push(format!(
                        "seed {seed}, see `cargo run -p simulation -- --seed {seed} --trace`:\n{}",
                        verdict.summary()
                    ));
                }
            }
            failures
        };
        let workers: Vec<_> = (0..2).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap_or_else(|_| vec!["a simulation panicked".to_owned()]))
            .collect()
    });
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn seeds_that_once_found_something_stay_good() {
    all_good(&known::SEEDS);
}

#[test]
fn every_genre_is_good() {
    all_good(&(1..=20).collect::<Vec<_>>());
}

#[test]
fn a_seed_replays_exactly() {
    assert_eq!(run(2007, true).trace.to_string(), run(2007, true).trace.to_string());
}
