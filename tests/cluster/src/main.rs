//! The command line of the local control plane; it must not know how a cluster is made.

use std::error::Error;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::{env, iter};

use clap::{Parser, Subcommand};
use local_cluster::{Binaries, Cluster, Options};
use rustix::process::{Pid, kill_process};
use tokio::process::{Child, Command};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// A Kubernetes control plane on this machine: etcd, API server and controller manager as plain
/// processes. No containers and no node, so Pods are never run.
#[derive(Parser)]
#[command(name = "local-cluster", version)]
struct Arguments {
    #[command(subcommand)]
    command: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Print the directory with the binaries, building them when they are missing.
    Binaries,
    /// Print the directory with kubelet, kube-proxy and kube-scheduler, building them when they are
    /// missing.
    NodeBinaries,
    /// Run a cluster until Ctrl-C, or for as long as a command runs.
    Run {
        /// Keep data, certificates and logs in this new or empty directory.
        #[arg(long, value_name = "DIRECTORY")]
        dir: Option<PathBuf>,
        /// Start only etcd and the API server.
        #[arg(long)]
        without_controller_manager: bool,
        /// Write an audit log to logs/audit.log.
        #[arg(long)]
        audit: bool,
        /// A command to run with KUBECONFIG set and kubectl on PATH; its exit code becomes ours.
        #[arg(last = true)]
        command: Vec<OsString>,
    },
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Arguments::parse().command).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            let mut cause = error.source();
            while let Some(error) = cause {
                eprintln!("caused by: {error}");
                cause = error.source();
            }
            ExitCode::FAILURE
        }
    }
}

async fn run(action: Action) -> Result<ExitCode, Box<dyn Error>> {
    match action {
        Action::Binaries => {
            println!("{}", Binaries::locate_or_build()?.directory().display());
            Ok(ExitCode::SUCCESS)
        }
        Action::NodeBinaries => {
            println!("{}", Binaries::node_directory()?.display());
            Ok(ExitCode::SUCCESS)
        }
        Action::Run { dir, without_controller_manager, audit, command } => {
            let options = Options {
                controller_manager: !without_controller_manager,
                audit,
                directory: dir,
                ..Options::default()
            };
            // Before signals are caught, so that Ctrl-C still ends a long build at once.
            Binaries::locate_or_build()?;
            // A signal during the start must not skip the clean-up.
            let mut stop = Stop::listen()?;
            let cluster = tokio::select! {
                cluster = Cluster::start(options) => cluster?,
                code = stop.requested() => return Ok(code),
            };
            if let Some((program, arguments)) = command.split_first() {
                return attend(&cluster, program, arguments, &mut stop).await;
            }
            announce(&cluster);
            stop.requested().await;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn announce(cluster: &Cluster) {
    for (name, value) in cluster.kubectl_environment() {
        println!("export {name}='{}'", value.display());
    }
    println!("export PATH='{}':\"$PATH\"", cluster.binaries().directory().display());
    eprintln!("local-cluster: running; press Ctrl-C to end it");
}

/// Runs the command to its end. Ctrl-C reaches it without us; a request to us alone ends it too.
async fn attend(
    cluster: &Cluster,
    program: &OsString,
    arguments: &[OsString],
    stop: &mut Stop,
) -> Result<ExitCode, Box<dyn Error>> {
    let before = env::var_os("PATH").unwrap_or_default();
    let directories = iter::once(cluster.binaries().directory().to_owned());
    let path = env::join_paths(directories.chain(env::split_paths(&before)))?;
    let mut child = Command::new(program)
        .args(arguments)
        .envs(cluster.kubectl_environment())
        .env("PATH", path)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| format!("could not run {}: {error}", program.display()))?;
    loop {
        tokio::select! {
            status = child.wait() => {
                let code = status?.code().and_then(|code| u8::try_from(code).ok());
                return Ok(code.map_or(ExitCode::FAILURE, ExitCode::from));
            }
            _ = stop.interrupt.recv() => {}
            _ = stop.terminate.recv() => terminate(&child)?,
        }
    }
}

/// One that has ended meanwhile has no id any more, and needs no signal.
fn terminate(child: &Child) -> std::io::Result<()> {
    let id = child.id().and_then(|id| i32::try_from(id).ok());
    match id.and_then(Pid::from_raw) {
        Some(pid) => Ok(kill_process(pid, rustix::process::Signal::TERM)?),
        None => Ok(()),
    }
}

struct Stop {
    interrupt: Signal,
    terminate: Signal,
}

impl Stop {
    fn listen() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// The exit code a shell gives to what such a signal ended.
    async fn requested(&mut self) -> ExitCode {
        tokio::select! {
            _ = self.interrupt.recv() => ExitCode::from(130),
            _ = self.terminate.recv() => ExitCode::from(143),
        }
    }
}
