//! The operator as a process: started as a pod would start it, killed, stopped, told to end. Knows
//! not what it is asked to do.

use std::{
    fs::OpenOptions,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
};

use local_cluster::Cluster;
use rustix::process::{Pid, Signal, kill_process};

/// What a process is started with.
pub struct Start<'a> {
    /// The operator's executable.
    pub program: &'a Path,
    /// What it is told beside `run`.
    pub flags: &'a [String],
    /// Its environment, beside what a pod has.
    pub environment: &'a [(String, String)],
    /// Its way to the cluster.
    pub kubeconfig: &'a Path,
    /// The namespace of its pod.
    pub namespace: &'a str,
    /// The name of its pod, which its name among the candidates for leadership begins with.
    pub pod: &'a str,
    /// Where its output goes, behind what is there already.
    pub log: &'a Path,
}

/// A process of the operator; killed when dropped.
pub struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts it; it ends with the cluster at the latest.
    pub fn start(cluster: &Cluster, start: &Start<'_>) -> Self {
        let output = OpenOptions::new().create(true).append(true).open(start.log).expect("a log");
        let mut command = Command::new(start.program);
        command
            .arg("run")
            .args(start.flags)
            // Nothing of the developer's environment: no proxy, no flags, no other cluster.
            .env_clear()
            .envs(start.environment.iter().map(|(name, value)| (name, value)))
            .env("KUBECONFIG", start.kubeconfig)
            .env("POD_NAMESPACE", start.namespace)
            .env("HOSTNAME", start.pod)
            .env("RUST_BACKTRACE", "1")
            .stdin(Stdio::null())
            .stdout(output.try_clone().expect("a log"))
            .stderr(output);
        cluster.adopt(&mut command).expect("a watchdog");
        let child =
            command.spawn().unwrap_or_else(|error| panic!("{}: {error}", start.program.display()));
        Self { child, log: start.log.to_owned() }
    }

    /// Ends it as a crash would.
    pub fn kill(&mut self) {
        self.child.kill().expect("a running operator");
        self.child.wait().expect("its end");
    }

    /// Tells it to end, as the kubelet does.
    pub fn tell_to_end(&self) {
        self.signal(Signal::TERM);
    }

    /// How it ended, if it did.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a child")
    }

    /// Stops it where it stands.
    pub fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on.
    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    pub fn signal(&self, signal: Signal) {
        let pid =
            i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("a process id");
        kill_process(pid, signal).expect("a running operator");
    }

    /// A file of `/proc` about it.
    pub fn proc(&self, file: &str) -> Vec<u8> {
        std::fs::read(format!("/proc/{}/{file}", self.child.id())).expect("a running operator")
    }

    /// All that it has printed.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).expect("a log")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
