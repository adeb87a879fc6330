//! One of the two operators: a place with an address of its own at the platform and a credential of its own, where one process
//! runs after the other. Knows no plan.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use k8s_openapi::api::authentication::v1::{TokenReview, TokenReviewSpec};
use kube::{
    Api, Client,
    api::{ObjectMeta, PostParams},
};
use local_cluster::Cluster;
use operator_harness::{Account, Process, Start};
use tokio::sync::{Mutex, MutexGuard};

use crate::{pace::Pace, stage::NAMESPACE};

/// One operator.
pub struct Replica {
    pod: String,
    program: PathBuf,
    flags: Vec<String>,
    kubeconfig: PathBuf,
    log: PathBuf,
    /// Where its calls come to, which nobody else knows.
    pub port: u16,
    /// What the audit log calls its credential, which nobody else has.
    pub credential: String,
    /// Locked while something is done to it.
    process: Mutex<Option<Process>>,
}

impl Replica {
    pub async fn prepare(
        name: &str,
        program: &Path,
        cluster: &Cluster,
        client: &Client,
        account: &Account,
        platform: SocketAddr,
        pace: &Pace,
    ) -> Self {
        let token = account.token().await;
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
            kubeconfig: cluster.kubeconfig_for_token(&pod, &token).expect("a kubeconfig"),
            log: cluster.directory().join("logs").join(format!("{pod}.log")),
            port: platform.port(),
            credential: credential(client, token).await,
            process: Mutex::new(None),
            pod,
        }
    }

    /// Whether the Lease's word for its holder means a process of this place.
    pub fn is_called(&self, holder: &str) -> bool {
        holder.starts_with(&format!("{}_", self.pod))
    }

    pub async fn start(&self, cluster: &Cluster) {
        *self.process.lock().await = Some(self.new_process(cluster));
    }

    pub fn new_process(&self, cluster: &Cluster) -> Process {
        Process::start(
            cluster,
            &Start {
                program: &self.program,
                flags: &self.flags,
                kubeconfig: &self.kubeconfig,
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

/// The API server knows each token of an account from the others.
async fn credential(client: &Client, token: String) -> String {
    let review = TokenReview {
        metadata: ObjectMeta::default(),
        spec: TokenReviewSpec { token, ..TokenReviewSpec::default() },
        status: None,
    };
    let answer = Api::<TokenReview>::all(client.clone()).create(&PostParams::default(), &review).await.expect("a review");
    let extra = answer.status.and_then(|status| status.user).and_then(|user| user.extra).unwrap_or_default();
    let ids = extra.get("authentication.kubernetes.io/credential-id").expect("an API server that tells tokens apart");
    ids.first().expect("an id").clone()
}
