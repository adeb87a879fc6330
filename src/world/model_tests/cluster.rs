//! A small API server: its objects, every change in order, and watches that lag. Knows nothing of
//! requeues.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::super::{
    tests::{meta, owned, secret},
    *,
};

#[derive(Clone)]
pub enum Thing {
    Object(Box<MiniProgram>),
    Secret { meta: Box<ObjectMeta>, target: bool },
}

pub enum Answer {
    Object(Box<MiniProgram>),
    Target(String, Projection),
    /// An object has read a Secret: its name, uid and version.
    Read(ObjectName, String, String, String),
    Removed(String, Projection),
}

#[derive(Clone, Copy, PartialEq)]
pub enum Kind {
    Objects,
    Secrets,
    Targets,
}

pub enum Phase {
    /// A list that was announced and is not read yet.
    Announced,
    Listing(Vec<Thing>, usize),
    Watching(usize),
}

pub struct Watch {
    pub scope: Scope,
    pub kind: Kind,
    pub phase: Phase,
}

pub struct Cluster {
    pub things: BTreeMap<(bool, ObjectName), Thing>,
    /// Every change: the resulting object, and whether it exists.
    pub log: Vec<(Thing, bool)>,
    pub answers: Vec<Answer>,
    pub watches: Vec<Watch>,
    pub world: World,
    /// What the plan of each object could depend on when it was last requeued.
    pub seen: BTreeMap<ObjectName, String>,
    /// The uid and version of each existing object, as the world last knew them.
    pub known: BTreeMap<(bool, ObjectName), (String, u64)>,
}

impl Thing {
    pub fn meta(&self) -> &ObjectMeta {
        match self {
            Self::Object(object) => &object.metadata,
            Self::Secret { meta, .. } => meta,
        }
    }

    pub fn is(&self, kind: Kind) -> bool {
        match self {
            Self::Object(_) => kind == Kind::Objects,
            Self::Secret { target, .. } => {
                kind == Kind::Secrets || (kind == Kind::Targets && *target)
            }
        }
    }
}

impl Watch {
    pub fn covers(&self, thing: &Thing) -> bool {
        let here = match &self.scope {
            Scope::All => true,
            Scope::Namespace(namespace) => thing.meta().namespace.as_ref() == Some(namespace),
        };
        here && thing.is(self.kind)
    }
}

impl Cluster {
    pub fn new(scopes: &[Scope]) -> Self {
        let kinds = [Kind::Objects, Kind::Secrets, Kind::Targets];
        let watch = |scope: &Scope| {
            kinds.map(|kind| Watch { scope: scope.clone(), kind, phase: Phase::Announced })
        };
        let mut cluster = Self {
            things: BTreeMap::new(),
            log: vec![],
            answers: vec![],
            watches: scopes.iter().flat_map(watch).collect(),
            world: World::new(scopes),
            seen: BTreeMap::new(),
            known: BTreeMap::new(),
        };
        (0..cluster.watches.len()).for_each(|watch| cluster.relist(watch));
        cluster
    }

    /// A resourceVersion is a position in the log, from one on.
    pub fn put(&mut self, is_object: bool, mut thing: Thing) -> Thing {
        let version = Some((self.log.len() + 1).to_string());
        match &mut thing {
            Thing::Object(object) => object.metadata.resource_version = version,
            Thing::Secret { meta, .. } => meta.resource_version = version,
        }
        let (_, name, _) = identity(&secret(thing.meta().clone()));
        self.things.insert((is_object, name), thing.clone());
        self.log.push((thing.clone(), true));
        thing
    }

    pub fn delete(&mut self, is_object: bool, name: &ObjectName) -> Option<Thing> {
        let mut thing = self.things.remove(&(is_object, name.clone()))?;
        let version = Some((self.log.len() + 1).to_string());
        match &mut thing {
            Thing::Object(object) => object.metadata.resource_version = version,
            Thing::Secret { meta, .. } => meta.resource_version = version,
        }
        self.log.push((thing.clone(), false));
        Some(thing)
    }

    pub fn object(&self, name: &ObjectName) -> Option<&MiniProgram> {
        match self.things.get(&(true, name.clone()))? {
            Thing::Object(object) => Some(object),
            Thing::Secret { .. } => None,
        }
    }

    pub fn uid_of(&self, is_object: bool, name: &ObjectName) -> String {
        let old =
            self.things.get(&(is_object, name.clone())).and_then(|thing| thing.meta().uid.clone());
        old.unwrap_or_else(|| format!("u{}", self.log.len()))
    }

    pub fn put_secret(
        &mut self,
        name: &ObjectName,
        target: bool,
        owner: Option<&ObjectName>,
    ) -> Thing {
        let old = self.things.get(&(false, name.clone()));
        if old.is_some_and(|old| old.is(Kind::Targets) != target) {
            self.delete(false, name);
        }
        let owner =
            owner.and_then(|owner| Some((owner.name(), self.object(owner)?.metadata.uid.clone()?)));
        let owner = owner.as_ref().map(|(name, uid)| (*name, uid.as_str()));
        let meta = owned(meta(name.namespace(), name.name(), &self.uid_of(false, name), 0), owner);
        self.put(false, Thing::Secret { meta: Box::new(meta), target })
    }

    pub fn relist(&mut self, watch: usize) {
        self.watches[watch].phase = Phase::Announced;
        self.deliver(watch, Event::Init);
    }

    /// Shows the next event of a watch, and returns whether there was one.
    pub fn show(&mut self, at: usize) -> bool {
        let watch = &self.watches[at];
        let (phase, event) = match &watch.phase {
            Phase::Announced => {
                let listed =
                    self.things.values().filter(|thing| watch.covers(thing)).cloned().collect();
                (Phase::Listing(listed, self.log.len()), None)
            }
            Phase::Listing(left, end) => match left.split_first() {
                Some((next, left)) => {
                    (Phase::Listing(left.to_vec(), *end), Some(Event::InitApply(next.clone())))
                }
                None => (Phase::Watching(*end), Some(Event::InitDone)),
            },
            Phase::Watching(from) => {
                let next = self
                    .log
                    .iter()
                    .enumerate()
                    .skip(*from)
                    .find(|(_, (thing, _))| watch.covers(thing));
                let Some((place, (thing, exists))) = next else { return false };
                let event = if *exists {
                    Event::Apply(thing.clone())
                } else {
                    Event::Delete(thing.clone())
                };
                (Phase::Watching(place + 1), Some(event))
            }
        };
        self.watches[at].phase = phase;
        if let Some(event) = event {
            self.deliver(at, event);
        }
        true
    }
}
