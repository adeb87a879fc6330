//! The objects that cannot be deserialized, so that each version of one is reported once. Knows
//! nothing else about them.

use std::collections::HashMap;

use super::{ObjectName, Scope};

/// The existing objects that cannot be deserialized.
#[derive(Default)]
pub(super) struct Unreadable {
    reported: HashMap<ObjectName, u64>,
    /// Those that the list under way has not shown yet: they may be deleted.
    before: HashMap<ObjectName, u64>,
}

impl Unreadable {
    /// Records a version of an object, and returns whether it was not reported yet.
    pub fn is_new(&mut self, name: &ObjectName, version: u64) -> bool {
        let before = self.before.remove(name);
        self.reported.insert(name.clone(), version).or(before) != Some(version)
    }

    /// Removes an object that can be deserialized now, or is deleted.
    pub fn forget(&mut self, name: &ObjectName) {
        self.reported.remove(name);
        self.before.remove(name);
    }

    /// Records that a list of this scope begins.
    pub fn list_begins(&mut self, scope: &Scope) {
        self.before.extend(self.reported.extract_if(|name, _| scope.covers(name)));
    }

    /// Records that the list is complete: the objects that it has not shown are deleted.
    pub fn list_ends(&mut self, scope: &Scope) {
        self.before.retain(|name, _| !scope.covers(name));
    }
}

#[cfg(test)]
mod tests {
    use super::{ObjectName, Scope, Unreadable};

    #[test]
    fn each_version_is_reported_once_and_forgotten_with_its_object() {
        let [a, b, c] = ["a", "b", "c"].map(|name| ObjectName::new("team-a", name));
        let other = ObjectName::new("team-b", "a");
        let scope = Scope::Namespace("team-a".into());
        let mut unreadable = Unreadable::default();
        assert!([&a, &b, &c, &other].into_iter().all(|name| unreadable.is_new(name, 1)));
        assert!(!unreadable.is_new(&a, 1) && unreadable.is_new(&a, 2));
        unreadable.forget(&c);
        for _ in 0..2 {
            unreadable.list_begins(&scope);
            assert!(!unreadable.is_new(&a, 2), "the list shows it again");
        }
        unreadable.list_ends(&scope);
        assert_eq!(
            (unreadable.reported.len(), unreadable.before.len()),
            (2, 0),
            "one was deleted while no watch ran"
        );
        assert!(!unreadable.is_new(&other, 1), "the list was of another scope");
    }
}
