//! What the operator reports: the status of a `MiniProgram`. Types and their schema only.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::fingerprint;

/// What the operator last saw and did.
#[derive(Clone, Debug, Default, Deserialize, Serialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct MiniProgramStatus {
    /// The generation of the spec that this status speaks of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// The Secret in use: the old one while the one that the spec asks for is in conflict.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_ref: Option<TargetRef>,
    /// The token mode that the spec asks for, default included; absent where the platform has no
    /// choice.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    pub token_mode: Option<String>,
    /// The token in the target Secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<TokenStatus>,
    /// The version of the credential Secret that the condition `CredentialValid` was last written
    /// for. A later one whose value is the same is told with the next change of the status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential: Option<CredentialStatus>,
    /// A call that may shorten a token's life: under way, or ended unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intent: Option<Intent>,
    /// The calls that floors and quotas count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mints: Option<Mints>,
    /// The last call, if it failed and is to be tried again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_failure: Option<LastFailure>,
    /// Why the platform is called next, and what that call waits for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_call: Option<NextCall>,
    /// The last value of the annotation `miniprogram.dev/refresh-requested` that a call answered; a
    /// value over 64 bytes stands here by its hash.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 80))]
    pub handled_refresh_request: Option<String>,
    /// How the object is: `Ready`, `CredentialValid`, `TokenFresh`, `TargetSynced` and, where only
    /// a person can help, `Stalled`.
    #[schemars(schema_with = "conditions")]
    pub conditions: Vec<Condition>,
}

/// The next call to the platform.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NextCall {
    /// Why it is made: `Time` for an ordinary refresh; `NoToken`, `TargetMissing`, `Edited`,
    /// `Unbelievable`, `OpenIntent` or `Unconfirmed` where the stored token is or may be gone;
    /// `CredentialChanged`, `ModeChanged`, `Invalid`, `Requested`, `WonApp`, `SiblingNewer`.
    #[schemars(length(max = 64))]
    pub reason: String,
    /// What it waits for: `Time`, the `BackOff` of a failure, a `Floor` between two calls, a
    /// `Quota` until midnight, an `OpenCall` whose end is not known, a `Slot`, an `OtherObject` of
    /// the app, or a `Person`.
    #[schemars(length(max = 64))]
    pub waits_for: String,
    /// When the wait ends, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<Time>,
}

/// A Secret in the namespace of the object.
#[derive(Clone, Debug, Default, Deserialize, Serialize, PartialEq, Eq, JsonSchema)]
pub struct TargetRef {
    /// The Secret's name.
    #[schemars(length(max = 253))]
    pub name: String,
    /// The last version of it that the operator wrote, or whose data it compared with what it
    /// wrote. A later one that changed nothing of that is told with the next change of the status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub resource_version: Option<String>,
}

/// A token, without the token.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TokenStatus {
    /// The start of the token's SHA-256, to name a token without showing it.
    #[schemars(length(max = 80), regex(pattern = fingerprint::PATTERN))]
    pub fingerprint: String,
    /// When the call that first brought this token was sent.
    pub issue_time: Time,
    /// When the token expires.
    pub expiration_time: Time,
    /// When the platform is asked next, if nothing happens before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_refresh_time: Option<Time>,
    /// When the last call that was answered with a token was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check_time: Option<Time>,
}

/// A version of the credential Secret.
#[derive(Clone, Debug, Default, Deserialize, Serialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CredentialStatus {
    /// The Secret's uid.
    #[schemars(length(max = 64))]
    pub uid: String,
    /// The Secret's resourceVersion.
    #[schemars(length(max = 64))]
    pub resource_version: String,
}

/// A call that may shorten a token's life.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Intent {
    /// The call's id: the target is stamped with it once the call's token is stored.
    #[schemars(length(max = 64))]
    pub id: String,
    /// When the call was decided.
    pub time: Time,
    /// Whether an earlier call of unknown outcome may still land behind this one.
    #[serde(default)]
    pub outcome_unknown: bool,
}

/// The calls that may have shortened a token's life, as floors and quotas count them.
#[derive(Clone, Debug, Default, Deserialize, Serialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Mints {
    /// The platform's day that `count` counts, as a date.
    #[serde(default)]
    #[schemars(length(max = 10))]
    pub day: String,
    /// How many calls of that day were not due by time.
    #[serde(default)]
    #[schemars(range(min = 0, max = 1_000_000))]
    pub count: i32,
    /// When the last one was begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_time: Option<Time>,
    /// When forced refreshes were begun, the last twenty of the day.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20))]
    pub forced_times: Vec<Time>,
}

/// A failed call.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LastFailure {
    /// When the call was sent.
    pub time: Time,
    /// What went wrong, in the words of the condition.
    #[schemars(length(max = 64))]
    pub reason: String,
    /// The platform's own error code, a number or a word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub platform_code: Option<String>,
    /// Why there was no response, where there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub cause: Option<String>,
    /// The IP that the platform saw and refused: the one to put on its allow-list.
    #[serde(default, rename = "callerIP", skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub caller_ip: Option<String>,
    /// How many calls in a row failed.
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub attempts: i32,
    /// When the platform is asked again.
    pub next_attempt_time: Time,
}

/// `metav1.Condition` with the bounds that Kubernetes gives it, which the generated type lacks.
fn conditions(_: &mut SchemaGenerator) -> Schema {
    let text = |description: &str, longest: u32| json!({ "type": "string", "description": description, "maxLength": longest });
    json_schema!({
        "type": "array",
        "maxItems": 8,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["type"],
        "items": {
            "type": "object",
            "required": ["type", "status", "reason", "message", "lastTransitionTime"],
            "properties": {
                "type": text("Which condition it is.", 316),
                "status": { "type": "string", "description": "Whether it holds.", "enum": ["True", "False", "Unknown"] },
                "reason": text("Why, in one word of a fixed list.", 1024),
                "message": text("What happened, and what to do next.", 32768),
                "lastTransitionTime": {
                    "type": "string", "format": "date-time", "description": "When the status last changed."
                },
                "observedGeneration": {
                    "type": "integer", "format": "int64", "minimum": 0,
                    "description": "The generation of the spec that it speaks of."
                }
            }
        }
    })
}
