//! What a user writes: the `MiniProgram` kind and its spec. Types and defaults only; the rules
//! across fields are in `rules`.

#![allow(
    clippy::doc_markdown,
    reason = "the comments are the texts of `kubectl explain`, where backticks would be noise"
)]

use std::collections::BTreeMap;

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{MiniProgramStatus, TicketType, names, rules};
use crate::platform::{self, Endpoint, Platform, PlatformName};

/// A mini program whose server-side access token is kept fresh in a Secret.
///
/// The operator reads the app secret from the Secret that credentialRef names, requests an access
/// token from the platform, stores it in the target Secret that pods mount, and refreshes it before
/// it expires.
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
    printcolumn(
        name = "Fresh",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="TokenFresh")].reason"#
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
        json_path = ".status.nextCall.time",
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
    /// A name for people, shown by kubectl get mp -o wide. The operator does not use it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128))]
    pub display_name: Option<String>,

    /// A category for people, such as a line of business, shown by kubectl get mp -o wide. The
    /// operator does not use it.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub kind: Option<String>,

    /// The platform that issues the token. Defaults to WeChat. Immutable.
    #[serde(default)]
    #[schemars(extend("x-kubernetes-validations" = rules::immutable("platform")))]
    pub platform: PlatformName,

    /// The app id that the platform's console shows. Immutable: another app needs another
    /// MiniProgram.
    #[serde(rename = "appID")]
    #[schemars(length(min = 1, max = 128), extend("x-kubernetes-validations" = rules::immutable("appID")))]
    pub app_id: String,

    /// The Secret that holds the app secret. It is in the namespace of the MiniProgram.
    pub credential_ref: CredentialRef,

    /// The endpoint that the token is requested from, on platforms that have more than one. WeChat,
    /// DouyinOpen and DouyinGame have Stable, the default, which returns the current token until
    /// shortly before it expires, and Legacy, which issues a new token at each call, so that the
    /// token before it expires minutes later. DingTalk has the new API as Stable, the default, and
    /// the old one as Legacy. LINE has Stateless, the default, with tokens of 15 minutes, and
    /// ShortLived, with tokens of 30 days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_mode: Option<TokenMode>,

    /// How many seconds before its expiry the token is refreshed. The default depends on the
    /// platform and the token mode: 300 on WeChat. The minimum is 120, since a running pod sees a
    /// changed Secret up to 90 seconds late with the kubelet's defaults. The maximum in Stable mode
    /// is the platform's renewal window: 300 on WeChat. It cannot be set where that is shorter than
    /// the minimum, as on QQBot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 120, max = 86_400))]
    pub refresh_before_seconds: Option<i32>,

    /// The longest time between two calls to the platform, in seconds, also while the token is far
    /// from its expiry. There is no such limit by default. The minimum is 600 where each call
    /// issues a new token, and 60 elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 60, max = 2_592_000))]
    pub refresh_interval_seconds: Option<i32>,

    /// Whether this MiniProgram's calls to the platform are suspended. Defaults to false. The
    /// Secret keeps the current token, which is not refreshed and expires.
    #[serde(default)]
    pub suspend: bool,

    /// The tickets that the platform makes from the token, which the Secret then holds beside it.
    /// WeChat has JsApi and WxCard, and documents them for official and service accounts, not for
    /// mini programs. WeCom has JsApi and AgentConfig. None by default.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 4), extend("x-kubernetes-list-type" = "set"))]
    pub tickets: Vec<TicketType>,

    /// The Secret that the token is stored in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
}

/// The Secret, and the key in it, that holds the app secret.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CredentialRef {
    /// The name of the Secret.
    #[schemars(length(min = 1, max = 253), regex(pattern = rules::DNS_SUBDOMAIN))]
    pub name: String,
    /// The key in the Secret's data. Defaults to appSecret.
    #[serde(default = "default_credential_key")]
    #[schemars(length(min = 1, max = 253), regex(pattern = rules::DATA_KEY))]
    pub key: String,
}

/// The endpoint that the token is requested from, on platforms that have more than one. WeChat,
/// DouyinOpen and DouyinGame have Stable, the default, which returns the current token until shortly
/// before it expires, and Legacy, which issues a new token at each call, so that the token before it
/// expires minutes later. DingTalk has the new API as Stable, the default, and the old one as
/// Legacy. LINE has Stateless, the default, with tokens of 15 minutes, and ShortLived, with tokens
/// of 30 days.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq, Hash, JsonSchema)]
pub enum TokenMode {
    /// The endpoint that returns the current token until shortly before it expires; on DingTalk,
    /// that of the new API.
    Stable,
    /// The endpoint that issues a new token at each call; the token before it expires minutes
    /// later. On DingTalk, that of the old API.
    Legacy,
    /// LINE's endpoint whose tokens live for 15 minutes.
    Stateless,
    /// LINE's endpoint whose tokens live for 30 days.
    ShortLived,
    /// A mode of a newer version of this API. This version never writes it.
    #[serde(other)]
    #[schemars(skip)]
    Unknown,
}

/// The Secret that the token is stored in.
#[derive(Clone, Debug, Default, Deserialize, Serialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    /// The name of the Secret. Defaults to the name of the MiniProgram followed by -token. When it
    /// changes, the new Secret gets the token of the old one, without a call to the platform.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253), regex(pattern = rules::DNS_SUBDOMAIN))]
    pub name: Option<String>,
    /// What happens to the Secret when the MiniProgram is deleted: Delete removes it, Retain keeps
    /// it with its last token. Defaults to Delete.
    #[serde(default)]
    pub deletion_policy: DeletionPolicy,
    /// The keys in the Secret's data that hold the token, its expiration time and both as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<TargetKeys>,
    /// Labels and annotations that the Secret gets in addition to the operator's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<Template>,
}

/// What happens to the target Secret when its MiniProgram is deleted: Delete removes it, Retain
/// keeps it with its last token.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, PartialEq, Eq, JsonSchema)]
pub enum DeletionPolicy {
    /// The Secret is garbage-collected.
    #[default]
    Delete,
    /// The Secret is kept, with its last token.
    Retain,
    /// A policy of a newer version of this API. This version never writes it.
    #[serde(other)]
    #[schemars(skip)]
    Unknown,
}

/// The keys in the target Secret's data that hold the token, its expiration time and both as JSON.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(extend("x-kubernetes-validations" = rules::target_keys()))]
pub struct TargetKeys {
    /// The key that holds the token. Defaults to access_token.
    #[schemars(length(min = 1, max = 253), regex(pattern = rules::DATA_KEY))]
    pub access_token: String,
    /// The key that holds the token's expiration time, in RFC 3339 format. Defaults to expires_at.
    #[schemars(length(min = 1, max = 253), regex(pattern = rules::DATA_KEY))]
    pub expiration_time: String,
    /// The key that holds the token, its expiration time and the app id as one JSON object. Defaults
    /// to token.json. Empty leaves the key out.
    #[serde(rename = "tokenJSON")]
    #[schemars(length(max = 253), regex(pattern = rules::DATA_KEY_OR_NONE))]
    pub token_json: String,
}

impl TargetKeys {
    /// The key of the JSON object, unless the spec leaves it out.
    #[must_use]
    pub fn json(&self) -> Option<&str> {
        Some(self.token_json.as_str()).filter(|key| !key.is_empty())
    }
}

impl Default for TargetKeys {
    fn default() -> Self {
        Self {
            access_token: names::KEY_ACCESS_TOKEN.into(),
            expiration_time: names::KEY_EXPIRES_AT.into(),
            token_json: names::KEY_TOKEN_JSON.into(),
        }
    }
}

/// What the target Secret gets in addition to the token.
#[derive(Clone, Debug, Default, Deserialize, Serialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Template {
    /// Metadata of the Secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<ObjectMetaTemplate>,
}

/// Labels and annotations of the target Secret.
#[derive(Clone, Debug, Default, Deserialize, Serialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ObjectMetaTemplate {
    /// Labels of the Secret. Keys that the operator manages are refused. A key that other
    /// controllers act on is set only if the operator's administrator allows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "rules::labels")]
    pub labels: Option<BTreeMap<String, String>>,
    /// Annotations of the Secret. Keys that the operator manages are refused. A key that other
    /// controllers act on is set only if the operator's administrator allows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "rules::annotations")]
    pub annotations: Option<BTreeMap<String, String>>,
}

fn default_credential_key() -> String {
    names::KEY_APP_SECRET.into()
}

impl MiniProgram {
    /// The platform and the token endpoint that the spec chooses, or none if this version does not
    /// know them.
    #[must_use]
    pub fn endpoint(&self) -> Option<(&'static Platform, &'static Endpoint)> {
        let platform = platform::find(self.spec.platform.as_str())?;
        Some((platform, platform.endpoint(self.spec.token_mode)?))
    }

    /// The name of the Secret that the spec asks for, default included.
    #[must_use]
    pub fn target_name(&self) -> String {
        let named = self.spec.target.as_ref().and_then(|target| target.name.clone());
        named.unwrap_or_else(|| format!("{}-token", self.name()))
    }

    /// The data keys that the spec asks for, defaults included.
    #[must_use]
    pub fn target_keys(&self) -> TargetKeys {
        self.spec.target.as_ref().and_then(|target| target.keys.clone()).unwrap_or_default()
    }

    /// What happens to the target Secret when this object is deleted.
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
