//! Ends every process of a cluster and removes its directory when we are gone, `kill -9` included;
//! it must not know what the processes are.
//!
//! All of them join one process group, and joining happens before they execute. So there is no
//! moment at which a process exists that the watchdog would miss, and no list of process ids that
//! could go stale and hit a stranger.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::Error;

pub(crate) struct Watchdog {
    /// Leads the process group of the cluster, so that the group exists from the start. It only
    /// waits for the end of its input.
    anchor: Child,
    /// Runs `watchdog.sh`, in a group of its own so that it outlives the one it kills.
    reaper: Child,
}

/// What becomes of the cluster's directory in the end.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Directory {
    /// The watchdog creates it and removes it.
    Temporary,
    /// The user named it and may want to read the logs in it.
    Kept,
}

impl Watchdog {
    /// From here on, `directory` exists and is looked after.
    pub(crate) fn start(directory: &Path, fate: Directory) -> Result<Self, Error> {
        let fate = if fate == Directory::Temporary { "remove" } else { "keep" };
        let failed = |error| Error::io("set up the watchdog of", directory)(error);

        let mut reaper = Command::new("sh")
            .args(["-c", include_str!("watchdog.sh"), "local-cluster-watchdog"])
            .args([directory.as_os_str(), fate.as_ref()])
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(failed)?;
        await_ready(&mut reaper).map_err(failed)?;

        let anchor = Command::new("sh")
            .args(["-c", "trap '' HUP INT TERM; read -r _", "local-cluster-anchor"])
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(failed)?;

        let watchdog = Self { anchor, reaper };
        if let Some(mut pipe) = watchdog.reaper.stdin.as_ref() {
            writeln!(pipe, "{}", watchdog.anchor.id()).map_err(failed)?;
        }
        Ok(watchdog)
    }

    /// Makes `command` start as a member of the group that dies with us.
    pub(crate) fn adopt(&self, command: &mut Command) -> io::Result<()> {
        let group = i32::try_from(self.anchor.id()).map_err(io::Error::other)?;
        command.process_group(group);
        Ok(())
    }
}

fn await_ready(reaper: &mut Child) -> io::Result<()> {
    let mut line = String::new();
    if let Some(output) = reaper.stdout.take() {
        BufReader::new(output).read_line(&mut line)?;
    }
    if line == "ready\n" {
        return Ok(());
    }
    reaper.wait()?;
    Err(io::Error::other(line.trim_end().to_owned()))
}

impl Drop for Watchdog {
    /// Returns when all is gone. A failed wait means that somebody else reaped them: as good.
    fn drop(&mut self) {
        drop(self.reaper.stdin.take());
        drop(self.anchor.stdin.take());
        let _ = self.anchor.wait();
        let _ = self.reaper.wait();
    }
}
