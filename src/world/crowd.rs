//! The objects of an app that many objects name: which of them each of the others depends on, so
//! that a plan need not read all of them. Reads specs and statuses, and decides nothing.

mod family;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use k8s_openapi::jiff::Timestamp;

use self::family::{Age, Family, age};
use super::{Kept, ObjectName, Siblings, Unshown};
use crate::api::{MiniProgram, TokenMode, sibling};

/// An app of at most this many objects has no crowd: each is shown all others, and each change of
/// one requeues all others.
pub(super) const FEW: usize = 16;
/// This many objects of an app are served in one namespace, the oldest first, so that a tenant
/// gains nothing by creating more.
pub const MOST: usize = 100;

/// The objects of one app. The cost of a change does not depend on their number.
#[derive(Default)]
pub(super) struct Crowd {
    members: HashMap<ObjectName, Arc<Kept>>,
    families: Vec<(Option<TokenMode>, Family)>,
    /// The objects that need a token, by namespace and age.
    claimants: HashMap<String, BTreeSet<(Age, ObjectName)>>,
}

impl Crowd {
    /// Records an object's new version, or its deletion, and returns the objects to requeue.
    pub fn set(&mut self, name: &ObjectName, object: Option<&Arc<Kept>>) -> Vec<ObjectName> {
        let before: Vec<_> = self.families.iter().map(|(_, family)| family.marks()).collect();
        let mut concerned = Vec::new();
        if let Some((name, old)) = self.members.remove_entry(name) {
            self.count(&name, &old.object.value(), false, &mut concerned);
        }
        if let Some(object) = object {
            self.members.insert(name.clone(), Arc::clone(object));
            self.count(name, &object.object.value(), true, &mut concerned);
        }
        let after: Vec<_> = self.families.iter().map(|(_, family)| family.marks()).collect();
        let of_all = |marks: &[family::Marks]| {
            marks.iter().map(|marks| marks.of_all.clone()).collect::<Vec<_>>()
        };
        if of_all(&before) != of_all(&after) {
            return self.members.keys().cloned().collect();
        }
        let first = |marks: &[family::Marks]| {
            marks.iter().map(|marks| marks.first_open.clone()).collect::<BTreeSet<_>>()
        };
        concerned.extend(first(&after).difference(&first(&before)).flatten().cloned());
        concerned
    }

    /// The other objects that an object depends on. A time after `until` is in the future, and does
    /// not displace earlier ones.
    pub fn siblings(
        &self,
        of: &ObjectName,
        until: Timestamp,
        object: impl Fn(&ObjectName) -> Option<Arc<MiniProgram>>,
    ) -> Siblings {
        let mut names = BTreeSet::new();
        for (_, family) in &self.families {
            family.show(until, &mut names);
        }
        names.retain(|name| *name != of);
        let shown: Vec<_> = names.into_iter().filter_map(&object).collect();
        let of_itself = object(of);
        let all = self
            .families
            .iter()
            .flat_map(|(mode, family)| family.counts().map(|(day, count)| (*mode, day, count)));
        let known = |mode, day| {
            let objects =
                of_itself.iter().chain(&shown).filter(|object| object.spec.token_mode == mode);
            let statuses = objects.filter_map(|object| object.status.as_ref());
            let counted =
                statuses.filter(|status| sibling::accepted(&status.conditions) == Some(true));
            let mints = counted.filter_map(|status| status.mints.as_ref());
            mints.filter(|mints| mints.day == day).map(|mints| i64::from(mints.count)).sum::<i64>()
        };
        let unshown = all.map(|(mode, day, count)| Unshown {
            mode,
            day: day.to_owned(),
            count: count - known(mode, day),
        });
        let unshown = unshown.collect();
        let surplus = of_itself.is_some_and(|object| self.is_surplus(of, &object));
        Siblings { shown, unshown, surplus }
    }

    fn is_surplus(&self, name: &ObjectName, object: &MiniProgram) -> bool {
        sibling::claims(object) && !self.is_served(name.namespace(), &age(object))
    }

    fn is_served(&self, namespace: &str, place: &Age) -> bool {
        self.first_unserved(namespace).is_none_or(|(first, _)| place < first)
    }

    fn first_unserved(&self, namespace: &str) -> Option<&(Age, ObjectName)> {
        self.claimants.get(namespace).and_then(|claimants| claimants.iter().nth(MOST))
    }

    /// Adds an object to the indexes or removes it, and updates the object that is served, or no
    /// longer served, because of that.
    fn count(
        &mut self,
        name: &ObjectName,
        object: &MiniProgram,
        is_in: bool,
        concerned: &mut Vec<ObjectName>,
    ) {
        self.family(object).count(name, object, is_in);
        if !sibling::claims(object) {
            return;
        }
        let namespace = name.namespace();
        let unserved = |crowd: &Self| crowd.first_unserved(namespace).map(|(_, name)| name.clone());
        let before = unserved(self);
        let claimants = self.claimants.entry(namespace.to_owned()).or_default();
        let place = (age(object), name.clone());
        if is_in {
            claimants.insert(place);
        } else {
            claimants.remove(&place);
        }
        if claimants.is_empty() {
            self.claimants.remove(namespace);
        }
        let after = unserved(self);
        let claims = is_in && self.is_served(namespace, &age(object));
        self.family(object).claim(name, object, claims);
        if before == after {
            return;
        }
        for other in [before, after].into_iter().flatten().filter(|other| other != name) {
            let Some(object) = self.members.get(&other).map(|kept| kept.object.value()) else {
                continue;
            };
            let claims = self.is_served(namespace, &age(&object));
            self.family(&object).claim(&other, &object, claims);
            concerned.push(other);
        }
    }

    fn family(&mut self, object: &MiniProgram) -> &mut Family {
        let mode = object.spec.token_mode;
        let at = self.families.iter().position(|(of, _)| *of == mode).unwrap_or_else(|| {
            self.families.push((mode, Family::of(object)));
            self.families.len() - 1
        });
        &mut self.families[at].1
    }
}
