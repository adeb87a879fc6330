//! Runs a process with a mutant in it, for so long at most. Knows no tests and no simulation.

use std::{
    io::Read,
    process::{Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

/// How a process ended.
pub enum Ended {
    /// All is as it should be.
    Well,
    /// It found something, or came to grief: what it printed.
    Badly(String),
    /// It did not end in time.
    Hung,
}

/// Runs a command with this mutant on, none if the name is empty.
pub fn run(command: &mut Command, mutant: &str, within: Duration) -> Result<Ended, String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let failed = |error: std::io::Error| format!("{program}: {error}");
    let command = command
        .env("MUTANT", mutant)
        .env("RUST_BACKTRACE", "0")
        .env("PROPTEST_DISABLE_FAILURE_PERSISTENCE", "1");
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().map_err(failed)?;
    let mut stdout = child.stdout.take().ok_or_else(|| format!("{program} has no output"))?;
    let (sender, printed) = mpsc::channel();
    let reader = thread::spawn(move || {
        let mut text = Vec::new();
        let _ = stdout.read_to_end(&mut text);
        // Nobody waits for it any more once the time is up.
        let _ = sender.send(String::from_utf8_lossy(&text).into_owned());
    });
    let printed = printed.recv_timeout(within);
    if printed.is_err() {
        child.kill().map_err(failed)?;
    }
    let status = child.wait().map_err(failed)?;
    let _ = reader.join();
    Ok(match printed {
        Err(_) => Ended::Hung,
        Ok(_) if status.success() => Ended::Well,
        Ok(printed) => Ended::Badly(printed),
    })
}
