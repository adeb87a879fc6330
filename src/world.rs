//! What the cluster looks like from here, and who must be looked at when it changes. Knows no
//! client, no clock, no data of a Secret, and decides nothing about tokens.

mod crowd;
mod index;
mod listing;
mod lookups;
#[cfg(test)]
mod model_tests;
mod names;
#[cfg(test)]
mod tests;
mod unreadable;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    hash::{BuildHasher, RandomState},
    sync::Arc,
};

use k8s_openapi::api::core::v1::Secret;
use kube::{
    Resource,
    core::{DeserializeGuard, PartialObjectMeta},
    runtime::watcher::Event,
};

pub use self::crowd::MOST as MOST_OF_AN_APP;
pub use self::names::{Change, Gone, Lookup, ObjectName, Scope, Siblings, Unshown, Version};
use self::{
    crowd::Crowd,
    index::Index,
    listing::{Effect, Item, Listing},
    lookups::controller_uid,
    unreadable::Unreadable,
};
use crate::{api::MiniProgram, projection::Projection};

/// The annotation in which `kubectl apply` keeps a second copy of the object.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// The cluster as the watches and our own writes show it.
pub struct World {
    scopes: BTreeMap<Scope, Lists>,
    /// Keyed anew in each process: names are chosen by people, and two that share a hash would be
    /// taken for one Secret.
    hasher: RandomState,
    /// The `MiniProgram`s that name a Secret: as credential, as target, or as the target in use.
    users: Index,
    /// The `MiniProgram`s of an app.
    apps: Index,
    /// The apps of many objects.
    crowds: HashMap<u64, Crowd>,
    /// The targets that a `MiniProgram` controls.
    controlled: Index,
    /// Whom our own writes concern beside the writer. The next event brings them along: the echo of
    /// the write at the latest.
    pending: BTreeSet<ObjectName>,
    /// Whether an object was held in a later version than the API server has.
    is_newer_than_server: bool,
    unreadable: Unreadable,
}

struct Lists {
    mini_programs: Listing<ObjectName, Arc<MiniProgram>>,
    secrets: Listing<u64, Version>,
    targets: Listing<ObjectName, Arc<Projection>>,
}

impl Lists {
    fn complete(&self) -> bool {
        self.mini_programs.complete() && self.secrets.complete() && self.targets.complete()
    }
}

impl World {
    /// A world of which nothing is known yet. No namespace may be in two of the scopes.
    #[must_use]
    pub fn new(scopes: &[Scope]) -> Self {
        let lists = |scope: &Scope| {
            let lists = Lists {
                mini_programs: Listing::new(),
                secrets: Listing::new(),
                targets: Listing::new(),
            };
            (scope.clone(), lists)
        };
        Self {
            scopes: scopes.iter().map(lists).collect(),
            hasher: RandomState::new(),
            users: Index::default(),
            apps: Index::default(),
            crowds: HashMap::new(),
            controlled: Index::default(),
            pending: BTreeSet::new(),
            is_newer_than_server: false,
            unreadable: Unreadable::default(),
        }
    }

    /// Takes in an event of the watch on `MiniProgram`s.
    pub fn mini_program_event(
        &mut self,
        scope: &Scope,
        event: Event<DeserializeGuard<MiniProgram>>,
    ) -> Change {
        let mut change = Looks::default();
        let event = map(event, |object| self.read(object, &mut change));
        match &event {
            Event::Init => self.unreadable.list_begins(scope),
            Event::InitDone => self.unreadable.list_ends(scope),
            Event::Delete(item) => {
                self.unreadable.forget(&item.key);
                change.unreadable.clear();
            }
            Event::InitApply(_) | Event::Apply(_) => {}
        }
        let Some(lists) = self.scopes.get_mut(scope) else { return Change::default() };
        let was_complete = lists.complete();
        for effect in lists.mini_programs.take(event) {
            match effect {
                Effect::Set { key, old, new } => {
                    change.look.extend(self.renew_mini_program(&key, old.as_deref(), Some(&new)));
                    let same_uid = |old: &MiniProgram| old.metadata.uid == new.metadata.uid;
                    if let Some(old) = old.as_deref().filter(|old| !same_uid(old)) {
                        change.gone.push(gone(&key, old));
                    }
                    change.look.insert(key);
                }
                Effect::Gone { key, old } => {
                    change.look.extend(self.renew_mini_program(&key, Some(&old), None));
                    change.look.remove(&key);
                    change.gone.push(gone(&key, &old));
                }
            }
        }
        self.finish(scope, was_complete, change)
    }

    /// Takes in an event of the watch on all Secrets.
    pub fn secret_event(
        &mut self,
        scope: &Scope,
        event: Event<PartialObjectMeta<Secret>>,
    ) -> Change {
        let mut change = Looks::default();
        let event = map(event, |secret| {
            let (uid, name, version) = identity(&secret);
            let value =
                Version::of(&uid, secret.metadata.resource_version.as_deref().unwrap_or_default());
            Item {
                key: self.secret_key(&name.namespace, &name.name),
                uid,
                version,
                value: Some(value),
            }
        });
        let Some(lists) = self.scopes.get_mut(scope) else { return Change::default() };
        let was_complete = lists.complete();
        for effect in lists.secrets.take(event) {
            let (Effect::Set { key, .. } | Effect::Gone { key, .. }) = effect;
            change.look.extend(self.users.get(key).iter().cloned());
        }
        self.finish(scope, was_complete, change)
    }

    /// Takes in an event of the watch on the Secrets of our type.
    pub fn target_event(
        &mut self,
        scope: &Scope,
        event: Event<PartialObjectMeta<Secret>>,
    ) -> Change {
        let mut change = Looks::default();
        let event = map(event, |secret| {
            let (uid, key, version) = identity(&secret);
            Item { key, uid, version, value: Some(Arc::new(Projection::of(&secret.metadata))) }
        });
        let Some(lists) = self.scopes.get_mut(scope) else { return Change::default() };
        let was_complete = lists.complete();
        for effect in lists.targets.take(event) {
            let (key, old, new) = match effect {
                Effect::Set { key, old, new } => (key, old, Some(new)),
                Effect::Gone { key, old } => (key, Some(old), None),
            };
            self.renew_target(&key, old.as_deref(), new.as_deref());
            change.look.extend(self.users_of(&key).iter().cloned());
            change.look.extend(
                [old, new]
                    .into_iter()
                    .flatten()
                    .filter_map(|target| self.controller(&key, &target)),
            );
        }
        self.finish(scope, was_complete, change)
    }

    /// The cluster was restored from a copy, so that versions have begun anew: the next lists
    /// count, whatever is held.
    pub fn went_back(&mut self) {
        for lists in self.scopes.values_mut() {
            lists.mini_programs.went_back();
            lists.secrets.went_back();
            lists.targets.went_back();
        }
    }

    /// Takes in a `MiniProgram` that was read because a write of it was refused.
    pub fn record_object_read(&mut self, object: MiniProgram) {
        let (uid, key, version) = identity(&object);
        let held =
            self.mini_program(&key).filter(|held| held.metadata.uid.as_deref() == Some(&uid));
        self.is_newer_than_server |= held.is_some_and(|held| identity(&*held).2 > version);
        self.record_status_write(object);
    }

    /// Whether an object was held in a later version than the API server has: the cluster was
    /// restored from a copy, and its versions have grown past all others since. Tells it once.
    pub fn take_newer_than_server(&mut self) -> bool {
        std::mem::take(&mut self.is_newer_than_server)
    }

    /// Takes in the API server's answer to an own write of a `MiniProgram` or its status.
    pub fn record_status_write(&mut self, mut object: MiniProgram) {
        prune(&mut object);
        let (uid, key, version) = identity(&object);
        let new = Arc::new(object);
        // That an object went and another took its name is for the watch to show: it tells who is
        // gone.
        if self.mini_program(&key).is_some_and(|held| held.metadata.uid != new.metadata.uid) {
            return;
        }
        let Some(lists) = self.lists_of_mut(&key.namespace) else { return };
        let Some(old) = lists.mini_programs.wrote(&key, &uid, version, Arc::clone(&new)) else {
            return;
        };
        let concerned = self.renew_mini_program(&key, old.as_deref(), Some(&new));
        self.pending.extend(concerned.into_iter().filter(|name| *name != key));
    }

    /// Takes in the API server's answer to an own write of a target.
    pub fn record_own_write(&mut self, namespace: &str, target: Projection) {
        let (secret, key) =
            (self.secret_key(namespace, &target.name), ObjectName::new(namespace, &target.name));
        let new = Arc::new(target);
        let (number, version) = (number(&new.version), Version::of(&new.uid, &new.version));
        let Some(lists) = self.lists_of_mut(namespace) else { return };
        // Both or none: whoever is owed a look then finds both.
        let Some(old) = lists.targets.wrote(&key, &new.uid, number, Arc::clone(&new)) else {
            return;
        };
        lists.secrets.wrote(&secret, &new.uid, number, version);
        self.renew_target(&key, old.as_deref(), Some(&new));
        self.owe(&key, old.as_deref(), self.controller(&key, &new).as_ref());
    }

    /// Takes in a Secret that `reader` has read from the API server itself, of which the watch may
    /// hear much later.
    pub fn record_read(&mut self, reader: &ObjectName, name: &str, uid: &str, version: &str) {
        let key = self.secret_key(&reader.namespace, name);
        let Some(lists) = self.lists_of_mut(&reader.namespace) else { return };
        if lists.secrets.wrote(&key, uid, number(version), Version::of(uid, version)).is_some() {
            self.pending.extend(self.users.get(key).iter().filter(|user| *user != reader).cloned());
        }
    }

    /// Takes in that we removed the target of this name and uid.
    pub fn record_own_delete(&mut self, namespace: &str, name: &str, uid: &str) {
        let (secret, key) = (self.secret_key(namespace, name), ObjectName::new(namespace, name));
        let Some(lists) = self.lists_of_mut(namespace) else { return };
        let Some(old) = lists.targets.remove(&key, uid, |_, target| target.uid == uid) else {
            return;
        };
        lists.secrets.remove(&secret, uid, |number, version| {
            *version == Version::of(uid, &number.to_string())
        });
        self.renew_target(&key, Some(&old), None);
        self.owe(&key, Some(&old), None);
    }

    fn read(
        &mut self,
        object: DeserializeGuard<MiniProgram>,
        change: &mut Looks,
    ) -> Item<ObjectName, Arc<MiniProgram>> {
        let (uid, key, version) = identity(&object);
        let Ok(mut object) = object.0 else {
            if self.unreadable.is_new(&key, version) {
                change.unreadable.push(key.clone());
            }
            return Item { key, uid, version, value: None };
        };
        prune(&mut object);
        self.unreadable.forget(&key);
        Item { key, uid, version, value: Some(Arc::new(object)) }
    }

    fn owe(&mut self, target: &ObjectName, old: Option<&Projection>, writer: Option<&ObjectName>) {
        let displaced = old.and_then(|old| self.controller(target, old));
        let concerned = self.users_of(target).iter().cloned().chain(displaced);
        let others: Vec<_> = concerned.filter(|name| Some(name) != writer).collect();
        self.pending.extend(others);
    }

    fn finish(&mut self, scope: &Scope, was_complete: bool, mut change: Looks) -> Change {
        let lists = self.scopes.get(scope).filter(|lists| lists.complete() && !was_complete);
        change.look.extend(lists.into_iter().flat_map(|lists| lists.mini_programs.keys().cloned()));
        change.look.append(&mut self.pending);
        let exists = |name: &ObjectName| self.mini_program(name).is_some();
        let look = change.look.into_iter().filter(exists).collect();
        Change { look, gone: change.gone, unreadable: change.unreadable }
    }

    /// Answers whom of its app the change concerns.
    fn renew_mini_program(
        &mut self,
        name: &ObjectName,
        old: Option<&MiniProgram>,
        new: Option<&Arc<MiniProgram>>,
    ) -> Vec<ObjectName> {
        let secrets = |object: &MiniProgram| self.secrets_named_by(&name.namespace, object);
        let (had, has) =
            (old.map(secrets).unwrap_or_default(), new.map(|new| secrets(new)).unwrap_or_default());
        self.users.renew(&had, &has, name);
        let (had, has) = (old.map(|old| self.app_key(old)), new.map(|new| self.app_key(new)));
        self.apps.renew(had.as_slice(), has.as_slice(), name);
        let left = had.filter(|_| had != has).map(|had| self.renew_app(had, name, None));
        let mut concerned = left.unwrap_or_default();
        concerned.extend(has.map(|has| self.renew_app(has, name, new)).unwrap_or_default());
        concerned
    }

    /// An object of an app is so now, or is none of it any more.
    fn renew_app(
        &mut self,
        app: u64,
        name: &ObjectName,
        object: Option<&Arc<MiniProgram>>,
    ) -> Vec<ObjectName> {
        let names = self.apps.get(app);
        if names.len() <= crowd::FEW {
            self.crowds.remove(&app);
            return names.to_vec();
        }
        if let Some(crowd) = self.crowds.get_mut(&app) {
            return crowd.set(name, object);
        }
        let names = names.to_vec();
        let mut crowd = Crowd::default();
        for (name, object) in names.iter().filter_map(|name| Some((name, self.mini_program(name)?)))
        {
            crowd.set(name, Some(&object));
        }
        self.crowds.insert(app, crowd);
        names
    }

    fn renew_target(
        &mut self,
        name: &ObjectName,
        old: Option<&Projection>,
        new: Option<&Projection>,
    ) {
        let key = |target: &Projection| {
            controller_uid(target).map(|uid| self.hasher.hash_one((&*name.namespace, uid)))
        };
        let (had, has) = (old.and_then(key), new.and_then(key));
        self.controlled.renew(had.as_slice(), has.as_slice(), name);
    }
}

/// A [`Change`] in the making: each object once.
#[derive(Default)]
struct Looks {
    look: BTreeSet<ObjectName>,
    gone: Vec<Gone>,
    unreadable: Vec<ObjectName>,
}

fn map<T, U>(event: Event<T>, f: impl FnOnce(T) -> U) -> Event<U> {
    match event {
        Event::Init => Event::Init,
        Event::InitApply(object) => Event::InitApply(f(object)),
        Event::InitDone => Event::InitDone,
        Event::Apply(object) => Event::Apply(f(object)),
        Event::Delete(object) => Event::Delete(f(object)),
    }
}

fn identity(object: &impl Resource) -> (String, ObjectName, u64) {
    let meta = object.meta();
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let name = ObjectName { namespace: text(&meta.namespace), name: text(&meta.name) };
    (text(&meta.uid), name, number(meta.resource_version.as_deref().unwrap_or_default()))
}

/// Kubernetes promises that resourceVersions of a kind are numbers that grow.
fn number(version: &str) -> u64 {
    version.parse().unwrap_or_default()
}

fn gone(name: &ObjectName, object: &MiniProgram) -> Gone {
    Gone { name: name.clone(), uid: object.metadata.uid.clone().unwrap_or_default() }
}

/// Drops what is six times the size of the rest and of no use to us.
fn prune(object: &mut MiniProgram) {
    object.metadata.managed_fields = None;
    if let Some(annotations) = &mut object.metadata.annotations {
        annotations.remove(LAST_APPLIED);
    }
}
