//! Where a run plays: control plane, platform, apps and two operators. Knows no fault.

use std::path::{Path, PathBuf};

use k8s_openapi::api::core::v1::{Namespace, Secret};
use kube::{
    Api, Client,
    api::{ListParams, PostParams},
};
use local_cluster::{Cluster, Options};
use miniprogram_operator::api::{ConditionType, MiniProgram, conditions, names};
use operator_harness::{Account, client, install};
use platform_simulator::{
    Millis, Settings, Simulator,
    model::{Fault, Kind},
};
use serde_json::{Value, json};
use tokio::time::{Duration, Instant, sleep};

use crate::{
    pace::{Lives, Pace},
    record::Record,
    replica::Replica,
    script::HELD,
};

pub const NAMESPACE: &str = "chaos";
pub const LEASE: &str = "miniprogram-operator";
const POLL: Duration = Duration::from_millis(100);

/// All that takes part.
pub struct Stage {
    pub cluster: Cluster,
    pub client: Client,
    pub simulator: Simulator,
    pub apps: Vec<App>,
    pub replicas: Vec<Replica>,
    pub record: Record,
    /// What the audit log calls the operators' account.
    pub user: String,
}

/// A `MiniProgram` and its app.
#[derive(Clone, Debug)]
pub struct App {
    pub name: String,
    pub id: String,
    pub kind: Kind,
    pub lives: Lives,
}

impl App {
    pub fn rotates(&self) -> bool {
        self.kind == Kind::Legacy
    }

    pub fn target(&self) -> String {
        format!("{}-token", self.name)
    }

    fn mode(&self) -> &'static str {
        if self.rotates() { "Legacy" } else { "Stable" }
    }
}

impl Stage {
    /// Returns when every app has its first token.
    pub async fn set(
        operator: &Path,
        pace: &Pace,
        processes: usize,
        directory: Option<PathBuf>,
    ) -> Self {
        let options = Options { audit: true, directory, ..Options::default() };
        let cluster = Cluster::start(options).await.expect("a control plane");
        install(&cluster).await;
        let client = client(cluster.kubeconfig()).await;
        create::<Namespace>(
            &Api::all(client.clone()),
            json!({ "metadata": { "name": NAMESPACE } }),
        )
        .await;
        let account = Account::create(&client, NAMESPACE).await;
        account.allow_namespace(NAMESPACE).await;
        let simulator = Simulator::start(Settings::default()).await.expect("a simulator");
        simulator.fault_for_all(Fault::SlowAfterMint { ms: HELD });
        let mut replicas = Vec::new();
        for name in ["a", "b"] {
            let platform =
                simulator.serve_also_at(([127, 0, 0, 1], 0).into()).await.expect("a port");
            replicas.push(
                Replica::prepare(name, operator, &cluster, &account, platform, pace, processes)
                    .await,
            );
        }
        let apps = apps(pace);
        let stage = Self {
            cluster,
            client,
            simulator,
            apps,
            replicas,
            record: Record::default(),
            user: account.user(),
        };
        for app in &stage.apps {
            stage.create(app, pace).await;
        }
        for replica in &stage.replicas {
            replica.start(&stage).await;
        }
        stage.until_ready(pace.ready_within()).await;
        stage.record.with(|told| told.began = stage.simulator.now_ms());
        stage
    }

    /// The number of the process that runs at a place.
    pub fn process_of(&self, replica: usize) -> Option<judge::Process> {
        let port = self.replicas[replica].port;
        let place = self
            .record
            .with(|told| told.started.iter().rposition(|started| started.port == port))?;
        judge::Process::try_from(place + 1).ok()
    }

    async fn create(&self, app: &App, pace: &Pace) {
        let secret = format!("secret-of-{}", app.id);
        self.simulator.set_app(&app.id, &app.lives.settings(&secret));
        let credential = format!("{}-credential", app.name);
        let object = json!({ "metadata": { "name": credential }, "stringData": { names::KEY_APP_SECRET: secret } });
        create::<Secret>(&self.api(), object).await;
        let mut spec = json!({ "appID": app.id, "tokenMode": app.mode(), "credentialRef": { "name": credential } });
        if let Some(lead) = pace.lead {
            spec["refreshBeforeSeconds"] = json!(lead / 1000);
        }
        let object = json!({
            "apiVersion": "miniprogram.dev/v1alpha1",
            "kind": "MiniProgram",
            "metadata": { "name": app.name },
            "spec": spec,
        });
        create::<MiniProgram>(&self.api(), object).await;
    }

    pub fn api<K>(&self) -> Api<K>
    where
        K: kube::Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>,
    {
        Api::namespaced(self.client.clone(), NAMESPACE)
    }

    /// Waits until every app has its first token; what comes after that is the judge's.
    async fn until_ready(&self, within: Millis) {
        let deadline = Instant::now() + Duration::from_millis(within);
        while let Some(late) = self.without_a_token().await {
            assert!(Instant::now() < deadline, "{late} has no token after {} s", within / 1000);
            sleep(POLL).await;
        }
    }

    async fn without_a_token(&self) -> Option<String> {
        let minis =
            self.api::<MiniProgram>().list(&ListParams::default()).await.expect("an answer");
        let is_ready = |mini: &MiniProgram| {
            let status = mini.status.as_ref();
            let ready = status
                .and_then(|status| conditions::find(&status.conditions, ConditionType::Ready));
            ready.is_some_and(|ready| ready.status == "True")
        };
        minis.items.into_iter().find(|mini| !is_ready(mini))?.metadata.name
    }
}

/// Of each pair with the same lives, one rotates and one is stable.
fn apps(pace: &Pace) -> Vec<App> {
    let both = pace.lives().enumerate().flat_map(|(nth, lives)| {
        [Kind::Legacy, Kind::Stable].map(|kind| {
            let name = if kind == Kind::Legacy { "legacy" } else { "stable" };
            let id = format!("wx{:016x}", 2 * nth + usize::from(kind == Kind::Stable));
            App { name: format!("{name}-{nth}"), id, kind, lives }
        })
    });
    both.collect()
}

async fn create<K>(api: &Api<K>, object: Value)
where
    K: Clone
        + serde::de::DeserializeOwned
        + serde::Serialize
        + std::fmt::Debug
        + kube::Resource<DynamicType = ()>,
{
    let object: K = serde_json::from_value(object).expect("an object");
    api.create(&PostParams::default(), &object).await.expect("a created object");
}

pub fn token(secret: &Secret) -> Option<String> {
    let bytes = secret.data.as_ref()?.get(names::KEY_ACCESS_TOKEN)?;
    Some(String::from_utf8(bytes.0.clone()).expect("text"))
}
