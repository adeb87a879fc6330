//! The words in which the world is asked and answers. Values only.

use std::{
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use crate::api::{MiniProgram, TokenMode};

/// The namespace and name of an object.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectName {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl ObjectName {
    /// The object of this name in this namespace.
    #[must_use]
    pub fn new(namespace: &str, name: &str) -> Self {
        Self { namespace: namespace.to_owned(), name: name.to_owned() }
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// One version of a Secret: a hash of its uid and resourceVersion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version(u64);

impl Version {
    /// The version of this uid and resourceVersion.
    #[must_use]
    pub fn of(uid: &str, resource_version: &str) -> Self {
        // No key, so that it can be told without a world: the API server chooses both, so nobody
        // can aim for a collision.
        let mut hasher = DefaultHasher::new();
        (uid, resource_version).hash(&mut hasher);
        Self(hasher.finish())
    }
}

/// What is known of an object that may not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup<T> {
    /// The list that it would be in is not complete yet.
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

/// The other objects of an app, as far as one of them depends on them.
#[derive(Clone, Debug, Default)]
pub struct Siblings {
    /// Those that matter, and no more of them than a few dozen.
    pub shown: Vec<Arc<MiniProgram>>,
    /// What the statuses of all the rest count together.
    pub unshown: Vec<Unshown>,
    /// Whether so many objects of its namespace were there before it that it is not served.
    pub surplus: bool,
}

/// Mints that no clock asked for, of objects that are not shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unshown {
    /// The mode of their specs.
    pub mode: Option<TokenMode>,
    /// The platform's day.
    pub day: String,
    /// How many.
    pub count: i64,
}

/// What one set of watches covers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// The whole cluster.
    All,
    /// One namespace.
    Namespace(String),
}

impl Scope {
    /// Whether an object is in it.
    pub(super) fn covers(&self, name: &ObjectName) -> bool {
        match self {
            Self::All => true,
            Self::Namespace(namespace) => *namespace == name.namespace,
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

/// What follows from an event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// The `MiniProgram`s to look at, each once and in order. All of them exist.
    pub look: Vec<ObjectName>,
    /// The `MiniProgram`s that exist no more.
    pub gone: Vec<Gone>,
    /// The `MiniProgram`s whose new version this program cannot read. They count as absent.
    pub unreadable: Vec<ObjectName>,
}

impl Change {
    /// Whether nothing follows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.look.is_empty() && self.gone.is_empty() && self.unreadable.is_empty()
    }
}

/// A `MiniProgram` that exists no more. Another of its name may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gone {
    /// Its name.
    pub name: ObjectName,
    /// Its uid.
    pub uid: String,
}
