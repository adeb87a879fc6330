//! The audit log of an API server: what was asked, by whom, and what came of it. Judges nothing.

use std::{
    fmt,
    fs::File,
    io::{Read as _, Seek as _, SeekFrom},
    path::Path,
};

use k8s_openapi::jiff::Timestamp;
use serde_json::Value;

/// One request that the API server has answered.
#[derive(Clone, Debug)]
pub struct Request {
    pub received: Timestamp,
    pub answered: Timestamp,
    pub user: String,
    /// What tells the tokens of one account apart.
    pub credential: String,
    /// `get`, `list`, `patch` and so on.
    pub verb: String,
    /// The resource, with a subresource behind a slash.
    pub resource: String,
    pub namespace: String,
    /// The object's name, if the request has one.
    pub name: String,
    /// Path and query.
    pub uri: String,
    /// The HTTP status.
    pub code: i64,
    /// All of the event, bodies of Secrets, Leases and our own objects included.
    pub event: Value,
}

/// The requests from some byte on whose lines matter.
#[must_use]
pub fn requests(log: &Path, from: u64, matters: impl Fn(&str) -> bool) -> Vec<Request> {
    read(log, from).lines().filter(|line| matters(line)).filter_map(Request::parse).collect()
}

/// The text of a log from some byte on.
///
/// # Panics
///
/// If there is no such file.
#[must_use]
pub fn read(log: &Path, from: u64) -> String {
    let mut log = File::open(log).expect("an audit log");
    log.seek(SeekFrom::Start(from)).expect("a place in it");
    let mut bytes = Vec::new();
    log.read_to_end(&mut bytes).expect("its rest");
    String::from_utf8_lossy(&bytes).into_owned()
}

impl Request {
    /// Nothing where an API server that was killed left half a line.
    #[must_use]
    pub fn parse(line: &str) -> Option<Self> {
        let event: Value = serde_json::from_str(line).ok()?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let time = |value: &Value| value.as_str()?.parse().ok();
        let reference = &event["objectRef"];
        let resource = match reference["subresource"].as_str() {
            Some(subresource) => format!("{}/{subresource}", text(&reference["resource"])),
            None => text(&reference["resource"]),
        };
        let credentials = &event["user"]["extra"]["authentication.kubernetes.io/credential-id"];
        Some(Self {
            received: time(&event["requestReceivedTimestamp"])?,
            answered: time(&event["stageTimestamp"])?,
            user: text(&event["user"]["username"]),
            credential: text(&credentials[0]),
            verb: text(&event["verb"]),
            resource,
            namespace: text(&reference["namespace"]),
            name: text(&reference["name"]),
            uri: text(&event["requestURI"]),
            code: event["responseStatus"]["code"].as_i64().unwrap_or_default(),
            event,
        })
    }

    #[must_use]
    pub fn is_dry_run(&self) -> bool {
        self.uri.contains("dryRun=All")
    }

    #[must_use]
    pub fn is_write(&self) -> bool {
        let writes = matches!(self.verb.as_str(), "create" | "update" | "patch" | "delete");
        writes && !self.is_dry_run()
    }

    #[must_use]
    pub fn is_read_of_one(&self) -> bool {
        self.verb == "get" || self.verb == "list" && self.uri.contains("metadata.name")
    }

    /// The object as it was stored, if a write succeeded and the log has it.
    #[must_use]
    pub fn stored(&self) -> Option<&Value> {
        let object = &self.event["responseObject"];
        (self.is_write() && self.succeeded() && object["metadata"]["uid"].is_string())
            .then_some(object)
    }

    #[must_use]
    pub fn succeeded(&self) -> bool {
        (200..300).contains(&self.code)
    }

    /// Of what is stored, the later one has the higher number.
    pub(crate) fn version(&self) -> Option<u64> {
        self.stored()?["metadata"]["resourceVersion"].as_str()?.parse().ok()
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} {}", self.verb, self.resource, self.name, self.code)
    }
}
