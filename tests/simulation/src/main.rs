//! `simulate`: runs seeds, one to look at or as many as there is time for, and says what was found.

use std::{
    process::ExitCode,
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use clap::Parser;
use simulation::{
    panics,
    run::{Ended, run},
    run_plan::Focus,
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
    /// Run fresh seeds that stand for a year until so many years have passed.
    #[arg(long, default_value_t = 0)]
    years: u64,
    /// Go on after a failure.
    #[arg(long)]
    keep_going: bool,
}

/// What all runs came to.
#[derive(Default)]
struct Sum {
    runs: u64,
    days: u64,
    days_of_years: u64,
    app_days: u64,
    calls: u64,
    ideal_calls: u64,
    disturbances: u64,
    crashes: u64,
    calm: u64,
    longest_dead: u64,
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
        println!("seed {seed}: {:#?}", ended.verdict);
        return if ended.verdict.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let mut sum = Sum::default();
    let until = Instant::now() + Duration::from_secs(args.seconds);
    let fresh = || args.from_seed..;
    sum.run_while(&args, fresh().filter(|seed| !is_a_year(*seed)), |_| Instant::now() < until);
    sum.run_while(&args, fresh().filter(|seed| is_a_year(*seed)), |sum| {
        sum.days_of_years < args.years * 365 * DAY
    });
    println!(
        "{} runs, {:.1} simulated years ({:.1} years of apps, {:.1} of them calm), {} disturbances ({} crashes), {} calls (ideal {}), \
         longest dead token {} s",
        sum.runs,
        years(sum.days),
        years(sum.app_days),
        years(sum.calm),
        sum.disturbances,
        sum.crashes,
        sum.calls,
        sum.ideal_calls,
        sum.longest_dead / 1000,
    );
    if sum.failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[allow(clippy::cast_precision_loss, reason = "for people")]
fn years(millis: u64) -> f64 {
    millis as f64 / (365 * DAY) as f64
}

fn is_a_year(seed: u64) -> bool {
    Focus::of(seed) == Focus::Year
}

impl Sum {
    /// Runs these seeds, as many as there is a reason for, or up to the first that fails.
    fn run_while(
        &mut self,
        args: &Args,
        seeds: impl Iterator<Item = u64> + Send,
        go_on: impl Fn(&Self) -> bool + Sync,
    ) {
        let seeds = Mutex::new(seeds);
        let sum = Mutex::new(self);
        let next = || {
            let sum = lock(&sum);
            let over = !sum.failed.is_empty() && !args.keep_going;
            if !over && go_on(&sum) { lock(&seeds).next() } else { None }
        };
        thread::scope(|scope| {
            for _ in 0..args.threads {
                scope.spawn(|| {
                    while let Some(seed) = next() {
                        let ended = run(seed, false);
                        if !ended.verdict.is_good() {
                            println!("{ended}");
                        }
                        lock(&sum).add(seed, &ended);
                    }
                });
            }
        });
    }

    fn add(&mut self, seed: u64, ended: &Ended) {
        let verdict = &ended.verdict;
        self.runs += 1;
        self.days += ended.simulated;
        self.days_of_years += if is_a_year(seed) { ended.simulated } else { 0 };
        self.app_days += ended.simulated * ended.apps;
        self.calls += verdict.calls;
        self.ideal_calls += verdict.ideal_calls;
        self.disturbances += verdict.disturbances;
        self.crashes += ended.crashes;
        self.calm += verdict.calm;
        self.longest_dead = self.longest_dead.max(verdict.longest_dead);
        if !verdict.is_good() {
            self.failed.push(seed);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
