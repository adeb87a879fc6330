//! `chaos`: operators, API server and etcd as real processes, killed and stopped at random moments,
//! and judged by what pods, the API server and the platform saw of it. This file knows the order of
//! things only.
//!
//! | room | its one job |
//! |---|---|
//! | [`script`] | the plan of faults, from one seed |
//! | [`pace`] | how fast tokens rotate, and how long an operator may need |
//! | [`stage`], [`replica`] | who takes part |
//! | [`director`] | lets the plan happen |
//! | [`readers`] | the consumers: they present what the Secrets hold |
//! | [`record`] | what was done to whom |
//! | [`evidence`] | the log of what happened, for the judge |
//! | [`losses`] | tokens that were made and never stored |
//! | [`ledger`] | what it came to, for people |

mod director;
mod evidence;
mod ledger;
mod losses;
mod pace;
mod readers;
mod record;
mod replica;
mod script;
mod stage;

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use clap::Parser;
use ledger::Ledger;
use pace::Pace;
use readers::Readers;
use script::{Aim, Blow};
use stage::Stage;

/// Kills and stops the operator, kube-apiserver and etcd at random moments, and judges by what the
/// platform saw.
#[derive(Parser)]
struct Args {
    /// For how long, bouts and peace; below 240, all is shorter. The platform remembers no more
    /// than half an hour.
    #[arg(long, default_value_t = 600, value_parser = clap::value_parser!(u64).range(60..=1800))]
    seconds: u64,
    /// What the plan of faults is drawn from: the same seed plans the same faults, though not to
    /// the millisecond.
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
    let faults: usize = plan.iter().map(Vec::len).sum();
    println!("seed {}: {faults} faults planned in {} bouts", args.seed, plan.len());
    let ends = |planned: &&script::Planned| {
        !matches!(
            (planned.aim, planned.blow),
            (Aim::ApiServer | Aim::Etcd, _) | (_, Blow::Stop { .. })
        )
    };
    let processes = 1 + plan.iter().flatten().filter(ends).count();
    let stage = Arc::new(Stage::set(&args.operator, &pace, processes, args.dir).await);
    let readers = Readers::start(&stage);
    director::direct(&stage, &pace, plan).await;
    drop(readers);
    let ledger = Ledger::of(&stage, &pace);
    print!("{ledger}");
    if ledger.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
