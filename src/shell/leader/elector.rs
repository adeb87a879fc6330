//! Carries out the decisions of `record`: reads and writes the Lease, and starts and ends terms.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use k8s_openapi::api::coordination::v1::Lease;
use kube::{
    Api, Client,
    api::{ObjectMeta, PostParams},
};
use tokio::{sync::watch, task::JoinHandle, time::sleep};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use super::{
    record::{Candidate, Step},
    term::Term,
};
use crate::shell::{cause, clock::Clock};

/// The Lease, the identity of this candidate, and the lease duration.
#[derive(Clone, Debug)]
pub struct Config {
    pub namespace: String,
    pub name: String,
    /// Unique for each process, see `identity`.
    pub identity: String,
    pub duration: Duration,
}

/// Takes part in the election, in a task of its own, until it is released. If it is dropped, the
/// Lease is left to expire.
pub struct Elector {
    terms: watch::Receiver<Option<Term>>,
    leaving: CancellationToken,
    yields: Arc<AtomicU32>,
    task: JoinHandle<()>,
}

/// The task that takes part in the election has ended.
#[derive(Debug, thiserror::Error)]
#[error("leader election ended unexpectedly; the process must be restarted, and its log says why")]
pub struct ElectorEnded;

impl Elector {
    /// Starts to take part, and leaves a free Lease to others for `yields` lease durations.
    /// `on_change` is called with true when a term begins and with false when it ends.
    pub fn start(
        client: Client,
        config: Config,
        clock: Clock,
        yields: u32,
        on_change: impl Fn(bool) + Send + Sync + 'static,
    ) -> Self {
        let (sender, terms) = watch::channel(None);
        let leaving = CancellationToken::new();
        let yields = Arc::new(AtomicU32::new(yields));
        let campaign = Campaign {
            leases: Api::namespaced(client, &config.namespace),
            operator: format!("{}/{}", config.namespace, config.name),
            candidate: Candidate::new(config.identity.clone(), config.duration),
            config,
            clock,
            terms: sender,
            on_change: Box::new(on_change),
            yields: Arc::clone(&yields),
            holder: None,
            failing: false,
        };
        let task = tokio::spawn(campaign.run(leaving.clone()));
        Self { terms, leaving, yields, task }
    }

    /// Sets the number of lease durations for which a free Lease is left to others: a candidate
    /// that cannot list what the operator needs acquires it only if no other does.
    pub fn yield_to_others(&self, durations: u32) {
        self.yields.store(durations, Ordering::Relaxed);
    }

    /// Waits until this process leads. The term that it returns ends by itself (`Term::over`); then
    /// call this again.
    pub async fn lead(&mut self) -> Result<Term, ElectorEnded> {
        let term = self
            .terms
            .wait_for(|term| term.as_ref().is_some_and(Term::leads))
            .await
            .map_err(|_| ElectorEnded)?;
        term.clone().ok_or(ElectorEnded)
    }

    /// Ends the term, and releases the Lease so that the next candidate need not wait. Call it
    /// after the last write.
    pub async fn release(mut self) {
        self.leaving.cancel();
        if (&mut self.task).await.is_err() {
            warn!(
                "leader election ended before the Lease was released; the Lease is left to expire"
            );
        }
    }
}

impl Drop for Elector {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The identity of this process as a candidate: the name of the pod, and a random part for each
/// process.
#[must_use]
pub fn identity() -> String {
    let host =
        std::env::var("HOSTNAME").or_else(|_| std::fs::read_to_string("/proc/sys/kernel/hostname"));
    let host = host.map(|host| host.trim().to_owned()).ok().filter(|host| !host.is_empty());
    format!("{}_{:016x}", host.as_deref().unwrap_or("unknown-host"), rand::random::<u64>())
}

struct Campaign {
    leases: Api<Lease>,
    config: Config,
    operator: String,
    clock: Clock,
    candidate: Candidate,
    terms: watch::Sender<Option<Term>>,
    on_change: Box<dyn Fn(bool) + Send + Sync>,
    yields: Arc<AtomicU32>,
    /// The last other holder that was logged.
    holder: Option<String>,
    failing: bool,
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("the API server did not respond in time")]
    Late,
    #[error(transparent)]
    Refused(#[from] kube::Error),
}

impl Campaign {
    async fn run(mut self, leaving: CancellationToken) {
        while !leaving.is_cancelled() {
            self.candidate.yield_to_others(self.yields.load(Ordering::Relaxed));
            match self.candidate.next(self.clock.now().boot) {
                Step::Read => self.read().await,
                Step::Write => self.write().await,
                Step::Stop(why) => {
                    self.candidate.stopped();
                    self.lose_term(why.into());
                }
                Step::Wait(until) => tokio::select! {
                    () = reach(&self.clock, until) => {}
                    () = leaving.cancelled() => {}
                },
            }
        }
        self.leave().await;
    }

    async fn read(&mut self) {
        match self.bounded(self.leases.get_opt(&self.config.name)).await {
            Ok(lease) => {
                self.candidate.saw(lease, self.clock.now().boot);
                self.failing = false;
                self.log_holder();
            }
            Err(failure) => self.failed(&failure),
        }
    }

    async fn write(&mut self) {
        let now = self.clock.now();
        match self.send(self.candidate.claim(now)).await {
            Ok(lease) => {
                self.candidate.wrote(lease, now.boot);
                self.failing = false;
                self.extend_term();
            }
            Err(failure) => self.failed(&failure),
        }
    }

    async fn leave(&mut self) {
        self.candidate.stopped();
        if self.end_term() {
            info!(lease = self.operator, "the process is stopping; no longer leading");
        }
        // The second attempt is for a Lease that was changed meanwhile, or whose last write got no
        // response.
        for _ in 0..2 {
            let Some(empty) = self.candidate.release(self.clock.now()) else { return };
            match self.send(empty).await {
                Ok(_) => return info!(lease = self.operator, "released the Lease"),
                Err(failure) => self.failed(&failure),
            }
            self.read().await;
        }
        warn!(
            lease = self.operator,
            "could not release the Lease; the next leader has to wait until it expires"
        );
    }

    async fn send(&self, mut lease: Lease) -> Result<Lease, Failure> {
        let params = PostParams::default();
        if lease.metadata.resource_version.is_some() {
            return self.bounded(self.leases.replace(&self.config.name, &params, &lease)).await;
        }
        lease.metadata =
            ObjectMeta { name: Some(self.config.name.clone()), ..ObjectMeta::default() };
        self.bounded(self.leases.create(&params, &lease)).await
    }

    /// Limits a request so that it can be retried, and does not last longer than the term, which
    /// the clock ends and not the API server.
    async fn bounded<T>(
        &self,
        request: impl Future<Output = kube::Result<T>>,
    ) -> Result<T, Failure> {
        let in_time = self.clock.now().boot + self.candidate.request_timeout();
        let until = self.candidate.stop_at().map_or(in_time, |stop_at| stop_at.min(in_time));
        tokio::select! {
            biased;
            answer = request => Ok(answer?),
            () = reach(&self.clock, until) => Err(Failure::Late),
        }
    }

    fn failed(&mut self, failure: &Failure) {
        self.candidate.failed(self.clock.now().boot);
        let race =
            matches!(failure, Failure::Refused(kube::Error::Api(status)) if status.is_conflict());
        let error = cause::text(failure);
        // Once for each outage: a standby reads the Lease every few seconds.
        if race || std::mem::replace(&mut self.failing, true) {
            debug!(lease = self.operator, error, "could not read or write the Lease");
        } else {
            warn!(lease = self.operator, error, "could not read or write the Lease; retrying");
        }
    }

    fn log_holder(&mut self) {
        let holder = self
            .candidate
            .holder()
            .filter(|holder| *holder != self.config.identity)
            .map(str::to_owned);
        if holder != self.holder {
            if let Some(holder) = &holder {
                info!(
                    lease = self.operator,
                    holder, "standing by: another candidate holds the Lease"
                );
            }
            self.holder = holder;
        }
    }

    fn extend_term(&mut self) {
        let Some(stop_at) = self.candidate.stop_at() else { return };
        if let Some(term) = &*self.terms.borrow() {
            return term.extend(stop_at);
        }
        info!(lease = self.operator, identity = self.config.identity, "became the leader");
        self.terms.send_replace(Some(Term::until(
            self.operator.clone(),
            self.clock.clone(),
            stop_at,
        )));
        (self.on_change)(true);
    }

    fn lose_term(&mut self, why: &'static str) {
        if self.end_term() {
            warn!(lease = self.operator, reason = why, "no longer leading");
        }
    }

    /// Whether there was a term to end.
    fn end_term(&mut self) -> bool {
        let Some(term) = self.terms.send_replace(None) else { return false };
        term.end();
        (self.on_change)(false);
        true
    }
}

impl Drop for Campaign {
    fn drop(&mut self) {
        self.lose_term("leader election was cancelled");
    }
}

/// Sleeps until a boot time, in short intervals: a timer does not advance while the machine is
/// suspended, and boot time does.
async fn reach(clock: &Clock, boot: Duration) {
    const INTERVAL: Duration = Duration::from_secs(1);
    loop {
        let left = boot.saturating_sub(clock.now().boot);
        if left.is_zero() {
            return;
        }
        #[allow(
            clippy::disallowed_methods,
            reason = "the election waits for its own deadlines, outside any reconcile"
        )]
        sleep(left.min(INTERVAL)).await;
    }
}

#[cfg(test)]
mod tests;
