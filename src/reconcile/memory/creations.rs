//! In which namespaces the API server has just created a target: there a dry run would say the same.
//! Knows no object.

use std::{collections::HashMap, time::Duration};

/// A quota, a role or a policy may change at any time. A start of ten thousand apps in a thousand
/// namespaces still creates one target a namespace in this time.
const RECENT: Duration = Duration::from_secs(10);

/// The namespaces of recent creations.
#[derive(Default)]
pub struct Creations {
    /// The boot time of the last one.
    by_namespace: HashMap<Box<str>, Duration>,
}

impl Creations {
    /// Whether a target was created in this namespace after `since` and a moment ago, and no write
    /// was refused after that.
    pub fn any(&self, namespace: &str, since: Duration, boot: Duration) -> bool {
        let created = self.by_namespace.get(namespace);
        created.is_some_and(|created| since < *created && boot < *created + RECENT)
    }

    /// Remembers that a target was created.
    pub fn created(&mut self, namespace: &str, boot: Duration) {
        if let Some(created) = self.by_namespace.get_mut(namespace) {
            *created = boot;
        } else {
            self.by_namespace.retain(|_, created| boot < *created + RECENT);
            self.by_namespace.insert(namespace.into(), boot);
        }
    }

    /// Remembers that a write was refused.
    pub fn refused(&mut self, namespace: &str) {
        self.by_namespace.remove(namespace);
    }
}

#[cfg(test)]
mod tests {
    use super::{Creations, RECENT};
    use crate::reconcile::plan::tests::sight::boot;

    #[test]
    fn a_creation_counts_for_its_namespace_and_for_a_moment() {
        let mut creations = Creations::default();
        assert!(!creations.any("team-a", boot(0), boot(2)));
        creations.created("team-a", boot(1));
        creations.created("team-a", boot(2));
        assert!(creations.any("team-a", boot(1), boot(11)), "the last one counts");
        assert!(!creations.any("team-a", boot(1), boot(2) + RECENT), "long ago");
        assert!(!creations.any("team-a", boot(2), boot(3)), "not since then");
        assert!(!creations.any("team-b", boot(1), boot(3)));
    }

    #[test]
    fn a_refused_write_ends_what_a_creation_has_shown() {
        let mut creations = Creations::default();
        creations.created("team-a", boot(1));
        creations.created("team-b", boot(1));
        creations.refused("team-a");
        assert!(!creations.any("team-a", boot(0), boot(2)));
        assert!(creations.any("team-b", boot(0), boot(2)));
    }

    #[test]
    fn a_namespace_without_a_recent_creation_takes_no_memory() {
        let mut creations = Creations::default();
        creations.created("team-a", boot(0));
        creations.created("team-b", boot(11));
        assert_eq!(creations.by_namespace.len(), 1);
    }
}
