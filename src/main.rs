//! The program: parse, set up TLS and logs, run, exit.

use std::process::ExitCode;

use miniprogram_operator::{
    api::crd,
    run,
    shell::{
        args::{Cli, Command},
        cause, core_dumps, server, telemetry,
    },
};

// One thread asks an API server for more writes than it makes. A second one would cost locks and
// wakes, and hide a step that hangs from the probes.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let cli = Cli::read();
    core_dumps::disable();
    // One provider for kube and reqwest; with none or two installed, kube refuses to connect.
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        return failed("a TLS provider was installed before");
    }
    match cli.command {
        Command::Crd => match crd::yaml() {
            Ok(yaml) => {
                print!("{yaml}");
                ExitCode::SUCCESS
            }
            Err(error) => failed(error),
        },
        Command::Probe(probe) => server::probe(&probe.url, probe.timeout)
            .await
            .map_or_else(failed, |()| ExitCode::SUCCESS),
        Command::Run(args) => {
            if let Err(error) = telemetry::init(args.log_format, &args.log_level) {
                return failed(error);
            }
            match run::run(*args).await {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => {
                    tracing::error!(error = cause::text(&error), "the operator failed; exiting");
                    ExitCode::FAILURE
                }
            }
        }
    }
}

fn failed(why: impl std::fmt::Display) -> ExitCode {
    eprintln!("miniprogram-operator: {why}");
    ExitCode::FAILURE
}
