//! Where one test plays: a namespace of its own, a platform of its own, and the account of its
//! operators.

use std::fmt::Debug;

use k8s_openapi::{
    NamespaceResourceScope,
    api::core::v1::{Namespace, Secret},
};
use kube::{
    Api, Client, Resource, ResourceExt,
    api::{DeleteParams, Patch, PatchParams, PostParams},
};
use miniprogram_operator::api::ConditionType;
use operator_harness::{Account, client};
use platform_simulator::{Settings, Simulator};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{Draft, Launch, Ledger, plane, record::Record, wait::eventually};

/// What the names of objects begin with that are made for `Stage::until_noticed`.
pub const MARKER: &str = "marker";

/// A namespace, a platform and an account. What operators did on it is judged when it is dropped.
pub struct Stage {
    pub client: Client,
    pub namespace: String,
    pub simulator: Simulator,
    pub account: Account,
    pub record: Record,
}

impl Stage {
    /// A stage whose operator may work in its namespace alone.
    pub async fn new(name: &str) -> Self {
        let client = client(plane().kubeconfig()).await;
        let record = Record::begin();
        let namespace = create_namespace(&client, name).await;
        let account = Account::create(&client, &namespace).await;
        account.allow_namespace(&namespace).await;
        let simulator = Simulator::start(Settings::default()).await.expect("a simulator");
        Self { client, namespace, simulator, account, record }
    }

    /// Another namespace, in which the operator has no rights yet.
    pub async fn another_namespace(&self) -> String {
        create_namespace(&self.client, &self.namespace).await
    }

    /// An operator that watches this namespace, to be started.
    pub fn operator(&self) -> Launch<'_> {
        Launch::new(self).flag("--watch-namespaces", &self.namespace)
    }

    /// An app of the platform with its `MiniProgram` and credential, to be made.
    pub fn app(&self, name: &str) -> Draft<'_> {
        Draft::new(self, name)
    }

    /// What this stage's operators ask of the API server from now on.
    pub fn ledger(&self) -> Ledger {
        Ledger::of(&self.client, self.account.user())
    }

    /// Objects of this namespace, seen by an administrator.
    pub fn api<K>(&self) -> Api<K>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// Creates an object from JSON.
    pub async fn create<K>(&self, object: Value) -> K
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + DeserializeOwned
            + Serialize
            + Debug,
    {
        let object = serde_json::from_value(object).expect("an object");
        self.api::<K>().create(&PostParams::default(), &object).await.expect("a created object")
    }

    /// Makes a Secret or sets a key of it, and leaves its other keys.
    pub async fn put_secret(&self, name: &str, key: &str, value: &str) -> Secret {
        let secret = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": name }, "stringData": { key: value } });
        let params = PatchParams::apply(&format!("it-{key}")).force();
        self.api::<Secret>().patch(name, &params, &Patch::Apply(&secret)).await.expect("a Secret")
    }

    /// Merges a patch into an object, as people do.
    pub async fn patch<K>(&self, name: &str, patch: Value) -> K
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + DeserializeOwned
            + Debug,
    {
        let params =
            PatchParams { field_manager: Some("somebody".into()), ..PatchParams::default() };
        self.api::<K>().patch(name, &params, &Patch::Merge(patch)).await.expect("a patched object")
    }

    pub async fn delete_secret(&self, name: &str) {
        self.api::<Secret>()
            .delete(name, &DeleteParams::default())
            .await
            .expect("a Secret to delete");
    }

    pub async fn secret(&self, name: &str) -> Option<Secret> {
        self.api::<Secret>().get_opt(name).await.expect("an answer")
    }

    /// Waits until the operator has seen all that has happened in this namespace so far: watches
    /// are ordered, so it has once it has seen an object and a Secret that were made after all the
    /// rest.
    pub async fn until_noticed(&self) {
        let name = format!("{MARKER}-{:08x}", rand::random::<u32>());
        let marker =
            self.app(&name).without_credential().label("example.com/marker", "yes").create().await;
        marker.until_says_within(ConditionType::CredentialValid, "False/SecretNotFound", 20).await;
        self.put_secret(&format!("{name}-credential"), "no-app-secret", "").await;
        marker.until_says_within(ConditionType::CredentialValid, "False/KeyMissing", 20).await;
        marker.delete().await;
    }

    /// Waits until a Secret is gone.
    pub async fn until_no_secret(&self, name: &str, seconds: u64) {
        eventually(format!("Secret {name} is gone"), seconds, async || {
            match self.secret(name).await {
                None => Ok(()),
                Some(_) => Err("it is there".into()),
            }
        })
        .await;
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // A test that has failed already says more.
        if !std::thread::panicking() {
            self.record.judge(&self.simulator, &self.account.user(), &self.namespace);
        }
    }
}

async fn create_namespace(client: &Client, name: &str) -> String {
    let namespace = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "generateName": format!("{name}-") } });
    let namespace = serde_json::from_value(namespace).expect("a Namespace");
    let namespaces = Api::<Namespace>::all(client.clone());
    namespaces.create(&PostParams::default(), &namespace).await.expect("a Namespace").name_any()
}

/// A value of a Secret's data.
pub fn value(secret: &Secret, key: &str) -> Option<String> {
    let bytes = secret.data.as_ref()?.get(key)?;
    Some(String::from_utf8(bytes.0.clone()).expect("text"))
}

/// Everything of a Secret that must stay as it is when nothing is written.
pub fn version(secret: &Secret) -> (String, String) {
    (secret.uid().unwrap_or_default(), secret.resource_version().unwrap_or_default())
}
