//! The rules that the API server itself enforces: patterns, CEL and map schemas, made from the list
//! of platforms.

use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use super::names;
use crate::platform;

/// The pattern of a Secret's name, as the API server checks it.
pub(super) const DNS_SUBDOMAIN: &str =
    r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$";
/// The pattern of a key of a Secret's data, as the API server checks it.
pub(super) const DATA_KEY: &str = r"^[-._a-zA-Z0-9]+$";
const QUALIFIED_NAME: &str = r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$";
const LABEL_VALUE: &str = r"^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$";

/// The longest name of a `MiniProgram`: with `-token` it still fits the 63 characters of a label
/// value.
const LONGEST_NAME: usize = 57;

fn rule(rule: impl Into<String>, message: impl Into<String>) -> Value {
    json!({ "rule": rule.into(), "message": message.into() })
}

/// The rule of an immutable field.
pub(super) fn immutable(field: &str) -> Value {
    json!([rule(
        "self == oldSelf",
        format!("{field} is immutable: make another MiniProgram instead")
    )])
}

/// The rules on the whole object, which need its name.
pub(super) fn root() -> Value {
    let target = "(has(self.spec.target) && has(self.spec.target.name) ? self.spec.target.name : self.metadata.name + '-token')";
    json!([
        rule(
            format!("size(self.metadata.name) <= {LONGEST_NAME}"),
            format!(
                "metadata.name must be at most {LONGEST_NAME} characters: it becomes a label and the name of a Secret"
            )
        ),
        rule(
            format!("{target} != self.spec.credentialRef.name"),
            "the target Secret must not be the credential Secret: change spec.target.name or spec.credentialRef.name"
        ),
    ])
}

/// The rules across fields of the spec.
pub(super) fn spec() -> Value {
    let mut rules = Vec::new();
    for platform in platform::ALL {
        let name = platform.name;
        rules.push(rule(
            format!(
                "self.platform != '{name}' || self.appID.matches('{}')",
                platform.app_id.pattern
            ),
            format!("appID is not one of {name}: {}", platform.app_id.meaning),
        ));
        for endpoint in platform.endpoints {
            rules.extend(bounds(platform, endpoint));
        }
    }
    let with_choice: Vec<_> =
        platform::ALL.iter().filter(|p| p.has_choice()).map(|p| format!("'{}'", p.name)).collect();
    rules.push(rule(
        format!("!has(self.tokenMode) || self.platform in [{}]", with_choice.join(", ")),
        "tokenMode is only for platforms that have the choice",
    ));
    Value::Array(rules)
}

/// The bounds of `refreshBeforeSeconds` and `refreshIntervalSeconds`, which depend on how the
/// endpoint reissues tokens.
fn bounds(platform: &platform::Platform, endpoint: &platform::Endpoint) -> Vec<Value> {
    let name = platform.name;
    let chosen = match endpoint.mode {
        None => format!("self.platform == '{name}'"),
        Some(mode) if platform.default_mode() == Some(mode) => {
            format!(
                "self.platform == '{name}' && (!has(self.tokenMode) || self.tokenMode == '{mode:?}')"
            )
        }
        Some(mode) => format!(
            "self.platform == '{name}' && has(self.tokenMode) && self.tokenMode == '{mode:?}'"
        ),
    };
    let mode = endpoint.mode.map(|mode| format!(" in {mode:?} mode")).unwrap_or_default();
    let longest_lead = endpoint.lead.longest.as_secs();
    let shortest_interval = if endpoint.reissue.makes_new() { 600 } else { 60 };
    vec![
        rule(
            format!(
                "!({chosen}) || !has(self.refreshBeforeSeconds) || self.refreshBeforeSeconds <= {longest_lead}"
            ),
            format!("refreshBeforeSeconds must be from 120 to {longest_lead} on {name}{mode}"),
        ),
        rule(
            format!(
                "!({chosen}) || !has(self.refreshIntervalSeconds) || self.refreshIntervalSeconds >= {shortest_interval}"
            ),
            format!("refreshIntervalSeconds must be at least {shortest_interval} on {name}{mode}"),
        ),
    ]
}

/// The rules that the target's keys differ from each other and from those that the operator adds.
pub(super) fn target_keys() -> Value {
    let fixed = format!("['{}', '{}']", names::KEY_EXPIRES_AT_UNIX, names::KEY_APP_ID);
    json!([
        rule(
            "self.accessToken != self.expirationTime",
            "accessToken and expirationTime must be different keys"
        ),
        rule(
            format!("!(self.accessToken in {fixed}) && !(self.expirationTime in {fixed})"),
            format!("{fixed} are keys that the operator writes itself")
        ),
    ])
}

/// The schema of the labels that a user may set on the target.
pub(super) fn labels(_: &mut SchemaGenerator) -> Schema {
    metadata_map(63, LABEL_VALUE, "label")
}

/// The schema of the annotations that a user may set on the target.
pub(super) fn annotations(_: &mut SchemaGenerator) -> Schema {
    metadata_map(4096, "", "annotation")
}

fn metadata_map(longest_value: u32, value: &str, what: &str) -> Schema {
    let mut values = json!({ "type": "string", "maxLength": longest_value });
    if !value.is_empty() {
        values["pattern"] = json!(value);
    }
    json_schema!({
        "type": "object",
        "nullable": true,
        "maxProperties": 32,
        "additionalProperties": values,
        "x-kubernetes-validations": [
            rule(
                format!("self.all(k, size(k) <= 317 && k.matches('{QUALIFIED_NAME}'))"),
                format!("a key is not a legal {what} key")
            ),
            rule(
                format!(
                    "self.all(k, !k.startsWith('{group}/') && !k.contains('.{group}/') && k != '{managed_by}')",
                    group = names::GROUP,
                    managed_by = names::MANAGED_BY
                ),
                format!("{what}s under {}/ and {} are the operator's own", names::GROUP, names::MANAGED_BY)
            ),
        ]
    })
}
