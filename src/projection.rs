//! The facts of a target Secret's metadata that are kept in memory. Never its data. Decides
//! nothing.

use std::collections::BTreeMap;

use k8s_openapi::{
    apimachinery::pkg::apis::meta::v1::{ManagedFieldsEntry, ObjectMeta, Time},
    jiff::Timestamp,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use strum::IntoEnumIterator;

use crate::{
    api::{TicketType, names},
    fingerprint::is_fingerprint,
};

/// The annotations that every target carries: if our managed fields lack one, the target was
/// edited. An annotation that a new version adds does not belong here, or that version would take
/// every existing target for edited.
const ANNOTATIONS: [&str; 10] = [
    names::APP_ID,
    names::PLATFORM,
    names::TOKEN_MODE,
    names::CREDENTIAL_DIGEST,
    names::CREDENTIAL_SALT,
    names::ISSUE_TIME,
    names::EXPIRATION_TIME,
    names::FINGERPRINT,
    names::ISSUED_FOR,
    names::OPERATOR,
];
/// Our annotations that only some targets carry.
const SOMETIMES: [&str; 4] =
    [names::HANDLED_REFRESH_REQUEST, names::UNCONFIRMED, names::TOKEN_JSON, names::TICKETS];
/// The keys that every target's data has: the token, its expiry in two forms, the app id. A key
/// that a new version adds is not counted, as with the annotations.
const DATA_KEYS: usize = 4;
const LABELS: [&str; 2] = [names::MANAGED_BY, names::NAME];

/// A target Secret, without its data.
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own, and none excludes another"
)]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Projection {
    /// The Secret's name.
    pub name: String,
    /// The Secret's uid.
    pub uid: String,
    /// The Secret's resourceVersion.
    pub version: String,
    /// The controller of the Secret, by its owner references.
    pub owner: Owner,
    /// The label that names the `MiniProgram`.
    pub label: Option<String>,
    /// Whether this operator has applied it: a copy of a target has no entry of ours in
    /// `managedFields`.
    pub applied: bool,
    /// Whether our managed fields lack a field that we always write.
    pub edited: bool,
    /// When it was deleted, and the finalizers that it still has.
    pub terminating: Option<Terminating>,
    /// The token that its annotations describe.
    pub token: Option<TokenFacts>,
    /// The inputs of the call that returned the token.
    pub sent: Sent,
    /// The id of the call that returned the token.
    pub issued_for: Option<String>,
    /// Whether our managed fields own that id, so that nobody has edited it.
    pub stamped: bool,
    /// The last refresh request that a call was made for.
    pub handled: Option<String>,
    /// Whether a late request may still replace the token.
    pub unconfirmed: bool,
    /// The operator that wrote it: the namespace and the name of its Lease.
    pub operator: Option<String>,
    /// The data keys that our managed fields own.
    pub data_keys: Vec<String>,
    /// The data key of the token and its facts as JSON, if that key was written.
    pub token_json: Option<String>,
    /// The tickets that its annotation describes and whose data keys our managed fields own.
    pub tickets: Vec<TicketFacts>,
    /// The labels of the template that our managed fields own.
    pub labels: BTreeMap<String, String>,
    /// The annotations of the template that our managed fields own.
    pub annotations: BTreeMap<String, String>,
}

/// The deletion of a Secret that still exists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terminating {
    /// Its deletionTimestamp.
    pub since: Timestamp,
    /// The finalizers that it still has.
    pub finalizers: Vec<String>,
}

/// The controller of a Secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Owner {
    /// The Secret has no controller.
    Nobody,
    /// A `MiniProgram` of this uid and name.
    MiniProgram {
        /// Its uid.
        uid: String,
        /// Its name.
        name: String,
    },
    /// Another object.
    Other,
}

/// A token, described without its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenFacts {
    /// The start of the token's SHA-256.
    pub fingerprint: String,
    /// When the call that first returned it was sent.
    pub issued: Timestamp,
    /// When it expires.
    pub expires: Timestamp,
}

/// A ticket, described without its value. A target's annotation lists them as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TicketFacts {
    /// Its type.
    #[serde(rename = "type")]
    pub kind: TicketType,
    /// The start of the ticket's SHA-256.
    pub fingerprint: String,
    /// When the call that first returned it was sent.
    pub issue_time: Time,
    /// When it expires at the latest.
    pub expiration_time: Time,
}

/// The inputs of the call that returned a token.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// The platform.
    pub platform: String,
    /// The app id.
    pub app_id: String,
    /// The token mode; empty on platforms that have one endpoint only.
    pub mode: String,
    /// The salted digest of the app secret.
    pub digest: String,
    /// Its salt.
    pub salt: String,
}

impl Projection {
    /// Reads the metadata of a Secret of our type.
    #[must_use]
    pub fn of(meta: &ObjectMeta) -> Self {
        let annotation =
            |key: &str| meta.annotations.as_ref().and_then(|all| all.get(key)).cloned();
        let text = |key: &str| annotation(key).unwrap_or_default();
        let ours = applied_fields(meta.managed_fields.as_deref().unwrap_or_default());
        let keys_in =
            |part: &str| keys_of(ours.and_then(|fields| fields.get("f:metadata")?.get(part)));
        // An annotation that another manager edited, or that was restored from a backup, proves
        // nothing about our calls.
        let own = |key: &str| annotation(key).filter(|_| keys_in("f:annotations").contains(&key));
        let owned = |map: Option<&BTreeMap<String, String>>,
                     part: &str,
                     own: &[&str]|
         -> BTreeMap<String, String> {
            let keys = keys_in(part);
            let map = map.into_iter().flatten();
            map.filter(|(key, _)| keys.contains(&key.as_str()) && !own.contains(&key.as_str()))
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect()
        };
        let data_keys = keys_of(ours.and_then(|fields| fields.get("f:data")));
        let all_ours: Vec<&str> = ANNOTATIONS.iter().chain(&SOMETIMES).copied().collect();
        Self {
            name: meta.name.clone().unwrap_or_default(),
            uid: meta.uid.clone().unwrap_or_default(),
            version: meta.resource_version.clone().unwrap_or_default(),
            owner: owner(meta),
            label: meta.labels.as_ref().and_then(|labels| labels.get(names::NAME)).cloned(),
            applied: ours.is_some(),
            edited: !whole(ours, own(names::TOKEN_JSON).as_deref()),
            terminating: meta.deletion_timestamp.as_ref().map(|time| Terminating {
                since: time.0,
                finalizers: meta.finalizers.clone().unwrap_or_default(),
            }),
            token: token(&annotation),
            sent: Sent {
                platform: text(names::PLATFORM),
                app_id: text(names::APP_ID),
                mode: text(names::TOKEN_MODE),
                digest: text(names::CREDENTIAL_DIGEST),
                salt: text(names::CREDENTIAL_SALT),
            },
            issued_for: annotation(names::ISSUED_FOR),
            stamped: own(names::ISSUED_FOR).is_some(),
            handled: annotation(names::HANDLED_REFRESH_REQUEST),
            unconfirmed: own(names::UNCONFIRMED).is_some(),
            operator: annotation(names::OPERATOR),
            token_json: own(names::TOKEN_JSON),
            tickets: tickets(own(names::TICKETS).as_deref(), &data_keys),
            data_keys: data_keys.into_iter().map(str::to_owned).collect(),
            labels: owned(meta.labels.as_ref(), "f:labels", &LABELS),
            annotations: owned(meta.annotations.as_ref(), "f:annotations", &all_ours),
        }
    }
}

fn owner(meta: &ObjectMeta) -> Owner {
    let controller =
        meta.owner_references.iter().flatten().find(|owner| owner.controller == Some(true));
    match controller {
        None => Owner::Nobody,
        Some(owner)
            if owner.kind == "MiniProgram" && owner.api_version.starts_with(names::GROUP) =>
        {
            Owner::MiniProgram { uid: owner.uid.clone(), name: owner.name.clone() }
        }
        Some(_) => Owner::Other,
    }
}

fn token(annotation: &impl Fn(&str) -> Option<String>) -> Option<TokenFacts> {
    let time = |key: &str| annotation(key)?.parse::<Timestamp>().ok();
    Some(TokenFacts {
        // Only a valid fingerprint: the API server would refuse a status with any other.
        fingerprint: annotation(names::FINGERPRINT).filter(|text| is_fingerprint(text))?,
        issued: time(names::ISSUE_TIME)?,
        expires: time(names::EXPIRATION_TIME)?,
    })
}

/// The tickets of which the annotation tells and whose keys are ours.
fn tickets(annotation: Option<&str>, data_keys: &[&str]) -> Vec<TicketFacts> {
    let told: Option<Vec<TicketFacts>> =
        annotation.and_then(|text| serde_json::from_str(text).ok());
    let is_whole = |ticket: &TicketFacts| {
        is_fingerprint(&ticket.fingerprint)
            && ticket.kind.keys().iter().all(|key| data_keys.contains(key))
            && ticket.issue_time.0 >= Timestamp::UNIX_EPOCH
            && ticket.expiration_time.0 >= Timestamp::UNIX_EPOCH
    };
    let mut tickets: Vec<TicketFacts> = told.into_iter().flatten().filter(is_whole).collect();
    tickets.dedup_by_key(|ticket| ticket.kind);
    tickets
}

/// The fields that our server-side apply owns. An edit by another manager removes the field from
/// them.
fn applied_fields(entries: &[ManagedFieldsEntry]) -> Option<&Value> {
    let ours = entries.iter().find(|entry| {
        entry.manager.as_deref() == Some(names::FIELD_MANAGER)
            && entry.operation.as_deref() == Some("Apply")
            && entry.subresource.as_deref().unwrap_or_default().is_empty()
    });
    ours?.fields_v1.as_ref().map(|fields| &fields.0)
}

/// Whether our fields are all that we always write; `json` is the key of the token as JSON, if the
/// target has one.
fn whole(fields: Option<&Value>, json: Option<&str>) -> bool {
    let Some(fields) = fields else { return false };
    let has = |path: &[&str]| {
        path.iter().try_fold(fields, |at, step| at.get(format!("f:{step}"))).is_some()
    };
    let annotations = ANNOTATIONS.iter().all(|key| has(&["metadata", "annotations", key]));
    let labels = LABELS.iter().all(|key| has(&["metadata", "labels", key]));
    // The user names the keys of the token and its expiration time, so only the number of keys
    // shows that we still own them.
    let data = keys_of(fields.get("f:data"));
    let json_key = json.unwrap_or(names::KEY_TOKEN_JSON);
    let of_ticket = |key: &str| TicketType::iter().any(|kind| kind.keys().contains(&key));
    let always = data.iter().filter(|key| **key != json_key && !of_ticket(key)).count();
    let data = always >= DATA_KEYS
        && data.contains(&json_key) == json.is_some()
        && [names::KEY_EXPIRES_AT_UNIX, names::KEY_APP_ID].iter().all(|key| data.contains(key));
    annotations && labels && data && has(&["type"])
}

fn keys_of(fields: Option<&Value>) -> Vec<&str> {
    let map = fields.and_then(Value::as_object);
    map.into_iter().flat_map(|map| map.keys()).filter_map(|key| key.strip_prefix("f:")).collect()
}
