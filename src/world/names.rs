//! The types of the world's arguments and results. Values only.

use std::{
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use crate::api::{MiniProgram, TokenMode};

/// The namespace and name of an object. Cheap to clone: a dozen tables name each object.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectName(Arc<str>);

/// Between namespace and name. Neither may contain it, and names are in the order of their
/// namespaces, since it is less than any character.
const BETWEEN: char = '\0';

impl ObjectName {
    /// The object of this name in this namespace.
    #[must_use]
    pub fn new(namespace: &str, name: &str) -> Self {
        Self([namespace, name].join(BETWEEN.encode_utf8(&mut [0])).into())
    }

    /// Its namespace.
    #[must_use]
    pub fn namespace(&self) -> &str {
        self.parts().0
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.parts().1
    }

    fn parts(&self) -> (&str, &str) {
        self.0.split_once(BETWEEN).unwrap_or_default()
    }
}

impl fmt::Debug for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (namespace, name) = self.parts();
        write!(f, "{namespace}/{name}")
    }
}

/// One version of a Secret: a hash of its uid and resourceVersion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version(u64);

impl Version {
    /// The version of this uid and resourceVersion.
    #[must_use]
    pub fn of(uid: &str, resource_version: &str) -> Self {
        // The hasher has no random key, so that a version is the same everywhere. The API server
        // chooses both inputs, so no user can cause a collision.
        let mut hasher = DefaultHasher::new();
        (uid, resource_version).hash(&mut hasher);
        Self(hasher.finish())
    }
}

/// The result of looking up an object that may not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup<T> {
    /// The list that would contain it is not complete yet.
    NotSynced,
    /// It does not exist.
    NotFound,
    /// It exists.
    Found(T),
}

impl<T> From<Option<T>> for Lookup<T> {
    fn from(found: Option<T>) -> Self {
        found.map_or(Self::NotFound, Self::Found)
    }
}

/// The other objects of an app that an object depends on.
#[derive(Clone, Debug, Default)]
pub struct Siblings {
    /// The objects that it may depend on: a few dozen at most.
    pub shown: Vec<Arc<MiniProgram>>,
    /// The sum of the mints in the statuses of all others.
    pub unshown: Vec<Unshown>,
    /// Whether the object is not served, since its namespace has too many older objects of the app.
    pub surplus: bool,
}

/// The mints that were not due by the token's age, of the objects that are not in `shown`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unshown {
    /// The token mode of these objects.
    pub mode: Option<TokenMode>,
    /// The platform's day.
    pub day: String,
    /// The number of mints.
    pub count: i64,
}

/// The namespaces that one set of watches covers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// The whole cluster.
    All,
    /// One namespace.
    Namespace(String),
}

impl Scope {
    /// Whether the scope covers an object.
    pub(super) fn covers(&self, name: &ObjectName) -> bool {
        match self {
            Self::All => true,
            Self::Namespace(namespace) => namespace == name.namespace(),
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all namespaces"),
            Self::Namespace(namespace) => write!(f, "namespace {namespace}"),
        }
    }
}

/// What an event changes for the controller.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// The `MiniProgram`s to requeue, each once and in order. All of them exist.
    pub requeue: Vec<ObjectName>,
    /// The `MiniProgram`s that no longer exist.
    pub gone: Vec<Gone>,
    /// The `MiniProgram`s whose new version cannot be deserialized. They are treated as absent.
    pub unreadable: Vec<ObjectName>,
}

impl Change {
    /// Whether the event changes nothing for the controller.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.requeue.is_empty() && self.gone.is_empty() && self.unreadable.is_empty()
    }
}

/// A `MiniProgram` that no longer exists. Another one of the same name may exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gone {
    /// Its name.
    pub name: ObjectName,
    /// Its uid.
    pub uid: String,
}
