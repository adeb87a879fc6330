//! The simulator as a program: flags in, a server until it is told to stop. Knows no rule.

use std::io::Write;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use platform_simulator::model::{AppSettings, SecretRule};
use platform_simulator::{CONTROL_API, Millis, Settings, Simulator};
use tokio::signal::unix::{SignalKind, signal};

/// A stand-in for the token endpoints of mini program platforms: WeChat's rules, error codes and
/// bad days.
#[derive(Debug, Parser)]
#[command(version, after_help = CONTROL_API)]
struct Args {
    #[arg(long, default_value = "127.0.0.1:8088")]
    listen: SocketAddr,
    /// Life of a new token; the other times are scaled with it.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "7200")]
    token_life_seconds: Millis,
    /// How long a replaced token lives on, at most [default: life / 24].
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    overlap_seconds: Option<Millis>,
    /// How long before a stable token's end a call gets a new one [default: the overlap].
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    window_seconds: Option<Millis>,
    /// How far apart forced refreshes must be [default: life / 240].
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    force_gap_seconds: Option<Millis>,
    /// Forced refreshes a day [default: 20].
    #[arg(long, value_name = "CALLS")]
    force_per_day: Option<u32>,
    /// Calls of the legacy endpoint a day [default: 2000].
    #[arg(long, value_name = "CALLS")]
    legacy_per_day: Option<u32>,
    /// Calls of the stable endpoint a minute [default: 10000].
    #[arg(long, value_name = "CALLS")]
    stable_per_minute: Option<u32>,
    /// Calls of the stable endpoint a day [default: 500000].
    #[arg(long, value_name = "CALLS")]
    stable_per_day: Option<u32>,
    /// An app that is there from the start; without a secret, any is right. Repeatable.
    #[arg(long = "app", value_name = "APPID[=SECRET]", value_parser = app)]
    apps: Vec<(String, AppSettings)>,
    /// Takes in every app id that asks, with the secret `secret-of-APPID`, or with any.
    #[arg(long, value_enum, value_name = "RULE", num_args = 0..=1, require_equals = true, default_missing_value = "secret-of")]
    accept_any_app: Option<AcceptAny>,
    /// Length of a day, in which quotas are counted.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "86400")]
    day_seconds: Millis,
    /// When the first day ends [default: at midnight, UTC+8].
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    day_turns_in_seconds: Option<Millis>,
    #[arg(long, value_name = "CHARACTERS", default_value_t = Settings::default().token_length)]
    token_length: usize,
    /// The same seed gives the same tokens [default: another one at each start].
    #[arg(long)]
    seed: Option<u64>,
    /// No line per call.
    #[arg(long)]
    quiet: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum AcceptAny {
    SecretOf,
    Any,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("platform-simulator: {e}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Args) -> std::io::Result<()> {
    // As the first process of a container it would otherwise not hear SIGTERM at all.
    let (mut terminate, mut interrupt) =
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let simulator = Simulator::start(args.settings()).await?;
    writeln!(std::io::stdout(), "platform simulator on {}", simulator.url())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

impl Args {
    fn settings(self) -> Settings {
        Settings {
            listen: self.listen,
            defaults: AppSettings {
                life_ms: Some(self.token_life_seconds),
                overlap_ms: self.overlap_seconds,
                window_ms: self.window_seconds,
                force_gap_ms: self.force_gap_seconds,
                force_per_day: self.force_per_day,
                legacy_per_day: self.legacy_per_day,
                stable_per_minute: self.stable_per_minute,
                stable_per_day: self.stable_per_day,
                ..AppSettings::default()
            },
            apps: self.apps,
            accept_any_app: self.accept_any_app.map(|rule| match rule {
                AcceptAny::SecretOf => SecretRule::SecretOf,
                AcceptAny::Any => SecretRule::Any,
            }),
            day_ms: self.day_seconds,
            day_turns_in_ms: self.day_turns_in_seconds,
            seed: self.seed,
            token_length: self.token_length,
            print_calls: !self.quiet,
        }
    }
}

fn seconds(text: &str) -> Result<Millis, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    let length = Duration::try_from_secs_f64(seconds).map_err(|e| e.to_string())?;
    Millis::try_from(length.as_millis()).map_err(|e| e.to_string())
}

fn app(text: &str) -> Result<(String, AppSettings), String> {
    let (app_id, secret) =
        text.split_once('=').map_or((text, None), |(id, secret)| (id, Some(secret)));
    if app_id.is_empty() {
        return Err("no app id".to_owned());
    }
    Ok((
        app_id.to_owned(),
        AppSettings { secret: secret.map(str::to_owned), ..AppSettings::default() },
    ))
}
