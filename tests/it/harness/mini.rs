//! A `MiniProgram` with its app on the platform: drafted, made, watched, changed.

use k8s_openapi::api::{core::v1::Secret, events::v1::Event};
use kube::{
    Resource,
    api::{DeleteParams, ListParams, Patch, PatchParams},
};
use miniprogram_operator::api::{ConditionType, MiniProgram, conditions};
use platform_simulator::model::{AppSettings, Call, Counts, Fault, FaultRule};
use serde_json::{Value, json};

use super::{
    Stage,
    stage::value,
    wait::{check, eventually},
};

/// An app and its object, not made yet.
pub struct Draft<'a> {
    stage: &'a Stage,
    name: String,
    app_id: String,
    secret: Option<String>,
    registered: Option<AppSettings>,
    spec: Value,
    labels: Value,
}

/// An app and its object.
#[derive(Clone)]
pub struct Mini<'a> {
    pub stage: &'a Stage,
    pub name: String,
    pub app_id: String,
}

/// An app id that no other test has.
fn random_app_id() -> String {
    format!("wx{:016x}", rand::random::<u64>())
}

impl<'a> Draft<'a> {
    pub fn new(stage: &'a Stage, name: &str) -> Self {
        let app_id = random_app_id();
        Self {
            stage,
            name: name.to_owned(),
            secret: Some(format!("secret-of-{app_id}")),
            registered: Some(AppSettings::with_secret(&format!("secret-of-{app_id}"))),
            app_id,
            spec: json!({}),
            labels: json!({}),
        }
    }

    /// Another object for an app that exists.
    pub fn of_app(self, app_id: &str) -> Self {
        let secret = self.secret.map(|_| format!("secret-of-{app_id}"));
        Self { app_id: app_id.to_owned(), registered: None, secret, ..self }
    }

    /// An app of another platform.
    pub fn at(self, platform: &str, app_id: &str) -> Self {
        Self { app_id: app_id.to_owned(), ..self }.spec(json!({ "platform": platform }))
    }

    pub fn legacy(self) -> Self {
        self.spec(json!({ "tokenMode": "Legacy" }))
    }

    /// What the credential Secret holds; the platform knows the right one.
    pub fn with_secret(self, secret: &str) -> Self {
        Self { secret: Some(secret.to_owned()), ..self }
    }

    /// What the platform takes for the right app secret.
    pub fn whose_platform_knows(mut self, secret: &str) -> Self {
        self.registered.get_or_insert_default().secret = Some(secret.to_owned());
        self
    }

    pub fn without_credential(self) -> Self {
        Self { secret: None, ..self }
    }

    /// Tokens that live for so long, are replaced a little before half of their life, and then live
    /// on as long as `overlap_ms`.
    pub fn short_lived(mut self, life_ms: u64, overlap_ms: u64) -> Self {
        let settings = self.registered.get_or_insert_default();
        (settings.life_ms, settings.overlap_ms, settings.window_ms) =
            (Some(life_ms), Some(overlap_ms), Some(life_ms * 11 / 16));
        self
    }

    pub fn platform(mut self, change: impl FnOnce(&mut AppSettings)) -> Self {
        change(self.registered.get_or_insert_default());
        self
    }

    /// Merges into the spec.
    pub fn spec(mut self, spec: Value) -> Self {
        merge(&mut self.spec, spec);
        self
    }

    pub fn label(mut self, key: &str, value: &str) -> Self {
        self.labels[key] = json!(value);
        self
    }

    /// The object as JSON, for the API server to judge.
    pub fn object(&self) -> Value {
        let credential = format!("{}-credential", self.name);
        let mut spec = json!({ "appID": self.app_id, "credentialRef": { "name": credential } });
        merge(&mut spec, self.spec.clone());
        json!({
            "apiVersion": "miniprogram.dev/v1alpha1",
            "kind": "MiniProgram",
            "metadata": { "name": self.name, "labels": self.labels },
            "spec": spec,
        })
    }

    /// Makes the object, and its credential only when the first call is sure to meet the fault.
    pub async fn whose_first_call_meets(self, fault: Fault, secret: &str) -> Mini<'a> {
        let mini = self.without_credential().whose_platform_knows("right").create().await;
        mini.stage.simulator.faults(&mini.app_id, vec![FaultRule::from(fault).times(1)]);
        mini.stage.put_secret(&format!("{}-credential", mini.name), "appSecret", secret).await;
        mini
    }

    /// Registers the app, makes the credential and then the object.
    pub async fn create(self) -> Mini<'a> {
        if let Some(settings) = &self.registered {
            self.stage.simulator.set_app(&self.app_id, settings);
        }
        if let Some(secret) = &self.secret {
            self.stage.put_secret(&format!("{}-credential", self.name), "appSecret", secret).await;
        }
        let _: MiniProgram = self.stage.create(self.object()).await;
        Mini { stage: self.stage, name: self.name, app_id: self.app_id }
    }

    /// The same, and waits until it has its first token.
    pub async fn ready(self) -> Mini<'a> {
        let mini = self.create().await;
        mini.until_ready().await;
        mini
    }
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}

impl Mini<'_> {
    pub async fn get(&self) -> MiniProgram {
        self.stage.api::<MiniProgram>().get(&self.name).await.expect("a MiniProgram")
    }

    pub async fn patch(&self, patch: Value) -> MiniProgram {
        self.stage.patch(&self.name, patch).await
    }

    pub async fn annotate(&self, key: &str, value: &str) {
        self.patch(json!({ "metadata": { "annotations": { key: value } } })).await;
    }

    /// Sets the times in status back, so that floors of minutes are over. Nobody may be watching.
    pub async fn some_hours_later(&self) {
        let long_ago = "2026-01-01T00:00:00Z";
        let mut patch = json!({ "status": { "token": { "checkTime": long_ago } } });
        if self.get().await.status.expect("a status").mints.is_some() {
            patch["status"]["mints"] = json!({ "lastTime": long_ago });
        }
        let minis = self.stage.api::<MiniProgram>();
        minis
            .patch_status(&self.name, &PatchParams::default(), &Patch::Merge(&patch))
            .await
            .expect("patched");
    }

    pub async fn delete(&self) {
        self.stage
            .api::<MiniProgram>()
            .delete(&self.name, &DeleteParams::default())
            .await
            .expect("a MiniProgram to delete");
    }

    /// Waits for a state of the object, and returns it.
    pub async fn until(
        &self,
        what: &str,
        seconds: u64,
        holds: impl Fn(&MiniProgram) -> bool,
    ) -> MiniProgram {
        eventually(format!("MiniProgram {}: {what}", self.name), seconds, async || {
            let mini = self.get().await;
            if holds(&mini) { Ok(mini) } else { Err(summary(&mini)) }
        })
        .await
    }

    /// Waits until a condition says `True/TokenAvailable` and the like.
    pub async fn until_says(&self, kind: ConditionType, verdict: &str) -> MiniProgram {
        self.until_says_within(kind, verdict, 5).await
    }

    pub async fn until_says_within(
        &self,
        kind: ConditionType,
        verdict: &str,
        seconds: u64,
    ) -> MiniProgram {
        let name: &str = kind.into();
        self.until(&format!("{name} is {verdict}"), seconds, |mini| says(mini, kind) == verdict)
            .await
    }

    pub async fn until_ready(&self) -> MiniProgram {
        self.until_says_within(ConditionType::Ready, "True/TokenAvailable", 5).await
    }

    pub fn target_name(&self) -> String {
        format!("{}-token", self.name)
    }

    /// The Secret of the default name.
    pub async fn target(&self) -> Secret {
        self.stage.secret(&self.target_name()).await.expect("a target")
    }

    /// The token in it.
    pub async fn token(&self) -> String {
        value(&self.target().await, "access_token").expect("a token")
    }

    pub fn counts(&self) -> Counts {
        self.stage.simulator.counts(&self.app_id)
    }

    pub fn calls(&self) -> Vec<Call> {
        self.stage.simulator.calls(&self.app_id)
    }

    /// Fails unless the platform has been asked exactly so often.
    #[track_caller]
    pub fn was_asked(&self, times: u64) {
        let calls = self.calls();
        let list: Vec<_> = calls.iter().map(ToString::to_string).collect();
        assert_eq!(self.counts().calls, times, "calls for {}: {list:#?}", self.name);
    }

    /// The Events about it, as reasons.
    pub async fn events(&self) -> Vec<String> {
        let mini = self.get().await;
        let events = self.stage.api::<Event>().list(&ListParams::default()).await.expect("Events");
        let about = |event: &Event| {
            event.regarding.as_ref().and_then(|about| about.uid.as_deref()) == Some(mini.uid())
        };
        events
            .items
            .iter()
            .filter(|event| about(event))
            .filter_map(|event| event.reason.clone())
            .collect()
    }

    pub async fn until_event(&self, reason: &str) {
        eventually(format!("an Event {reason} about {}", self.name), 5, async || {
            let events = self.events().await;
            check(events.iter().any(|event| event == reason), || format!("{events:?}"))
        })
        .await;
    }

    pub async fn until_called(&self) {
        eventually("the call is under way", 5, async || {
            check(self.counts().calls == 1, || "no call".into())
        })
        .await;
    }

    /// Waits until the Secret holds a token that the platform takes for live, and returns it.
    pub async fn until_token_lives(&self, seconds: u64) -> String {
        use platform_simulator::model::Standing;
        eventually(format!("{} holds a live token", self.name), seconds, async || {
            let secret = self.stage.secret(&self.target_name()).await.ok_or("no Secret")?;
            let token = value(&secret, "access_token").ok_or("no token")?;
            let standing = self.stage.simulator.standing(&token);
            check(standing == Standing::Live, || format!("{standing:?}")).map(|()| token)
        })
        .await
    }
}

/// `True/TokenAvailable` and the like; empty where the condition is absent.
pub fn says(mini: &MiniProgram, kind: ConditionType) -> String {
    let status = mini.status.as_ref();
    let condition = status.and_then(|status| conditions::find(&status.conditions, kind));
    condition
        .map(|condition| format!("{}/{}", condition.status, condition.reason))
        .unwrap_or_default()
}

/// What a condition tells people.
pub fn message(mini: &MiniProgram, kind: ConditionType) -> String {
    let status = mini.status.as_ref();
    status
        .and_then(|status| conditions::find(&status.conditions, kind))
        .map(|found| found.message.clone())
        .unwrap_or_default()
}

/// For the message of a test that failed.
fn summary(mini: &MiniProgram) -> String {
    let about = mini.object_ref(&()).name.unwrap_or_default();
    format!("{about} of generation {:?}: {}", mini.metadata.generation, json!(mini.status))
}
