//! What the API server was asked, from its audit log: exact also while other tests run.

use std::{
    fs::File,
    io::{Read as _, Seek as _, SeekFrom},
};

use k8s_openapi::api::core::v1::ConfigMap;
use kube::{Api, Client};
use serde_json::Value;

use super::{plane, stage::MARKER, wait::eventually};

/// The requests of one account from some moment on.
pub struct Ledger {
    client: Client,
    user: String,
    from: u64,
}

/// One request that the API server has answered.
#[derive(Clone, Debug)]
pub struct Request {
    /// `get`, `list`, `patch` and so on.
    pub verb: String,
    /// The resource, with a subresource behind a slash.
    pub resource: String,
    /// The object's name, if the request has one.
    pub name: String,
    /// Path and query.
    pub uri: String,
    /// The HTTP status.
    pub code: i64,
    /// All of the event, bodies of Secrets and of our own objects included.
    pub event: Value,
}

impl Ledger {
    pub fn of(client: &Client, user: String) -> Self {
        let from = length();
        Self { client: client.clone(), user, from }
    }

    /// Everything so far. Waits until the log has caught up with what was asked before.
    pub async fn requests(&self) -> Vec<Request> {
        let marker = format!("marker-{:016x}", rand::random::<u64>());
        let maps = Api::<ConfigMap>::namespaced(self.client.clone(), "default");
        maps.get_opt(&marker).await.expect("an answer");
        let text = eventually("the audit log has caught up", 5, async || {
            let text = read(self.from);
            if text.contains(&marker) { Ok(text) } else { Err(format!("{} bytes", text.len())) }
        })
        .await;
        let ours = format!("\"username\":\"{}\"", self.user);
        text.lines().filter(|line| line.contains(&ours)).filter_map(request).collect()
    }

    /// The writes that changed, or would have changed, something: neither dry runs nor Events nor the Lease.
    pub async fn writes(&self) -> Vec<String> {
        self.write_requests().await.iter().map(ToString::to_string).collect()
    }

    /// Which process made each of these writes: each has a token of its own.
    pub async fn writers(&self) -> Vec<String> {
        let token = |request: &Request| request.event["user"]["extra"]["authentication.kubernetes.io/credential-id"].to_string();
        self.write_requests().await.iter().map(token).collect()
    }

    async fn write_requests(&self) -> Vec<Request> {
        let mut writes = self.requests().await;
        writes.retain(|request| request.is_write() && !request.is_aside());
        writes
    }

    /// Reads of single objects, by get or by a list with a name.
    pub async fn reads(&self) -> Vec<String> {
        let mut reads = self.requests().await;
        reads.retain(|request| request.is_read_of_one() && !request.is_aside());
        reads.iter().map(ToString::to_string).collect()
    }
}

impl Request {
    pub fn is_write(&self) -> bool {
        matches!(self.verb.as_str(), "create" | "update" | "patch" | "delete") && !self.uri.contains("dryRun=All")
    }

    pub fn is_read_of_one(&self) -> bool {
        self.verb == "get" || self.verb == "list" && self.uri.contains("metadata.name")
    }

    /// Events, the Lease and the harness's own markers are counted by nobody.
    fn is_aside(&self) -> bool {
        matches!(self.resource.as_str(), "events" | "leases") || self.name.starts_with(MARKER)
    }
}

impl std::fmt::Display for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} {} {}", self.verb, self.resource, self.name, self.code)
    }
}

fn request(line: &str) -> Option<Request> {
    let event: Value = serde_json::from_str(line).ok()?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let reference = &event["objectRef"];
    let resource = match reference["subresource"].as_str() {
        Some(subresource) => format!("{}/{subresource}", text(&reference["resource"])),
        None => text(&reference["resource"]),
    };
    Some(Request {
        verb: text(&event["verb"]),
        resource,
        name: text(&reference["name"]),
        uri: text(&event["requestURI"]),
        code: event["responseStatus"]["code"].as_i64().unwrap_or_default(),
        event,
    })
}

fn length() -> u64 {
    std::fs::metadata(path()).map_or(0, |log| log.len())
}

fn read(from: u64) -> String {
    let mut log = File::open(path()).expect("an audit log");
    log.seek(SeekFrom::Start(from)).expect("a place in it");
    let mut bytes = Vec::new();
    log.read_to_end(&mut bytes).expect("its rest");
    String::from_utf8_lossy(&bytes).into_owned()
}

fn path() -> &'static std::path::Path {
    plane().audit_log().expect("the control plane keeps an audit log")
}
