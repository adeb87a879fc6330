//! The metrics of the process, whose names dashboards rely on. Knows no type of the other modules.
//!
//! Every label value is from a closed list, except the namespace and name of an object, which only
//! `objects` has.

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
/// Platforms respond within some tens of milliseconds; 60 s is the longest timeout of a retry.
const CALL_SECONDS: [f64; 12] =
    [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];
/// The range of controller-runtime's own buckets.
const RECONCILE_SECONDS: [f64; 13] =
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// How a reconcile ended, in the terms of controller-runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr, strum::VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum Outcome {
    /// Nothing is due until the object changes.
    Success,
    /// The object is requeued at a given time.
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
    /// All series, at zero. `per_object` enables those with an object's name; `lease` is the name
    /// of the Lease.
    #[must_use]
    pub fn new(version: &'static str, lease: &str, per_object: bool) -> Self {
        let mut registry = Registry::default();
        let objects = Arc::new(Objects::new(per_object));

        let own = registry.sub_registry_with_prefix("miniprogram");
        own.register_collector(Box::new(objects.clone()));
        let build: Family<Build, Gauge> =
            add(own, "build_info", "Always 1; the labels have the version");
        build.get_or_create(&Build { version }).set(1);
        let refreshes = add(own, "refresh", "Refreshes, by result and reason");
        let calls =
            add(own, "platform_requests", "Calls to a platform, by the code of its response");
        let call_reasons = add(own, "call_reasons", "Calls to a platform, by why they were made");
        let call_seconds = Family::new_with_constructor(call_seconds as fn() -> Histogram);
        own.register(
            "platform_request_duration_seconds",
            "Duration of calls to a platform",
            call_seconds.clone(),
        );
        let secret_writes = add(own, "secret_writes", "Writes of target Secrets, by operation");
        let status_writes = add(own, "status_writes", "Writes of the status of a MiniProgram");
        let foreign_writes =
            add(own, "foreign_writes", "Target Secrets found written by another operator");
        let api_stalls = add(
            own,
            "api_request_stalls",
            "Requests to the API server cancelled since the response did not begin or stopped",
        );
        let reconcile_duration = reconcile_seconds();
        own.register(
            "reconcile_duration_seconds",
            "Duration of reconciles",
            reconcile_duration.clone(),
        );
        let oldest_overdue = add(
            own,
            "oldest_overdue_seconds",
            "How long the oldest overdue work has been overdue; 0 if none is",
        );
        let ca_bundle_unusable = add(
            own,
            "ca_bundle_unusable",
            "1 while --ca-bundle cannot be used and its previous content is trusted",
        );
        let watch_gaps =
            add(own, "watch_gaps", "Watches of the leader whose list is not complete or that fail");
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
            "Duration of reconciles",
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

        // `rate()` does not count the step when a series first appears at 1, so series whose labels
        // are known begin at 0.
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

    /// Counts a refresh that ended.
    pub fn refreshed(&self, platform: &'static str, result: &'static str, reason: &'static str) {
        self.0.refreshes.get_or_create(&Refresh { platform, result, reason }).inc();
    }

    /// Counts a call to a platform. `code` is from a closed list: a documented code, or `other`,
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

    /// Counts a target that another operator has written during our term.
    pub fn foreign_write(&self) {
        self.0.foreign_writes.inc();
    }

    /// Counts a request to the API server that made no progress and was cancelled.
    pub fn api_request_stalled(&self) {
        self.0.api_stalls.inc();
    }

    /// Counts a reconcile as under way until the guard is dropped.
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

    /// Counts a reconcile that panicked; it is also `reconciled` with an error.
    pub fn reconcile_panicked(&self) {
        self.0.reconcile_panics.get_or_create(&THIS).inc();
    }

    /// Sets how long the oldest overdue work has been overdue; zero if there is none.
    pub fn oldest_overdue(&self, overdue: Duration) {
        self.0.oldest_overdue.set(overdue.as_secs_f64());
    }

    /// Sets whether the content of the CA bundle cannot be used.
    pub fn ca_bundle_unusable(&self, unusable: bool) {
        self.0.ca_bundle_unusable.set(unusable.into());
    }

    /// Sets the number of watches of the leader that do not work; zero if this process does not
    /// lead.
    pub fn watch_gaps(&self, count: usize) {
        self.0.watch_gaps.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// Sets whether this process leads. Only a leader has series of objects.
    pub fn leads(&self, leads: bool) {
        self.0.leader.set(leads.into());
        self.0.master.get_or_create(&Election { name: self.0.lease.clone() }).set(leads.into());
        self.0.objects.enable(leads);
    }

    /// Sets the series of an object. Ignored without `per_object`, or if this process does not
    /// lead.
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

    /// All series in a text format, for a scrape.
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
pub mod tests;
