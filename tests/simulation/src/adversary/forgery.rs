//! A target that somebody applies whole under the operator's name. Knows what stands in one, and
//! not whom it harms.

use std::collections::BTreeMap;

use k8s_openapi::{ByteString, jiff::Timestamp};
use miniprogram_operator::{
    api::names,
    sensitive::{AccessToken, AppSecret},
};
use serde_json::{Value, json};

use crate::{
    cluster::{
        Kind, Name,
        apply::apply,
        request::{Asked, Verb},
    },
    dice::Dice,
    endpoint::Endpoint,
    stage::Stage,
    time::{DAY, HOUR, MINUTE, Millis, SECOND, wall_at},
};

/// What a forged target says.
pub struct Forgery {
    pub token: String,
    pub issued: Timestamp,
    pub expires: Timestamp,
    /// The app secret whose digest stands in it.
    pub app_secret: String,
    pub endpoint: Endpoint,
    /// The id of the call that is said to have brought the token.
    pub issued_for: String,
    pub unconfirmed: bool,
    pub immutable: bool,
}

impl Forgery {
    /// Some token that no platform has made, and times of any kind.
    pub fn draw(
        dice: &Dice,
        now: Millis,
        app_secret: &str,
        endpoint: Endpoint,
        issued_for: String,
    ) -> Self {
        let ago = [0, SECOND, 10 * SECOND, 10 * MINUTE, 2 * HOUR];
        let ahead = [SECOND, 5 * MINUTE, DAY];
        let issued = if dice.chance(0.3) {
            now + dice.pick(&ahead).copied().unwrap_or_default()
        } else {
            now.saturating_sub(dice.pick(&ago).copied().unwrap_or_default())
        };
        let life = dice.pick(&[SECOND, MINUTE, 2 * HOUR, 2 * HOUR, 7 * DAY]).copied();
        Self {
            token: format!("forged-{:032x}", dice.number()),
            issued: whole(issued),
            expires: whole(issued + life.unwrap_or(2 * HOUR)),
            app_secret: app_secret.to_owned(),
            endpoint,
            issued_for,
            unconfirmed: dice.chance(0.2),
            immutable: false,
        }
    }

    /// Applies it as the target of an object.
    pub fn apply(&self, stage: &Stage, object: &Name, app_id: &str, target: &str) {
        let (namespace, name) = object;
        let mini = stage.cluster().get(Kind::MiniProgram, object).cloned();
        let Some(uid) = mini.as_ref().and_then(|mini| mini["metadata"]["uid"].as_str()) else {
            return;
        };
        let salt = "a-salt";
        let digest = AppSecret::parse(self.app_secret.as_bytes()).map(|it| it.digest(salt));
        let fingerprint = AccessToken::parse(&self.token).map(|token| token.fingerprint());
        let mut annotations = json!({
            names::APP_ID: app_id, names::PLATFORM: self.endpoint.platform(),
            names::TOKEN_MODE: self.endpoint.mode(),
            names::CREDENTIAL_DIGEST: digest.unwrap_or_default(), names::CREDENTIAL_SALT: salt,
            names::ISSUE_TIME: self.issued.to_string(),
            names::EXPIRATION_TIME: self.expires.to_string(),
            names::FINGERPRINT: fingerprint, names::ISSUED_FOR: self.issued_for,
            names::OPERATOR: "mp-system/operator",
        });
        if self.unconfirmed {
            annotations[names::UNCONFIRMED] = json!("true");
        }
        let owner = json!([{
            "apiVersion": "miniprogram.dev/v1alpha1", "kind": "MiniProgram", "name": name,
            "uid": uid, "controller": true, "blockOwnerDeletion": false,
        }]);
        let mut secret = json!({
            "apiVersion": "v1", "kind": "Secret", "type": names::SECRET_TYPE,
            "metadata": {
                "namespace": namespace, "name": target, "ownerReferences": owner,
                "annotations": annotations,
                "labels": { names::MANAGED_BY: names::FIELD_MANAGER, names::NAME: name },
            },
            "data": {
                names::KEY_ACCESS_TOKEN: encoded(&self.token),
                names::KEY_EXPIRES_AT: encoded(&self.expires.to_string()),
                names::KEY_EXPIRES_AT_UNIX: encoded(&self.expires.as_second().to_string()),
                names::KEY_APP_ID: encoded(app_id),
            },
        });
        if self.immutable {
            secret["immutable"] = json!(true);
        }
        apply_as_operator(stage, &(namespace.clone(), target.to_owned()), secret);
    }

    /// Applies a target as it stands, but with this token and its times.
    pub fn apply_over(&self, stage: &Stage, name: &Name, mut secret: Value) {
        let fingerprint = AccessToken::parse(&self.token).map(|token| token.fingerprint());
        secret["metadata"]["annotations"][names::FINGERPRINT] = json!(fingerprint);
        secret["data"][names::KEY_ACCESS_TOKEN] = encoded(&self.token);
        self.set_times(&mut secret);
        leave_out_json(&mut secret);
        apply_as_operator(stage, name, secret);
    }

    /// Writes its times into a target.
    pub fn set_times(&self, secret: &mut Value) {
        let annotations = &mut secret["metadata"]["annotations"];
        annotations[names::ISSUE_TIME] = json!(self.issued.to_string());
        annotations[names::EXPIRATION_TIME] = json!(self.expires.to_string());
        let data = &mut secret["data"];
        data[names::KEY_EXPIRES_AT] = encoded(&self.expires.to_string());
        data[names::KEY_EXPIRES_AT_UNIX] = encoded(&self.expires.as_second().to_string());
    }
}

/// Takes the JSON out of a target, as a version that did not write it would have it: one that says
/// something else shows as an edit.
fn leave_out_json(secret: &mut Value) {
    if let Some(annotations) = secret["metadata"]["annotations"].as_object_mut() {
        annotations.remove(names::TOKEN_JSON);
    }
    if let Some(data) = secret["data"].as_object_mut() {
        data.remove(names::KEY_TOKEN_JSON);
    }
}

/// Applies a whole Secret under the operator's name.
pub fn apply_as_operator(stage: &Stage, name: &Name, secret: Value) {
    let asked = Asked {
        verb: Verb::Apply,
        kind: Kind::Secret,
        namespace: Some(name.0.clone()),
        name: Some(name.1.clone()),
        query: BTreeMap::new(),
        body: secret,
        metadata_only: false,
        altered: false,
    };
    let now = stage.time.now();
    let applied = apply(&mut stage.cluster(), now, name, &asked, names::FIELD_MANAGER);
    if let Err(refusal) = applied {
        stage.trace.note("adversary", format_args!("{}: {}", name.1, refusal.message));
    }
}

/// A Secret that stands there, as its writer would apply it again.
pub fn as_applied(secret: &Value) -> Value {
    let metadata = &secret["metadata"];
    let mut body = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": {} });
    for field in ["namespace", "name", "labels", "annotations", "ownerReferences"] {
        if let Some(value) = metadata.get(field) {
            body["metadata"][field] = value.clone();
        }
    }
    for field in ["type", "data"] {
        body[field] = secret[field].clone();
    }
    body
}

/// A value as a Secret's data hold it.
pub fn encoded(text: &str) -> Value {
    serde_json::to_value(ByteString(text.as_bytes().to_vec())).unwrap_or_default()
}

fn whole(at: Millis) -> Timestamp {
    wall_at(at / SECOND * SECOND)
}
