//! What the operator reports: the status of a `MiniProgram`. Types and their schema only.

#![allow(
    clippy::doc_markdown,
    reason = "the comments are the texts of `kubectl explain`, where backticks would be noise"
)]

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::TicketType;
use crate::fingerprint;

/// The state of the token and its Secret, as the operator last observed it.
#[derive(Clone, Debug, Default, Deserialize, Serialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct MiniProgramStatus {
    /// The generation of the spec that this status describes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// The Secret that holds the token. It is the previous one as long as the one that the spec
    /// names cannot be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_ref: Option<TargetRef>,
    /// The token mode in use, also if it is the default. Absent on platforms that have one endpoint
    /// only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    pub token_mode: Option<String>,
    /// The token in the target Secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<TokenStatus>,
    /// The tickets that the spec asks for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(max = 4),
        extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"])
    )]
    pub tickets: Vec<TicketStatus>,
    /// The version of the credential Secret that the condition CredentialValid was last reported
    /// for. A later version with the same app secret is reported with the next change of the
    /// status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential: Option<CredentialStatus>,
    /// The call that may shorten the life of a token and whose outcome is not recorded yet: it is
    /// under way, or its outcome is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intent: Option<Intent>,
    /// The calls that count towards the minimum interval between calls and the daily quota.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mints: Option<Mints>,
    /// The last call, if it failed and will be retried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_failure: Option<LastFailure>,
    /// Why the platform is called next, and what that call waits for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_call: Option<NextCall>,
    /// The last value of the annotation miniprogram.dev/refresh-requested that a call was made for.
    /// A value of more than 64 bytes is replaced by its hash.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 80))]
    pub handled_refresh_request: Option<String>,
    /// The conditions of the object: Ready, CredentialValid, TokenFresh, TargetSynced, where the
    /// spec asks for tickets TicketsFresh, and, where only a person can help, Stalled.
    #[schemars(schema_with = "conditions")]
    pub conditions: Vec<Condition>,
}

/// The next call to the platform.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NextCall {
    /// Why it is made: Time for an ordinary refresh; NoToken, TargetMissing, Edited,
    /// Unbelievable, OpenIntent or Unconfirmed where the stored token is or may be gone;
    /// CredentialChanged, ModeChanged, Invalid, Requested, WonApp, SiblingNewer.
    #[schemars(length(max = 64))]
    pub reason: String,
    /// What it waits for: Time, the BackOff of a failure, a Floor between two calls, a
    /// Quota until midnight, Rejections that must become fewer, an OpenCall whose end is not
    /// known, a Slot, an OtherObject of the app, or a Person.
    #[schemars(length(max = 64))]
    pub waits_for: String,
    /// When the wait ends, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<Time>,
}

/// A Secret in the namespace of the MiniProgram.
#[derive(Clone, Debug, Default, Deserialize, Serialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TargetRef {
    /// The name of the Secret.
    #[schemars(length(max = 253))]
    pub name: String,
    /// The last version of the Secret that the operator wrote, or whose data it compared with what
    /// it had written. A later version with the same data is reported with the next change of the
    /// status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub resource_version: Option<String>,
}

/// A token, described without its value.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TokenStatus {
    /// The first 12 hexadecimal digits of the token's SHA-256, which identify the token without
    /// showing it.
    #[schemars(length(max = 80), regex(pattern = fingerprint::PATTERN))]
    pub fingerprint: String,
    /// When the call that first returned this token was sent.
    pub issue_time: Time,
    /// When the token expires.
    pub expiration_time: Time,
    /// When the next call to the platform is due, unless a change makes one due earlier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_refresh_time: Option<Time>,
    /// When the last call that returned a token was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check_time: Option<Time>,
}

/// A ticket, described without its value.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TicketStatus {
    /// The type of the ticket, as in spec.tickets.
    #[serde(rename = "type")]
    pub kind: TicketType,
    /// The first 12 hexadecimal digits of the ticket's SHA-256. Absent if the Secret does not hold
    /// the ticket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 80), regex(pattern = fingerprint::PATTERN))]
    pub fingerprint: Option<String>,
    /// When the call that first returned this ticket was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issue_time: Option<Time>,
    /// When the ticket expires at the latest: its whole life after issueTime, since the platform
    /// does not say how much is left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expiration_time: Option<Time>,
    /// From when on the platform is asked for the next ticket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_refresh_time: Option<Time>,
    /// The last call for this ticket, if it failed and will be retried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failure: Option<LastFailure>,
}

/// A version of the credential Secret.
#[derive(Clone, Debug, Default, Deserialize, Serialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CredentialStatus {
    /// The uid of the Secret.
    #[schemars(length(max = 64))]
    pub uid: String,
    /// The resourceVersion of the Secret.
    #[schemars(length(max = 64))]
    pub resource_version: String,
}

/// A call that may shorten the life of a token.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Intent {
    /// The id of the call. The target Secret carries it in an annotation once the call's token is
    /// stored.
    #[schemars(length(max = 64))]
    pub id: String,
    /// When the operator decided to make the call.
    pub time: Time,
    /// Whether an earlier call, whose outcome is unknown, may still reach the platform after this
    /// one. Defaults to false.
    #[serde(default)]
    pub outcome_unknown: bool,
}

/// The calls that may have shortened the life of a token.
#[derive(Clone, Debug, Default, Deserialize, Serialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Mints {
    /// The day that count refers to, as a date in the platform's time zone.
    #[serde(default)]
    #[schemars(length(max = 10))]
    pub day: String,
    /// How many calls of that day were made for another reason than the token's age.
    #[serde(default)]
    #[schemars(range(min = 0, max = 1_000_000))]
    pub count: i32,
    /// When the last of these calls was begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_time: Option<Time>,
    /// When forced refreshes were begun: at most the last twenty of the day.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "forced_times")]
    pub forced_times: Vec<Time>,
}

/// A failed call.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LastFailure {
    /// When the call was sent.
    pub time: Time,
    /// The reason of the failure, as it appears in a condition.
    #[schemars(length(max = 64))]
    pub reason: String,
    /// The platform's own error code: a number or a word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub platform_code: Option<String>,
    /// Why there was no response. Absent if the platform responded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub cause: Option<String>,
    /// The IP address that the platform saw and refused: the one to add to the platform's
    /// allow-list.
    #[serde(default, rename = "callerIP", skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub caller_ip: Option<String>,
    /// How many calls have failed in a row.
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub attempts: i32,
    /// When the call is retried.
    pub next_attempt_time: Time,
}

/// The generated item of a list of times would carry the comment of Go's type.
fn forced_times(_: &mut SchemaGenerator) -> Schema {
    let time = json!({ "type": "string", "format": "date-time", "description": "When a forced refresh was begun." });
    json_schema!({ "type": "array", "maxItems": 20, "items": time })
}

/// `metav1.Condition` with the bounds that Kubernetes sets, which the generated type lacks.
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
                "type": text("The type of the condition.", 316),
                "status": { "type": "string", "description": "The status of the condition.", "enum": ["True", "False", "Unknown"] },
                "reason": text("The reason for the status, as one word of a fixed list.", 1024),
                "message": text("What happened, and what to do about it.", 32768),
                "lastTransitionTime": {
                    "type": "string", "format": "date-time", "description": "When the status of the condition last changed."
                },
                "observedGeneration": {
                    "type": "integer", "format": "int64", "minimum": 0,
                    "description": "The generation of the spec that the condition describes."
                }
            }
        }
    })
}
