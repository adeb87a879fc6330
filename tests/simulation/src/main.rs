//! `simulate`: runs seeds, one to look at or as many as there is time for, and says what was found.

use std::{
    process::ExitCode,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use clap::Parser;
use simulation::{
    panics,
    plot::{Genre, Plot},
    run::{Ended, run},
    time::DAY,
};

/// Simulates the operator on virtual time.
#[derive(Parser)]
struct Args {
    /// Run this seed only.
    #[arg(long)]
    seed: Option<u64>,
    /// Print all that happened in that run.
    #[arg(long, requires = "seed")]
    trace: bool,
    /// Run fresh seeds for so long.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// The first of the fresh seeds.
    #[arg(long, default_value_t = 1)]
    from_seed: u64,
    /// How many at a time.
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Leave out the seeds that stand for years.
    #[arg(long)]
    short: bool,
    /// Go on after a failure.
    #[arg(long)]
    keep_going: bool,
}

/// What all runs came to.
#[derive(Default)]
struct Sum {
    runs: u64,
    days: u64,
    app_days: u64,
    calls: u64,
    ideal_calls: u64,
    injected: u64,
    crashes: u64,
    worst_dead: u64,
    worst_excess: u64,
    failed: Vec<u64>,
}

fn main() -> ExitCode {
    let args = Args::parse();
    panics::remember();
    if let Some(seed) = args.seed {
        let ended = run(seed, args.trace);
        if args.trace {
            print!("{}", ended.trace);
        }
        print!("{}", ended.verdict.summary());
        println!("seed {seed}: {:?}", ended.verdict);
        return if ended.verdict.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let sum = run_many(&args);
    println!(
        "{} runs, {:.1} simulated years ({:.1} years of apps), {} faults injected ({} crashes), {} calls (ideal {}), \
         longest dead token {} s, worst excess {} s",
        sum.runs,
        years(sum.days),
        years(sum.app_days),
        sum.injected,
        sum.crashes,
        sum.calls,
        sum.ideal_calls,
        sum.worst_dead / 1000,
        sum.worst_excess / 1000,
    );
    if sum.failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[allow(clippy::cast_precision_loss, reason = "for people")]
fn years(millis: u64) -> f64 {
    millis as f64 / (365 * DAY) as f64
}

fn run_many(args: &Args) -> Sum {
    let until = Instant::now() + Duration::from_secs(args.seconds);
    let (next, over, sum) = (AtomicU64::new(args.from_seed), AtomicBool::new(false), Mutex::new(Sum::default()));
    thread::scope(|scope| {
        for _ in 0..args.threads {
            scope.spawn(|| {
                while Instant::now() < until && !over.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if args.short && Plot::of(seed).genre == Genre::Years {
                        continue;
                    }
                    let ended = run(seed, false);
                    let good = ended.verdict.is_good();
                    if !good {
                        println!("seed {seed} fails:\n{}", ended.verdict.summary());
                        over.store(!args.keep_going, Ordering::Relaxed);
                    }
                    sum.lock().unwrap_or_else(PoisonError::into_inner).add(seed, &ended);
                }
            });
        }
    });
    sum.into_inner().unwrap_or_else(PoisonError::into_inner)
}

impl Sum {
    fn add(&mut self, seed: u64, ended: &Ended) {
        let verdict = &ended.verdict;
        self.runs += 1;
        self.days += ended.simulated;
        self.app_days += ended.simulated * ended.apps;
        self.calls += verdict.calls;
        self.ideal_calls += verdict.ideal_calls;
        self.injected += verdict.injected;
        self.crashes += verdict.crashes;
        self.worst_dead = self.worst_dead.max(verdict.worst_dead);
        self.worst_excess = self.worst_excess.max(verdict.worst_excess);
        if !verdict.is_good() {
            self.failed.push(seed);
        }
    }
}
