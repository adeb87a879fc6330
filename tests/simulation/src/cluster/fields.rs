//! A Secret as fields with owners, as server-side apply sees it, and `managedFields` in both
//! directions. Decides nothing.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

/// The steps of a field's path, as `fieldsV1` spells them.
pub type Path = Vec<String>;
pub type Fields = BTreeMap<Path, Value>;

/// A manager and how it writes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Manager {
    pub name: String,
    pub operation: String,
}

pub type Owners = BTreeMap<Manager, BTreeSet<Path>>;

impl Manager {
    pub fn new(name: &str, operation: &str) -> Self {
        Self { name: name.to_owned(), operation: operation.to_owned() }
    }
}

/// The fields of a Secret that somebody can own.
pub fn fields_of(secret: &Value) -> Fields {
    let mut fields = Fields::new();
    let step = |name: &str| format!("f:{name}");
    for (outer, map) in [
        (vec![step("data")], &secret["data"]),
        (vec![step("metadata"), step("labels")], &secret["metadata"]["labels"]),
        (vec![step("metadata"), step("annotations")], &secret["metadata"]["annotations"]),
    ] {
        for (key, value) in map.as_object().into_iter().flatten() {
            let path = outer.iter().cloned().chain([step(key)]).collect();
            fields.insert(path, value.clone());
        }
    }
    for owner in secret["metadata"]["ownerReferences"].as_array().into_iter().flatten() {
        let key = format!("k:{}", json!({ "uid": owner["uid"] }));
        fields.insert(vec![step("metadata"), step("ownerReferences"), key], owner.clone());
    }
    for name in ["type", "immutable"] {
        if let Some(value) = secret.get(name) {
            fields.insert(vec![step(name)], value.clone());
        }
    }
    fields
}

/// A Secret of these fields; name, uid and times stay as they are in `base`.
pub fn with_fields(base: &Value, fields: &Fields) -> Value {
    let mut secret = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": base["metadata"] });
    let metadata = &mut secret["metadata"];
    for name in ["labels", "annotations", "ownerReferences"] {
        if let Some(metadata) = metadata.as_object_mut() {
            metadata.remove(name);
        }
    }
    for (path, value) in fields {
        let steps: Vec<&str> =
            path.iter().map(|step| step.strip_prefix("f:").unwrap_or(step)).collect();
        match steps.as_slice() {
            ["metadata", "ownerReferences", _] => {
                let owners = &mut secret["metadata"]["ownerReferences"];
                match owners.as_array_mut() {
                    Some(owners) => owners.push(value.clone()),
                    None => *owners = json!([value]),
                }
            }
            ["metadata", map, key] => secret["metadata"][map][key] = value.clone(),
            ["data", key] => secret["data"][key] = value.clone(),
            [name] => secret[name] = value.clone(),
            _ => {}
        }
    }
    secret
}

/// Who owns which field.
pub fn owners_of(secret: &Value) -> Owners {
    let entries = secret["metadata"]["managedFields"].as_array().into_iter().flatten();
    let entry = |entry: &Value| {
        let text = |name: &str| entry[name].as_str().unwrap_or_default().to_owned();
        let mut paths = BTreeSet::new();
        collect(&entry["fieldsV1"], &mut Vec::new(), &mut paths);
        (Manager { name: text("manager"), operation: text("operation") }, paths)
    };
    entries.map(entry).collect()
}

fn collect(node: &Value, path: &mut Path, into: &mut BTreeSet<Path>) {
    let Some(map) = node.as_object() else { return };
    if map.is_empty() && !path.is_empty() {
        into.insert(path.clone());
    }
    for (step, child) in map.iter().filter(|(step, _)| *step != ".") {
        path.push(step.clone());
        collect(child, path, into);
        path.pop();
    }
}

/// `managedFields` for these owners.
pub fn managed_fields(owners: &Owners, time: &str) -> Value {
    let entries = owners.iter().filter(|(_, paths)| !paths.is_empty()).map(|(manager, paths)| {
        let mut tree = Value::Object(Map::new());
        for path in paths {
            let mut at = &mut tree;
            for step in path {
                at = &mut at[step];
                if at.is_null() {
                    *at = json!({});
                }
            }
        }
        json!({
            "manager": manager.name, "operation": manager.operation, "apiVersion": "v1", "time": time,
            "fieldsType": "FieldsV1", "fieldsV1": tree,
        })
    });
    entries.collect()
}
