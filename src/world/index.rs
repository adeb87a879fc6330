//! An index of object names by key. Knows only the hashes of keys, not their meaning.

use std::{
    collections::{HashMap, hash_map::Entry},
    slice,
};

use super::ObjectName;

/// Object names by the hash of a key. Two keys may have the same hash: a caller to which that
/// matters checks the objects that it gets.
#[derive(Default)]
pub(super) struct Index(HashMap<u64, Names>);

/// Nearly every key has one name.
enum Names {
    One(ObjectName),
    /// In order.
    More(Vec<ObjectName>),
}

impl Names {
    fn as_slice(&self) -> &[ObjectName] {
        match self {
            Self::One(name) => slice::from_ref(name),
            Self::More(names) => names,
        }
    }

    fn add(&mut self, name: &ObjectName) {
        let Err(at) = self.as_slice().binary_search(name) else { return };
        match self {
            Self::One(one) => {
                let mut names = vec![one.clone()];
                names.insert(at, name.clone());
                *self = Self::More(names);
            }
            Self::More(names) => names.insert(at, name.clone()),
        }
    }

    /// Removes a name, and returns whether none is left.
    fn remove(&mut self, name: &ObjectName) -> bool {
        match self {
            Self::One(one) => one == name,
            Self::More(names) => {
                if let Ok(at) = names.binary_search(name) {
                    names.remove(at);
                }
                names.is_empty()
            }
        }
    }
}

impl Index {
    /// The names under a key, in order.
    pub fn get(&self, key: u64) -> &[ObjectName] {
        self.0.get(&key).map(Names::as_slice).unwrap_or_default()
    }

    pub fn add(&mut self, key: u64, name: &ObjectName) {
        match self.0.entry(key) {
            Entry::Vacant(vacant) => {
                vacant.insert(Names::One(name.clone()));
            }
            Entry::Occupied(mut names) => names.get_mut().add(name),
        }
    }

    pub fn remove(&mut self, key: u64, name: &ObjectName) {
        let Entry::Occupied(mut names) = self.0.entry(key) else { return };
        if names.get_mut().remove(name) {
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
        self.0.values().map(|names| names.as_slice().len()).sum()
    }
}
