//! Reads an HTTP request to the API server. Knows paths and parameters, not what they do.

use std::{collections::BTreeMap, fmt};

use serde_json::Value;

use super::Kind;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    List,
    Watch,
    Get,
    Create,
    Apply,
    Replace,
    ReplaceStatus,
    Patch,
    Delete,
}

/// A request, read.
#[derive(Clone, Debug)]
pub struct Asked {
    pub verb: Verb,
    pub kind: Kind,
    pub namespace: Option<String>,
    pub name: Option<String>,
    pub query: BTreeMap<String, String>,
    pub body: Value,
    pub metadata_only: bool,
    /// Whether admission takes an annotation away.
    pub altered: bool,
}

impl Asked {
    /// None for what no API server of this model serves.
    pub fn read(parts: &http::request::Parts, body: &[u8]) -> Option<Self> {
        let segments: Vec<&str> =
            parts.uri.path().split('/').filter(|segment| !segment.is_empty()).collect();
        let rest = match segments.as_slice() {
            ["api", "v1", rest @ ..] => rest,
            ["apis", _group, _version, rest @ ..] => rest,
            _ => return None,
        };
        let (namespace, rest) = match rest {
            ["namespaces", namespace, rest @ ..] => (Some((*namespace).to_owned()), rest),
            rest => (None, rest),
        };
        let (plural, name, subresource) = match rest {
            [plural] => (*plural, None, None),
            [plural, name] => (*plural, Some((*name).to_owned()), None),
            [plural, name, subresource] => (*plural, Some((*name).to_owned()), Some(*subresource)),
            _ => return None,
        };
        let kind = match plural {
            "miniprograms" => Kind::MiniProgram,
            "secrets" => Kind::Secret,
            "leases" => Kind::Lease,
            "events" => Kind::Event,
            _ => return None,
        };
        let query: BTreeMap<String, String> =
            form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes())
                .into_owned()
                .collect();
        let header = |name: &str| {
            parts
                .headers
                .get(name)
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default()
                .to_owned()
        };
        let verb = match (parts.method.as_str(), &name, subresource) {
            ("GET", None, _) if query.get("watch").is_some_and(|watch| watch == "true") => {
                Verb::Watch
            }
            ("GET", None, _) => Verb::List,
            ("GET", Some(_), _) => Verb::Get,
            ("POST", ..) => Verb::Create,
            ("PUT", _, Some("status")) => Verb::ReplaceStatus,
            ("PUT", ..) => Verb::Replace,
            ("PATCH", ..) if header("content-type").contains("apply-patch") => Verb::Apply,
            ("PATCH", ..) => Verb::Patch,
            ("DELETE", ..) => Verb::Delete,
            _ => return None,
        };
        Some(Self {
            verb,
            kind,
            namespace,
            name,
            query,
            body: serde_json::from_slice(body).unwrap_or(Value::Null),
            metadata_only: header("accept").contains("PartialObjectMetadata"),
            altered: false,
        })
    }

    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str)
    }

    /// The id of the app that it concerns, if it is about one.
    pub fn app(&self) -> Option<String> {
        let selected = || {
            self.parameter("fieldSelector")?
                .split(',')
                .find_map(|term| term.strip_prefix("metadata.name="))
        };
        crate::record::app_of(self.name.as_deref().or_else(selected)?)
    }

    pub fn is_dry_run(&self) -> bool {
        self.parameter("dryRun") == Some("All")
    }

    /// Whether it changes anything for good.
    pub fn writes(&self) -> bool {
        !matches!(self.verb, Verb::List | Verb::Watch | Verb::Get) && !self.is_dry_run()
    }

    /// Whether it is one of the lists that a watch begins with.
    pub fn lists_for_a_watch(&self) -> bool {
        self.verb == Verb::List && self.parameter("limit").is_some()
    }

    pub fn is_of_a_watch(&self) -> bool {
        self.lists_for_a_watch() || self.verb == Verb::Watch || self.parameter("watch").is_some()
    }

    /// Whether an object is among those that were asked for.
    pub fn selects(&self, object: &Value) -> bool {
        let metadata = &object["metadata"];
        let here =
            self.namespace.as_deref().is_none_or(|namespace| metadata["namespace"] == namespace);
        let field = |term: &str| {
            let Some((field, value)) = term.split_once('=') else { return false };
            match field {
                "metadata.name" => metadata["name"] == value,
                "type" => object.get("type").and_then(Value::as_str).unwrap_or("Opaque") == value,
                _ => false,
            }
        };
        here && self
            .parameter("fieldSelector")
            .is_none_or(|selector| selector.split(',').all(field))
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {:?}", self.verb, self.kind)?;
        // The names of Events are made from the machine's clock.
        if let Some(name) = self.name.as_ref().filter(|_| self.kind != Kind::Event) {
            write!(f, " {name}")?;
        }
        if let Some(selector) = self.parameter("fieldSelector") {
            write!(f, " [{selector}]")?;
        }
        if let Some(version) = self.body["metadata"]["resourceVersion"].as_str() {
            write!(f, " @{version}")?;
        }
        f.write_str(if self.is_dry_run() { " (dry run)" } else { "" })
    }
}
