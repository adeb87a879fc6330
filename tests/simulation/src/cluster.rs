//! A model of the API server: objects with versions, their history, and the rules of writing them.
//! Knows no HTTP and no fault.

pub mod answer;
pub mod apply;
pub mod door;
pub mod fields;
pub mod request;
pub mod streams;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::time::{Millis, wall_at};

/// How much history a watch can be resumed from.
const HISTORY: usize = 1000;

/// The kinds that the operator touches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    MiniProgram,
    Secret,
    Lease,
    Event,
}

/// A namespace whose quota allows no more Secrets.
pub const FULL_NAMESPACE: &str = "team-full";

/// Namespace and name.
pub type Name = (String, String);

/// One change of one object.
#[derive(Clone)]
pub struct Change {
    pub version: u64,
    /// As a watch says it: `ADDED`, `MODIFIED` or `DELETED`.
    pub verb: &'static str,
    pub object: Arc<Value>,
}

/// What a copy of the API server's storage holds.
#[derive(Clone)]
pub struct Copy {
    version: u64,
    live: BTreeMap<Kind, BTreeMap<Name, Arc<Value>>>,
}

#[derive(Default)]
struct Objects {
    live: BTreeMap<Name, Arc<Value>>,
    history: VecDeque<Change>,
    /// Changes up to this version are forgotten.
    forgotten: u64,
}

/// Who hears of every change, before anybody else: the oracles.
pub type Witness = Box<dyn FnMut(Millis, Kind, &Name, Option<&Value>) + Send>;

pub struct Cluster {
    version: u64,
    uids: u64,
    kinds: BTreeMap<Kind, Objects>,
    /// The number of Events, by reason.
    events: BTreeMap<String, usize>,
    /// Wakes in order; tokio's `watch` would wake at random.
    changed: Arc<Notify>,
    witness: Witness,
}

impl Cluster {
    pub fn new(witness: Witness) -> Self {
        let kinds = [Kind::MiniProgram, Kind::Secret, Kind::Lease, Kind::Event];
        Self {
            version: 1000,
            uids: 0,
            kinds: kinds.into_iter().map(|kind| (kind, Objects::default())).collect(),
            events: BTreeMap::new(),
            changed: Arc::default(),
            witness,
        }
    }

    pub fn version(&self) -> u64 {
        self.version
    }

    /// Tells those who wait for it at that moment that something has changed.
    pub fn changed(&self) -> Arc<Notify> {
        Arc::clone(&self.changed)
    }

    pub fn get(&self, kind: Kind, name: &Name) -> Option<&Arc<Value>> {
        self.kinds.get(&kind)?.live.get(name)
    }

    pub fn list(&self, kind: Kind) -> impl Iterator<Item = (&Name, &Arc<Value>)> {
        self.kinds.get(&kind).into_iter().flat_map(|objects| &objects.live)
    }

    /// The changes after a version, or none if they are forgotten.
    pub fn since(&self, kind: Kind, version: u64) -> Option<impl Iterator<Item = &Change>> {
        let objects = self.kinds.get(&kind)?;
        let remembered = version >= objects.forgotten;
        remembered.then(|| {
            objects
                .history
                .range(objects.history.partition_point(|change| change.version <= version)..)
        })
    }

    /// Counts an Event.
    pub fn published(&mut self, reason: &str) {
        *self.events.entry(reason.to_owned()).or_default() += 1;
    }

    /// How many Events have had this reason.
    #[must_use]
    pub fn events(&self, reason: &str) -> usize {
        self.events.get(reason).copied().unwrap_or_default()
    }

    /// Forgets all history, as a compaction or a restart of the API server does.
    pub fn compact(&mut self) {
        for objects in self.kinds.values_mut() {
            objects.history.clear();
            objects.forgotten = self.version;
        }
    }

    /// Copies all objects, as they are now.
    #[must_use]
    pub fn copy(&self) -> Copy {
        let live = self.kinds.iter().map(|(kind, objects)| (*kind, objects.live.clone())).collect();
        Copy { version: self.version, live }
    }

    /// Puts a copy in the place of all objects: versions begin anew where it was made.
    pub fn restore(&mut self, now: Millis, copy: Copy) {
        self.version = copy.version;
        for (kind, live) in copy.live {
            let Some(objects) = self.kinds.get_mut(&kind) else { continue };
            let before = std::mem::replace(&mut objects.live, live);
            objects.history.clear();
            objects.forgotten = copy.version;
            let differing: Vec<_> = before.keys().chain(objects.live.keys()).cloned().collect();
            for name in differing {
                let after = self.get(kind, &name).cloned();
                if before.get(&name) != after.as_ref() {
                    (self.witness)(now, kind, &name, after.as_deref());
                }
            }
        }
        self.changed.notify_waiters();
    }

    /// Puts an object in the place of what stands there, or creates it; an equal one changes
    /// nothing.
    pub fn put(&mut self, now: Millis, kind: Kind, name: &Name, mut object: Value) -> Arc<Value> {
        let before = self.get(kind, name).cloned();
        if let Some(before) = &before {
            if **before == object {
                return Arc::clone(before);
            }
            let specs_differ = before.get("spec") != object.get("spec");
            if kind == Kind::MiniProgram && specs_differ {
                let generation = before["metadata"]["generation"].as_i64().unwrap_or(1) + 1;
                object["metadata"]["generation"] = json!(generation);
            }
        } else {
            self.uids += 1;
            let metadata = &mut object["metadata"];
            metadata["uid"] = json!(format!("{:08x}-0000-4000-8000-000000000000", self.uids));
            metadata["creationTimestamp"] = json!(whole_seconds(now));
            metadata["name"] = json!(name.1);
            metadata["namespace"] = json!(name.0);
            if kind == Kind::MiniProgram {
                metadata["generation"] = json!(1);
            }
        }
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        let object = Arc::new(object);
        let verb = if before.is_some() { "MODIFIED" } else { "ADDED" };
        if let Some(objects) = self.kinds.get_mut(&kind) {
            objects.live.insert(name.clone(), Arc::clone(&object));
        }
        (self.witness)(now, kind, name, Some(&object));
        self.remember(kind, verb, Arc::clone(&object));
        object
    }

    /// Removes an object.
    pub fn delete(&mut self, now: Millis, kind: Kind, name: &Name) -> Option<Arc<Value>> {
        let gone = self.kinds.get_mut(&kind)?.live.remove(name)?;
        self.version += 1;
        let mut last = Value::clone(&gone);
        last["metadata"]["resourceVersion"] = json!(self.version.to_string());
        (self.witness)(now, kind, name, None);
        self.remember(kind, "DELETED", Arc::new(last));
        Some(gone)
    }

    /// What an owner that is gone leaves to the garbage collector.
    pub fn orphans(&self) -> Vec<Name> {
        let living: Vec<&str> = self
            .list(Kind::MiniProgram)
            .filter_map(|(_, mini)| mini["metadata"]["uid"].as_str())
            .collect();
        let orphaned = |secret: &Value| {
            let owner = secret["metadata"]["ownerReferences"][0]["uid"].as_str();
            owner.is_some_and(|owner| !living.contains(&owner))
        };
        self.list(Kind::Secret)
            .filter(|(_, secret)| orphaned(secret))
            .map(|(name, _)| name.clone())
            .collect()
    }

    fn remember(&mut self, kind: Kind, verb: &'static str, object: Arc<Value>) {
        let Some(objects) = self.kinds.get_mut(&kind) else { return };
        objects.history.push_back(Change { version: self.version, verb, object });
        if objects.history.len() > HISTORY {
            objects.forgotten =
                objects.history.pop_front().map_or(objects.forgotten, |change| change.version);
        }
        self.changed.notify_waiters();
    }
}

pub fn whole_seconds(at: Millis) -> String {
    wall_at(at / 1000 * 1000).to_string()
}
