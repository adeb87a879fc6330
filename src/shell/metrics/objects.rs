//! The series that carry an object's name: made at scrape from one small entry per object, gone
//! with it. Knows no object's type.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use prometheus_client::{collector::Collector, encoding::DescriptorEncoder, metrics::MetricType};

/// What the metrics say of one object.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Object {
    /// When its token expires, in Unix seconds.
    pub token_expiration: Option<f64>,
    /// When its token will be refreshed next, in Unix seconds.
    pub next_refresh: Option<f64>,
    /// Type and status (`True`, `False` or `Unknown`) of each condition.
    pub conditions: Vec<(&'static str, &'static str)>,
}

const STATUSES: [&str; 3] = ["True", "False", "Unknown"];

#[derive(Debug)]
pub(super) struct Objects {
    wanted: bool,
    said: Mutex<Said>,
}

#[derive(Debug, Default)]
struct Said {
    speaking: bool,
    objects: BTreeMap<(String, String), Object>,
}

impl Objects {
    pub fn new(wanted: bool) -> Self {
        Self { wanted, said: Mutex::default() }
    }

    pub fn speak(&self, speaking: bool) {
        let mut said = self.said();
        said.speaking = speaking && self.wanted;
        if !speaking {
            said.objects.clear();
        }
    }

    pub fn set(&self, namespace: &str, name: &str, object: Object) {
        // Under one lock with `speak`, so that a straggler of a lost term leaves no series behind.
        let mut said = self.said();
        if said.speaking {
            said.objects.insert((namespace.to_owned(), name.to_owned()), object);
        }
    }

    pub fn forget(&self, namespace: &str, name: &str) {
        if self.wanted {
            self.said().objects.remove(&(namespace.to_owned(), name.to_owned()));
        }
    }

    pub fn forget_all(&self) {
        self.said().objects.clear();
    }

    fn said(&self) -> MutexGuard<'_, Said> {
        // Entries are replaced whole, so a panic elsewhere cannot have left one half done.
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Collector for Objects {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let said = self.said();
        if said.objects.is_empty() {
            return Ok(());
        }
        let mut times = |name, help, time: fn(&Object) -> Option<f64>| {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            for ((namespace, name), object) in &said.objects {
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
        for ((namespace, name), object) in &said.objects {
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
