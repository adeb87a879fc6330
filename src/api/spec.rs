//! What a user writes: the `MiniProgram` kind and its spec. Types and defaults only; the
//! cross-field rules are in `rules`.

use std::collections::BTreeMap;

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{MiniProgramStatus, names, rules};
use crate::platform::PlatformName;

/// A mini program whose server-side access token is kept fresh in a Secret.
///
/// The operator reads the app secret from the Secret named by `credentialRef`, asks the platform
/// for an access token, writes it into the target Secret that pods mount, and renews it before it
/// expires.
#[derive(CustomResource, Clone, Debug, Deserialize, Serialize, PartialEq, JsonSchema)]
#[kube(
    group = "miniprogram.dev",
    version = "v1alpha1",
    kind = "MiniProgram",
    plural = "miniprograms",
    singular = "miniprogram",
    shortname = "mp",
    category = "miniprograms",
    namespaced,
    status = "MiniProgramStatus",
    derive = "PartialEq",
    selectable = ".spec.appID",
    selectable = ".spec.platform",
    doc = "A mini program whose server-side access token is kept fresh in a Secret.",
    printcolumn(name = "Platform", type_ = "string", json_path = ".spec.platform"),
    printcolumn(name = "AppID", type_ = "string", json_path = ".spec.appID"),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].status"#
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].reason"#
    ),
    printcolumn(name = "Expires", type_ = "string", json_path = ".status.token.expirationTime"),
    printcolumn(
        name = "Display-Name",
        type_ = "string",
        json_path = ".spec.displayName",
        priority = 1
    ),
    printcolumn(name = "Type", type_ = "string", json_path = ".spec.type", priority = 1),
    printcolumn(
        name = "Secret",
        type_ = "string",
        json_path = ".status.targetRef.name",
        priority = 1
    ),
    printcolumn(name = "Mode", type_ = "string", json_path = ".status.tokenMode", priority = 1),
    printcolumn(
        name = "Next-Refresh",
        type_ = "string",
        json_path = ".status.token.nextRefreshTime",
        priority = 1
    ),
    printcolumn(
        name = "Message",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].message"#,
        priority = 1
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = rules::spec()))]
pub struct MiniProgramSpec {
    /// A name for people, shown by `kubectl get mp -o wide`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128))]
    pub display_name: Option<String>,

    /// Free text that sorts apps for people, such as a line of business. Shown by `kubectl get mp
    /// -o wide`.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub kind: Option<String>,

    /// The platform that issues the token. Immutable.
    #[serde(default)]
    #[schemars(extend("x-kubernetes-validations" = rules::immutable("platform")))]
    pub platform: PlatformName,

    /// The app id that the platform's console shows. Immutable: another app is another
    /// `MiniProgram`.
    #[serde(rename = "appID")]
    #[schemars(length(min = 1, max = 128), extend("x-kubernetes-validations" = rules::immutable("appID")))]
    pub app_id: String,

    /// The Secret in this namespace that holds the app secret.
    pub credential_ref: CredentialRef,

    /// How the token is asked for, on platforms that have the choice. `Stable` keeps the current
    /// token alive for other callers and is the default where the platform has it; `Legacy` makes a
    /// new token at each call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_mode: Option<TokenMode>,

    /// How many seconds before expiry a new token is asked for. Defaults to what suits the platform
    /// and mode. At least 120, since pods see a new Secret up to 90 seconds late; in `Stable` mode
    /// at most the platform's renewal window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 120, max = 86_400))]
    pub refresh_before_seconds: Option<i32>,

    /// Ask at least this often, in seconds, also when the token is not near its expiry. At least
    /// 600 where each call makes a new token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 60, max = 2_592_000))]
    pub refresh_interval_seconds: Option<i32>,

    /// Stops all calls to the platform for this app. The token stays in its Secret until it
    /// expires.
    #[serde(default)]
    pub suspend: bool,

    /// The Secret that the token is written to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
}

/// Where the app secret is.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CredentialRef {
    /// The Secret's name, in the namespace of the `MiniProgram`.
    #[schemars(length(min = 1, max = 253), regex(pattern = rules::DNS_SUBDOMAIN))]
    pub name: String,
    /// The key in the Secret's data.
    #[serde(default = "default_credential_key")]
    #[schemars(length(min = 1, max = 253), regex(pattern = rules::DATA_KEY))]
    pub key: String,
}

/// How the token is asked for.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq, Hash, JsonSchema)]
pub enum TokenMode {
    /// The endpoint that returns the same token until shortly before its end.
    Stable,
    /// The endpoint that makes a new token at each call and ends the one before it minutes later.
    Legacy,
    /// A mode of a newer version of this API. Never written by this one.
    #[serde(other)]
    #[schemars(skip)]
    Unknown,
}

/// The Secret that the token is written to.
#[derive(Clone, Debug, Default, Deserialize, Serialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    /// The Secret's name. Defaults to the name of the `MiniProgram` with `-token` behind it. A
    /// rename fills the new Secret from the old one without asking the platform.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253), regex(pattern = rules::DNS_SUBDOMAIN))]
    pub name: Option<String>,
    /// What happens to the Secret when the `MiniProgram` is deleted.
    #[serde(default)]
    pub deletion_policy: DeletionPolicy,
    /// The keys in the Secret's data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<TargetKeys>,
    /// Labels and annotations that the Secret gets beside the operator's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<Template>,
}

/// What happens to the target Secret when its `MiniProgram` is deleted.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, PartialEq, Eq, JsonSchema)]
pub enum DeletionPolicy {
    /// The Secret is garbage-collected.
    #[default]
    Delete,
    /// The Secret stays, with the last token in it.
    Retain,
    /// A policy of a newer version of this API. Never written by this one.
    #[serde(other)]
    #[schemars(skip)]
    Unknown,
}

/// The keys in the target Secret's data that hold the token and its expiry.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(extend("x-kubernetes-validations" = rules::target_keys()))]
pub struct TargetKeys {
    /// The key that holds the token.
    #[schemars(length(min = 1, max = 253), regex(pattern = rules::DATA_KEY))]
    pub access_token: String,
    /// The key that holds the token's expiry in RFC 3339.
    #[schemars(length(min = 1, max = 253), regex(pattern = rules::DATA_KEY))]
    pub expiration_time: String,
}

impl Default for TargetKeys {
    fn default() -> Self {
        Self {
            access_token: names::KEY_ACCESS_TOKEN.into(),
            expiration_time: names::KEY_EXPIRES_AT.into(),
        }
    }
}

/// What the target Secret gets beside the token.
#[derive(Clone, Debug, Default, Deserialize, Serialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Template {
    /// Metadata for the Secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<ObjectMetaTemplate>,
}

/// Labels and annotations for the target Secret.
#[derive(Clone, Debug, Default, Deserialize, Serialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ObjectMetaTemplate {
    /// Labels for the Secret. None may be the operator's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "rules::labels")]
    pub labels: Option<BTreeMap<String, String>>,
    /// Annotations for the Secret. None may be the operator's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "rules::annotations")]
    pub annotations: Option<BTreeMap<String, String>>,
}

fn default_credential_key() -> String {
    names::KEY_APP_SECRET.into()
}

impl MiniProgram {
    /// The name of the Secret that the spec asks for, default included.
    #[must_use]
    pub fn target_name(&self) -> String {
        let named = self.spec.target.as_ref().and_then(|target| target.name.clone());
        named.unwrap_or_else(|| {
            format!("{}-token", self.metadata.name.as_deref().unwrap_or_default())
        })
    }

    /// The data keys that the spec asks for, defaults included.
    #[must_use]
    pub fn target_keys(&self) -> TargetKeys {
        self.spec.target.as_ref().and_then(|target| target.keys.clone()).unwrap_or_default()
    }

    /// What happens to the target Secret on deletion.
    #[must_use]
    pub fn deletion_policy(&self) -> DeletionPolicy {
        self.spec.target.as_ref().map(|target| target.deletion_policy).unwrap_or_default()
    }

    /// Labels and annotations that the user wants on the target.
    #[must_use]
    pub fn target_template(&self) -> ObjectMetaTemplate {
        let template = self.spec.target.as_ref().and_then(|target| target.template.clone());
        template.and_then(|template| template.metadata).unwrap_or_default()
    }

    /// The value of an annotation of this object.
    #[must_use]
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.metadata.annotations.as_ref()?.get(key).map(String::as_str)
    }
}
