//! `mutants`: breaks the operator on purpose, one rule at a time, and shows who notices: a unit
//! test, or else the simulation. One build holds all mutants, and the variable MUTANT says which of
//! them is on. This file knows the order of things only.
//!
//! | room | its one job |
//! |---|---|
//! | [`table`] | which rule each mutant breaks, and how |
//! | [`insert`] | puts mutants into a source text |
//! | [`copy`] | copies the tree, with the mutants in it |
//! | [`cargo`] | builds the copy |
//! | [`child`] | runs a process with a mutant, for so long at most |
//! | [`unit_tests`], [`simulation`] | look for a mutant |
//! | [`report`] | says what was found |

mod cargo;
mod child;
mod copy;
mod insert;
mod report;
mod simulation;
mod table;
mod unit_tests;

use std::{
    num::NonZero,
    process::ExitCode,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use clap::Parser;

use self::{
    copy::CopiedTree, report::Report, simulation::Simulation, table::Mutant, unit_tests::UnitTests,
};

/// Breaks the operator on purpose, one rule at a time: which test, script or seed notices?
#[derive(Parser)]
struct Args {
    /// Only the mutants that the table has a unit test for, each against that test.
    #[arg(long)]
    unit: bool,
    /// Only the mutants that the simulation is to notice, or those that are named: by a known
    /// script, or by seeds from the first one on.
    #[arg(long, conflicts_with = "unit")]
    simulation: bool,
    /// For what no test and no known script notices: seconds of seeds from the first one on, and as
    /// many of fresh ones.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// The first of the fresh seeds.
    #[arg(long, default_value_t = 1_000_000)]
    from_seed: u64,
    /// Only these mutants.
    names: Vec<String>,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("mutants: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether all mutants are noticed.
fn run(args: &Args) -> Result<bool, String> {
    let began = Instant::now();
    let mut mutants = chosen(args)?;
    let copy = CopiedTree::of_this_tree()?;
    let mut report = Report::default();
    if !args.simulation {
        mutants = by_unit_tests(args, &copy, &mutants, &mut report)?;
    }
    if args.unit {
        mutants.drain(..).for_each(|mutant| report.survives(mutant));
    }
    if !mutants.is_empty() {
        by_simulation(args, &copy, &mutants, &mut report)?;
    }
    println!("\n{}; {:.0} s in all", report.sum(), began.elapsed().as_secs_f64());
    Ok(report.is_good())
}

/// The mutants that no unit test notices.
fn by_unit_tests(
    args: &Args,
    copy: &CopiedTree,
    mutants: &[&'static Mutant],
    report: &mut Report,
) -> Result<Vec<&'static Mutant>, String> {
    let began = Instant::now();
    let tests = UnitTests::list(&copy.root, cargo::unit_tests(copy)?)?;
    println!("unit tests of {} mutants built in {} s", mutants.len(), began.elapsed().as_secs());
    tests.check(if args.unit { mutants } else { &[] })?;
    let kills = in_parallel(mutants, |mutant| tests.look_for(mutant, !args.unit));
    let mut left = Vec::new();
    for (mutant, kill) in mutants.iter().zip(kills) {
        match kill? {
            Some(kill) => report.killed(mutant, &kill),
            None => left.push(*mutant),
        }
    }
    Ok(left)
}

fn by_simulation(
    args: &Args,
    copy: &CopiedTree,
    mutants: &[&Mutant],
    report: &mut Report,
) -> Result<(), String> {
    let began = Instant::now();
    let seconds = Duration::from_secs(args.seconds);
    let fresh = (!args.simulation).then_some(args.from_seed);
    let simulation = Simulation::new(cargo::simulation(copy)?, seconds, fresh);
    println!("simulation of {} mutants built in {} s", mutants.len(), began.elapsed().as_secs());
    if let Some(kill) = simulation.look_for("")? {
        return Err(format!("without any mutant, the simulation finds fault: {kill}"));
    }
    for mutant in mutants {
        match simulation.look_for(mutant.name)? {
            Some(kill) => report.killed(mutant, &kill),
            None => report.survives(mutant),
        }
    }
    Ok(())
}

/// The mutants that were asked for.
fn chosen(args: &Args) -> Result<Vec<&'static Mutant>, String> {
    if let Some(unknown) =
        args.names.iter().find(|name| !table::all().any(|(_, mutant)| mutant.name == **name))
    {
        return Err(format!("no mutant is named {unknown}"));
    }
    let named = |mutant: &Mutant| {
        args.names.is_empty() || args.names.iter().any(|name| name == mutant.name)
    };
    let wanted = |mutant: &Mutant| match (args.unit, args.simulation) {
        (true, _) => mutant.test().is_some(),
        (_, true) => mutant.is_simulated() || !args.names.is_empty(),
        _ => true,
    };
    Ok(table::all()
        .map(|(_, mutant)| mutant)
        .filter(|mutant| named(mutant) && wanted(mutant))
        .collect())
}

/// What `work` makes of each, in their order, as many at a time as there are processors.
fn in_parallel<T: Sync, R: Send>(all: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let take = || {
        let at = next.fetch_add(1, Ordering::Relaxed);
        Some((at, all.get(at)?))
    };
    let done = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, NonZero::get) {
            scope.spawn(|| {
                while let Some((at, one)) = take() {
                    let result = work(one);
                    done.lock().unwrap_or_else(PoisonError::into_inner).push((at, result));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}
