//! `chaos`: operators, API server and etcd as real processes, killed and stopped at random moments, and a judge of what pods and
//! the platform saw of it. This file knows the order of things only.
//!
//! | room | its one job |
//! |---|---|
//! | [`script`] | the plan of faults, from one seed |
//! | [`pace`] | how fast tokens rotate, and how long an operator may need |
//! | [`stage`], [`replica`] | who takes part |
//! | [`director`] | lets the plan happen |
//! | [`readers`] | the consumers: they present what the Secrets hold |
//! | [`record`], [`audit`] | what happened |
//! | [`judge`] | whether that was right |
//! | [`ledger`] | says so |

mod audit;
mod director;
mod judge;
mod ledger;
mod pace;
mod readers;
mod record;
mod replica;
mod script;
mod stage;

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use clap::Parser;
use judge::{Evidence, Seen};
use ledger::Ledger;
use pace::Pace;
use readers::Readers;
use stage::Stage;

/// Kills and stops the operator, kube-apiserver and etcd at random moments, and judges by what the platform saw.
#[derive(Parser)]
struct Args {
    /// For how long; below 240, lives and leases are shorter. The platform remembers no more than half an hour.
    #[arg(long, default_value_t = 600, value_parser = clap::value_parser!(u64).range(30..=1800))]
    seconds: u64,
    /// What the plan of faults is drawn from: the same seed plans the same faults, though not to the millisecond.
    #[arg(long, default_value_t = rand::random::<u32>().into())]
    seed: u64,
    /// The operator's executable.
    #[arg(long, default_value = "target/debug/miniprogram-operator")]
    operator: PathBuf,
    /// A new directory for data and logs, to be kept.
    #[arg(long)]
    dir: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    rustls::crypto::ring::default_provider().install_default().expect("nobody else installs one");
    let pace = Pace::of(args.seconds * 1000);
    let plan = script::plan(args.seed, &pace);
    println!("seed {}: {} faults planned within {} s", args.seed, plan.len(), args.seconds);
    let stage = Arc::new(Stage::set(&args.operator, &pace, args.dir).await);
    let readers = Readers::start(&stage);
    director::direct(&stage, plan).await;
    let recovered = stage.until_well(pace.recovery()).await;
    drop(readers);
    let ledger = judged(&stage, &pace, recovered);
    print!("{ledger}");
    if ledger.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn judged(stage: &Stage, pace: &Pace, recovered: u64) -> Ledger {
    let told = stage.record.with(|told| told.clone());
    let evidence = Evidence {
        pace,
        told: &told,
        apps: stage.apps.iter().map(|app| Seen::of(app, stage.simulator.calls(&app.id))).collect(),
        writes: audit::writes(stage),
        ports: stage.replicas.iter().map(|replica| replica.port).collect(),
        end: stage.simulator.now_ms(),
    };
    Ledger::of(&evidence, recovered)
}
