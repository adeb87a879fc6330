//! Waits for a state of a cluster, with a deadline; it must not know how the state comes about.

use std::collections::BTreeMap;
use std::sync::{MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::task::spawn_blocking;

use crate::chaos::Component;
use crate::cluster::READY_WITHIN;
use crate::flags::ETCD_SOCKET;
use crate::process::Process;
use crate::{Cluster, Error};

const POLL: Duration = Duration::from_millis(50);

impl Cluster {
    /// The processes are plain data: a panic elsewhere has not spoilt them.
    pub(crate) fn processes(&self) -> MutexGuard<'_, BTreeMap<Component, Process>> {
        self.processes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) async fn etcd_listening(&self) -> Result<(), Error> {
        let socket = self.directory.join(ETCD_SOCKET);
        self.poll(Component::Etcd, async || Ok(socket.exists())).await
    }

    pub(crate) async fn apiserver_ready(&self) -> Result<(), Error> {
        self.poll(Component::ApiServer, async || self.answers("/readyz").await).await
    }

    pub(crate) async fn default_service_account_present(&self) -> Result<(), Error> {
        let path = "/api/v1/namespaces/default/serviceaccounts/default";
        self.poll(Component::ControllerManager, async || self.answers(path).await).await
    }

    async fn answers(&self, path: &'static str) -> Result<bool, Error> {
        let (probe, port) = (self.probe.clone(), self.port);
        Ok(spawn_blocking(move || probe.is_ok(port, path)).await?)
    }

    /// Gives up early when a process has ended: nobody starts it again.
    async fn poll(
        &self,
        awaited: Component,
        condition: impl AsyncFn() -> Result<bool, Error>,
    ) -> Result<(), Error> {
        let deadline = Instant::now() + READY_WITHIN;
        loop {
            for process in self.processes().values_mut() {
                process.check_running()?;
            }
            if condition().await? {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(Error::NotReady {
                    process: awaited.name(),
                    after: READY_WITHIN,
                    log: self.processes().get(&awaited).map(Process::log_tail).unwrap_or_default(),
                });
            }
            tokio::time::sleep(POLL).await;
        }
    }
}
