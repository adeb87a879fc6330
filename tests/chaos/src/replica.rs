//! One of the two operators: a place with an address of its own at the platform, where one process
//! runs after the other, each with a credential of its own. Knows no plan.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use local_cluster::Cluster;
use operator_harness::{Account, Credential, Process, Start};
use tokio::sync::{Mutex, MutexGuard};

use witness::Started;

use crate::{
    pace::Pace,
    stage::{NAMESPACE, Stage},
};

/// One operator.
pub struct Replica {
    pod: String,
    program: PathBuf,
    flags: Vec<String>,
    /// Those of the processes to come. They are made before anything is hit: later, nobody may be
    /// there to make one.
    credentials: std::sync::Mutex<Vec<Credential>>,
    log: PathBuf,
    /// Where its calls come to, which nobody else knows.
    pub port: u16,
    /// Locked while something is done to it.
    process: Mutex<Option<Process>>,
}

impl Replica {
    /// A place for so many processes.
    pub async fn prepare(
        name: &str,
        program: &Path,
        cluster: &Cluster,
        account: &Account,
        platform: SocketAddr,
        pace: &Pace,
        processes: usize,
    ) -> Self {
        let mut credentials = Vec::new();
        for _ in 0..processes {
            credentials.push(account.credential().await);
        }
        let pod = format!("operator-{name}");
        let flag = |name: &str, value: &dyn std::fmt::Display| format!("--{name}={value}");
        let flags = vec![
            flag("watch-namespaces", &NAMESPACE),
            flag("platform-endpoint", &format!("WeChat=http://{platform}")),
            flag("leader-elect", &true),
            flag("lease-duration-seconds", &(pace.lease / 1000)),
            flag("connect-timeout-seconds", &(pace.connect / 1000)),
            flag("request-timeout-seconds", &(pace.request / 1000)),
            flag("metrics-bind-address", &0),
            flag("health-probe-bind-address", &0),
            flag("log-level", &"info,miniprogram_operator=debug"),
        ];
        Self {
            program: std::path::absolute(program).expect("a path"),
            flags,
            credentials: credentials.into(),
            log: cluster.directory().join("logs").join(format!("{pod}.log")),
            port: platform.port(),
            process: Mutex::new(None),
            pod,
        }
    }

    /// Whether the Lease's word for its holder means a process of this place.
    pub fn is_called(&self, holder: &str) -> bool {
        holder.starts_with(&format!("{}_", self.pod))
    }

    pub async fn start(&self, stage: &Stage) {
        *self.process.lock().await = Some(self.new_process(stage));
    }

    pub fn new_process(&self, stage: &Stage) -> Process {
        let credential = self.credentials.lock().expect("nobody panics with it").pop();
        let Credential { token, id } = credential.expect("one for each process");
        let kubeconfig =
            stage.cluster.kubeconfig_for_token(&self.pod, &token).expect("a kubeconfig");
        let started = Started { at: stage.simulator.now_ms(), credential: id, port: self.port };
        stage.record.with(|told| told.started.push(started));
        Process::start(
            &stage.cluster,
            &Start {
                program: &self.program,
                flags: &self.flags,
                environment: &[],
                kubeconfig: &kubeconfig,
                namespace: NAMESPACE,
                pod: &self.pod,
                log: &self.log,
            },
        )
    }

    /// The process, unless something is being done to it.
    pub fn take_hold(&self) -> Option<MutexGuard<'_, Option<Process>>> {
        self.process.try_lock().ok()
    }

    /// How it ended, if nobody did it. Told once; nobody starts it again.
    pub fn ended_by_itself(&self) -> Option<String> {
        let mut place = self.take_hold()?;
        let ended = place.as_mut()?.ended()?;
        *place = None;
        Some(format!("{} has ended by itself: {ended}", self.pod))
    }
}
