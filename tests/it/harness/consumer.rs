//! A consumer as pods are: reads the Secret again and again, and calls the platform with what it
//! finds there.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use tokio::task::JoinHandle;

use super::{Mini, stage::value, wait::pass};

/// A consumer at work; leaves when dropped.
pub struct Consumer {
    task: JoinHandle<()>,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    calls: AtomicU64,
    missing: AtomicU64,
    refused: AtomicU64,
}

impl Consumer {
    /// Begins to read and to call, some ten times a second.
    pub fn of(mini: &Mini<'_>) -> Self {
        let secrets = mini.stage.api::<Secret>();
        let seen = Arc::new(Seen::default());
        let url = format!("{}/cgi-bin/get_api_domain_ip", mini.stage.simulator.url());
        let work = work(secrets, mini.target_name(), url, Arc::clone(&seen));
        Self { task: tokio::spawn(work), seen }
    }

    /// Calls that were made.
    pub fn calls(&self) -> u64 {
        self.seen.calls.load(Ordering::Relaxed)
    }

    /// Reads that found no token.
    pub fn missing(&self) -> u64 {
        self.seen.missing.load(Ordering::Relaxed)
    }

    /// Calls that the platform refused.
    pub fn refused(&self) -> u64 {
        self.seen.refused.load(Ordering::Relaxed)
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn work(secrets: Api<Secret>, name: String, url: String, seen: Arc<Seen>) {
    let client = reqwest::Client::builder().no_proxy().build().expect("an HTTP client");
    loop {
        let secret = secrets.get_opt(&name).await.ok().flatten();
        match secret.and_then(|secret| value(&secret, "access_token")) {
            None => drop(seen.missing.fetch_add(1, Ordering::Relaxed)),
            Some(token) => {
                let answer = client
                    .get(format!("{url}?access_token={token}"))
                    .send()
                    .await
                    .expect("the simulator answers");
                let answer: serde_json::Value =
                    serde_json::from_str(&answer.text().await.expect("a body")).expect("JSON");
                seen.calls.fetch_add(1, Ordering::Relaxed);
                if answer["errcode"] != 0 {
                    seen.refused.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
        pass(std::time::Duration::from_millis(100)).await;
    }
}
