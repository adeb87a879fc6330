//! Starts a control plane and says how to reach it; it must not know what runs against it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

use tokio::task::spawn_blocking;

use crate::chaos::Component;
use crate::credentials::Credentials;
use crate::probe::Probe;
use crate::process::{Process, Program};
use crate::watchdog::{Directory, Watchdog};
use crate::{Binaries, Error, flags, kubeconfig, place};

/// Three seconds are usual; this is for a machine that compiles or runs many clusters meanwhile.
pub(crate) const READY_WITHIN: Duration = Duration::from_mins(2);

/// What kind of cluster to start.
#[derive(Debug, Clone)]
pub struct Options {
    /// Runs the controllers that collect garbage, finish namespaces, make service accounts,
    /// aggregate cluster roles and turn Deployments into (never running) Pods. On by default.
    pub controller_manager: bool,
    /// Keeps an audit log, with bodies for Secrets and our own resources. Off by default: it grows.
    pub audit: bool,
    /// A directory to use and keep, new or empty. By default there is a temporary one, removed when
    /// the cluster ends.
    pub directory: Option<PathBuf>,
    /// Further flags of the API server, such as `--min-request-timeout=5`.
    pub apiserver_flags: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            controller_manager: true,
            audit: false,
            directory: None,
            apiserver_flags: Vec::new(),
        }
    }
}

/// A running control plane. Dropping it ends every process and removes the directory before it
/// returns; when this process is killed, a watchdog does the same.
pub struct Cluster {
    // Dropped in this order: the watchdog goes last.
    pub(crate) processes: Mutex<BTreeMap<Component, Process>>,
    pub(crate) watchdog: Watchdog,
    pub(crate) probe: Probe,
    pub(crate) directory: PathBuf,
    pub(crate) port: u16,
    binaries: Binaries,
    credentials: Credentials,
    admin: PathBuf,
    audit_log: Option<PathBuf>,
}

impl Cluster {
    /// Returns when the API server is ready and, with a controller manager, the service account
    /// `default` exists. Any number of clusters can run side by side.
    pub async fn start(options: Options) -> Result<Self, Error> {
        let directory = options.directory.clone();
        let mut cluster = spawn_blocking(move || Self::prepare(directory)).await??;

        cluster.spawn(Component::Etcd, cluster.binaries.etcd(), flags::etcd())?;
        // An API server that finds no etcd waits a whole second before it looks again.
        cluster.etcd_listening().await?;
        cluster.start_apiserver(&options).await?;
        if options.controller_manager {
            cluster.start_controller_manager()?;
            cluster.ready().await?;
        }
        Ok(cluster)
    }

    /// All that can be had before the first process runs.
    fn prepare(directory: Option<PathBuf>) -> Result<Self, Error> {
        let binaries = Binaries::locate_or_build()?;
        let (directory, fate) = match directory {
            Some(directory) => (place::given(&directory)?, Directory::Kept),
            None => (place::temporary(), Directory::Temporary),
        };
        let watchdog = Watchdog::start(&directory, fate)?;
        let credentials = Credentials::create(directory.join("certs"))?;
        Ok(Self {
            processes: Mutex::default(),
            watchdog,
            probe: Probe::new(credentials.ca.clone(), &credentials.admin)?,
            admin: directory.join("admin.kubeconfig"),
            port: 0,
            directory,
            binaries,
            credentials,
            audit_log: None,
        })
    }

    async fn start_apiserver(&mut self, options: &Options) -> Result<(), Error> {
        let policy = self.directory.join("audit-policy.yaml");
        if options.audit {
            fs::write(&policy, include_str!("audit-policy.yaml"))
                .map_err(Error::io("write", &policy))?;
            self.audit_log = Some(self.directory.join("logs/audit.log"));
        }
        let mut tries_left = 5;
        loop {
            self.port = place::free_port()?;
            let flags = flags::apiserver(&flags::ApiServer {
                port: self.port,
                credentials: &self.credentials,
                service_accounts: options.controller_manager,
                audit: self.audit_log.as_deref().map(|log| (policy.as_path(), log)),
                extra: &options.apiserver_flags,
            });
            self.spawn(Component::ApiServer, self.binaries.apiserver(), flags)?;
            match self.apiserver_ready().await {
                Err(error) if error.is_port_taken() && tries_left > 0 => tries_left -= 1,
                Err(error) => return Err(error),
                Ok(()) => break,
            }
        }
        self.write_kubeconfig(&self.admin, &self.credentials.admin)
    }

    fn start_controller_manager(&self) -> Result<(), Error> {
        let kubeconfig = self.directory.join("controller-manager.kubeconfig");
        self.write_kubeconfig(&kubeconfig, &self.credentials.controller_manager)?;
        let flags = flags::controller_manager(&kubeconfig, &self.credentials);
        self.spawn(Component::ControllerManager, self.binaries.controller_manager()?, flags)
    }

    fn spawn(
        &self,
        component: Component,
        path: PathBuf,
        arguments: Vec<String>,
    ) -> Result<(), Error> {
        let program = Program { name: component.name(), path, arguments };
        let process = Process::spawn(program, &self.directory, &self.watchdog)?;
        self.processes().insert(component, process);
        Ok(())
    }

    /// Waits, for up to two minutes, until a cluster that was disturbed works again.
    pub async fn ready(&self) -> Result<(), Error> {
        self.apiserver_ready().await?;
        let managed = self.processes().contains_key(&Component::ControllerManager);
        if managed {
            self.default_service_account_present().await?;
        }
        Ok(())
    }

    /// Makes `command` end with the cluster, also when this process is killed: for a program under
    /// test.
    pub fn adopt(&self, command: &mut Command) -> Result<(), Error> {
        self.watchdog.adopt(command).map_err(Error::io("adopt a process for", &self.directory))
    }

    fn write_kubeconfig(&self, path: &Path, token: &str) -> Result<(), Error> {
        kubeconfig::write(path, &self.url(), &self.ca_file(), token)
    }

    /// The kubeconfig of an administrator, member of `system:masters`.
    #[must_use]
    pub fn kubeconfig(&self) -> &Path {
        &self.admin
    }

    /// Writes a kubeconfig for another bearer token, such as one that `kubectl create token` gave.
    /// The file lives as long as the cluster; the same name again replaces it.
    pub fn kubeconfig_for_token(&self, name: &str, token: &str) -> Result<PathBuf, Error> {
        let directory = self.directory.join("kubeconfigs");
        fs::create_dir_all(&directory).map_err(Error::io("create", &directory))?;
        let path = directory.join(name);
        self.write_kubeconfig(&path, token)?;
        Ok(path)
    }

    /// `https://127.0.0.1:<port>`
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    /// The certificate authority that signed the API server's certificate.
    #[must_use]
    pub fn ca_file(&self) -> PathBuf {
        self.credentials.ca_file()
    }

    /// Where data, certificates and `logs/` are.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The executables it runs.
    #[must_use]
    pub fn binaries(&self) -> &Binaries {
        &self.binaries
    }

    /// One JSON object a line, when [`Options::audit`] asked for it.
    #[must_use]
    pub fn audit_log(&self) -> Option<&Path> {
        self.audit_log.as_deref()
    }

    /// `kubectl` as the administrator.
    #[must_use]
    pub fn kubectl(&self) -> Command {
        let mut kubectl = Command::new(self.binaries.kubectl());
        kubectl.envs(self.kubectl_environment());
        kubectl
    }

    /// What makes any `kubectl` talk to this cluster, and neither read nor write the user's files.
    #[must_use]
    pub fn kubectl_environment(&self) -> [(&'static str, PathBuf); 3] {
        [
            ("KUBECONFIG", self.admin.clone()),
            ("KUBECACHEDIR", self.directory.join("kubectl-cache")),
            ("KUBERC", PathBuf::from("off")),
        ]
    }
}
