//! Random histories of a small cluster whose watches lag, whose lists are interrupted, and whose
//! responses to our own writes arrive late. In the end the world equals the cluster, and every
//! object whose plan depends on a change was requeued after it.

mod cluster;

use proptest::{collection::vec, prelude::*};

use self::cluster::{Answer, Cluster, Kind, Thing, Watch};
use super::{
    tests::{in_use, meta, mini_program, readable, secret},
    *,
};
use crate::projection::Owner;

const NAMESPACES: [&str; 2] = ["a", "b"];
const OBJECTS: [&str; 3] = ["m0", "m1", "m2"];
const SECRETS: [&str; 4] = ["s0", "s1", "s2", "s3"];
const APPS: [&str; 2] = ["wx0", "wx1"];
/// The name of the objects that are created at the end of a history.
const LAST: &str = "last";

#[derive(Clone, Copy, Debug)]
enum Step {
    /// Somebody creates or edits an object: namespace, object, app, credential, target.
    Object(usize, usize, usize, usize, usize),
    DeleteObject(usize, usize),
    /// Somebody creates or replaces a Secret: namespace, name, and whose target it is, if it is one
    /// at all.
    Secret(usize, usize, Option<usize>),
    DeleteSecret(usize, usize),
    OwnStatus(usize, usize, usize),
    OwnTarget(usize, usize, usize),
    OwnRemoval(usize, usize),
    /// An object reads its credential.
    Read(usize, usize),
    /// One of the answers to our own requests arrives.
    Answer(usize),
    /// A watch shows its next event.
    Show(usize),
    Relist(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let (namespace, object, secret) =
        (|| 0..NAMESPACES.len(), || 0..OBJECTS.len(), || 0..SECRETS.len());
    prop_oneof![
        2 => (namespace(), object(), 0..APPS.len(), secret(), secret()).prop_map(|(n, o, a, c, t)| Step::Object(n, o, a, c, t)),
        1 => (namespace(), object()).prop_map(|(n, o)| Step::DeleteObject(n, o)),
        2 => (namespace(), secret(), proptest::option::of(object())).prop_map(|(n, s, o)| Step::Secret(n, s, o)),
        1 => (namespace(), secret()).prop_map(|(n, s)| Step::DeleteSecret(n, s)),
        2 => (namespace(), object(), secret()).prop_map(|(n, o, s)| Step::OwnStatus(n, o, s)),
        3 => (namespace(), secret(), object()).prop_map(|(n, s, o)| Step::OwnTarget(n, s, o)),
        1 => (namespace(), secret()).prop_map(|(n, s)| Step::OwnRemoval(n, s)),
        2 => (namespace(), object()).prop_map(|(n, o)| Step::Read(n, o)),
        4 => (0..8_usize).prop_map(Step::Answer),
        12 => (0..6_usize).prop_map(Step::Show),
        1 => (0..6_usize).prop_map(Step::Relist),
    ]
}

impl Cluster {
    fn step(&mut self, step: Step) {
        let object = |n: usize, o: usize| ObjectName::new(NAMESPACES[n], OBJECTS[o]);
        let secret_name = |n: usize, s: usize| ObjectName::new(NAMESPACES[n], SECRETS[s]);
        match step {
            Step::Object(n, o, app, credential, target) => {
                let name = object(n, o);
                let app =
                    self.object(&name).map_or(APPS[app].to_owned(), |old| old.spec.app_id.clone());
                let meta = meta(name.namespace(), name.name(), &self.uid_of(true, &name), 0);
                let new = mini_program(meta, &app, SECRETS[credential], SECRETS[target]);
                self.put(true, Thing::Object(Box::new(new)));
            }
            Step::DeleteObject(n, o) => drop(self.delete(true, &object(n, o))),
            Step::Secret(n, s, owner) => {
                let owner = owner.map(|owner| object(n, owner));
                self.put_secret(&secret_name(n, s), owner.is_some(), owner.as_ref());
            }
            Step::DeleteSecret(n, s) => drop(self.delete(false, &secret_name(n, s))),
            Step::OwnStatus(n, o, target) => {
                let Some(own) = self.object(&object(n, o)).cloned() else { return };
                let Thing::Object(own) =
                    self.put(true, Thing::Object(Box::new(in_use(own, SECRETS[target]))))
                else {
                    return;
                };
                self.answers.push(Answer::Object(own));
            }
            Step::OwnTarget(n, s, o) => {
                let Some(uid) = self.object(&object(n, o)).and_then(|own| own.metadata.uid.clone())
                else {
                    return;
                };
                let ours = |old: &Thing| {
                    let owner = Projection::of(old.meta());
                    old.is(Kind::Targets) && controller_uid(&owner).is_none_or(|owner| owner == uid)
                };
                if !self.things.get(&(false, secret_name(n, s))).is_none_or(ours) {
                    return;
                }
                let own = self.put_secret(&secret_name(n, s), true, Some(&object(n, o)));
                self.answers.push(Answer::Target(NAMESPACES[n].into(), Projection::of(own.meta())));
            }
            Step::OwnRemoval(n, s) => {
                let old = self.things.get(&(false, secret_name(n, s)));
                let Some(old) = old.map(|old| Projection::of(old.meta())) else { return };
                if matches!(old.owner, Owner::MiniProgram { .. }) {
                    self.delete(false, &secret_name(n, s));
                    self.answers.push(Answer::Removed(NAMESPACES[n].into(), old));
                }
            }
            Step::Read(n, o) => {
                let reader = object(n, o);
                let Some(name) =
                    self.object(&reader).map(|own| own.spec.credential_ref.name.clone())
                else {
                    return;
                };
                let Some(read) = self.things.get(&(false, ObjectName::new(NAMESPACES[n], &name)))
                else {
                    return;
                };
                let text = |text: &Option<String>| text.clone().unwrap_or_default();
                let (uid, version) = (text(&read.meta().uid), text(&read.meta().resource_version));
                self.answers.push(Answer::Read(reader, name, uid, version));
            }
            Step::Answer(at) => self.answer(at),
            Step::Show(watch) => drop(self.show(watch % self.watches.len())),
            Step::Relist(watch) => self.relist(watch % self.watches.len()),
        }
    }

    /// The response to a write goes to the object that wrote, which is not requeued for it.
    fn answer(&mut self, at: usize) {
        if self.answers.is_empty() {
            return;
        }
        let before = self.views();
        let owner = |namespace: &str, target: &Projection| match &target.owner {
            Owner::MiniProgram { name, .. } => Some(ObjectName::new(namespace, name)),
            Owner::Nobody | Owner::Other => None,
        };
        let writer = match self.answers.remove(at % self.answers.len()) {
            Answer::Object(own) => {
                let name = identity(&*own).1;
                self.world.record_status_write(*own);
                Some(name)
            }
            Answer::Target(namespace, own) => {
                let writer = owner(&namespace, &own);
                self.world.record_own_write(&namespace, &own);
                writer
            }
            Answer::Read(reader, name, uid, version) => {
                self.world.record_read(&reader, &name, &uid, &version);
                Some(reader)
            }
            Answer::Removed(namespace, own) => {
                self.world.record_own_delete(&namespace, &own.name, &own.uid);
                owner(&namespace, &own)
            }
        };
        // The writer knows the change of this response. If it has not been requeued for an earlier
        // change, it still must be.
        if let Some(writer) = writer.filter(|writer| before.get(writer) == self.seen.get(writer))
            && let Some(view) = self.views().remove(&writer)
        {
            self.seen.insert(writer, view);
        }
    }

    fn deliver(&mut self, watch: usize, event: Event<Thing>) {
        let Watch { scope, kind, .. } = &self.watches[watch];
        let of_secret = |thing: Thing| secret(thing.meta().clone());
        let of_object = |thing: Thing| match thing {
            Thing::Object(object) => readable(*object),
            Thing::Secret { .. } => unreachable!("a watch on objects"),
        };
        let change = match kind {
            Kind::Objects => self.world.mini_program_event(scope, map(event, of_object)),
            Kind::Secrets => self.world.secret_event(scope, map(event, of_secret)),
            Kind::Targets => self.world.target_event(scope, map(event, of_secret)),
        };
        change.gone.iter().for_each(|gone| drop(self.seen.remove(&gone.name)));
        let mut views = self.views();
        for name in change.requeue.into_iter().filter(|name| name.name() != LAST) {
            let view = views.remove(&name).expect("a requeued object exists");
            self.seen.insert(name, view);
        }
    }

    /// Everything that the plan of each object could depend on.
    fn views(&self) -> BTreeMap<ObjectName, String> {
        let mut views = BTreeMap::new();
        let version = |namespace: &str, name: &str| match self.world.target(namespace, name) {
            Lookup::Found(target) => target.version.clone(),
            other => format!("{other:?}"),
        };
        for name in NAMESPACES
            .iter()
            .flat_map(|namespace| OBJECTS.iter().map(|object| ObjectName::new(namespace, object)))
        {
            let Some(own) = self.world.mini_program(&name) else { continue };
            let namespace = name.namespace();
            let in_use = own
                .status
                .as_ref()
                .and_then(|status| status.target_ref.clone())
                .unwrap_or_default()
                .name;
            let named = [own.spec.credential_ref.name.clone(), own.target_name(), in_use];
            let secrets =
                named.map(|name| (self.world.secret(namespace, &name), version(namespace, &name)));
            let controlled = self
                .world
                .controlled_by(namespace, own.metadata.uid.as_deref().unwrap_or_default());
            let app = self.world.same_app(own.spec.platform.as_str(), &own.spec.app_id);
            let controlled: Vec<_> = controlled.iter().map(|target| &target.version).collect();
            let app: Vec<_> = app.iter().map(|object| identity(&**object)).collect();
            views.insert(name, format!("{:?} {secrets:?} {controlled:?} {app:?}", identity(&*own)));
        }
        views
    }

    fn check_indexes(&self) {
        let world = &self.world;
        let objects = || {
            world
                .scopes
                .values()
                .flat_map(|lists| lists.mini_programs.keys())
                .filter_map(|name| world.mini_program(name))
        };
        let targets = || world.scopes.values().flat_map(|lists| lists.targets.keys());
        let users: usize =
            objects().map(|own| world.secrets_named_by(own.namespace(), &own).len()).sum();
        assert_eq!(
            (world.users.len(), world.apps.len()),
            (users, objects().count()),
            "nothing is left behind"
        );
        assert_eq!(
            world.controlled.len(),
            targets()
                .filter(|at| world
                    .target_at(at)
                    .is_some_and(|target| controller_uid(&target).is_some()))
                .count()
        );
        for own in objects() {
            let (uid, name, _) = identity(&*own);
            let mine = |at: &&ObjectName| {
                at.namespace() == name.namespace()
                    && world
                        .target_at(at)
                        .is_some_and(|target| controller_uid(&target) == Some(&*uid))
            };
            assert_eq!(
                world.controlled_by(name.namespace(), &uid).len(),
                targets().filter(mine).count()
            );
            let same = objects().filter(|other| other.spec.app_id == own.spec.app_id).count();
            assert_eq!(world.same_app("WeChat", &own.spec.app_id).len(), same);
        }
    }

    /// An existing object is never known in an older version than before, and is never forgotten.
    fn check_never_back(&mut self) {
        let held = |is_object: bool, name: &ObjectName| {
            let object = self.world.mini_program(name).filter(|_| is_object);
            let target = self.world.target_at(name).filter(|_| !is_object);
            let target = target.map(|target| (target.uid.clone(), number(&target.version)));
            object.map(|own| (identity(&*own).0, identity(&*own).2)).or(target)
        };
        let known = self.things.iter().filter_map(|((is_object, name), thing)| {
            let (known, now) =
                (self.known.get(&(*is_object, name.clone())), held(*is_object, name));
            if let Some((uid, before)) =
                known.filter(|(uid, _)| thing.meta().uid.as_ref() == Some(uid))
            {
                let still =
                    now.as_ref().is_some_and(|(now, version)| now == uid && version >= before);
                assert!(still, "{name} was known as {known:?}, and now as {now:?}");
            }
            Some(((*is_object, name.clone()), now?))
        });
        self.known = known.collect();
    }

    /// Delivers all events and responses, and a last event on each watch, which shows that no
    /// earlier one is missing.
    fn drain(&mut self) {
        while !self.answers.is_empty() {
            self.answer(0);
        }
        for namespace in NAMESPACES {
            let last = ObjectName::new(namespace, LAST);
            self.put(
                true,
                Thing::Object(Box::new(mini_program(
                    meta(namespace, LAST, LAST, 0),
                    LAST,
                    LAST,
                    LAST,
                ))),
            );
            self.put_secret(&last, true, None);
        }
        for watch in 0..self.watches.len() {
            while self.show(watch) {}
        }
    }

    fn check_equality(&self) {
        for namespace in NAMESPACES {
            for name in OBJECTS {
                let name = ObjectName::new(namespace, name);
                assert_eq!(self.world.mini_program(&name).as_deref(), self.object(&name));
            }
            for name in SECRETS {
                let truth = self.things.get(&(false, ObjectName::new(namespace, name)));
                let version = truth.map(|thing| {
                    let meta = thing.meta();
                    Version::of(
                        meta.uid.as_deref().unwrap_or_default(),
                        meta.resource_version.as_deref().unwrap_or_default(),
                    )
                });
                assert_eq!(
                    self.world.secret(namespace, name),
                    version.into(),
                    "{namespace}/{name}"
                );
                let target = truth
                    .filter(|thing| thing.is(Kind::Targets))
                    .map(|thing| Arc::new(Projection::of(thing.meta())));
                assert_eq!(self.world.target(namespace, name), target.into(), "{namespace}/{name}");
            }
        }
        assert_eq!(self.seen, self.views());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_world_converges_to_the_cluster(by_namespace: bool, steps in vec(step(), 0..120)) {
        let scopes = NAMESPACES.map(|namespace| Scope::Namespace(namespace.to_owned()));
        let mut cluster = Cluster::new(if by_namespace { &scopes } else { &[Scope::All] });
        for step in steps {
            cluster.step(step);
            cluster.check_indexes();
            cluster.check_never_back();
        }
        cluster.drain();
        cluster.check_indexes();
        cluster.check_equality();
    }
}
