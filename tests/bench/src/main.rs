//! `bench`: measures what the operator costs beside the limit of the API server, and fails where a
//! budget is missed. This file knows the order of things only.
//!
//! | file | its one job |
//! |---|---|
//! | [`rows`] | what is measured: one file for each row |
//! | [`testbed`] | the control plane, the platform and the operator's account of one measurement |
//! | [`operator`] | the operator's process, and when it is at rest |
//! | [`apps`], [`secrets`] | the objects that a row needs |
//! | [`readiness`] | one watch that says when objects are in a state |
//! | [`limit`] | a plain client that makes the same writes and nothing else |
//! | [`requests`], [`cost`] | what was asked and used between two moments |
//! | [`figures`] | what a row has measured, and its names |
//! | [`budgets`] | what a figure may come to |
//! | [`table`], [`json`], [`chart`] | how all of it is shown |

mod apps;
mod budgets;
mod chart;
mod cost;
mod figures;
mod json;
mod limit;
mod operator;
mod readiness;
mod requests;
mod rows;
mod secrets;
mod table;
mod testbed;

use std::{fs, path::Path, path::PathBuf, process::ExitCode};

use clap::{Parser, ValueEnum};
use operator::Program;
use rows::{Bench, Row};

/// Where `make image` builds the operator for this machine.
const OF_IMAGE: &str = "target/x86_64-unknown-linux-musl/release/miniprogram-operator";

/// Measures what the operator costs beside the limit of the API server.
#[derive(Parser)]
struct Args {
    /// The operator's executable, as it ships.
    #[arg(long, default_value = OF_IMAGE)]
    operator: PathBuf,
    /// Numbers of apps. Rows that are measured once use the largest.
    #[arg(long, value_delimiter = ',', default_values_t = [1000, 5000, 10_000],
        value_parser = clap::value_parser!(u32).range(100..=100_000))]
    apps: Vec<u32>,
    /// Rows to measure.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Row::value_variants().to_vec())]
    rows: Vec<Row>,
    /// How many apps share a namespace.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    per_namespace: u32,
    /// Where the figures go.
    #[arg(long, default_value = "target/bench/bench.json")]
    json: PathBuf,
    /// Where the chart of cost against number of apps goes; needs the row first-issue.
    #[arg(long)]
    chart: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let mut args = Args::parse();
    rustls::crypto::ring::default_provider().install_default().expect("nobody else installs one");
    args.apps.sort_unstable();
    let program = Program::at(&args.operator);
    println!("operator: {program}");
    println!("etcd and kube-apiserver share {} processors with it", cores());
    let bench = Bench { program, per_namespace: args.per_namespace };
    let measured = rows::measure(&bench, &args.rows, &args.apps).await;
    let verdicts = budgets::judge(&measured);
    print!("\n{}", table::table(&measured, &verdicts));
    write(&args.json, &json::report(&bench.program, &measured, &verdicts));
    if let Some(path) = &args.chart {
        write(path, &chart::chart(&measured));
    }
    let missed: Vec<_> = verdicts.iter().filter(|verdict| !verdict.is_held()).collect();
    for verdict in &missed {
        println!("{verdict}");
    }
    if missed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, Into::into)
}

fn write(path: &Path, text: &str) {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).expect("a folder");
    }
    fs::write(path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}
