//! The objects that this program cannot read, so that each version of one is told of once. Knows
//! nothing else of them.

use std::collections::HashMap;

use super::{ObjectName, Scope};

/// What cannot be read, as long as it exists.
#[derive(Default)]
pub(super) struct Unreadable {
    told: HashMap<ObjectName, u64>,
    /// What the list under way has not shown yet: it may be gone.
    before: HashMap<ObjectName, u64>,
}

impl Unreadable {
    /// Whether this version is yet to be told of.
    pub fn is_new(&mut self, name: &ObjectName, version: u64) -> bool {
        let before = self.before.remove(name);
        self.told.insert(name.clone(), version).or(before) != Some(version)
    }

    /// It can be read now, or is gone.
    pub fn forget(&mut self, name: &ObjectName) {
        self.told.remove(name);
        self.before.remove(name);
    }

    /// A list of this scope begins, which shows all that exists.
    pub fn list_begins(&mut self, scope: &Scope) {
        self.before.extend(self.told.extract_if(|name, _| scope.covers(name)));
    }

    /// What the list has not shown is gone.
    pub fn list_ends(&mut self, scope: &Scope) {
        self.before.retain(|name, _| !scope.covers(name));
    }
}

#[cfg(test)]
mod tests {
    use super::{ObjectName, Scope, Unreadable};

    #[test]
    fn each_version_is_told_of_once_and_forgotten_with_its_object() {
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
            (unreadable.told.len(), unreadable.before.len()),
            (2, 0),
            "one went while nobody watched"
        );
        assert!(!unreadable.is_new(&other, 1), "the list was of another scope");
    }
}
