//! What people do to their objects: create, edit, delete. Knows nothing of what the operator does about it.

use platform_simulator::model::AppSettings;
use serde_json::{Value, json};

use crate::{
    cluster::{Kind, Name},
    ledger::app_in,
    stage::Stage,
};

pub const NAMESPACE: &str = "team-a";

/// One `MiniProgram` as its user thinks of it.
#[derive(Clone, Debug)]
pub struct App {
    pub app_id: String,
    pub name: Name,
    pub credential: Name,
    pub mode: &'static str,
}

impl App {
    pub fn new(number: u64, mode: &'static str) -> Self {
        let name = |text: String| (NAMESPACE.to_owned(), text);
        Self {
            app_id: format!("wx{number:016x}"),
            name: name(format!("app-{number}")),
            credential: name(format!("credential-{number}")),
            mode,
        }
    }

    pub fn right_secret(&self) -> String {
        format!("secret-of-{}", self.app_id)
    }

    pub fn target(&self) -> String {
        format!("{}-token", self.name.1)
    }

    /// Makes the app known to the platform, and its objects to the cluster.
    pub fn install(&self, stage: &Stage, spec: Value) {
        let now = stage.time.now();
        stage.platform().set_app(&self.app_id, &AppSettings::with_secret(&self.right_secret()));
        self.write_credential(stage, &self.right_secret());
        let conditions = json!([{
            "type": "Ready", "status": "Unknown", "reason": "Pending", "message": "Waiting for the operator",
            "lastTransitionTime": "1970-01-01T00:00:00Z",
        }]);
        let mini = json!({
            "apiVersion": "miniprogram.dev/v1alpha1", "kind": "MiniProgram",
            "metadata": {}, "spec": spec, "status": { "conditions": conditions },
        });
        stage.cluster().put(now, Kind::MiniProgram, &self.name, mini);
        stage.trace.note("user", format_args!("creates {} for {} ({})", self.name.1, self.app_id, self.mode));
        let mut ledger = stage.ledger();
        ledger.expect(now, &self.name, Some(self.target()));
        ledger.trouble(now, now, "created", app_in(&self.app_id));
    }

    pub fn spec(&self) -> Value {
        json!({
            "platform": "WeChat", "appID": self.app_id, "tokenMode": self.mode,
            "credentialRef": { "name": self.credential.1, "key": "appSecret" },
            "suspend": false,
        })
    }

    pub fn write_credential(&self, stage: &Stage, secret: &str) {
        let now = stage.time.now();
        let value = serde_json::to_value(k8s_openapi::ByteString(secret.as_bytes().to_vec())).unwrap_or_default();
        let mut cluster = stage.cluster();
        let mut object = cluster.get(Kind::Secret, &self.credential).map_or_else(
            || json!({ "apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": {} }),
            |live| Value::clone(live),
        );
        object["data"] = json!({ "appSecret": value });
        cluster.put(now, Kind::Secret, &self.credential, object);
    }
}
