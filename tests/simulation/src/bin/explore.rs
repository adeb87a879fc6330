//! `explore`: plays every script of so many faults in every scenario, or one of them, and says what
//! was found.

use std::{fmt::Display, process::ExitCode, time::Instant};

use clap::Parser;
use simulation::{
    explore::{
        play::play,
        scenario::Scenario,
        script::Script,
        search::{Depth, Sum, explore},
    },
    known, panics,
};

/// Explores what two callers of one app can come to.
#[derive(Parser)]
struct Args {
    /// Only this scenario.
    #[arg(long)]
    scenario: Option<Scenario>,
    /// Only this script, as a failure prints it: `12:crash,19:late-110s`.
    #[arg(long, requires = "scenario")]
    script: Option<Script>,
    /// Print all that happens in that run.
    #[arg(long, requires = "script")]
    trace: bool,
    /// How many faults together, of any kind.
    #[arg(long, default_value_t = 1)]
    faults: usize,
    /// How many faults together, of the grave ones.
    #[arg(long, default_value_t = 2)]
    grave: usize,
    /// How many runs at a time.
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Play the scripts that once found something before any other.
    #[arg(long, conflicts_with = "scenario")]
    known: bool,
    /// End with the first scenario that fails.
    #[arg(long)]
    stop: bool,
    /// How many failures to print of each scenario.
    #[arg(long, default_value_t = 5)]
    failures: usize,
}

fn main() -> ExitCode {
    let args = Args::parse();
    panics::remember();
    if let (Some(scenario), Some(script)) = (args.scenario, &args.script) {
        let played = play(scenario, script, args.trace);
        print!("{}", played.trace);
        println!("{:#?}", played.ending);
        return if played.ending.faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let mut good = !args.known || play_known();
    let mut runs = 0;
    let began = now();
    for scenario in
        Scenario::all().filter(|scenario| args.scenario.is_none_or(|only| only == *scenario))
    {
        if args.stop && !good {
            break;
        }
        let since = now();
        let sums =
            explore(&[scenario], Depth { faults: args.faults, grave: args.grave }, args.threads);
        for (name, sum) in &sums {
            print(name, sum, since.elapsed().as_secs_f64(), args.failures);
            good &= sum.failed.is_empty();
            runs += sum.runs.iter().sum::<u64>();
        }
    }
    println!("{runs} runs in {:.1} s", began.elapsed().as_secs_f64());
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Whether all of them end well.
fn play_known() -> bool {
    let mut good = true;
    for known in &known::SCRIPTS {
        let (known::Known(_, scenario, script), faults) = (known, known.faults());
        if !faults.is_empty() {
            print_failed(scenario, script, &faults);
            good = false;
        }
    }
    good
}

#[allow(clippy::disallowed_methods, reason = "how long the exploration itself takes")]
fn now() -> Instant {
    Instant::now()
}

fn print(name: &str, sum: &Sum, seconds: f64, failures: usize) {
    println!(
        "{name}: {:?} runs, {} histories, {seconds:.1} s; at most, by faults, {:?} mints",
        sum.runs,
        sum.histories.len(),
        sum.mints
    );
    for (what, worst, unit) in [
        ("calls", &sum.calls, 1),
        ("writes", &sum.writes, 1),
        ("seconds of no live token", &sum.dead, 1000),
        ("seconds of Ready over that", &sum.lie, 1000),
        ("seconds until all is at rest", &sum.rest, 1000),
    ] {
        println!("    at most {} {what}: {}", worst.most / unit, worst.script);
    }
    if !sum.failed.is_empty() {
        println!("{} fail", sum.failed.len());
    }
    for failed in sum.failed.iter().take(failures) {
        print_failed(failed.scenario, &failed.script, &failed.faults);
    }
}

/// As the line of a command that plays it again.
fn print_failed(scenario: impl Display, script: impl Display, faults: &[String]) {
    println!("--scenario {scenario} --script {script}");
    for fault in faults {
        println!("    {fault}");
    }
}
