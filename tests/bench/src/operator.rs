//! The operator's process: started with the flags of a row, observed, ended. Knows no row.

use std::{
    fmt, fs,
    net::{Ipv4Addr, SocketAddr},
    ops::Deref,
    path::{Path, PathBuf},
    time::Duration,
};

use operator_harness::{Process, Start};
use tokio::time::{Instant, sleep};

use crate::{
    readiness::patience,
    testbed::{OPERATOR_NAMESPACE, Testbed},
};

const POLL: Duration = Duration::from_millis(100);
/// How long nothing may happen in a process that is at rest.
const AT_REST: Duration = Duration::from_secs(1);
const ENDS_WITHIN: Duration = Duration::from_secs(30);

/// The executable.
pub struct Program {
    pub path: PathBuf,
    /// `musl` or `glibc`.
    pub libc: &'static str,
    pub bytes: usize,
}

/// Of glibc. A program of musl is static, and names no loader.
const LOADER: &[u8] = b"/ld-linux";

impl Program {
    pub fn at(path: &Path) -> Self {
        let path = std::path::absolute(path).expect("a path");
        let program = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let has_loader = program.windows(LOADER.len()).any(|window| window == LOADER);
        Self { path, libc: if has_loader { "glibc" } else { "musl" }, bytes: program.len() }
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}, {} bytes)", self.path.display(), self.libc, self.bytes)
    }
}

/// A running operator; killed when dropped.
pub struct Operator {
    process: Process,
    metrics: SocketAddr,
    http: reqwest::Client,
}

impl Operator {
    /// Starts it and returns at once.
    pub async fn start(program: &Program, testbed: &Testbed, flags: &[&str]) -> Self {
        let credential = testbed.account.credential().await;
        let cluster = &testbed.cluster;
        let kubeconfig = cluster.kubeconfig_for_token("operator", &credential.token);
        let port = local_cluster::free_port().expect("a free port");
        let metrics = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut all = vec![
            format!("--platform-endpoint=WeChat={}", testbed.simulator.url()),
            format!("--metrics-bind-address={metrics}"),
            "--health-probe-bind-address=0".to_owned(),
        ];
        all.extend(flags.iter().map(|&flag| flag.to_owned()));
        let start = Start {
            program: &program.path,
            flags: &all,
            environment: &[],
            kubeconfig: &kubeconfig.expect("a kubeconfig"),
            namespace: OPERATOR_NAMESPACE,
            pod: "operator",
            log: &cluster.directory().join("logs/operator.log"),
        };
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        Self { process: Process::start(cluster, &start), metrics, http }
    }

    /// Waits until it has reconciled so many objects and does nothing any more.
    pub async fn until_at_rest(&mut self, objects: u32) {
        let within = patience(objects);
        let deadline = Instant::now() + within;
        let mut calm_since = Instant::now();
        let mut before = String::new();
        loop {
            let ended = self.process.ended();
            assert!(ended.is_none(), "the operator has ended with {ended:?}: {}", self.log());
            let text = self.metrics().await;
            let sum = |name: &str| sum(&text, name);
            let reconciles = sum("miniprogram_reconcile_duration_seconds_count");
            let active = sum("controller_runtime_active_workers");
            let now = format!("{reconciles} reconciles, {active} under way");
            if now != before || active > 0.0 || reconciles < f64::from(objects) {
                calm_since = Instant::now();
            }
            if calm_since.elapsed() >= AT_REST {
                return;
            }
            assert!(Instant::now() < deadline, "not at rest within {within:?}: {now}");
            before = now;
            sleep(POLL).await;
        }
    }

    /// What it says of itself; nothing before its server listens.
    async fn metrics(&self) -> String {
        let answer = self.http.get(format!("http://{}/metrics", self.metrics)).send().await;
        match answer {
            Ok(answer) => answer.text().await.unwrap_or_default(),
            Err(_) => String::new(),
        }
    }

    /// Tells it to end, as the kubelet does, and waits for that.
    pub async fn end(mut self) {
        self.tell_to_end();
        let deadline = Instant::now() + ENDS_WITHIN;
        while self.process.ended().is_none() {
            assert!(Instant::now() < deadline, "the operator does not end");
            sleep(POLL).await;
        }
    }
}

impl Deref for Operator {
    type Target = Process;

    fn deref(&self) -> &Process {
        &self.process
    }
}

/// The sum of all samples of a metric.
pub fn sum(text: &str, name: &str) -> f64 {
    let samples = text.lines().filter_map(|line| line.strip_prefix(name)?.rsplit_once(' '));
    let samples = samples.filter(|(labels, _)| labels.is_empty() || labels.starts_with('{'));
    samples.filter_map(|(_, value)| value.parse::<f64>().ok()).sum()
}
