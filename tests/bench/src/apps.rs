//! Apps: their namespaces, credentials and objects, made many at a time.

use std::fmt::Debug;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use k8s_openapi::{
    NamespaceResourceScope,
    api::core::v1::{Namespace, Secret},
};
use kube::{Api, Client, Resource, api::PostParams};
use miniprogram_operator::api::{MiniProgram, names};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

/// Requests that are made at a time, here and by the client that shows the limit.
pub const CONCURRENCY: usize = 64;

/// Objects to be made.
#[derive(Clone, Copy)]
pub struct Apps {
    /// What the names of their namespaces begin with.
    pub prefix: &'static str,
    pub count: u32,
    pub per_namespace: u32,
    /// Whether all objects name the same app.
    pub of_one_app: bool,
}

impl Apps {
    pub fn new(count: u32, per_namespace: u32) -> Self {
        Self { prefix: "apps", count, per_namespace, of_one_app: false }
    }

    /// In other namespaces.
    pub fn in_namespaces(self, prefix: &'static str) -> Self {
        Self { prefix, ..self }
    }

    pub fn of_one_app(self) -> Self {
        Self { of_one_app: true, ..self }
    }

    /// The app ids; those of another prefix differ.
    pub fn ids(self) -> impl Iterator<Item = String> {
        (0..self.count).map(move |nth| self.id(nth))
    }

    /// Whether an object is one of them.
    pub fn has(self, object: &MiniProgram) -> bool {
        let prefix = format!("{}-", self.prefix);
        object.metadata.namespace.as_ref().is_some_and(|namespace| namespace.starts_with(&prefix))
    }

    fn id(self, nth: u32) -> String {
        let family =
            self.prefix.bytes().fold(0_u32, |sum, byte| sum.wrapping_mul(31) + u32::from(byte));
        format!("wx{family:08x}{:08x}", if self.of_one_app { 0 } else { nth })
    }

    fn namespace(self, nth: u32) -> String {
        format!("{}-{}", self.prefix, nth / self.per_namespace)
    }

    /// Makes namespaces, credentials and objects, and returns the objects.
    pub async fn create(self, client: &Client) -> Vec<MiniProgram> {
        let last = self.count.saturating_sub(1) / self.per_namespace;
        let namespaces = (0..=last).map(|nth| format!("{}-{nth}", self.prefix));
        create_namespaces(client, namespaces).await;
        let objects = stream::iter(0..self.count).map(|nth| self.create_one(client, nth));
        objects.buffer_unordered(CONCURRENCY).collect().await
    }

    async fn create_one(self, client: &Client, nth: u32) -> MiniProgram {
        let (name, app_id, namespace) = (format!("app-{nth}"), self.id(nth), self.namespace(nth));
        let credential = format!("{name}-credential");
        let secret = json!({
            "metadata": { "name": credential },
            "stringData": { names::KEY_APP_SECRET: format!("secret-of-{app_id}") },
        });
        create::<Secret>(client, &namespace, secret).await;
        let object = json!({
            "apiVersion": "miniprogram.dev/v1alpha1",
            "kind": "MiniProgram",
            "metadata": { "name": name },
            "spec": {
                "appID": app_id,
                "tokenMode": "Stable",
                "credentialRef": { "name": credential },
            },
        });
        create(client, &namespace, object).await
    }
}

pub async fn create_namespaces(client: &Client, names: impl IntoIterator<Item = String>) {
    let namespaces = Api::<Namespace>::all(client.clone());
    let made = stream::iter(names).map(async |name| {
        let object = json!({ "metadata": { "name": name } });
        let object = serde_json::from_value(object).expect("a Namespace");
        namespaces.create(&PostParams::default(), &object).await
    });
    let made = made.buffer_unordered(CONCURRENCY).try_collect::<Vec<_>>();
    made.await.expect("created namespaces");
}

/// Creates an object from JSON.
pub async fn create<K>(client: &Client, namespace: &str, object: Value) -> K
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone,
    K: DeserializeOwned + Serialize + Debug,
{
    let object = serde_json::from_value(object).expect("an object");
    let api = Api::<K>::namespaced(client.clone(), namespace);
    api.create(&PostParams::default(), &object).await.expect("a created object")
}
