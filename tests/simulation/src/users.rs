//! People and their objects: what an app's user has, wants, and may expect of the operator.

pub mod actions;

use judge::{Act, Expect, Pace, Standing};
use miniprogram_operator::api::names;
use platform_simulator::model::AppSettings;
use serde_json::{Value, json};

use crate::{
    cluster::{Kind, Name, fields::Fields},
    endpoint::Endpoint,
    stage::Stage,
    time::{HOUR, MINUTE, Millis, SECOND},
};

pub const NAMESPACE: &str = "team-a";

/// One `MiniProgram` as its user thinks of it.
#[derive(Clone, Debug)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a wish of its own, and none excludes another"
)]
pub struct App {
    pub app_id: String,
    pub name: Name,
    pub credential: Name,
    pub endpoint: Endpoint,
    /// How often the spec's target was renamed.
    pub renames: u32,
    /// A Secret of somebody else stands where the target should be; the one before it stays in use.
    pub squatted: Option<String>,
    pub suspended: bool,
    pub deleted: bool,
    pub retained: bool,
    /// Whether the credential Secret holds the right app secret.
    pub right: bool,
    /// The app secret that the platform takes, by number.
    pub secret: u32,
    /// Whether it is the younger of two objects of one app.
    pub second: bool,
    /// Whether there are two: which of them keeps a rotating token is nobody's to expect.
    pub paired: bool,
    /// How long its tokens live.
    pub life: Millis,
    pub reported: Millis,
    pub lead: Option<u64>,
    pub interval: Option<u64>,
    /// An old copy of the target.
    pub backup: Option<Fields>,
    pub requests: u32,
}

impl App {
    pub fn new(number: u64, endpoint: Endpoint, second: bool) -> Self {
        let name = |text: String| (NAMESPACE.to_owned(), text);
        let suffix = if second { "-b" } else { "" };
        Self {
            app_id: format!("wx{number:016x}"),
            name: name(format!("app-{number}{suffix}")),
            credential: name(format!("credential-{number}{suffix}")),
            endpoint,
            renames: 0,
            squatted: None,
            suspended: false,
            deleted: false,
            retained: false,
            right: true,
            secret: 0,
            second,
            paired: second,
            life: 2 * HOUR,
            reported: 0,
            lead: None,
            interval: None,
            backup: None,
            requests: 0,
        }
    }

    /// The app secret that the platform takes.
    pub fn right_secret(&self) -> String {
        format!("secret-{}-of-{}", self.secret, self.app_id)
    }

    /// The name of the target that the spec asks for.
    pub fn wanted_target(&self) -> String {
        match self.renames {
            0 => format!("{}-token", self.name.1),
            times => format!("{}-token-{times}", self.name.1),
        }
    }

    /// The target that pods can count on.
    pub fn target(&self) -> String {
        self.squatted.clone().unwrap_or_else(|| self.wanted_target())
    }

    fn target_name(&self) -> Name {
        (self.name.0.clone(), self.target())
    }

    /// Makes the app known to the platform, and its objects to the cluster.
    pub fn install(&self, stage: &Stage) {
        self.tell_platform(stage);
        self.write_credential(stage, &self.right_secret());
        self.create(stage);
        self.expect(stage, Act::Edit, "creates");
    }

    /// The same in the middle of a run, and at a place that nobody has taken.
    #[must_use]
    pub fn arrives(self, stage: &Stage) -> Self {
        self.tell_platform(stage);
        self.write_credential(stage, &self.right_secret());
        self.create(stage);
        self.expect(stage, Act::Create, "creates");
        self
    }

    fn tell_platform(&self, stage: &Stage) {
        // Whatever the life, the times around its end are the platform's.
        let settings = AppSettings {
            life_ms: Some(self.life),
            overlap_ms: Some(5 * MINUTE),
            force_gap_ms: Some(30 * SECOND),
            ..AppSettings::with_secret(&self.right_secret())
        };
        stage.platform().set_app(&self.app_id, &settings);
    }

    fn create(&self, stage: &Stage) {
        let conditions = json!([{
            "type": "Ready", "status": "Unknown", "reason": "Pending", "message": "Waiting for the operator",
            "lastTransitionTime": "1970-01-01T00:00:00Z",
        }]);
        let mini = json!({
            "apiVersion": "miniprogram.dev/v1alpha1", "kind": "MiniProgram",
            "metadata": {}, "spec": self.spec(), "status": { "conditions": conditions },
        });
        stage.cluster().put(stage.time.now(), Kind::MiniProgram, &self.name, mini);
    }

    fn spec(&self) -> Value {
        let mut spec = json!({
            "appID": self.app_id,
            "credentialRef": { "name": self.credential.1, "key": "appSecret" },
            "suspend": self.suspended,
            "target": {
                "name": self.wanted_target(), "deletionPolicy": if self.retained { "Retain" } else { "Delete" },
            },
        });
        self.endpoint.name_in(&mut spec);
        for (field, value) in
            [("refreshBeforeSeconds", self.lead), ("refreshIntervalSeconds", self.interval)]
        {
            if let Some(value) = value {
                spec[field] = json!(value);
            }
        }
        spec
    }

    /// Brings the object's spec in line with what its user wants.
    fn write_spec(&self, stage: &Stage) {
        self.edit(stage, |mini| mini["spec"] = self.spec());
    }

    fn edit(&self, stage: &Stage, change: impl FnOnce(&mut Value)) {
        let mut cluster = stage.cluster();
        let Some(live) = cluster.get(Kind::MiniProgram, &self.name) else { return };
        let mut mini = Value::clone(live);
        change(&mut mini);
        cluster.put(stage.time.now(), Kind::MiniProgram, &self.name, mini);
    }

    fn annotate(&self, stage: &Stage, key: &str, value: &str) {
        self.edit(stage, |mini| mini["metadata"]["annotations"][key] = json!(value));
    }

    fn write_credential(&self, stage: &Stage, secret: &str) {
        let value = serde_json::to_value(k8s_openapi::ByteString(secret.as_bytes().to_vec()))
            .unwrap_or_default();
        let mut cluster = stage.cluster();
        let mut object = cluster.get(Kind::Secret, &self.credential).map_or_else(
            || json!({ "apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": {} }),
            |live| Value::clone(live),
        );
        object["data"] = json!({ "appSecret": value });
        cluster.put(stage.time.now(), Kind::Secret, &self.credential, object);
    }

    /// Whether the operator can serve it, as far as this object goes.
    fn is_served(&self, stage: &Stage) -> bool {
        // Nothing can be expected until the name of the target is free.
        let has_place = !self.is_foreign(stage, &self.target())
            && (self.squatted.is_none() || self.has_target(stage));
        self.right && !self.suspended && !self.deleted && has_place
    }

    fn has_target(&self, stage: &Stage) -> bool {
        stage.cluster().get(Kind::Secret, &self.target_name()).is_some()
    }

    /// Whether a Secret of this name is not the operator's by its own rules: another type, or
    /// nothing that says whose it is.
    fn is_foreign(&self, stage: &Stage, name: &str) -> bool {
        let cluster = stage.cluster();
        let Some(secret) = cluster.get(Kind::Secret, &(self.name.0.clone(), name.to_owned()))
        else {
            return false;
        };
        let metadata = &secret["metadata"];
        let labelled = metadata["labels"][names::NAME] == self.name.1.as_str();
        let told = metadata["annotations"][names::APP_ID] == self.app_id.as_str();
        secret["type"] != names::SECRET_TYPE
            || !(metadata["ownerReferences"].is_array() || labelled && told)
    }

    /// Says what was done, and what may be expected from now on.
    pub fn expect(&self, stage: &Stage, act: Act, action: &str) {
        let now = stage.time.now();
        stage.trace.note(
            "user",
            format_args!("{action}: {} of {} ({:?})", self.name.1, self.app_id, self.endpoint),
        );
        // Which of two objects keeps a token that replaces the one before it is nobody's to expect.
        let shared = self.paired && self.endpoint.replaces();
        let served = self.is_served(stage);
        let expect = Expect {
            target: served.then(|| self.target()),
            shared,
            // In a conflict the target before it is kept fresh, and the status says so.
            ready: served && !shared && self.squatted.is_none(),
            standing: match () {
                () if self.suspended || self.deleted => Standing::AtRest,
                () if served => Standing::Served,
                () => Standing::Blocked,
            },
            // A window opens at most 300 s before the end, and is used within a minute.
            pace: Pace {
                refresh_after: self.endpoint.refresh_after(self.life, self.lead),
                interval: self.interval.map(|interval| interval * SECOND),
            },
            names: None,
        };
        let mut record = stage.record();
        record.expects(now, &self.name, &self.app_id, expect);
        record.acted(now, &self.app_id, act);
    }
}
