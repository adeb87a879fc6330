//! Server-side apply and other people's edits of Secrets, with the fences that the API server
//! checks. Knows no HTTP.

use std::collections::BTreeSet;

use miniprogram_operator::api::names;
use serde_json::{Value, json};

use super::{
    Cluster, FULL_NAMESPACE, Kind, Name,
    fields::{Fields, Manager, fields_of, managed_fields, owners_of, with_fields},
    request::Asked,
    whole_seconds,
};
use crate::time::Millis;

/// A refusal, as the API server words it.
#[derive(Clone, Debug)]
pub struct Refusal {
    pub code: u16,
    pub reason: &'static str,
    pub message: String,
    /// The field that is invalid, and why.
    pub cause: Option<(&'static str, String)>,
}

impl Refusal {
    pub fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into(), cause: None }
    }

    fn invalid(name: &str, field: &'static str, why: &str) -> Self {
        let message = format!("Secret \"{name}\" is invalid: {field}: {why}");
        Self { cause: Some((field, why.to_owned())), ..Self::new(422, "Invalid", message) }
    }

    pub fn conflict(name: &str) -> Self {
        let message = format!(
            "Operation cannot be fulfilled on \"{name}\": the object has been modified; please apply your changes to the \
             latest version and try again"
        );
        Self::new(409, "Conflict", message)
    }

    pub fn not_found(name: &str) -> Self {
        Self::new(404, "NotFound", format!("\"{name}\" not found"))
    }
}

/// Applies a whole Secret by force.
pub fn apply(
    cluster: &mut Cluster,
    now: Millis,
    name: &Name,
    asked: &Asked,
    manager: &str,
) -> Result<Value, Refusal> {
    let wanted = &asked.body;
    let live = cluster.get(Kind::Secret, name).cloned();
    check_fences(live.as_deref(), wanted, &name.1)?;
    if live.is_none() && name.0 == FULL_NAMESPACE {
        let message = "exceeded quota: secrets, requested: count/secrets=1";
        return Err(Refusal::new(403, "Forbidden", message));
    }
    let base = live.as_deref().cloned().unwrap_or_else(|| json!({ "metadata": {} }));
    let before = fields_of(&base);
    let new = fields_of(wanted);
    if live.is_some() && base.get("type") != wanted.get("type") {
        return Err(Refusal::invalid(&name.1, "type", "Invalid value: field is immutable"));
    }
    let mut owners = owners_of(&base);
    let me = Manager::new(manager, "Apply");
    let mine_before = owners.remove(&me).unwrap_or_default();
    let mut after = before.clone();
    for path in mine_before.iter().filter(|path| !new.contains_key(*path)) {
        if !owners.values().any(|paths| paths.contains(path)) {
            after.remove(path);
        }
    }
    for (path, value) in &new {
        if before.get(path) != Some(value) {
            for paths in owners.values_mut() {
                paths.remove(path);
            }
        }
        after.insert(path.clone(), value.clone());
    }
    let mine: BTreeSet<_> = new.keys().cloned().collect();
    if live.is_some() && after == before && mine == mine_before {
        return Ok(base);
    }
    let data_differs = |path: &&super::fields::Path| {
        path.first().is_some_and(|step| step == "f:data") && before.get(*path) != after.get(*path)
    };
    if base["immutable"] == json!(true)
        && before.keys().chain(after.keys()).any(|path| data_differs(&path))
    {
        return Err(Refusal::invalid(
            &name.1,
            "data",
            "Forbidden: field is immutable when `immutable` is set",
        ));
    }
    owners.insert(me, mine);
    let mut secret = with_fields(&base, &after);
    secret["metadata"]["managedFields"] = managed_fields(&owners, &whole_seconds(now));
    // Who owns a field is written down before admission changes it.
    if asked.altered
        && let Some(annotations) = secret["metadata"]["annotations"].as_object_mut()
    {
        annotations.remove(names::FINGERPRINT);
    }
    if asked.is_dry_run() {
        return Ok(secret);
    }
    Ok(Value::clone(&cluster.put(now, Kind::Secret, name, secret)))
}

fn check_fences(live: Option<&Value>, wanted: &Value, name: &str) -> Result<(), Refusal> {
    let uid = wanted["metadata"]["uid"].as_str();
    let version = wanted["metadata"]["resourceVersion"].as_str();
    let Some(live) = live else {
        // Without a uid an apply with any resourceVersion creates; with one it must not.
        return if uid.is_none() {
            Ok(())
        } else {
            Err(Refusal::invalid(
                name,
                "metadata.uid",
                "Invalid value: no existing object was found",
            ))
        };
    };
    if uid.is_some_and(|uid| live["metadata"]["uid"] != uid) {
        return Err(Refusal::new(
            409,
            "Conflict",
            format!("Precondition failed: UID in precondition differs for \"{name}\""),
        ));
    }
    if version
        .is_some_and(|version| version != "0" && live["metadata"]["resourceVersion"] != version)
    {
        return Err(Refusal::conflict(name));
    }
    Ok(())
}

/// Somebody's edit of a Secret: what it changes is theirs from then on.
pub fn edit(
    cluster: &mut Cluster,
    now: Millis,
    name: &Name,
    manager: &str,
    change: impl FnOnce(&mut Fields),
) -> bool {
    let Some(live) = cluster.get(Kind::Secret, name).cloned() else { return false };
    let before = fields_of(&live);
    let mut after = before.clone();
    change(&mut after);
    let mut owners = owners_of(&live);
    let touched: BTreeSet<_> = before
        .keys()
        .chain(after.keys())
        .filter(|path| before.get(*path) != after.get(*path))
        .cloned()
        .collect();
    if touched.is_empty() {
        return false;
    }
    for paths in owners.values_mut() {
        paths.retain(|path| !touched.contains(path));
    }
    let theirs = owners.entry(Manager::new(manager, "Update")).or_default();
    theirs.extend(touched.into_iter().filter(|path| after.contains_key(path)));
    let mut secret = with_fields(&live, &after);
    secret["metadata"]["managedFields"] = managed_fields(&owners, &whole_seconds(now));
    cluster.put(now, Kind::Secret, name, secret);
    true
}
