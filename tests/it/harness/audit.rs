//! What the API server was asked, from its audit log: exact also while other tests run.

use k8s_openapi::api::core::v1::ConfigMap;
use kube::{Api, Client};
use witness::audit::{Request, read};

use super::{plane, stage::MARKER, wait::eventually};

/// The requests of one account from some moment on.
pub struct Ledger {
    client: Client,
    user: String,
    from: u64,
}

impl Ledger {
    pub fn of(client: &Client, user: String) -> Self {
        let from = written();
        Self { client: client.clone(), user, from }
    }

    /// Everything so far. Waits until the log has caught up with what was asked before.
    pub async fn requests(&self) -> Vec<Request> {
        let marker = format!("marker-{:016x}", rand::random::<u64>());
        let maps = Api::<ConfigMap>::namespaced(self.client.clone(), "default");
        maps.get_opt(&marker).await.expect("an answer");
        let text = eventually("the audit log has caught up", 5, async || {
            let text = read(path(), self.from);
            if text.contains(&marker) { Ok(text) } else { Err(format!("{} bytes", text.len())) }
        })
        .await;
        let ours = format!("\"username\":\"{}\"", self.user);
        text.lines().filter(|line| line.contains(&ours)).filter_map(Request::parse).collect()
    }

    /// The writes that changed, or would have changed, something: neither dry runs nor Events nor
    /// the Lease.
    pub async fn writes(&self) -> Vec<String> {
        let mut writes = self.requests().await;
        writes.retain(|request| request.is_write() && !is_aside(request));
        writes.iter().map(ToString::to_string).collect()
    }

    /// Reads of single objects, by get or by a list with a name.
    pub async fn reads(&self) -> Vec<String> {
        let mut reads = self.requests().await;
        reads.retain(|request| request.is_read_of_one() && !is_aside(request));
        reads.iter().map(ToString::to_string).collect()
    }
}

/// Events, the Lease and the harness's own markers are counted by nobody.
fn is_aside(request: &Request) -> bool {
    matches!(request.resource.as_str(), "events" | "leases") || request.name.starts_with(MARKER)
}

/// How long the audit log is.
pub fn written() -> u64 {
    std::fs::metadata(path()).map_or(0, |log| log.len())
}

pub fn path() -> &'static std::path::Path {
    plane().audit_log().expect("the control plane keeps an audit log")
}
