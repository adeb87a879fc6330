//! Builds the target Secret as a whole. Pure; knows no client.

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
    reconcile::{memory::Precondition, observed::HeldTicket},
    sensitive::AccessToken,
    template::Template,
    token_json::token_json,
};

/// The content of a target.
pub struct Content<'a> {
    /// The token.
    pub token: &'a AccessToken,
    /// Its fingerprint and times.
    pub facts: &'a TokenFacts,
    /// What was sent for it.
    pub sent: &'a Sent,
    /// The id of the call that returned it.
    pub issued_for: &'a str,
    /// The last refresh request that a call answered.
    pub handled: Option<&'a str>,
    /// Whether a late request may still replace it.
    pub unconfirmed: bool,
    /// The operator that writes it, by namespace and Lease.
    pub operator: &'a str,
    /// The tickets beside it.
    pub tickets: &'a [HeldTicket],
    /// The labels and annotations that the spec asks for and the administrator allows.
    pub template: &'a Template,
}

/// The Secret for one server-side apply: all its fields, with `type` and the preconditions.
pub fn target_secret(
    mp: &MiniProgram,
    name: &str,
    precondition: &Precondition,
    content: &Content<'_>,
) -> Secret {
    let (uid, version) = match precondition {
        // No stored object has this resourceVersion, so the apply can only create.
        Precondition::Absent => (None, "1".to_owned()),
        Precondition::Is { uid, version, .. } => (Some(uid.clone()), version.clone()),
    };
    let mut labels = content.template.labels.clone();
    let mut annotations = content.template.annotations.clone();
    let text = |value: &str| value.to_owned();
    labels.insert(text(names::MANAGED_BY), text(names::FIELD_MANAGER));
    labels.insert(text(names::NAME), mp.name().to_owned());
    annotations.extend(facts(content));
    let keys = mp.target_keys();
    let json = keys.json().map(str::to_owned);
    annotations.extend(json.iter().map(|key| (text(names::TOKEN_JSON), key.clone())));
    let expires = content.facts.expires;
    let mut data = BTreeMap::from([
        (keys.access_token, ByteString(content.token.expose().as_bytes().to_vec())),
        (keys.expiration_time, ByteString(expires.to_string().into_bytes())),
        (
            text(names::KEY_EXPIRES_AT_UNIX),
            ByteString(expires.as_second().to_string().into_bytes()),
        ),
        (text(names::KEY_APP_ID), ByteString(content.sent.app_id.clone().into_bytes())),
    ]);
    data.extend(json.map(|key| {
        (key, ByteString(token_json(content.token, content.facts, &content.sent.app_id)))
    }));
    data.extend(content.tickets.iter().flat_map(ticket_data));
    annotations.extend(tickets_annotation(content.tickets));
    Secret {
        metadata: ObjectMeta {
            name: Some(text(name)),
            namespace: mp.metadata.namespace.clone(),
            uid,
            resource_version: Some(version),
            labels: Some(labels),
            annotations: Some(annotations),
            owner_references: (mp.deletion_policy() == DeletionPolicy::Delete)
                .then(|| vec![owner(mp)]),
            ..ObjectMeta::default()
        },
        type_: Some(text(names::SECRET_TYPE)),
        data: Some(data),
        ..Secret::default()
    }
}

fn ticket_data(held: &HeldTicket) -> impl Iterator<Item = (String, ByteString)> {
    let expires = held.facts.expiration_time.0;
    let values =
        [held.ticket.expose().to_owned(), expires.to_string(), expires.as_second().to_string()];
    let keys = held.facts.kind.keys().map(str::to_owned);
    keys.into_iter().zip(values.map(|value| ByteString(value.into_bytes())))
}

fn tickets_annotation(tickets: &[HeldTicket]) -> Option<(String, String)> {
    let facts: Vec<_> = tickets.iter().map(|held| &held.facts).collect();
    let text = (!facts.is_empty()).then(|| serde_json::to_string(&facts).unwrap_or_default())?;
    Some((names::TICKETS.to_owned(), text))
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
    let handled =
        content.handled.map(|handled| (names::HANDLED_REFRESH_REQUEST, handled.to_owned()));
    let unconfirmed = content.unconfirmed.then(|| (names::UNCONFIRMED, "true".to_owned()));
    always.into_iter().chain(handled).chain(unconfirmed).map(|(key, value)| (key.to_owned(), value))
}

fn owner(mp: &MiniProgram) -> OwnerReference {
    OwnerReference {
        api_version: MiniProgram::api_version(&()).into_owned(),
        kind: MiniProgram::kind(&()).into_owned(),
        name: mp.name().to_owned(),
        uid: mp.uid().to_owned(),
        controller: Some(true),
        block_owner_deletion: Some(false),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::{FieldsV1, ManagedFieldsEntry};
    use serde_json::{Value, json};

    use super::{Content, Secret, target_secret};
    use crate::{
        api::{MiniProgram, names},
        projection::{Owner, Projection, Sent, TokenFacts},
        reconcile::memory::Precondition,
        sensitive::AccessToken,
        template::AllowedMetadata,
    };

    pub fn mini_program(target: &Value) -> MiniProgram {
        serde_json::from_value(json!({
            "apiVersion": "miniprogram.dev/v1alpha1", "kind": "MiniProgram",
            "metadata": { "name": "shop", "namespace": "team-a", "uid": "shop-uid" },
            "spec": { "appID": "wx0123456789abcdef", "credentialRef": { "name": "c" }, "target": target },
        }))
        .expect("a MiniProgram")
    }

    pub fn written(target: &Value, precondition: &Precondition, unconfirmed: bool) -> Secret {
        let token = AccessToken::parse("76_token").expect("plausible");
        let time = |text: &str| text.parse().expect("a time");
        let facts = TokenFacts {
            fingerprint: token.fingerprint(),
            issued: time("2026-05-01T10:00:00Z"),
            expires: time("2026-05-01T12:00:00Z"),
        };
        let sent = Sent {
            app_id: "wx0123456789abcdef".into(),
            platform: "WeChat".into(),
            ..Sent::default()
        };
        let mp = mini_program(target);
        let template = AllowedMetadata::default().template(&mp);
        let content = Content {
            template: &template,
            token: &token,
            facts: &facts,
            sent: &sent,
            issued_for: "call-1",
            handled: None,
            unconfirmed,
            operator: "system/lease",
            tickets: &[],
        };
        target_secret(&mp, "shop-token", precondition, &content)
    }

    fn applied(secret: Secret) -> Projection {
        Projection::of(&managed(secret).metadata)
    }

    /// The Secret as the API server returns it after our apply: we own every field that was sent.
    pub fn managed(mut secret: Secret) -> Secret {
        let owned = |keys: Vec<&String>| -> Value {
            keys.into_iter()
                .map(|key| (format!("f:{key}"), json!({})))
                .collect::<serde_json::Map<_, _>>()
                .into()
        };
        let metadata = &secret.metadata;
        let fields = json!({
            "f:metadata": {
                "f:labels": owned(metadata.labels.iter().flatten().map(|(key, _)| key).collect()),
                "f:annotations": owned(metadata.annotations.iter().flatten().map(|(key, _)| key).collect()),
            },
            "f:data": owned(secret.data.iter().flatten().map(|(key, _)| key).collect()),
            "f:type": {},
        });
        secret.metadata.managed_fields = Some(vec![ManagedFieldsEntry {
            manager: Some(names::FIELD_MANAGER.into()),
            operation: Some("Apply".into()),
            fields_v1: Some(FieldsV1(fields)),
            ..ManagedFieldsEntry::default()
        }]);
        secret
    }

    #[test]
    fn a_projection_of_what_we_write_is_whole_and_says_the_same() {
        let target = json!({ "template": { "metadata": { "labels": { "team": "a" }, "annotations": { "note": "x" } } } });
        for unconfirmed in [false, true] {
            let projection = applied(written(&target, &Precondition::Absent, unconfirmed));
            assert!(!projection.edited);
            assert_eq!(projection.unconfirmed, unconfirmed);
            assert_eq!(
                projection.owner,
                Owner::MiniProgram { uid: "shop-uid".into(), name: "shop".into() }
            );
            assert_eq!(projection.issued_for.as_deref(), Some("call-1"));
            assert_eq!(
                projection.data_keys,
                ["access_token", "app_id", "expires_at", "expires_at_unix", "token.json"]
            );
            assert_eq!(projection.labels, [("team".to_owned(), "a".to_owned())].into());
            assert_eq!(projection.annotations, [("note".to_owned(), "x".to_owned())].into());
            assert_eq!(
                projection.token.map(|token| token.expires.to_string()),
                Some("2026-05-01T12:00:00Z".into())
            );
        }
    }

    #[test]
    fn every_field_that_somebody_takes_from_us_shows_as_an_edit() {
        let whole = written(&json!({}), &Precondition::Absent, false);
        let mut manager = applied(whole.clone());
        assert!(!manager.edited);
        // Targets of versions that did not write it lack this one.
        let always = |key: &&String| *key != names::TOKEN_JSON;
        let annotations = whole.metadata.annotations.iter().flatten().map(|(key, _)| key);
        for key in annotations.filter(always) {
            let mut less = whole.clone();
            less.metadata.annotations.get_or_insert_default().remove(key);
            assert!(applied(less).edited, "{key}");
        }
        let mut unmanaged = whole;
        unmanaged.metadata.managed_fields = None;
        manager = Projection::of(&unmanaged.metadata);
        assert!(manager.edited);
    }

    #[test]
    fn a_mark_of_an_unconfirmed_token_that_a_backup_brought_back_is_not_ours() {
        let mut projected = written(&json!({}), &Precondition::Absent, false);
        let fields = json!({ "f:metadata": { "f:annotations": { format!("f:{}", names::ISSUED_FOR): {} } } });
        projected.metadata.managed_fields = Some(vec![ManagedFieldsEntry {
            manager: Some(names::FIELD_MANAGER.into()),
            operation: Some("Apply".into()),
            fields_v1: Some(FieldsV1(fields)),
            ..ManagedFieldsEntry::default()
        }]);
        projected
            .metadata
            .annotations
            .get_or_insert_default()
            .insert(names::UNCONFIRMED.into(), "true".into());
        assert!(
            !Projection::of(&projected.metadata).unconfirmed,
            "no write of ours would ever take it away"
        );
    }

    #[test]
    fn a_fingerprint_that_no_status_can_hold_names_no_token() {
        for (text, holds) in [
            ("sha256:9f2c4e1ab0d3", true),
            ("sha256:9f2c4e1ab0d34", false),
            ("sha256:\u{1b}[31m9f2c4e1", false),
        ] {
            let mut secret = written(&json!({}), &Precondition::Absent, false);
            secret
                .metadata
                .annotations
                .get_or_insert_default()
                .insert(names::FINGERPRINT.into(), text.into());
            assert_eq!(applied(secret).token.is_some(), holds, "{text}");
        }
    }

    #[test]
    fn a_create_can_only_create_and_a_rewrite_can_only_replace() {
        let created = written(&json!({}), &Precondition::Absent, false);
        assert_eq!(
            (created.metadata.uid, created.metadata.resource_version.as_deref()),
            (None, Some("1"))
        );
        let precondition =
            Precondition::Is { uid: "u".into(), version: "9".into(), issued_for: None };
        let replaced = written(&json!({ "deletionPolicy": "Retain" }), &precondition, false);
        assert_eq!(
            (replaced.metadata.uid.as_deref(), replaced.metadata.resource_version.as_deref()),
            (Some("u"), Some("9"))
        );
        assert_eq!(replaced.metadata.owner_references, None);
        assert_eq!(replaced.type_.as_deref(), Some(names::SECRET_TYPE));
    }

    #[test]
    fn keys_are_as_the_spec_names_them() {
        let keys = json!({ "accessToken": "token", "expirationTime": "until", "tokenJSON": "all" });
        let secret = written(&json!({ "keys": keys }), &Precondition::Absent, false);
        let data = secret.data.clone().expect("data");
        let text = |key: &str| String::from_utf8(data[key].0.clone()).expect("text");
        assert_eq!(text("token"), "76_token");
        assert_eq!(text("until"), "2026-05-01T12:00:00Z");
        assert_eq!(text("expires_at_unix"), "1777636800");
        assert_eq!(text("app_id"), "wx0123456789abcdef");
        assert!(text("all").contains("\"expireTime\":1777636800000"), "{}", text("all"));
        assert_eq!(data.len(), 5);
        let left_out =
            written(&json!({ "keys": { "tokenJSON": "" } }), &Precondition::Absent, false);
        assert_eq!(left_out.data.map(|data| data.len()), Some(4));
        assert_eq!(applied(secret).token_json.as_deref(), Some("all"));
    }
}
