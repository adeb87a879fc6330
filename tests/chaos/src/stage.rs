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
    model::{Fault, Kind, Standing},
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
    pub async fn set(operator: &Path, pace: &Pace, directory: Option<PathBuf>) -> Self {
        let options = Options { audit: true, directory, ..Options::default() };
        let cluster = Cluster::start(options).await.expect("a control plane");
        install(&cluster).await;
        let client = client(cluster.kubeconfig()).await;
        create::<Namespace>(&Api::all(client.clone()), json!({ "metadata": { "name": NAMESPACE } })).await;
        let account = Account::create(&client, NAMESPACE).await;
        account.allow_namespace(NAMESPACE).await;
        let mut simulator = Simulator::start(Settings::default()).await.expect("a simulator");
        simulator.fault_for_all(Fault::SlowAfterMint { ms: HELD });
        let mut replicas = Vec::new();
        for name in ["a", "b"] {
            let platform = simulator.serve_also_at(([127, 0, 0, 1], 0).into()).await.expect("a port");
            replicas.push(Replica::prepare(name, operator, &cluster, &client, &account, platform, pace).await);
        }
        let apps = apps(pace);
        let stage = Self { cluster, client, simulator, apps, replicas, record: Record::default(), user: account.user() };
        for app in &stage.apps {
            stage.create(app, pace).await;
        }
        for replica in &stage.replicas {
            replica.start(&stage.cluster).await;
        }
        stage.until_well(pace.recovery()).await;
        stage
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

    /// Waits until all is well, and answers how long that took; what is not in time, is blamed.
    pub async fn until_well(&self, within: Millis) -> Millis {
        let began = Instant::now();
        loop {
            let ailing = self.ailing().await;
            if ailing.is_empty() {
                return Millis::try_from(began.elapsed().as_millis()).unwrap_or(Millis::MAX);
            }
            if began.elapsed() > Duration::from_millis(within) {
                self.record.blame(format!("not well within {} s: {}", within / 1000, ailing.join("; ")));
                return within;
            }
            sleep(POLL).await;
        }
    }

    /// What is wrong with each app that is not well: a token that lives, a status that says so, no call of unknown end.
    async fn ailing(&self) -> Vec<String> {
        let params = ListParams::default();
        let (minis, secrets) = (self.api::<MiniProgram>(), self.api::<Secret>());
        let (Ok(minis), Ok(secrets)) = tokio::join!(minis.list(&params), secrets.list(&params)) else {
            return vec!["the API server does not answer".to_owned()];
        };
        let ails = |app: &App| {
            let mini = minis.items.iter().find(|mini| mini.metadata.name.as_ref() == Some(&app.name));
            let target = secrets.items.iter().find(|secret| secret.metadata.name.as_ref() == Some(&app.target()));
            let status = mini.and_then(|mini| mini.status.as_ref()).ok_or("no status")?;
            let target = target.ok_or("no target")?;
            let ready = conditions::find(&status.conditions, ConditionType::Ready);
            if ready.is_none_or(|ready| ready.status != "True") {
                return Err("not ready");
            }
            let token = token(target).ok_or("no token")?;
            if self.simulator.standing(&token) != Standing::Live {
                return Err("a dead token");
            }
            let intent = status.intent.as_ref().map(|intent| &intent.id);
            let closed = intent.is_none() || intent == annotation(target, names::ISSUED_FOR);
            if closed { Ok(()) } else { Err("a call of unknown end") }
        };
        let all = self.apps.iter().map(|app| ails(app).map_err(|why| format!("{}: {why}", app.name)));
        all.filter_map(Result::err).collect()
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
    K: Clone + serde::de::DeserializeOwned + serde::Serialize + std::fmt::Debug + kube::Resource<DynamicType = ()>,
{
    let object: K = serde_json::from_value(object).expect("an object");
    api.create(&PostParams::default(), &object).await.expect("a created object");
}

pub fn token(secret: &Secret) -> Option<String> {
    let bytes = secret.data.as_ref()?.get(names::KEY_ACCESS_TOKEN)?;
    Some(String::from_utf8(bytes.0.clone()).expect("text"))
}

pub fn annotation<'a>(secret: &'a Secret, key: &str) -> Option<&'a String> {
    secret.metadata.annotations.as_ref()?.get(key)
}
