//! Where log lines go, and which lines of libraries are dropped. Knows nothing of the lines'
//! contents.
//!
//! Lines go to stderr, as with Kubernetes' own components: stdout is for the output of commands
//! (`crd | kubectl apply`).

use std::{io, panic, str::FromStr, thread};

use tracing::{Subscriber, error, level_filters::LevelFilter};
use tracing_subscriber::{
    EnvFilter, Layer, Registry, filter::Targets, fmt::MakeWriter, layer::SubscriberExt,
};

/// Prefixes of the log targets whose debug and trace lines show requests and responses, secrets
/// included. `hyper` covers `hyper_util`, and `kube` all of kube's crates.
const SECRETS_BELOW_INFO: [&str; 6] = ["hyper", "reqwest", "kube", "tower", "h2", "rustls"];
/// The log target of kube's warning about a response that it cannot deserialize, which quotes all
/// of it: it may be a Secret. It also logs each failed request, for which `outage` has its own
/// lines.
const QUOTES_RESPONSES: &str = "kube_client::client";

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    #[default]
    Json,
    Text,
}

/// What to log: a level, or directives as in `info,miniprogram_operator=debug`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLevel(String);

#[derive(Debug, thiserror::Error)]
pub enum LogLevelError {
    #[error(
        "`{0}` is not a level: give off, error, warn, info, debug or trace, or directives such as `info,target=debug`"
    )]
    NotALevel(String),
    #[error("not a list of log directives: {0}; they look like `info,target=debug`")]
    NotDirectives(#[from] tracing_subscriber::filter::ParseError),
}

/// Logging is already set up.
#[derive(Debug, thiserror::Error)]
#[error("logging was set up twice in this process; call `telemetry::init` once, in main")]
pub struct AlreadySetUp;

impl FromStr for LogLevel {
    type Err = LogLevelError;

    fn from_str(text: &str) -> Result<Self, LogLevelError> {
        // A directive may be a target alone, so a misspelt level would be accepted as one and would
        // disable all lines.
        if text.is_empty()
            || !text.contains(['=', ',', '[']) && text.parse::<LevelFilter>().is_err()
        {
            return Err(LogLevelError::NotALevel(text.to_owned()));
        }
        EnvFilter::try_new(text)?;
        Ok(Self(text.to_owned()))
    }
}

/// Sends log lines of this process, and panics, to stderr from now on.
pub fn init(format: LogFormat, level: &LogLevel) -> Result<(), AlreadySetUp> {
    tracing::subscriber::set_global_default(subscriber(format, level, io::stderr))
        .map_err(|_| AlreadySetUp)?;
    panic::set_hook(Box::new(|panic| {
        // The message is not logged: it may quote the value that caused the panic, which may be a
        // secret.
        let location = panic.location().map(ToString::to_string);
        error!(
            location,
            thread = thread::current().name(),
            "panic; this is a bug: please report its location"
        );
    }));
    Ok(())
}

fn subscriber<W>(
    format: LogFormat,
    level: &LogLevel,
    writer: W,
) -> impl Subscriber + Send + Sync + use<W>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt::layer().with_writer(writer);
    let lines = match format {
        LogFormat::Json => {
            lines.json().flatten_event(true).with_current_span(true).with_span_list(false).boxed()
        }
        LogFormat::Text => lines.with_ansi(io::IsTerminal::is_terminal(&io::stderr())).boxed(),
    };
    // A line must pass both filters, so no directive enables what `floor` drops. `LogLevel` is
    // parsed before, so `EnvFilter::new` ignores nothing.
    Registry::default().with(lines).with(EnvFilter::new(&level.0)).with(floor())
}

fn floor() -> Targets {
    SECRETS_BELOW_INFO
        .into_iter()
        .fold(Targets::new().with_default(LevelFilter::TRACE), |floor, target| {
            floor.with_target(target, LevelFilter::INFO)
        })
        .with_target(QUOTES_RESPONSES, LevelFilter::OFF)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing::{debug, info, trace, warn};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(level: &str, emit: impl FnOnce()) -> String {
        let lines = Lines::default();
        let handle = lines.clone();
        let subscriber =
            subscriber(LogFormat::Json, &level.parse().unwrap(), move || handle.clone());
        tracing::subscriber::with_default(subscriber, emit);
        String::from_utf8(lines.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn no_level_lets_out_what_the_clients_trace() {
        for level in [
            "trace",
            "kube_client=trace",
            "kube_client::client=trace,hyper=debug",
            "info,[request]=trace",
        ] {
            let text = logged(level, || {
                let _span = tracing::info_span!("request").entered();
                trace!(target: "kube_client::client", "SECRET");
                warn!(target: "kube_client::client", "SECRET");
                error!(target: "kube_client::client::builder", "SECRET");
                debug!(target: "kube_client::client::body", "SECRET");
                trace!(target: "kube_runtime::watcher", "SECRET");
                trace!(target: "hyper::proto::h1", "SECRET");
                debug!(target: "hyper_util::client", "SECRET");
                debug!(target: "reqwest::connect", "SECRET");
                trace!(target: "tower::buffer", "SECRET");
                trace!(target: "h2::codec", "SECRET");
                debug!(target: "rustls::conn", "SECRET");
            });
            assert_eq!(text, "", "at {level}");
        }
        let text = logged("trace", || {
            info!(target: "kube_runtime::watcher", "known");
            trace!(target: "miniprogram_operator", "ours");
        });
        assert!(text.contains("known") && text.contains("ours"), "{text}");
        assert_eq!(logged("info", || debug!("too low")), "");
    }

    #[test]
    fn levels() {
        for (text, good) in [
            ("info", true),
            ("DEBUG", true),
            ("off", true),
            ("info,miniprogram_operator=debug", true),
            ("inof", false),
            ("", false),
            ("a=b=c", false),
        ] {
            assert_eq!(text.parse::<LogLevel>().is_ok(), good, "{text}");
        }
    }
}
