//! The series with an object's name, which are made at each scrape from one small entry for each
//! object.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use prometheus_client::{collector::Collector, encoding::DescriptorEncoder, metrics::MetricType};

/// The values of an object's series.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Object {
    /// When its token expires, in Unix seconds.
    pub token_expiration: Option<f64>,
    /// When its token is refreshed next, in Unix seconds.
    pub next_refresh: Option<f64>,
    /// Type and status (`True`, `False` or `Unknown`) of each condition.
    pub conditions: Vec<(&'static str, &'static str)>,
}

const STATUSES: [&str; 3] = ["True", "False", "Unknown"];

#[derive(Debug)]
pub(super) struct Objects {
    per_object: bool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    enabled: bool,
    objects: BTreeMap<(String, String), Object>,
}

impl Objects {
    pub fn new(per_object: bool) -> Self {
        Self { per_object, state: Mutex::default() }
    }

    pub fn enable(&self, enabled: bool) {
        let mut state = self.state();
        state.enabled = enabled && self.per_object;
        if !enabled {
            state.objects.clear();
        }
    }

    pub fn set(&self, namespace: &str, name: &str, object: Object) {
        // Under one lock with `enable`, so that a late reconcile of a lost term leaves no series
        // behind.
        let mut state = self.state();
        if state.enabled {
            state.objects.insert((namespace.to_owned(), name.to_owned()), object);
        }
    }

    pub fn forget(&self, namespace: &str, name: &str) {
        if self.per_object {
            self.state().objects.remove(&(namespace.to_owned(), name.to_owned()));
        }
    }

    pub fn forget_all(&self) {
        self.state().objects.clear();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Each change replaces a whole entry, which a panic cannot interrupt.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Collector for Objects {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let state = self.state();
        if state.objects.is_empty() {
            return Ok(());
        }
        let mut times = |name, help, time: fn(&Object) -> Option<f64>| {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            for ((namespace, name), object) in &state.objects {
                if let Some(time) = time(object) {
                    let labels = [("namespace", namespace.as_str()), ("name", name.as_str())];
                    family.encode_family(&labels)?.encode_gauge(&time)?;
                }
            }
            Ok(())
        };
        times("token_expiration_timestamp_seconds", "When the token expires.", |object| {
            object.token_expiration
        })?;
        times(
            "token_next_refresh_timestamp_seconds",
            "When the token is refreshed next.",
            |object| object.next_refresh,
        )?;

        let help = "Conditions of the object: 1 for the status that the condition has, else 0.";
        let mut family = encoder.encode_descriptor("condition", help, None, MetricType::Gauge)?;
        for ((namespace, name), object) in &state.objects {
            for (kind, current) in &object.conditions {
                for status in STATUSES {
                    let labels = [
                        ("namespace", namespace.as_str()),
                        ("name", name),
                        ("type", kind),
                        ("status", status),
                    ];
                    family.encode_family(&labels)?.encode_gauge(&u32::from(status == *current))?;
                }
            }
        }
        Ok(())
    }
}
