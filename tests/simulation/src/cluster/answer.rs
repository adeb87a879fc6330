//! Answers requests out of the cluster: status and body. Knows no time but the one it is told, and
//! no fault.

use serde_json::{Value, json};

use super::{
    Cluster, Kind, Name,
    apply::{Refusal, apply, edit},
    request::{Asked, Verb},
};
use crate::time::Millis;

/// An HTTP status and a JSON body.
pub struct Answer {
    pub code: u16,
    pub body: Value,
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        let Refusal { code, reason, message, cause } = refusal;
        let cause = cause.map(
            |(field, why)| json!({ "reason": "FieldValueInvalid", "field": field, "message": why }),
        );
        let causes: Vec<_> = cause.into_iter().collect();
        let body = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": message, "reason": reason, "code": code, "details": { "causes": causes },
        });
        Self { code, body }
    }
}

/// Carries out any request but a watch.
pub fn answer(cluster: &mut Cluster, now: Millis, asked: &Asked) -> Answer {
    match carry_out(cluster, now, asked) {
        Ok((code, body)) => Answer { code, body },
        Err(refusal) => refusal.into(),
    }
}

fn carry_out(cluster: &mut Cluster, now: Millis, asked: &Asked) -> Result<(u16, Value), Refusal> {
    if asked.verb == Verb::List {
        return Ok((200, list(cluster, asked)));
    }
    // Nobody reads Events; only their number is kept.
    if asked.kind == Kind::Event {
        if let Some(reason) = asked.body["reason"].as_str() {
            cluster.published(reason);
        }
        return Ok((201, asked.body.clone()));
    }
    let named = asked
        .name
        .clone()
        .or_else(|| asked.body["metadata"]["name"].as_str().map(str::to_owned))
        .unwrap_or_default();
    let name: Name = (asked.namespace.clone().unwrap_or_default(), named);
    let found = cluster.get(asked.kind, &name).cloned();
    match asked.verb {
        Verb::Get => found
            .map(|object| (200, shape(&object, asked)))
            .ok_or_else(|| Refusal::not_found(&name.1)),
        Verb::Create if found.is_some() => {
            Err(Refusal::new(409, "AlreadyExists", format!("\"{}\" already exists", name.1)))
        }
        Verb::Create => {
            Ok((201, shape(&cluster.put(now, asked.kind, &name, asked.body.clone()), asked)))
        }
        Verb::Apply => {
            let manager = asked.parameter("fieldManager").unwrap_or_default();
            let written = apply(cluster, now, &name, asked, manager)?;
            Ok((if found.is_some() { 200 } else { 201 }, shape(&written, asked)))
        }
        // The only patch that the operator sends but for applies: an owner reference is taken away.
        Verb::Patch if asked.kind == Kind::Secret => {
            let live = found.ok_or_else(|| Refusal::not_found(&name.1))?;
            check_preconditions(&live, &asked.body["metadata"], &name.1)?;
            let gone = &asked.body["metadata"]["ownerReferences"][0]["uid"];
            let key = format!("k:{}", json!({ "uid": gone }));
            let manager = asked.parameter("fieldManager").unwrap_or_default();
            edit(cluster, now, &name, manager, |fields| {
                fields.retain(|path, _| path.last() != Some(&key));
            });
            let after =
                cluster.get(Kind::Secret, &name).ok_or_else(|| Refusal::not_found(&name.1))?;
            Ok((200, shape(after, asked)))
        }
        Verb::Replace | Verb::ReplaceStatus => {
            let live = found.ok_or_else(|| Refusal::not_found(&name.1))?;
            check_preconditions(&live, &asked.body["metadata"], &name.1)?;
            let mut object = Value::clone(&live);
            let part = if asked.verb == Verb::ReplaceStatus { "status" } else { "spec" };
            object[part] = asked.body[part].clone();
            Ok((200, shape(&cluster.put(now, asked.kind, &name, object), asked)))
        }
        Verb::Delete => {
            let live = found.ok_or_else(|| Refusal::not_found(&name.1))?;
            check_preconditions(&live, &asked.body["preconditions"], &name.1)?;
            cluster.delete(now, asked.kind, &name);
            let status = json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success" });
            Ok((200, status))
        }
        Verb::Patch | Verb::List | Verb::Watch => {
            Err(Refusal::new(405, "MethodNotAllowed", "not in this model"))
        }
    }
}

fn check_preconditions(live: &Value, wanted: &Value, name: &str) -> Result<(), Refusal> {
    let differs = |field: &str| {
        wanted[field]
            .as_str()
            .is_some_and(|value| !value.is_empty() && live["metadata"][field] != value)
    };
    if differs("uid") || differs("resourceVersion") { Err(Refusal::conflict(name)) } else { Ok(()) }
}

fn list(cluster: &Cluster, asked: &Asked) -> Value {
    let items: Vec<Value> = cluster
        .list(asked.kind)
        .filter(|(_, object)| asked.selects(object))
        .map(|(_, object)| shape(object, asked))
        .collect();
    let (api_version, kind) = match asked.kind {
        _ if asked.metadata_only => ("meta.k8s.io/v1", "PartialObjectMetadataList"),
        Kind::MiniProgram => ("miniprogram.dev/v1alpha1", "MiniProgramList"),
        Kind::Secret => ("v1", "SecretList"),
        Kind::Lease => ("coordination.k8s.io/v1", "LeaseList"),
        Kind::Event => ("events.k8s.io/v1", "EventList"),
    };
    json!({
        "apiVersion": api_version, "kind": kind,
        "metadata": { "resourceVersion": cluster.version().to_string() }, "items": items,
    })
}

/// The object as it was asked for: whole, or its metadata alone.
pub fn shape(object: &Value, asked: &Asked) -> Value {
    if !asked.metadata_only {
        return object.clone();
    }
    json!({ "apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata", "metadata": object["metadata"] })
}
