//! The operator as a process: started under its account, killed, stopped, told to end, asked for its metrics.

use std::{
    fs::File,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};

use super::{
    Stage, Wire, plane,
    wait::{check, eventually, pass},
};

/// How an operator is started, as often as the test wants.
#[derive(Clone)]
pub struct Launch<'a> {
    stage: &'a Stage,
    flags: Vec<String>,
    ready: bool,
    wire: Option<&'a Wire>,
}

/// A running operator; killed when dropped.
pub struct Operator<'a> {
    launch: Launch<'a>,
    child: Child,
    log: PathBuf,
    metrics: SocketAddr,
    health: SocketAddr,
}

impl<'a> Launch<'a> {
    pub fn new(stage: &'a Stage) -> Self {
        let launch = Self { stage, flags: vec![], ready: true, wire: None };
        launch
            .flag("--platform-endpoint", &format!("WeChat={}", stage.simulator.url()))
            .flag("--log-level", "info,miniprogram_operator=debug")
    }

    /// Sets a flag, in place of what was set before.
    pub fn flag(mut self, name: &str, value: &str) -> Self {
        let prefix = format!("{name}=");
        self.flags.retain(|flag| !flag.starts_with(&prefix));
        self.flags.push(format!("{prefix}{value}"));
        self
    }

    /// Takes part in an election of the stage's namespace with a short lease.
    pub fn elected(self) -> Self {
        self.flag("--leader-elect", "true").flag("--lease-duration-seconds", "4").flag("--connect-timeout-seconds", "1")
    }

    /// Reaches the API server by way of a wire.
    pub fn over(self, wire: &'a Wire) -> Self {
        Self { wire: Some(wire), ..self }
    }

    /// Does not wait for it to be ready: for a start that is meant to be disturbed.
    pub fn unready(self) -> Self {
        Self { ready: false, ..self }
    }

    pub async fn start(self) -> Operator<'a> {
        let kubeconfig = self.stage.account.kubeconfig(self.wire).await;
        let [metrics, health] = [free_address(), free_address()];
        let log = plane().directory().join(format!("operator-{}-{:08x}.log", self.stage.namespace, rand::random::<u32>()));
        let output = File::create(&log).expect("a log");
        let mut command = Command::new(env!("CARGO_BIN_EXE_miniprogram-operator"));
        command
            .arg("run")
            .args(&self.flags)
            .arg(format!("--metrics-bind-address={metrics}"))
            .arg(format!("--health-probe-bind-address={health}"))
            // Nothing of the developer's environment: no proxy, no flags, no other cluster.
            .env_clear()
            .env("KUBECONFIG", kubeconfig)
            .env("POD_NAMESPACE", &self.stage.namespace)
            .env("RUST_BACKTRACE", "1")
            .stdin(Stdio::null())
            .stdout(output.try_clone().expect("a log"))
            .stderr(output);
        plane().adopt(&mut command).expect("a watchdog");
        let child = command.spawn().expect("the operator's program");
        let ready = self.ready;
        let mut operator = Operator { launch: self, child, log, metrics, health };
        if ready {
            operator.until_ready().await;
        }
        operator
    }
}

impl<'a> Operator<'a> {
    /// Waits until `/readyz` says so.
    pub async fn until_ready(&mut self) {
        eventually("the operator is ready", 10, async || {
            let ended = self.child.try_wait().expect("a child");
            assert!(ended.is_none(), "the operator has ended with {ended:?}: {}", self.log());
            let answer = self.fetch(self.health, "readyz?verbose").await?;
            check(!answer.contains("failed") && answer.contains("ok"), || answer.clone())
        })
        .await;
    }

    /// Waits until it has seen all that has happened in the stage's namespace so far, and has done what it wants to do about it.
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

    /// Ends it as a crash would.
    pub fn kill(&mut self) {
        self.child.kill().expect("a running operator");
        self.child.wait().expect("its end");
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
        self.signal(Signal::TERM);
        eventually("the operator has ended", 20, async || self.child.try_wait().expect("a child").ok_or("it runs".into())).await
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
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("a process id");
        kill_process(pid, signal).expect("a running operator");
    }

    /// A file of `/proc` about it.
    pub fn proc(&self, file: &str) -> Vec<u8> {
        std::fs::read(format!("/proc/{}/{file}", self.child.id())).expect("a running operator")
    }

    /// The most memory that it has held so far.
    pub fn peak_memory_kib(&self) -> u64 {
        let status = String::from_utf8(self.proc("status")).expect("text");
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.strip_suffix("kB"));
        peak.and_then(|kib| kib.trim().parse().ok()).expect("a peak")
    }

    /// All that it has printed.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).expect("a log")
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
        let client = reqwest::Client::builder().no_proxy().build().map_err(|error| error.to_string())?;
        let answer = client.get(format!("http://{address}/{path}")).send().await.map_err(|error| error.to_string())?;
        answer.text().await.map_err(|error| error.to_string())
    }
}

impl Drop for Operator<'_> {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<_> = log.lines().collect();
            eprintln!("the operator's last lines:\n{}", lines[lines.len().saturating_sub(60)..].join("\n"));
        }
    }
}

/// An address that was free a moment ago.
fn free_address() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("its address")
}
