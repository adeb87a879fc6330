//! Breaks a running cluster on purpose, and mends it; it must not know what that is to show.

use std::fs;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::flags::ETCD_SOCKET;
use crate::process::Process;
use crate::{Cluster, Error};

const POLL: Duration = Duration::from_millis(20);

/// A process of the control plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Component {
    Etcd,
    ApiServer,
    ControllerManager,
}

impl Component {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Etcd => "etcd",
            Self::ApiServer => "kube-apiserver",
            Self::ControllerManager => "kube-controller-manager",
        }
    }
}

impl Cluster {
    /// Ends a process as a crash would, and returns when it is gone. Its data stay.
    pub fn kill(&self, component: Component) -> Result<(), Error> {
        self.on(component, Process::kill)
    }

    /// Tells a process to end (`SIGTERM`), as a kubelet does, and returns when it is gone. One that
    /// has not ended after `grace` is killed; an API server may take a minute over a request that
    /// hangs.
    pub async fn terminate(&self, component: Component, grace: Duration) -> Result<(), Error> {
        self.on(component, |process| process.signal(Signal::TERM))?;
        let deadline = Instant::now() + grace;
        while self.on(component, Process::is_running)? {
            if Instant::now() > deadline {
                return self.kill(component);
            }
            tokio::time::sleep(POLL).await;
        }
        Ok(())
    }

    /// Starts a process again on the same port and data, killing it first if it runs. Returns when
    /// it serves; [`Cluster::ready`] waits for the cluster as a whole.
    pub async fn restart(&self, component: Component) -> Result<(), Error> {
        self.on(component, |process| {
            process.kill()?;
            if component == Component::Etcd {
                // Left by the killed one, it would look as if the new one listened already.
                let socket = self.directory.join(ETCD_SOCKET);
                if socket.exists() {
                    fs::remove_file(&socket).map_err(Error::io("remove", &socket))?;
                }
            }
            let program = process.program().clone();
            *process = Process::spawn(program, &self.directory, &self.watchdog)?;
            Ok(())
        })?;
        match component {
            Component::Etcd => self.etcd_listening().await,
            Component::ApiServer => self.apiserver_ready().await,
            Component::ControllerManager => Ok(()),
        }
    }

    /// Stops a process where it stands (`SIGSTOP`): connections stay open, answers do not come.
    pub fn pause(&self, component: Component) -> Result<(), Error> {
        self.on(component, |process| process.signal(Signal::STOP))
    }

    /// Lets a paused process go on.
    pub fn resume(&self, component: Component) -> Result<(), Error> {
        self.on(component, |process| process.signal(Signal::CONT))
    }

    fn on<T>(
        &self,
        component: Component,
        act: impl FnOnce(&mut Process) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut processes = self.processes();
        let process =
            processes.get_mut(&component).ok_or(Error::NoSuchProcess(component.name()))?;
        act(process)
    }
}
