//! One running executable of the control plane and its log; it must not know what it runs.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::Error;
use crate::watchdog::Watchdog;

/// How much of a log goes into an error: enough for Go's last line and what led to it.
const LOG_TAIL: u64 = 4096;

/// What to run: kept, so that it can be run again.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    pub(crate) name: &'static str,
    pub(crate) path: PathBuf,
    pub(crate) arguments: Vec<String>,
}

pub(crate) struct Process {
    program: Program,
    child: Child,
    log: PathBuf,
    /// Where this run begins in a log that earlier runs may have written to.
    log_start: u64,
}

impl Process {
    /// Runs the program in `directory`, with its output appended to `<directory>/logs/<name>.log`.
    pub(crate) fn spawn(
        program: Program,
        directory: &Path,
        watchdog: &Watchdog,
    ) -> Result<Self, Error> {
        let log = directory.join("logs").join(format!("{}.log", program.name));
        let (file, log_start) = open_log(&log).map_err(Error::io("open", &log))?;
        let output = file.try_clone().map_err(Error::io("open", &log))?;

        let mut command = Command::new(&program.path);
        command
            .args(&program.arguments)
            .current_dir(directory)
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(file);
        let child = watchdog
            .adopt(&mut command)
            .and_then(|()| command.spawn())
            .map_err(Error::io("run", &program.path))?;
        Ok(Self { program, child, log, log_start })
    }

    pub(crate) fn program(&self) -> &Program {
        &self.program
    }

    /// Fails when the process has ended, with the end of its log.
    pub(crate) fn check_running(&mut self) -> Result<(), Error> {
        match self.child.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => Err(self.ended(status)),
            Err(error) => Err(Error::io("wait for", &self.program.path)(error)),
        }
    }

    /// Whether it has not ended yet.
    pub(crate) fn is_running(&mut self) -> Result<bool, Error> {
        self.child
            .try_wait()
            .map(|ended| ended.is_none())
            .map_err(Error::io("wait for", &self.program.path))
    }

    fn ended(&self, status: ExitStatus) -> Error {
        Error::Ended {
            process: self.program.name,
            status: status.to_string(),
            log: self.log_tail(),
        }
    }

    /// The end of what this run has written.
    pub(crate) fn log_tail(&self) -> String {
        read_from(&self.log, self.log_start)
            .unwrap_or_else(|error| format!("({}: {error})", self.log.display()))
    }

    /// Sends a signal that does not end the process.
    pub(crate) fn signal(&self, signal: Signal) -> Result<(), Error> {
        i32::try_from(self.child.id())
            .ok()
            .and_then(Pid::from_raw)
            .map_or(Err(rustix::io::Errno::SRCH), |pid| kill_process(pid, signal))
            .map_err(|errno| Error::io("signal", &self.program.path)(errno.into()))
    }

    /// Ends the process at once, as a crash would, and returns when it is gone.
    pub(crate) fn kill(&mut self) -> Result<(), Error> {
        self.child
            .kill()
            .and_then(|()| self.child.wait())
            .map(drop)
            .map_err(Error::io("kill", &self.program.path))
    }
}

impl Drop for Process {
    /// The watchdog kills too; done here first so that no zombie keeps it waiting.
    fn drop(&mut self) {
        let _ = self.kill();
    }
}

fn open_log(path: &Path) -> io::Result<(File, u64)> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let file = OpenOptions::new().create(true).append(true).open(path)?;
    let length = file.metadata()?.len();
    Ok((file, length))
}

fn read_from(path: &Path, start: u64) -> io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(start.max(length.saturating_sub(LOG_TAIL))))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).trim_end().to_owned())
}
