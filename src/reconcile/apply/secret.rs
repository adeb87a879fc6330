//! Builds the target Secret, whole, from nothing. Pure; knows no client.

use std::collections::BTreeMap;

use k8s_openapi::{
    ByteString,
    api::core::v1::Secret,
    apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference},
};
use kube::Resource;

use crate::{
    api::{DeletionPolicy, MiniProgram, names},
    projection::{Sent, TokenFacts},
    reconcile::memory::Base,
    sensitive::AccessToken,
};

/// What a target is to hold.
pub struct Content<'a> {
    /// The token.
    pub token: &'a AccessToken,
    /// Its fingerprint and times.
    pub facts: &'a TokenFacts,
    /// What was sent for it.
    pub sent: &'a Sent,
    /// The id of the call that brought it.
    pub issued_for: &'a str,
    /// The last refresh request that a call answered.
    pub handled: Option<&'a str>,
    /// Whether a late request may still replace it.
    pub unsettled: bool,
    /// The operator that writes it: namespace and lease.
    pub operator: &'a str,
}

/// The Secret for one server-side apply: whole, with `type`, and fenced by what it replaces.
pub fn target_secret(mp: &MiniProgram, name: &str, base: &Base, content: &Content<'_>) -> Secret {
    let (uid, version) = match base {
        // Only a create can succeed with it: no object ever has this resourceVersion.
        Base::Absent => (None, "1".to_owned()),
        Base::Is { uid, version, .. } => (Some(uid.clone()), version.clone()),
    };
    let template = mp.target_template();
    let mut labels = template.labels.unwrap_or_default();
    let mut annotations = template.annotations.unwrap_or_default();
    let text = |value: &str| value.to_owned();
    labels.insert(text(names::MANAGED_BY), text(names::FIELD_MANAGER));
    labels.insert(text(names::NAME), mp.metadata.name.clone().unwrap_or_default());
    annotations.extend(facts(content));
    let keys = mp.target_keys();
    let expires = content.facts.expires;
    let data = BTreeMap::from([
        (keys.access_token, ByteString(content.token.expose().as_bytes().to_vec())),
        (keys.expiration_time, ByteString(expires.to_string().into_bytes())),
        (text(names::KEY_EXPIRES_AT_UNIX), ByteString(expires.as_second().to_string().into_bytes())),
        (text(names::KEY_APP_ID), ByteString(content.sent.app_id.clone().into_bytes())),
    ]);
    Secret {
        metadata: ObjectMeta {
            name: Some(text(name)),
            namespace: mp.metadata.namespace.clone(),
            uid,
            resource_version: Some(version),
            labels: Some(labels),
            annotations: Some(annotations),
            owner_references: (mp.deletion_policy() == DeletionPolicy::Delete).then(|| vec![owner(mp)]),
            ..ObjectMeta::default()
        },
        type_: Some(text(names::SECRET_TYPE)),
        data: Some(data),
        ..Secret::default()
    }
}

fn facts(content: &Content<'_>) -> impl Iterator<Item = (String, String)> {
    let sent = content.sent;
    let always = [
        (names::APP_ID, sent.app_id.clone()),
        (names::PLATFORM, sent.platform.clone()),
        (names::TOKEN_MODE, sent.mode.clone()),
        (names::CREDENTIAL_DIGEST, sent.digest.clone()),
        (names::CREDENTIAL_SALT, sent.salt.clone()),
        (names::ISSUE_TIME, content.facts.issued.to_string()),
        (names::EXPIRATION_TIME, content.facts.expires.to_string()),
        (names::FINGERPRINT, content.facts.fingerprint.clone()),
        (names::ISSUED_FOR, content.issued_for.to_owned()),
        (names::OPERATOR, content.operator.to_owned()),
    ];
    let handled = content.handled.map(|handled| (names::HANDLED_REFRESH_REQUEST, handled.to_owned()));
    let unsettled = content.unsettled.then(|| (names::UNSETTLED, "true".to_owned()));
    always.into_iter().chain(handled).chain(unsettled).map(|(key, value)| (key.to_owned(), value))
}

fn owner(mp: &MiniProgram) -> OwnerReference {
    OwnerReference {
        api_version: MiniProgram::api_version(&()).into_owned(),
        kind: MiniProgram::kind(&()).into_owned(),
        name: mp.metadata.name.clone().unwrap_or_default(),
        uid: mp.metadata.uid.clone().unwrap_or_default(),
        controller: Some(true),
        block_owner_deletion: Some(false),
    }
}
