//! The cluster as this process knows it, and which objects a change requeues. Knows no client, no
//! clock and no data of a Secret, and decides nothing about tokens.

mod crowd;
mod index;
mod listing;
mod lookups;
#[cfg(test)]
mod model_tests;
mod names;
mod recent;
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
    recent::Recent,
    unreadable::Unreadable,
};
use crate::{
    api::{
        MiniProgram,
        names::{INVALID_TOKEN, REFRESH_REQUESTED},
    },
    packed::Packed,
    projection::Projection,
};

/// The cluster as the watches and our own writes show it.
pub struct World {
    scopes: BTreeMap<Scope, Lists>,
    /// Has a random key in each process: users choose names, and two names with the same hash would
    /// be taken for one Secret.
    hasher: RandomState,
    /// The `MiniProgram`s that refer to a Secret: as credential, as target, or as the target in
    /// use.
    users: Index,
    /// The `MiniProgram`s of an app.
    apps: Index,
    /// The apps of more than [`crowd::FEW`] objects.
    crowds: HashMap<u64, Crowd>,
    /// The targets that a `MiniProgram` controls.
    controlled: Index,
    /// Objects to requeue because of our own writes, apart from the object that wrote. The next
    /// event requeues them: at the latest the one that shows the write.
    pending: BTreeSet<ObjectName>,
    /// Whether an object is known in a later version than the API server has.
    is_newer_than_server: bool,
    unreadable: Unreadable,
    recent: Recent,
}

struct Lists {
    mini_programs: Listing<ObjectName, Arc<Kept>>,
    secrets: Listing<u64, Version>,
    targets: Listing<ObjectName, Packed<Projection>>,
}

/// A `MiniProgram`, with the uid outside of its block: most questions are whether it still is the
/// same object.
struct Kept {
    uid: Box<str>,
    object: Packed<MiniProgram>,
}

impl Kept {
    fn of(object: &MiniProgram) -> Option<Self> {
        Some(Self { uid: object.uid().into(), object: Packed::of(object)? })
    }
}

impl Lists {
    fn complete(&self) -> bool {
        self.mini_programs.complete() && self.secrets.complete() && self.targets.complete()
    }
}

impl World {
    /// A world without any object. A namespace may be in one of the scopes only.
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
            recent: Recent::default(),
        }
    }

    /// Records an event of the watch on `MiniProgram`s.
    pub fn mini_program_event(
        &mut self,
        scope: &Scope,
        event: Event<DeserializeGuard<MiniProgram>>,
    ) -> Change {
        let mut change = ChangeSet::default();
        let is_change = matches!(event, Event::Apply(_));
        let event = map(event, |object| self.read(object, is_change, &mut change));
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
                    change.requeue.extend(self.renew_mini_program(
                        &key,
                        old.as_ref().map(|old| old.object.value()).as_ref(),
                        Some(&new.object.value()),
                    ));
                    if let Some(old) = old.filter(|old| old.uid != new.uid) {
                        change.gone.push(gone(&key, &old));
                    }
                    change.requeue.insert(key);
                }
                Effect::Gone { key, old } => {
                    let value = old.object.value();
                    change.requeue.extend(self.renew_mini_program(&key, Some(&value), None));
                    change.requeue.remove(&key);
                    change.gone.push(gone(&key, &old));
                }
            }
        }
        self.finish(scope, was_complete, change)
    }

    /// Records an event of the watch on all Secrets.
    pub fn secret_event(
        &mut self,
        scope: &Scope,
        event: Event<PartialObjectMeta<Secret>>,
    ) -> Change {
        let mut change = ChangeSet::default();
        let event = map(event, |secret| {
            let (uid, name, version) = identity(&secret);
            let value =
                Version::of(&uid, secret.metadata.resource_version.as_deref().unwrap_or_default());
            Item {
                key: self.secret_key(name.namespace(), name.name()),
                uid,
                version,
                value: Some(value),
            }
        });
        let Some(lists) = self.scopes.get_mut(scope) else { return Change::default() };
        let was_complete = lists.complete();
        for effect in lists.secrets.take(event) {
            let (Effect::Set { key, .. } | Effect::Gone { key, .. }) = effect;
            change.requeue.extend(self.users.get(key).iter().cloned());
        }
        self.finish(scope, was_complete, change)
    }

    /// Records an event of the watch on target Secrets.
    pub fn target_event(
        &mut self,
        scope: &Scope,
        event: Event<PartialObjectMeta<Secret>>,
    ) -> Change {
        let mut change = ChangeSet::default();
        let is_change = matches!(event, Event::Apply(_));
        let event = map(event, |secret| {
            let (uid, key, version) = identity(&secret);
            let lists = self.scopes.get(scope).filter(|_| is_change);
            let known = lists.and_then(|lists| lists.targets.at(&key, version)).cloned();
            let value = known.or_else(|| Packed::of(&Projection::of(&secret.metadata)));
            Item { key, uid, version, value }
        });
        let Some(lists) = self.scopes.get_mut(scope) else { return Change::default() };
        let was_complete = lists.complete();
        for effect in lists.targets.take(event) {
            let (key, old, new) = match effect {
                Effect::Set { key, old, new } => (key, old, Some(new)),
                Effect::Gone { key, old } => (key, Some(old), None),
            };
            let [old, new] = [old, new].map(|target| target.map(|target| target.value()));
            self.renew_target(&key, old.as_ref(), new.as_ref());
            change.requeue.extend(self.users_of(&key).iter().cloned());
            change.requeue.extend(
                [old, new]
                    .into_iter()
                    .flatten()
                    .filter_map(|target| self.controller(&key, &target)),
            );
        }
        self.finish(scope, was_complete, change)
    }

    /// Records that the cluster was restored from a backup, so that its resourceVersions are lower
    /// than before: the next lists replace all known objects.
    pub fn record_restore(&mut self) {
        for lists in self.scopes.values_mut() {
            lists.mini_programs.record_restore();
            lists.secrets.record_restore();
            lists.targets.record_restore();
        }
    }

    /// Records a `MiniProgram` that was read because a write of it was refused.
    pub fn record_object_read(&mut self, object: MiniProgram) {
        let (uid, key, version) = identity(&object);
        let held = self.version_of(&key, &uid);
        self.is_newer_than_server |= held.is_some_and(|held| held > version);
        self.record_status_write(object);
    }

    /// Whether an object is known in a later version than the API server has: the cluster was
    /// restored from a backup, and its newest resourceVersion has grown past the known ones since.
    /// True once.
    pub fn take_newer_than_server(&mut self) -> bool {
        std::mem::take(&mut self.is_newer_than_server)
    }

    /// Records the API server's response to our own write of a `MiniProgram` or its status, and
    /// returns it as it is kept.
    pub fn record_status_write(&mut self, mut object: MiniProgram) -> Arc<MiniProgram> {
        prune(&mut object);
        let (uid, key, version) = identity(&object);
        let new = Arc::new(object);
        // Only the watch replaces an object by another one of its name: it also reports the
        // deletion.
        if self.uid_of(&key).is_some_and(|held| held != uid) {
            return new;
        }
        let Some(kept) = Kept::of(&new) else { return new };
        let Some(lists) = self.lists_of_mut(key.namespace()) else { return new };
        let Some(old) = lists.mini_programs.record_write(&key, &uid, version, kept.into()) else {
            return new;
        };
        let old = old.map(|old| old.object.value());
        let concerned = self.renew_mini_program(&key, old.as_ref(), Some(&new));
        self.pending.extend(concerned.into_iter().filter(|name| *name != key));
        new
    }

    /// Records the API server's response to our own write of a target.
    pub fn record_own_write(&mut self, namespace: &str, new: &Projection) {
        let (secret, key) =
            (self.secret_key(namespace, &new.name), ObjectName::new(namespace, &new.name));
        let Some(packed) = Packed::of(new) else { return };
        let (number, version) = (number(&new.version), Version::of(&new.uid, &new.version));
        let Some(lists) = self.lists_of_mut(namespace) else { return };
        // Both lists are changed or neither, so that the requeued objects find both.
        let Some(old) = lists.targets.record_write(&key, &new.uid, number, packed) else {
            return;
        };
        lists.secrets.record_write(&secret, &new.uid, number, version);
        let old = old.map(|old| old.value());
        self.renew_target(&key, old.as_ref(), Some(new));
        self.requeue_users(&key, old.as_ref(), self.controller(&key, new).as_ref());
    }

    /// Records the version of a Secret that the object `reader` has read from the API server. The
    /// watch may show it much later.
    pub fn record_read(&mut self, reader: &ObjectName, name: &str, uid: &str, version: &str) {
        let key = self.secret_key(reader.namespace(), name);
        let Some(lists) = self.lists_of_mut(reader.namespace()) else { return };
        if lists
            .secrets
            .record_write(&key, uid, number(version), Version::of(uid, version))
            .is_some()
        {
            self.pending.extend(self.users.get(key).iter().filter(|user| *user != reader).cloned());
        }
    }

    /// Records that we deleted the target of this name and uid.
    pub fn record_own_delete(&mut self, namespace: &str, name: &str, uid: &str) {
        let (secret, key) = (self.secret_key(namespace, name), ObjectName::new(namespace, name));
        let Some(lists) = self.lists_of_mut(namespace) else { return };
        let is_it = |_, target: &Packed<Projection>| target.value().uid == uid;
        let Some(old) = lists.targets.remove(&key, uid, is_it) else { return };
        let old = old.value();
        lists.secrets.remove(&secret, uid, |number, version| {
            *version == Version::of(uid, &number.to_string())
        });
        self.renew_target(&key, Some(&old), None);
        self.requeue_users(&key, Some(&old), None);
    }

    /// Reads an object that a watch has shown. A change to a known version is our own write, which
    /// is kept as it is; a list after a restore may show another object of that version.
    fn read(
        &mut self,
        object: DeserializeGuard<MiniProgram>,
        is_change: bool,
        change: &mut ChangeSet,
    ) -> Item<ObjectName, Arc<Kept>> {
        let (uid, key, version) = identity(&object);
        let lists = self.lists_of(key.namespace()).filter(|_| is_change);
        let known = lists.and_then(|lists| lists.mini_programs.at(&key, version)).cloned();
        let value = object.0.ok().and_then(|mut object| {
            known.or_else(|| {
                prune(&mut object);
                Kept::of(&object).map(Arc::new)
            })
        });
        if value.is_some() {
            self.unreadable.forget(&key);
        } else if self.unreadable.is_new(&key, version) {
            change.unreadable.push(key.clone());
        }
        Item { key, uid, version, value }
    }

    fn requeue_users(
        &mut self,
        target: &ObjectName,
        old: Option<&Projection>,
        writer: Option<&ObjectName>,
    ) {
        let displaced = old.and_then(|old| self.controller(target, old));
        let concerned = self.users_of(target).iter().cloned().chain(displaced);
        let others: Vec<_> = concerned.filter(|name| Some(name) != writer).collect();
        self.pending.extend(others);
    }

    fn finish(&mut self, scope: &Scope, was_complete: bool, mut change: ChangeSet) -> Change {
        let lists = self.scopes.get(scope).filter(|lists| lists.complete() && !was_complete);
        change
            .requeue
            .extend(lists.into_iter().flat_map(|lists| lists.mini_programs.keys().cloned()));
        change.requeue.append(&mut self.pending);
        let exists = |name: &ObjectName| self.uid_of(name).is_some();
        let requeue = change.requeue.into_iter().filter(exists).collect();
        Change { requeue, gone: change.gone, unreadable: change.unreadable }
    }

    /// Updates the indexes for an object, and returns the objects of its app to requeue.
    fn renew_mini_program(
        &mut self,
        name: &ObjectName,
        old: Option<&MiniProgram>,
        new: Option<&MiniProgram>,
    ) -> Vec<ObjectName> {
        self.recent.forget(name);
        let secrets = |object: &MiniProgram| self.secrets_named_by(name.namespace(), object);
        let (had, has) =
            (old.map(secrets).unwrap_or_default(), new.map(secrets).unwrap_or_default());
        self.users.renew(&had, &has, name);
        let (had, has) = (old.map(|old| self.app_key(old)), new.map(|new| self.app_key(new)));
        self.apps.renew(had.as_slice(), has.as_slice(), name);
        let left = had.filter(|_| had != has).map(|had| self.renew_app(had, name, None));
        let mut concerned = left.unwrap_or_default();
        let kept = self.kept(name).filter(|_| new.is_some()).cloned();
        concerned
            .extend(has.map(|has| self.renew_app(has, name, kept.as_ref())).unwrap_or_default());
        concerned
    }

    /// Updates the crowd of an app for one of its objects, and returns the objects to requeue.
    fn renew_app(
        &mut self,
        app: u64,
        name: &ObjectName,
        object: Option<&Arc<Kept>>,
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
        for (name, object) in names.iter().filter_map(|name| Some((name, self.kept(name)?))) {
            crowd.set(name, Some(object));
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
            controller_uid(target).map(|uid| self.hasher.hash_one((name.namespace(), uid)))
        };
        let (had, has) = (old.and_then(key), new.and_then(key));
        self.controlled.renew(had.as_slice(), has.as_slice(), name);
    }
}

/// A [`Change`] that is being collected: each object once.
#[derive(Default)]
struct ChangeSet {
    requeue: BTreeSet<ObjectName>,
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
    fn text(text: Option<&String>) -> &str {
        text.map_or("", String::as_str)
    }
    let meta = object.meta();
    let name = ObjectName::new(text(meta.namespace.as_ref()), text(meta.name.as_ref()));
    let version = number(text(meta.resource_version.as_ref()));
    (text(meta.uid.as_ref()).to_owned(), name, version)
}

/// Kubernetes guarantees that the resourceVersions of a kind are increasing numbers.
fn number(version: &str) -> u64 {
    version.parse().unwrap_or_default()
}

fn gone(name: &ObjectName, object: &Kept) -> Gone {
    Gone { name: name.clone(), uid: object.uid.to_string() }
}

/// Removes the metadata that is not used, which may be a megabyte.
fn prune(object: &mut MiniProgram) {
    let meta = &mut object.metadata;
    (meta.managed_fields, meta.labels, meta.finalizers) = (None, None, None);
    let is_used = |name: &String| [REFRESH_REQUESTED, INVALID_TOKEN].contains(&name.as_str());
    if let Some(annotations) = &mut meta.annotations {
        annotations.retain(|name, _| is_used(name));
    }
}
