//! An object that names an app, with its credential and target, as its own user writes it. Knows
//! nothing of what it is made for.

use miniprogram_operator::api::names;
use serde_json::{Value, json};

use super::forgery::encoded;
use crate::{
    cluster::{Kind, Name},
    endpoint::Endpoint,
    stage::Stage,
    users::App,
};

pub struct Claim {
    pub object: Name,
    pub app_id: String,
    pub endpoint: Endpoint,
    requests: u32,
}

impl Claim {
    pub fn new(namespace: &str, name: String, app: &App) -> Self {
        let object = (namespace.to_owned(), name);
        Self { object, app_id: app.app_id.clone(), endpoint: app.endpoint, requests: 0 }
    }

    /// Whether the object is there.
    pub fn stands(&self, stage: &Stage) -> bool {
        stage.cluster().get(Kind::MiniProgram, &self.object).is_some()
    }

    /// What stands at this place of its status.
    pub fn said(&self, stage: &Stage, pointer: &str) -> Option<String> {
        let cluster = stage.cluster();
        let status = &cluster.get(Kind::MiniProgram, &self.object)?["status"];
        status.pointer(pointer)?.as_str().map(str::to_owned)
    }

    pub fn create(&self, stage: &Stage) {
        let mut mini = json!({
            "apiVersion": "miniprogram.dev/v1alpha1", "kind": "MiniProgram", "metadata": {},
            "spec": {
                "appID": self.app_id,
                "credentialRef": { "name": self.credential().1, "key": "appSecret" },
                "target": { "name": self.target().1 },
            },
        });
        self.endpoint.name_in(&mut mini["spec"]);
        stage.cluster().put(stage.time.now(), Kind::MiniProgram, &self.object, mini);
    }

    pub fn write_credential(&self, stage: &Stage, app_secret: &str) {
        let mut cluster = stage.cluster();
        let credential = self.credential();
        let mut secret = cluster.get(Kind::Secret, &credential).map_or_else(
            || json!({ "apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": {} }),
            |live| Value::clone(live),
        );
        secret["data"] = json!({ "appSecret": encoded(app_secret) });
        cluster.put(stage.time.now(), Kind::Secret, &credential, secret);
    }

    /// Asks for a refresh, as if for the first time.
    pub fn request(&mut self, stage: &Stage) {
        self.requests += 1;
        self.annotate(stage, names::REFRESH_REQUESTED, &format!("request-{}", self.requests));
    }

    /// Reports a token dead, by its fingerprint.
    pub fn report(&self, stage: &Stage, fingerprint: &str) {
        self.annotate(stage, names::INVALID_TOKEN, fingerprint);
    }

    fn annotate(&self, stage: &Stage, key: &str, value: &str) {
        let mut cluster = stage.cluster();
        let Some(live) = cluster.get(Kind::MiniProgram, &self.object) else { return };
        let mut mini = Value::clone(live);
        mini["metadata"]["annotations"][key] = json!(value);
        cluster.put(stage.time.now(), Kind::MiniProgram, &self.object, mini);
    }

    fn credential(&self) -> Name {
        (self.object.0.clone(), format!("{}-credential", self.object.1))
    }

    pub fn target(&self) -> Name {
        (self.object.0.clone(), format!("{}-token", self.object.1))
    }
}
