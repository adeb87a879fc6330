//! The operator as a process: started under its account, killed, stopped, told to end, asked for
//! its metrics.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    ops::{Deref, DerefMut},
    path::{Path, PathBuf},
    process::ExitStatus,
    time::Duration,
};

use futures::future::join_all;
use miniprogram_operator::platform;
use operator_harness::{Credential, Process, Start};

use super::{
    Stage, Wire, plane,
    wait::{check, eventually, pass},
};

/// The path of the `OAuth2` endpoint that the operator of all platforms has.
pub const OAUTH2_PATH: &str = "/oauth2/token";

/// How an operator is started, as often as the test wants.
#[derive(Clone)]
pub struct Launch<'a> {
    stage: &'a Stage,
    flags: Vec<String>,
    environment: Vec<(String, String)>,
    ready: bool,
    /// Whether each platform has an address of its own; otherwise only WeChat has any.
    all_platforms: bool,
    wire: Option<&'a Wire>,
}

/// A running operator; killed when dropped.
pub struct Operator<'a> {
    launch: Launch<'a>,
    process: Process,
    metrics: SocketAddr,
    health: SocketAddr,
}

impl<'a> Launch<'a> {
    pub fn new(stage: &'a Stage) -> Self {
        let (flags, environment) = (vec![], vec![]);
        let launch =
            Self { stage, flags, environment, ready: true, all_platforms: false, wire: None };
        launch.flag("--log-level", "info,miniprogram_operator=debug")
    }

    /// Sets a flag, in place of what was set before.
    pub fn flag(mut self, name: &str, value: &str) -> Self {
        let prefix = format!("{name}=");
        self.flags.retain(|flag| !flag.starts_with(&prefix));
        self.flags.push(format!("{prefix}{value}"));
        self
    }

    /// Sets a variable of its environment.
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Takes part in an election of the stage's namespace with a short lease.
    pub fn elected(self) -> Self {
        self.flag("--leader-elect", "true")
            .flag("--lease-duration-seconds", "4")
            .flag("--connect-timeout-seconds", "1")
    }

    /// Reaches the API server by way of a wire.
    pub fn over(self, wire: &'a Wire) -> Self {
        Self { wire: Some(wire), ..self }
    }

    /// Calls every platform, each at an address of its own, since some have the same paths.
    pub fn of_all_platforms(self) -> Self {
        Self { all_platforms: true, ..self }
    }

    /// Does not wait for it to be ready: for a start that is meant to be disturbed.
    pub fn unready(self) -> Self {
        Self { ready: false, ..self }
    }

    pub async fn start(self) -> Operator<'a> {
        let credential = self.stage.account.credential().await;
        let kubeconfig = self.kubeconfig(&credential);
        let platform = self.platform().await;
        let [metrics, health] = [free_address(), free_address()];
        let mut flags = self.flags.clone();
        if self.all_platforms {
            flags.extend(self.platforms(platform.port()).await);
        } else if platform != self.stage.simulator.address() {
            flags.push(format!("--platform-endpoint=WeChat=http://{platform}"));
        }
        self.stage.record.started(&self.stage.simulator, credential.id, platform.port());
        flags.push(format!("--metrics-bind-address={metrics}"));
        flags.push(format!("--health-probe-bind-address={health}"));
        let namespace = &self.stage.namespace;
        let log = plane()
            .directory()
            .join(format!("operator-{namespace}-{:08x}.log", rand::random::<u32>()));
        let program = Path::new(env!("CARGO_BIN_EXE_miniprogram-operator"));
        let start = Start {
            program,
            flags: &flags,
            environment: &self.environment,
            kubeconfig: &kubeconfig,
            namespace,
            pod: "operator",
            log: &log,
        };
        let process = Process::start(plane(), &start);
        let ready = self.ready;
        let mut operator = Operator { launch: self, process, metrics, health };
        if ready {
            operator.until_ready().await;
        }
        operator
    }

    /// Where the operator finds the platform: at an address of its own, so that each call says
    /// whose it is, unless the test has it go another way.
    async fn platform(&self) -> SocketAddr {
        let simulator = &self.stage.simulator;
        if self.flags.iter().any(|flag| flag.starts_with("--platform-endpoint=")) {
            return simulator.address();
        }
        simulator.serve_also_at((Ipv4Addr::LOCALHOST, 0).into()).await.expect("a free port")
    }

    /// The flags that send each platform's calls to an address of its own. They have one port, by
    /// which each call says whose it is.
    async fn platforms(&self, port: u16) -> Vec<String> {
        let served = (2..).zip(platform::ALL).map(async |(last, platform)| {
            let (name, address) = (platform.name, SocketAddr::from(([127, 0, 0, last], port)));
            let served = self.stage.simulator.serve_platform_at(name, address).await;
            let address = served.expect("a free port");
            if platform.has_hosts() {
                format!("--platform-endpoint={name}=http://{address}")
            } else {
                format!("--oauth2-endpoint=example=http://{address}{OAUTH2_PATH}")
            }
        });
        join_all(served).await
    }

    /// A kubeconfig of its own, by way of a wire if there is one.
    fn kubeconfig(&self, credential: &Credential) -> PathBuf {
        let path = plane()
            .kubeconfig_for_token(&self.stage.namespace, &credential.token)
            .expect("a kubeconfig");
        let Some(wire) = self.wire else { return path };
        let text =
            fs::read_to_string(&path).expect("a kubeconfig").replace(&plane().url(), &wire.url());
        let path = path.with_extension("wire");
        fs::write(&path, text).expect("a kubeconfig");
        path
    }
}

impl<'a> Operator<'a> {
    /// Waits until `/readyz` says so.
    pub async fn until_ready(&mut self) {
        eventually("the operator is ready", 10, async || {
            let ended = self.ended();
            assert!(ended.is_none(), "the operator has ended with {ended:?}: {}", self.log());
            let answer = self.fetch(self.health, "readyz?verbose").await?;
            check(!answer.contains("failed") && answer.contains("ok"), || answer.clone())
        })
        .await;
    }

    /// What `/readyz?verbose` answers.
    pub async fn readiness(&self) -> String {
        self.fetch(self.health, "readyz?verbose").await.unwrap_or_else(|error| error)
    }

    /// Waits until it has seen all that has happened in the stage's namespace so far, and has done
    /// what it wants to do about it.
    pub async fn until_calm(&self) {
        self.launch.stage.until_noticed().await;
        self.until_active_looks_end().await;
    }

    /// Waits until no look is under way and none begins for a moment.
    pub async fn until_active_looks_end(&self) {
        let mut before = String::new();
        eventually("the operator is calm", 10, async || {
            pass(Duration::from_millis(150)).await;
            let active = self.metric("controller_runtime_active_workers", &[]).await;
            let total = self.metric("controller_runtime_reconcile_total", &[]).await;
            let now = format!("{active} looks under way, {total} in all");
            let calm = before == now && now.starts_with("0 ");
            before.clone_from(&now);
            check(calm, || now)
        })
        .await;
    }

    /// Ends it as a crash would, and starts another just like it.
    pub async fn restart(mut self) -> Operator<'a> {
        self.kill();
        self.again().await
    }

    /// Starts another just like it.
    pub async fn again(&self) -> Operator<'a> {
        self.launch.clone().start().await
    }

    /// Tells it to end, as the kubelet does, and waits for that.
    pub async fn terminate(&mut self) -> ExitStatus {
        self.tell_to_end();
        eventually("the operator has ended", 20, async || self.ended().ok_or("it runs".into()))
            .await
    }

    /// Where it serves metrics and probes.
    pub fn addresses(&self) -> [SocketAddr; 2] {
        [self.metrics, self.health]
    }

    /// All that `/metrics` says.
    pub async fn metrics(&self) -> String {
        self.fetch(self.metrics, "metrics").await.expect("metrics")
    }

    /// The sum of a metric's samples whose labels contain all of these texts.
    pub async fn metric(&self, name: &str, labels: &[&str]) -> f64 {
        let text = self.metrics().await;
        let samples = text.lines().filter_map(|line| line.strip_prefix(name)?.rsplit_once(' '));
        let samples = samples.filter(|(rest, _)| rest.is_empty() || rest.starts_with('{'));
        samples
            .filter(|(rest, _)| labels.iter().all(|label| rest.contains(label)))
            .filter_map(|(_, value)| value.parse::<f64>().ok())
            .fold(0.0, std::ops::Add::add)
    }

    /// Asks one of its servers; a refusal of the server is an answer too.
    async fn fetch(&self, address: SocketAddr, path: &str) -> Result<String, String> {
        let client =
            reqwest::Client::builder().no_proxy().build().map_err(|error| error.to_string())?;
        let answer = client
            .get(format!("http://{address}/{path}"))
            .send()
            .await
            .map_err(|error| error.to_string())?;
        answer.text().await.map_err(|error| error.to_string())
    }
}

impl Deref for Operator<'_> {
    type Target = Process;

    fn deref(&self) -> &Process {
        &self.process
    }
}

impl DerefMut for Operator<'_> {
    fn deref_mut(&mut self) -> &mut Process {
        &mut self.process
    }
}

impl Drop for Operator<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<_> = log.lines().collect();
            eprintln!(
                "the operator's last lines:\n{}",
                lines[lines.len().saturating_sub(60)..].join("\n")
            );
        }
    }
}

/// An address that was free a moment ago, and that no outgoing connection is given.
fn free_address() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, local_cluster::free_port().expect("a free port")).into()
}
