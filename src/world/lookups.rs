//! The queries of the world. They read the lists and indexes and change none.

use std::{collections::BTreeSet, hash::BuildHasher, sync::Arc};

use k8s_openapi::jiff::Timestamp;

use super::{Kept, Lists, Lookup, ObjectName, Scope, Siblings, Version, World};
use crate::{
    api::MiniProgram,
    packed::Packed,
    projection::{Owner, Projection},
};

impl World {
    /// The `MiniProgram` of a name: the newer of the version that the watch has shown and the one
    /// that we wrote.
    #[must_use]
    pub fn mini_program(&self, name: &ObjectName) -> Option<Arc<MiniProgram>> {
        let kept = self.kept(name)?;
        Some(self.recent.object(name, || kept.object.value()))
    }

    /// The uid of the `MiniProgram` of a name.
    #[must_use]
    pub fn uid_of(&self, name: &ObjectName) -> Option<&str> {
        Some(&self.kept(name)?.uid)
    }

    pub(super) fn kept(&self, name: &ObjectName) -> Option<&Arc<Kept>> {
        self.lists_of(name.namespace())?.mini_programs.get(name)
    }

    /// The known version of the `MiniProgram` of a name, if it has this uid.
    pub(super) fn version_of(&self, name: &ObjectName, uid: &str) -> Option<u64> {
        let lists = self.lists_of(name.namespace()).filter(|_| self.uid_of(name) == Some(uid))?;
        lists.mini_programs.version(name)
    }

    /// The version of a Secret of any type.
    #[must_use]
    pub fn secret(&self, namespace: &str, name: &str) -> Lookup<Version> {
        let lists = self.lists_of(namespace).filter(|lists| lists.secrets.complete());
        lists.map_or(Lookup::NotSynced, |lists| {
            lists.secrets.get(&self.secret_key(namespace, name)).copied().into()
        })
    }

    /// The metadata of a target Secret.
    #[must_use]
    pub fn target(&self, namespace: &str, name: &str) -> Lookup<Arc<Projection>> {
        let lists = self.lists_of(namespace).filter(|lists| lists.targets.complete());
        lists.map_or(Lookup::NotSynced, |lists| {
            let target = lists.targets.get(&ObjectName::new(namespace, name));
            target.map(|target| Arc::new(target.value())).into()
        })
    }

    /// The targets that the `MiniProgram` of this uid controls.
    #[must_use]
    pub fn controlled_by(&self, namespace: &str, uid: &str) -> Vec<Arc<Projection>> {
        let names = self.controlled.get(self.hasher.hash_one((namespace, uid))).iter();
        let is_it = |target: &Projection| controller_uid(target) == Some(uid);
        names.filter_map(|name| self.target_at(name)).filter(is_it).map(Arc::new).collect()
    }

    /// The `MiniProgram`s of an app, in all namespaces.
    #[must_use]
    pub fn same_app(&self, platform: &str, app_id: &str) -> Vec<Arc<MiniProgram>> {
        let names = self.apps.get(self.hasher.hash_one((platform, app_id))).iter();
        let is_it = |object: &Arc<MiniProgram>| {
            object.spec.platform.as_str() == platform && object.spec.app_id == app_id
        };
        names.filter_map(|name| self.mini_program(name)).filter(is_it).collect()
    }

    /// The other objects of an app that an object depends on. A time after `until` is in the
    /// future, by clock skew or by an edit.
    #[must_use]
    pub fn siblings(&self, of: &ObjectName, object: &MiniProgram, until: Timestamp) -> Siblings {
        if let Some(crowd) = self.crowds.get(&self.app_key(object)) {
            return crowd.siblings(of, until, |name| self.mini_program(name));
        }
        let all = self.same_app(object.spec.platform.as_str(), &object.spec.app_id).into_iter();
        let shown = all.filter(|other| other.metadata.uid != object.metadata.uid).collect();
        Siblings { shown, ..Siblings::default() }
    }

    /// Whether the lists of a namespace are complete. Until then, plans there depend on time alone.
    #[must_use]
    pub fn listed(&self, namespace: &str) -> bool {
        self.lists_of(namespace).is_some_and(Lists::complete)
    }

    /// Whether the lists of all scopes are complete.
    #[must_use]
    pub fn complete(&self) -> bool {
        self.scopes.values().all(Lists::complete)
    }

    /// The newest resourceVersion of a `MiniProgram` that the API server has shown. Secrets may be
    /// stored in another etcd, whose versions are counted separately.
    #[must_use]
    pub fn newest_version(&self) -> u64 {
        self.scopes.values().map(|lists| lists.mini_programs.newest()).max().unwrap_or_default()
    }

    pub(super) fn users_of(&self, secret: &ObjectName) -> &[ObjectName] {
        self.users.get(self.secret_key(secret.namespace(), secret.name()))
    }

    /// The `MiniProgram` that controls a target, if the object of that name still has the uid of
    /// the owner reference.
    pub(super) fn controller(&self, at: &ObjectName, target: &Projection) -> Option<ObjectName> {
        let Owner::MiniProgram { uid, name } = &target.owner else { return None };
        let name = ObjectName::new(at.namespace(), name);
        (self.uid_of(&name) == Some(uid)).then_some(name)
    }

    pub(super) fn target_at(&self, name: &ObjectName) -> Option<Projection> {
        self.lists_of(name.namespace())?.targets.get(name).map(Packed::value)
    }

    pub(super) fn secrets_named_by(&self, namespace: &str, object: &MiniProgram) -> Vec<u64> {
        let in_use = object.status.as_ref().and_then(|status| status.target_ref.as_ref());
        let target = object.target_name();
        let names = [&object.spec.credential_ref.name, &target]
            .into_iter()
            .chain(in_use.map(|in_use| &in_use.name));
        let keys: BTreeSet<u64> = names.map(|name| self.secret_key(namespace, name)).collect();
        keys.into_iter().collect()
    }

    pub(super) fn secret_key(&self, namespace: &str, name: &str) -> u64 {
        self.hasher.hash_one((namespace, name))
    }

    pub(super) fn app_key(&self, object: &MiniProgram) -> u64 {
        self.hasher.hash_one((object.spec.platform.as_str(), object.spec.app_id.as_str()))
    }

    pub(super) fn lists_of(&self, namespace: &str) -> Option<&Lists> {
        self.scopes
            .get(&Scope::All)
            .or_else(|| self.scopes.get(&Scope::Namespace(namespace.to_owned())))
    }

    pub(super) fn lists_of_mut(&mut self, namespace: &str) -> Option<&mut Lists> {
        let scope = if self.scopes.contains_key(&Scope::All) {
            Scope::All
        } else {
            Scope::Namespace(namespace.to_owned())
        };
        self.scopes.get_mut(&scope)
    }
}

pub(super) fn controller_uid(target: &Projection) -> Option<&str> {
    match &target.owner {
        Owner::MiniProgram { uid, .. } => Some(uid),
        Owner::Nobody | Owner::Other => None,
    }
}
