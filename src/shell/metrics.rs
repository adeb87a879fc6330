//! What the process counts, under the names that dashboards rely on. Knows the words of the domain,
//! none of its types.
//!
//! Every label value is from a closed list, but for the namespace and name of an object, which only
//! `objects` takes.

mod exposition;
mod objects;
mod process;

use std::{
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use prometheus_client::{
    encoding::{EncodeLabelSet, text},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Metric, Registry},
};

pub use exposition::Format;
pub use objects::Object;
use objects::Objects;

/// The `controller` label of the `controller_runtime_*` series.
const CONTROLLER: &str = "miniprogram";
/// Platforms answer in some tens of milliseconds; 60 s is the longest timeout that retries double
/// up to.
const CALL_SECONDS: [f64; 12] =
    [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];
/// The range of controller-runtime's own buckets.
const RECONCILE_SECONDS: [f64; 13] =
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// How a reconcile ended, in controller-runtime's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr, strum::VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum Outcome {
    /// Nothing more to do until something changes.
    Success,
    /// It will run again at a time that it named.
    RequeueAfter,
    Error,
}

/// Every series of the process; cheap to clone.
#[derive(Clone, Debug)]
pub struct Metrics(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    registry: Registry,
    objects: Arc<Objects>,
    refreshes: Family<Refresh, Counter>,
    calls: Family<Call, Counter>,
    call_reasons: Family<CallReason, Counter>,
    call_seconds: Family<Platform, Histogram, fn() -> Histogram>,
    secret_writes: Family<Operation, Counter>,
    status_writes: Counter,
    foreign_writes: Counter,
    api_stalls: Counter,
    reconcile_duration: Histogram,
    oldest_overdue: Gauge<f64, AtomicU64>,
    ca_bundle_unusable: Gauge,
    watch_gaps: Gauge,
    leader: Gauge,
    reconciles: Family<Reconcile, Counter>,
    reconcile_errors: Family<Controller, Counter>,
    reconcile_panics: Family<Controller, Counter>,
    reconcile_time: Family<Controller, Histogram, fn() -> Histogram>,
    active_workers: Family<Controller, Gauge>,
    master: Family<Election, Gauge>,
    lease: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Refresh {
    platform: &'static str,
    result: &'static str,
    reason: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Call {
    platform: &'static str,
    code: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct CallReason {
    platform: &'static str,
    reason: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Platform {
    platform: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Operation {
    operation: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Reconcile {
    controller: &'static str,
    result: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Controller {
    controller: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Election {
    name: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Build {
    version: &'static str,
}

const THIS: Controller = Controller { controller: CONTROLLER };

impl Metrics {
    /// All series, at zero. `per_object` allows those that carry an object's name; `lease` is the
    /// Lease's name.
    #[must_use]
    pub fn new(version: &'static str, lease: &str, per_object: bool) -> Self {
        let mut registry = Registry::default();
        let objects = Arc::new(Objects::new(per_object));

        let own = registry.sub_registry_with_prefix("miniprogram");
        own.register_collector(Box::new(objects.clone()));
        let build: Family<Build, Gauge> =
            add(own, "build_info", "Always 1; the labels say what runs");
        build.get_or_create(&Build { version }).set(1);
        let refreshes = add(own, "refresh", "Refreshes that ended, by result and reason");
        let calls = add(own, "platform_requests", "Calls to a platform, by what it answered");
        let call_reasons = add(own, "call_reasons", "Calls to a platform, by why they were made");
        let call_seconds = Family::new_with_constructor(call_seconds as fn() -> Histogram);
        own.register(
            "platform_request_duration_seconds",
            "How long calls to a platform took",
            call_seconds.clone(),
        );
        let secret_writes = add(own, "secret_writes", "Writes of target Secrets, by operation");
        let status_writes = add(own, "status_writes", "Writes of a status");
        let foreign_writes =
            add(own, "foreign_writes", "Targets found written by another operator during our term");
        let api_stalls = add(
            own,
            "api_request_stalls",
            "Requests to the API server given up since no answer, or no more of one, came",
        );
        let reconcile_duration = reconcile_seconds();
        own.register(
            "reconcile_duration_seconds",
            "How long reconciles took",
            reconcile_duration.clone(),
        );
        let oldest_overdue =
            add(own, "oldest_overdue_seconds", "For how long the oldest work has been overdue");
        let ca_bundle_unusable = add(
            own,
            "ca_bundle_unusable",
            "1 while --ca-bundle cannot be used and an older content of it is",
        );
        let watch_gaps = add(
            own,
            "watch_gaps",
            "Watches of the leader that do not show the cluster: not listed yet, or failing",
        );
        let leader = add(own, "leader", "1 while this process leads, else 0");

        let runtime = registry.sub_registry_with_prefix("controller_runtime");
        let reconciles: Family<Reconcile, Counter> =
            add(runtime, "reconcile", "Reconciles, by result");
        let reconcile_errors: Family<_, Counter> =
            add(runtime, "reconcile_errors", "Reconciles that failed");
        let reconcile_panics: Family<_, Counter> =
            add(runtime, "reconcile_panics", "Reconciles that panicked");
        let reconcile_time = Family::new_with_constructor(reconcile_seconds as fn() -> Histogram);
        runtime.register(
            "reconcile_time_seconds",
            "How long reconciles took",
            reconcile_time.clone(),
        );
        let active_workers: Family<_, Gauge> =
            add(runtime, "active_workers", "Reconciles under way");
        let master: Family<Election, Gauge> = add(
            &mut registry,
            "leader_election_master_status",
            "1 while this process holds the named Lease, else 0",
        );
        registry.register_collector(Box::new(process::Process));

        // A series that first appears at 1 is no increase to `rate()`: those whose labels are known
        // begin at 0.
        for outcome in <Outcome as strum::VariantArray>::VARIANTS {
            drop(
                reconciles
                    .get_or_create(&Reconcile { controller: CONTROLLER, result: outcome.into() }),
            );
        }
        drop((reconcile_errors.get_or_create(&THIS), reconcile_panics.get_or_create(&THIS)));
        drop((reconcile_time.get_or_create(&THIS), active_workers.get_or_create(&THIS)));
        drop(master.get_or_create(&Election { name: lease.to_owned() }));

        Self(Arc::new(Inner {
            registry,
            objects,
            refreshes,
            calls,
            call_reasons,
            call_seconds,
            secret_writes,
            status_writes,
            foreign_writes,
            api_stalls,
            reconcile_duration,
            oldest_overdue,
            ca_bundle_unusable,
            watch_gaps,
            leader,
            reconciles,
            reconcile_errors,
            reconcile_panics,
            reconcile_time,
            active_workers,
            master,
            lease: lease.to_owned(),
        }))
    }

    /// A refresh ended.
    pub fn refreshed(&self, platform: &'static str, result: &'static str, reason: &'static str) {
        self.0.refreshes.get_or_create(&Refresh { platform, result, reason }).inc();
    }

    /// A platform was called. `code` is from a closed list: a documented code, or `other`,
    /// `timeout` and the like.
    pub fn platform_called(&self, platform: &'static str, code: &'static str, took: Duration) {
        self.0.calls.get_or_create(&Call { platform, code }).inc();
        self.0.call_seconds.get_or_create(&Platform { platform }).observe(took.as_secs_f64());
    }

    /// A platform is called for one of a closed list of reasons, as `status.nextCall` reports them.
    pub fn called_because(&self, platform: &'static str, reason: &'static str) {
        self.0.call_reasons.get_or_create(&CallReason { platform, reason }).inc();
    }

    pub fn secret_written(&self, operation: &'static str) {
        self.0.secret_writes.get_or_create(&Operation { operation }).inc();
    }

    pub fn status_written(&self) {
        self.0.status_writes.inc();
    }

    /// A target turned out to be written by another operator during our term.
    pub fn foreign_write(&self) {
        self.0.foreign_writes.inc();
    }

    /// An exchange with the API server made no progress and was given up.
    pub fn api_request_stalled(&self) {
        self.0.api_stalls.inc();
    }

    /// Counts a reconcile as under way, until the guard is dropped.
    #[must_use = "it is under way for as long as the guard lives"]
    pub fn reconciling(&self) -> Reconciling {
        let workers = self.0.active_workers.get_or_create_owned(&THIS);
        workers.inc();
        Reconciling(workers)
    }

    pub fn reconciled(&self, outcome: Outcome, took: Duration) {
        self.0
            .reconciles
            .get_or_create(&Reconcile { controller: CONTROLLER, result: outcome.into() })
            .inc();
        if outcome == Outcome::Error {
            self.0.reconcile_errors.get_or_create(&THIS).inc();
        }
        self.0.reconcile_duration.observe(took.as_secs_f64());
        self.0.reconcile_time.get_or_create(&THIS).observe(took.as_secs_f64());
    }

    /// A reconcile panicked; it is also `reconciled` with an error.
    pub fn reconcile_panicked(&self) {
        self.0.reconcile_panics.get_or_create(&THIS).inc();
    }

    /// For how long the oldest work has been overdue; zero if none is.
    pub fn oldest_overdue(&self, overdue: Duration) {
        self.0.oldest_overdue.set(overdue.as_secs_f64());
    }

    /// Whether the CA bundle has changed to what cannot be used.
    pub fn ca_bundle_unusable(&self, unusable: bool) {
        self.0.ca_bundle_unusable.set(unusable.into());
    }

    /// How many of our watches do not show the cluster; zero if we do not lead.
    pub fn watch_gaps(&self, count: usize) {
        self.0.watch_gaps.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// We lead from now on, or no longer. Whoever does not lead says nothing of single objects.
    pub fn leads(&self, leads: bool) {
        self.0.leader.set(leads.into());
        self.0.master.get_or_create(&Election { name: self.0.lease.clone() }).set(leads.into());
        self.0.objects.speak(leads);
    }

    /// Says how an object stands; the series of before are replaced. Ignored without `per_object`,
    /// or if we do not lead.
    pub fn object(&self, namespace: &str, name: &str, object: Object) {
        self.0.objects.set(namespace, name, object);
    }

    /// Removes all series of an object.
    pub fn forget(&self, namespace: &str, name: &str) {
        self.0.objects.forget(namespace, name);
    }

    /// Removes the series of all objects.
    pub fn forget_all_objects(&self) {
        self.0.objects.forget_all();
    }

    /// Everything, for one scrape.
    pub fn encode(&self, format: Format) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        text::encode(&mut text, &self.0.registry)?;
        Ok(match format {
            Format::OpenMetrics => text,
            Format::Text => exposition::plain(&text),
        })
    }
}

/// A reconcile under way.
pub struct Reconciling(Gauge);

impl Drop for Reconciling {
    fn drop(&mut self) {
        self.0.dec();
    }
}

fn add<M: Metric + Clone + Default>(registry: &mut Registry, name: &str, help: &str) -> M {
    let metric = M::default();
    registry.register(name, help, metric.clone());
    metric
}

fn call_seconds() -> Histogram {
    Histogram::new(CALL_SECONDS)
}

fn reconcile_seconds() -> Histogram {
    Histogram::new(RECONCILE_SECONDS)
}

#[cfg(test)]
mod tests;
