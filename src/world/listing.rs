//! The objects of one watch, as its events and our own writes show them. Knows their versions and
//! nothing else about them.
//!
//! This relies on a guarantee of the API server: a watch shows the changes of a kind in the order
//! of their resourceVersions, and a list is never older than the events before it. So every change
//! up to the newest version shown has been shown. If the response to one of our own writes arrives
//! after that and the object is absent, it has been deleted. When the cluster is restored from a
//! backup the guarantee does not hold, and the next list replaces all known objects.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    hash::Hash,
};

use kube::runtime::watcher::Event;

/// One version of one object.
pub(super) struct Item<K, V> {
    pub key: K,
    pub uid: String,
    pub version: u64,
    /// Absent if the object cannot be deserialized. It is treated as one that does not exist.
    pub value: Option<V>,
}

/// What an event changed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Effect<K, V> {
    Set { key: K, old: Option<V>, new: V },
    Gone { key: K, old: V },
}

pub(super) struct Listing<K, V> {
    held: HashMap<K, Held<V>>,
    complete: bool,
    relist: Option<Relist<K>>,
    /// The newest version that the watch has shown.
    shown: u64,
    /// Our own writes that the watch has not shown yet.
    unobserved: BTreeSet<(u64, K)>,
    /// The uids of objects that we deleted and whose deletion the watch has not shown yet.
    removed: HashMap<K, String>,
    /// Whether the cluster was restored from a backup: the next list replaces all known objects.
    restored: bool,
}

struct Held<V> {
    version: u64,
    value: V,
}

struct Relist<K> {
    seen: HashSet<K>,
    /// The newest version in the list.
    newest: u64,
    /// Our newest write before the list was requested: the list reflects it.
    written: u64,
    /// Whether the list shows that the cluster was restored from a backup.
    restored: bool,
}

impl<K: Clone + Eq + Hash + Ord, V: Clone> Listing<K, V> {
    pub fn new() -> Self {
        Self {
            held: HashMap::new(),
            complete: false,
            relist: None,
            shown: 0,
            unobserved: BTreeSet::new(),
            removed: HashMap::new(),
            restored: false,
        }
    }

    /// Whether the first list is complete. Remains true during later lists.
    pub fn complete(&self) -> bool {
        self.complete
    }

    pub fn get(&self, key: &K) -> Option<&V> {
        self.held.get(key).map(|held| &held.value)
    }

    pub fn version(&self, key: &K) -> Option<u64> {
        self.held.get(key).map(|held| held.version)
    }

    /// The value of a key, if it is known in this version.
    pub fn at(&self, key: &K, version: u64) -> Option<&V> {
        self.held.get(key).filter(|held| held.version == version).map(|held| &held.value)
    }

    pub fn keys(&self) -> impl Iterator<Item = &K> {
        self.held.keys()
    }

    pub fn take(&mut self, event: Event<Item<K, V>>) -> Vec<Effect<K, V>> {
        let mut effects = Vec::new();
        match event {
            // The list is requested after this event: an object that we have written before is in
            // it, or is deleted.
            Event::Init => {
                let written = self.unobserved.last().map_or(0, |(version, _)| *version);
                self.relist = Some(Relist {
                    seen: HashSet::new(),
                    newest: 0,
                    written,
                    restored: self.restored,
                });
            }
            Event::InitApply(item) => self.listed(item, &mut effects),
            Event::InitDone => self.done(&mut effects),
            Event::Apply(item) => {
                self.shown = self.shown.max(item.version);
                match item.value {
                    Some(value) => self.set(item.key, &item.uid, item.version, value, &mut effects),
                    None => self.deleted(&item.key, &item.uid, item.version, &mut effects),
                }
                self.drop_unobserved(&mut effects);
            }
            Event::Delete(item) => {
                self.shown = self.shown.max(item.version);
                self.deleted(&item.key, &item.uid, item.version, &mut effects);
                self.drop_unobserved(&mut effects);
            }
        }
        effects
    }

    /// Records that the cluster was restored from a backup: known versions may be newer than the
    /// existing ones.
    pub fn record_restore(&mut self) {
        self.restored = true;
        self.shown = 0;
        self.unobserved.clear();
    }

    /// The newest version that the API server has shown.
    pub fn newest(&self) -> u64 {
        self.unobserved.last().map_or(self.shown, |(version, _)| self.shown.max(*version))
    }

    /// Records our own write. Returns the value that it replaced, or none if the watch has already
    /// shown a later version.
    #[allow(
        clippy::option_option,
        reason = "whether it was taken, and what was there before, are two questions"
    )]
    pub fn record_write(
        &mut self,
        key: &K,
        uid: &str,
        version: u64,
        value: V,
    ) -> Option<Option<V>> {
        let older = self.held.get(key).is_some_and(|held| version <= held.version);
        if version <= self.shown || older || self.was_removed(key, uid) {
            return None;
        }
        let old = self.held.insert(key.clone(), Held { version, value });
        if let Some(old) = &old {
            self.unobserved.remove(&(old.version, key.clone()));
        }
        self.unobserved.insert((version, key.clone()));
        Some(old.map(|old| old.value))
    }

    /// Records that we deleted an object, if `is_it` accepts the known version.
    pub fn remove(&mut self, key: &K, uid: &str, is_it: impl Fn(u64, &V) -> bool) -> Option<V> {
        let held = self.held.get(key).filter(|held| is_it(held.version, &held.value))?;
        self.unobserved.remove(&(held.version, key.clone()));
        self.removed.insert(key.clone(), uid.to_owned());
        self.held.remove(key).map(|held| held.value)
    }

    fn listed(&mut self, item: Item<K, V>, effects: &mut Vec<Effect<K, V>>) {
        let Some(value) = item.value else { return };
        if let Some(relist) = &mut self.relist {
            relist.seen.insert(item.key.clone());
            relist.newest = relist.newest.max(item.version);
            let held = self.held.get(&item.key).map_or(0, |held| held.version);
            let written_since =
                held > relist.written && self.unobserved.contains(&(held, item.key.clone()));
            // A list is never older than a known version, unless the cluster was restored.
            relist.restored |= item.version < held && !written_since;
            if relist.restored && !written_since {
                self.removed.remove(&item.key);
                return self.replace(item.key, item.version, value, effects);
            }
        }
        self.set(item.key, &item.uid, item.version, value, effects);
    }

    fn done(&mut self, effects: &mut Vec<Effect<K, V>>) {
        let Some(relist) = self.relist.take() else { return };
        let (unobserved, reflected) = (&self.unobserved, relist.newest.max(relist.written));
        // An object that we wrote after the list was read cannot be in it.
        let gone = self.held.extract_if(|key, held| {
            let ours =
                held.version > reflected && unobserved.contains(&(held.version, key.clone()));
            !relist.seen.contains(key) && !ours
        });
        let gone: Vec<_> = gone.collect();
        for (key, held) in gone {
            self.unobserved.remove(&(held.version, key.clone()));
            effects.push(Effect::Gone { key, old: held.value });
        }
        // No event shows a deletion that the list already reflects.
        self.removed.retain(|key, _| relist.seen.contains(key));
        self.shown = if relist.restored { relist.newest } else { self.shown.max(reflected) };
        self.restored &= !relist.restored;
        self.complete = true;
    }

    fn set(&mut self, key: K, uid: &str, version: u64, value: V, effects: &mut Vec<Effect<K, V>>) {
        if self.was_removed(&key, uid) {
            return;
        }
        self.removed.remove(&key);
        if let Some(held) = self.held.get(&key) {
            if version < held.version {
                return;
            }
            self.unobserved.remove(&(held.version, key.clone()));
            if version == held.version {
                return;
            }
        }
        self.replace(key, version, value, effects);
    }

    fn replace(&mut self, key: K, version: u64, value: V, effects: &mut Vec<Effect<K, V>>) {
        let old = self.held.insert(key.clone(), Held { version, value: value.clone() });
        if let Some(old) = &old {
            self.unobserved.remove(&(old.version, key.clone()));
        }
        effects.push(Effect::Set { key, old: old.map(|old| old.value), new: value });
    }

    fn deleted(&mut self, key: &K, uid: &str, version: u64, effects: &mut Vec<Effect<K, V>>) {
        if self.was_removed(key, uid) {
            self.removed.remove(key);
        } else if self.held.get(key).is_some_and(|held| held.version <= version) {
            effects.extend(self.drop_held(key));
        }
    }

    /// Removes objects whose write by us is older than the newest version shown and was not shown:
    /// they were deleted before the watch began.
    fn drop_unobserved(&mut self, effects: &mut Vec<Effect<K, V>>) {
        while self.unobserved.first().is_some_and(|(version, _)| *version < self.shown) {
            let Some((_, key)) = self.unobserved.pop_first() else { return };
            effects.extend(self.drop_held(&key));
        }
    }

    fn drop_held(&mut self, key: &K) -> Option<Effect<K, V>> {
        let held = self.held.remove(key)?;
        self.unobserved.remove(&(held.version, key.clone()));
        Some(Effect::Gone { key: key.clone(), old: held.value })
    }

    fn was_removed(&self, key: &K, uid: &str) -> bool {
        self.removed.get(key).is_some_and(|removed| removed == uid)
    }
}
