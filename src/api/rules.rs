//! The rules that the API server itself enforces: patterns, CEL and map schemas, made from the list
//! of platforms.

use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};
use strum::IntoEnumIterator;

use super::{TicketType, names};
use crate::platform::{self, Endpoint, Platform};

/// The pattern of a Secret's name, as the API server checks it.
pub(super) const DNS_SUBDOMAIN: &str =
    r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$";
/// The pattern of a key of a Secret's data, as the API server checks it.
pub(super) const DATA_KEY: &str = r"^[-._a-zA-Z0-9]+$";
/// The same for a key that may be left out.
pub(super) const DATA_KEY_OR_NONE: &str = r"^[-._a-zA-Z0-9]*$";
const QUALIFIED_NAME: &str = r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$";
const LABEL_VALUE: &str = r"^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$";

/// The longest name of a `MiniProgram`: with `-token` it still fits the 63 characters of a label
/// value.
const LONGEST_NAME: usize = 57;
/// The minimum of `refreshBeforeSeconds`, since a pod sees a changed Secret up to 90 seconds late.
const SHORTEST_LEAD: u64 = 120;

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

/// A case of a rule across platforms.
struct Case {
    /// Which objects it is about, in CEL.
    when: String,
    /// What holds for them, in CEL.
    holds: String,
    /// What a person reads if it does not.
    message: String,
}

/// One rule of cases, of which the first that is about an object counts. The API server evaluates
/// every rule of the schema at every write, of the status too: a rule for each case took more than
/// a third of such a write.
fn cases(unless: &str, cases: &[Case], message: &str) -> Value {
    let chain = |last: &str, of: &dyn Fn(&Case) -> String| {
        let each = cases.iter().map(|case| format!("{} ? {} : ", case.when, of(case)));
        format!("{}{last}", each.collect::<String>())
    };
    json!({
        "rule": format!("{unless}({})", chain("true", &|case| case.holds.clone())),
        "message": message,
        "messageExpression": chain(&literal(message), &|case| literal(&case.message)),
    })
}

/// A string of CEL.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', r"\\").replace('\'', r"\'"))
}

/// The rules across fields of the spec.
pub(super) fn spec() -> Value {
    let ids = platform::ALL.iter().map(|platform| Case {
        when: format!("self.platform == '{}'", platform.name),
        holds: format!("self.appID.matches('{}')", platform.app_id.pattern),
        message: format!("appID is not one of {}: {}", platform.name, platform.app_id.meaning),
    });
    let ids: Vec<_> = ids.collect();
    let endpoints = platform::ALL
        .iter()
        .flat_map(|platform| platform.endpoints.iter().map(move |endpoint| (*platform, endpoint)));
    let leads: Vec<_> =
        endpoints.clone().map(|(platform, endpoint)| lead(platform, endpoint)).collect();
    let intervals: Vec<_> =
        endpoints.map(|(platform, endpoint)| interval(platform, endpoint)).collect();
    let mut rules = vec![
        cases("", &ids, "appID is not one of this platform: see docs/platforms.md"),
        cases(
            "!has(self.refreshBeforeSeconds) || ",
            &leads,
            "refreshBeforeSeconds is not one of this platform: see docs/platforms.md",
        ),
        cases(
            "!has(self.refreshIntervalSeconds) || ",
            &intervals,
            "refreshIntervalSeconds is not one of this platform: see docs/platforms.md",
        ),
    ];
    let modes = platform::ALL.iter().map(|platform| {
        let modes = platform.endpoints.iter().filter_map(|endpoint| endpoint.mode);
        let modes: Vec<_> = modes.map(|mode| format!("'{mode:?}'")).collect();
        format!("self.platform == '{}' && self.tokenMode in [{}]", platform.name, modes.join(", "))
    });
    let modes: Vec<_> = modes.filter(|rule| !rule.ends_with("[]")).collect();
    rules.push(rule(
        format!("!has(self.tokenMode) || {}", modes.join(" || ")),
        "tokenMode is not one of this platform, or the platform has no choice: see docs/platforms.md",
    ));
    let tickets = platform::ALL.iter().filter(|platform| !platform.tickets.is_empty());
    let tickets = tickets.map(|platform| {
        let types: Vec<_> =
            platform.tickets.iter().map(|ticket| format!("'{}'", ticket.kind.as_str())).collect();
        format!(
            "self.platform == '{}' && self.tickets.all(ticket, ticket in [{}])",
            platform.name,
            types.join(", ")
        )
    });
    let tickets: Vec<_> = tickets.collect();
    rules.push(rule(
        format!("!has(self.tickets) || self.tickets.size() == 0 || {}", tickets.join(" || ")),
        "tickets has one that this platform does not make: see docs/platforms.md",
    ));
    Value::Array(rules)
}

/// The objects of an endpoint, in CEL, and its name for people.
fn objects_of(platform: &Platform, endpoint: &Endpoint) -> (String, String) {
    let name = platform.name;
    let when = match endpoint.mode {
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
    (when, format!("{name}{mode}"))
}

/// The bounds of `refreshBeforeSeconds` for an endpoint.
fn lead(platform: &Platform, endpoint: &Endpoint) -> Case {
    let (when, name) = objects_of(platform, endpoint);
    let longest = endpoint.lead.longest.as_secs();
    if longest < SHORTEST_LEAD {
        let message = format!(
            "refreshBeforeSeconds cannot be set on {name}: its tokens are refreshed in their last {longest} seconds"
        );
        return Case { when, holds: "false".into(), message };
    }
    Case {
        when,
        holds: format!("self.refreshBeforeSeconds <= {longest}"),
        message: format!(
            "refreshBeforeSeconds must be from {SHORTEST_LEAD} to {longest} on {name}"
        ),
    }
}

/// The bound of `refreshIntervalSeconds` for an endpoint, which depends on how it reissues tokens.
fn interval(platform: &Platform, endpoint: &Endpoint) -> Case {
    let (when, name) = objects_of(platform, endpoint);
    let shortest = if endpoint.reissue.makes_new() { 600 } else { 60 };
    Case {
        when,
        holds: format!("self.refreshIntervalSeconds >= {shortest}"),
        message: format!("refreshIntervalSeconds must be at least {shortest} on {name}"),
    }
}

/// The rules that the target's keys differ from each other and from those that the operator adds.
pub(super) fn target_keys() -> Value {
    let of_tickets = TicketType::iter().flat_map(TicketType::keys).filter(|key| !key.is_empty());
    let fixed = [names::KEY_EXPIRES_AT_UNIX, names::KEY_APP_ID].into_iter().chain(of_tickets);
    let fixed: Vec<_> = fixed.map(|key| format!("'{key}'")).collect();
    let fixed = format!("[{}]", fixed.join(", "));
    json!([
        rule(
            "self.accessToken != self.expirationTime && !(self.tokenJSON in [self.accessToken, self.expirationTime])",
            "accessToken, expirationTime and tokenJSON must be different keys"
        ),
        rule(
            format!(
                "![self.accessToken, self.expirationTime, self.tokenJSON].exists(key, key in {fixed})"
            ),
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
