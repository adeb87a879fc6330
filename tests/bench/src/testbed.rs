//! One measurement's control plane, platform and operator's account. Always new, so that no
//! measurement finds what another has left behind.

use std::time::Duration;

use kube::Client;
use local_cluster::{Cluster, Options};
use operator_harness::{Account, client, install};
use platform_simulator::{
    Settings, Simulator,
    model::{AppSettings, Fault, SecretRule},
};

/// What each call to the platform takes.
pub const PLATFORM_LATENCY: Duration = Duration::from_millis(50);
/// The namespace of the operator's pod.
pub const OPERATOR_NAMESPACE: &str = "operator";

pub struct Testbed {
    pub cluster: Cluster,
    /// Of an administrator.
    pub client: Client,
    pub simulator: Simulator,
    pub account: Account,
}

impl Testbed {
    /// With the platform's own life of tokens.
    pub async fn start() -> Self {
        Self::with(AppSettings::default()).await
    }

    /// With apps that are as `defaults` says. Every app id is known, with its secret.
    pub async fn with(defaults: AppSettings) -> Self {
        let cluster = Cluster::start(Options::default()).await.expect("a control plane");
        install(&cluster).await;
        let client = client(cluster.kubeconfig()).await;
        crate::apps::create_namespaces(&client, [OPERATOR_NAMESPACE.to_owned()]).await;
        let account = Account::create(&client, OPERATOR_NAMESPACE).await;
        account.allow_everything().await;
        let accept_any_app = Some(SecretRule::SecretOf);
        let settings = Settings { accept_any_app, defaults, ..Settings::default() };
        let simulator = Simulator::start(settings).await.expect("a simulator");
        let ms = u64::try_from(PLATFORM_LATENCY.as_millis()).expect("a few");
        simulator.fault_for_all(Fault::Slow { ms });
        Self { cluster, client, simulator, account }
    }
}
