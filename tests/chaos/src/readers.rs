//! The consumers: read each Secret a few times a second, keep what they have while nobody answers,
//! as a pod keeps its file, and present it to the platform. Also looks who holds the Lease. Judges
//! nothing: the platform writes down what it was shown.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use k8s_openapi::api::{coordination::v1::Lease, core::v1::Secret};
use kube::api::ListParams;
use miniprogram_operator::api::names;
use platform_simulator::model::fingerprint;
use tokio::{
    task::JoinSet,
    time::{Duration, interval, timeout},
};

use crate::stage::{LEASE, Stage, token};

/// A few times a second.
pub const EVERY: Duration = Duration::from_millis(250);
/// An API server that is stopped does not answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// Consumers at work; they leave when this is dropped.
pub struct Readers(#[allow(dead_code, reason = "held for its drop")] JoinSet<()>);

/// What each app's pods have in their file.
type Files = Arc<Mutex<BTreeMap<String, String>>>;

impl Readers {
    pub fn start(stage: &Arc<Stage>) -> Self {
        let files = Files::default();
        let mut tasks = JoinSet::new();
        tasks.spawn(read(Arc::clone(stage), Arc::clone(&files)));
        tasks.spawn(present(Arc::clone(stage), files));
        tasks.spawn(watch_lease(Arc::clone(stage)));
        Self(tasks)
    }
}

async fn read(stage: Arc<Stage>, files: Files) {
    let secrets = stage.api::<Secret>();
    let targets = ListParams::default().fields(&format!("type={}", names::SECRET_TYPE));
    let mut beat = interval(EVERY);
    loop {
        beat.tick().await;
        let Ok(Ok(found)) = timeout(ANSWER_WITHIN, secrets.list(&targets)).await else { continue };
        for app in &stage.apps {
            let target = found
                .items
                .iter()
                .find(|secret| secret.metadata.name.as_deref() == Some(&app.target()));
            let Some(token) = target.and_then(token) else {
                stage.record.blame(format!("{} has no token in its Secret", app.name));
                continue;
            };
            stage.record.saw_token(app.target(), fingerprint(&token), stage.simulator.now_ms());
            files.lock().unwrap_or_else(PoisonError::into_inner).insert(app.id.clone(), token);
        }
    }
}

async fn present(stage: Arc<Stage>, files: Files) {
    let client = reqwest::Client::builder().no_proxy().build().expect("an HTTP client");
    let url = format!("{}/cgi-bin/get_api_domain_ip", stage.simulator.url());
    let mut beat = interval(EVERY);
    loop {
        beat.tick().await;
        let tokens: Vec<_> =
            files.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
        for token in tokens {
            client
                .get(format!("{url}?access_token={token}"))
                .send()
                .await
                .expect("the platform is always there");
        }
    }
}

async fn watch_lease(stage: Arc<Stage>) {
    let leases = stage.api::<Lease>();
    let mut beat = interval(EVERY);
    loop {
        beat.tick().await;
        for ended in stage.replicas.iter().filter_map(crate::replica::Replica::ended_by_itself) {
            stage.record.blame(ended);
        }
        let Ok(Ok(lease)) = timeout(ANSWER_WITHIN, leases.get(LEASE)).await else { continue };
        let holder = lease.spec.and_then(|spec| spec.holder_identity).unwrap_or_default();
        let holder = stage.replicas.iter().position(|replica| replica.is_called(&holder));
        stage.record.with(|told| told.holder = holder.or(told.holder));
    }
}
