//! An index of object names by key. Knows only the hashes of keys, not their meaning.

use std::collections::{HashMap, hash_map::Entry};

use super::ObjectName;

/// Object names by the hash of a key. Two keys may have the same hash: a caller to which that
/// matters checks the objects that it gets.
#[derive(Default)]
pub(super) struct Index(HashMap<u64, Vec<ObjectName>>);

impl Index {
    /// The names under a key, in order.
    pub fn get(&self, key: u64) -> &[ObjectName] {
        self.0.get(&key).map(Vec::as_slice).unwrap_or_default()
    }

    pub fn add(&mut self, key: u64, name: &ObjectName) {
        match self.0.entry(key) {
            // Nearly every key has one name: the capacity that a first `push` reserves would be
            // most of the index.
            Entry::Vacant(vacant) => {
                vacant.insert(vec![name.clone()]);
            }
            Entry::Occupied(mut names) => {
                let names = names.get_mut();
                if let Err(at) = names.binary_search(name) {
                    names.insert(at, name.clone());
                }
            }
        }
    }

    pub fn remove(&mut self, key: u64, name: &ObjectName) {
        let Entry::Occupied(mut names) = self.0.entry(key) else { return };
        if let Ok(at) = names.get().binary_search(name) {
            names.get_mut().remove(at);
        }
        if names.get().is_empty() {
            names.remove();
        }
    }

    /// Moves a name from its old keys to its new ones.
    pub fn renew(&mut self, had: &[u64], has: &[u64], name: &ObjectName) {
        if had == has {
            return;
        }
        for &key in had {
            self.remove(key, name);
        }
        for &key in has {
            self.add(key, name);
        }
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }
}
