//! Compares what was written with the API server's answer: admission may remove or change what the
//! operator depends on, and `managedFields` do not show it. Pure.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Secret;

use crate::{api::names, reconcile::api_error::ApiError};

/// The number of differences that a message names.
const NAMED: usize = 3;

/// Refuses an answer that lacks or changes something that the operator or the pods depend on.
/// Nothing depends on the template's labels and annotations.
pub fn check(sent: &Secret, answer: &Secret) -> Result<(), ApiError> {
    let mut altered = metadata(sent, answer).chain(content(sent, answer));
    let mut named: Vec<String> = altered.by_ref().take(NAMED).collect();
    match altered.count() {
        0 if named.is_empty() => return Ok(()),
        0 => {}
        more => named.push(format!("{more} more")),
    }
    Err(ApiError::Altered(named.join(", ")))
}

fn metadata<'a>(sent: &'a Secret, answer: &'a Secret) -> impl Iterator<Item = String> + use<'a> {
    let is_ours = |key: &str| {
        key == names::MANAGED_BY
            || key.split_once('/').is_some_and(|(prefix, _)| prefix == names::GROUP)
    };
    let labels = differing(sent.metadata.labels.as_ref(), answer.metadata.labels.as_ref());
    let annotations =
        differing(sent.metadata.annotations.as_ref(), answer.metadata.annotations.as_ref());
    let labels = labels.filter(move |key| is_ours(key)).map(|key| format!("label {key}"));
    let annotations =
        annotations.filter(move |key| is_ours(key)).map(|key| format!("annotation {key}"));
    let owners = || answer.metadata.owner_references.iter().flatten();
    let owner = sent.metadata.owner_references.iter().flatten().find(|ours| {
        !owners().any(|owner| owner.uid == ours.uid && owner.controller == ours.controller)
    });
    labels.chain(annotations).chain(owner.map(|_| "the owner reference".to_owned()))
}

fn content<'a>(sent: &'a Secret, answer: &'a Secret) -> impl Iterator<Item = String> + use<'a> {
    let data = differing(sent.data.as_ref(), answer.data.as_ref()).map(|key| format!("data {key}"));
    let kind = (sent.type_ != answer.type_).then(|| "the type".to_owned());
    let frozen = (answer.immutable == Some(true)).then(|| "immutable".to_owned());
    data.chain(kind).chain(frozen)
}

/// The keys whose value differs from the one that was sent.
fn differing<'a, V: PartialEq>(
    sent: Option<&'a BTreeMap<String, V>>,
    answer: Option<&'a BTreeMap<String, V>>,
) -> impl Iterator<Item = &'a String> {
    let sent = sent.into_iter().flatten();
    sent.filter(move |(key, value)| answer.and_then(|answer| answer.get(*key)) != Some(*value))
        .map(|(key, _)| key)
}

#[cfg(test)]
mod tests {
    use k8s_openapi::{ByteString, api::core::v1::Secret};
    use serde_json::json;

    use super::check;
    use crate::{
        api::names,
        reconcile::{apply::secret::tests::written, memory::Precondition},
    };

    fn sent() -> Secret {
        let template =
            json!({ "metadata": { "labels": { "team": "a" }, "annotations": { "note": "x" } } });
        written(&json!({ "template": template }), &Precondition::Absent, false)
    }

    #[test]
    fn what_admission_adds_or_does_to_the_template_is_no_refusal() {
        let mut answer = sent();
        assert!(check(&sent(), &answer).is_ok());
        let metadata = &mut answer.metadata;
        metadata.labels.as_mut().expect("labels").insert("team".into(), "b".into());
        metadata.annotations.as_mut().expect("annotations").remove("note");
        metadata.annotations.as_mut().expect("annotations").insert("injected".into(), "yes".into());
        metadata.finalizers = Some(vec!["example.com/hold".into()]);
        answer.data.as_mut().expect("data").insert("more".into(), ByteString(vec![1]));
        assert!(check(&sent(), &answer).is_ok());
    }

    #[test]
    fn what_the_operator_or_pods_depend_on_is_named() {
        type Alter = fn(&mut Secret);
        let cases: [(Alter, &str); 7] = [
            (
                |secret| drop(annotations(secret).remove(names::FINGERPRINT)),
                "annotation miniprogram.dev/fingerprint",
            ),
            (
                |secret| drop(annotations(secret).insert(names::ISSUED_FOR.into(), "x".into())),
                "annotation miniprogram.dev/issued-for",
            ),
            (
                |secret| secret.metadata.labels = None,
                "label app.kubernetes.io/managed-by, label miniprogram.dev/name",
            ),
            (|secret| secret.metadata.owner_references = Some(vec![]), "the owner reference"),
            (
                |secret| {
                    drop(
                        secret
                            .data
                            .as_mut()
                            .expect("data")
                            .insert("access_token".into(), ByteString(vec![1])),
                    );
                },
                "data access_token",
            ),
            (|secret| secret.type_ = Some("Opaque".into()), "the type"),
            (|secret| secret.immutable = Some(true), "immutable"),
        ];
        for (alter, named) in cases {
            let mut answer = sent();
            alter(&mut answer);
            let error = check(&sent(), &answer).expect_err(named);
            assert_eq!(error.to_string(), format!("admission took away or changed {named}"));
        }
    }

    fn annotations(secret: &mut Secret) -> &mut std::collections::BTreeMap<String, String> {
        secret.metadata.annotations.as_mut().expect("annotations")
    }
}
