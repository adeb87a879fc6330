//! The objects that were unpacked last: an iteration of a pass asks for what the one before it has
//! asked for, and the objects of an app are shown the same siblings. Knows nothing of what they say.

use std::{
    cell::RefCell,
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use super::ObjectName;
use crate::api::MiniProgram;

/// More than the passes that make a call at a time, by default, and the siblings that one of them is
/// shown; each takes some four kilobytes.
const MOST: usize = 128;

/// The objects that were unpacked last, in their current versions.
#[derive(Default)]
pub(super) struct Recent(RefCell<Unpacked>);

#[derive(Default)]
struct Unpacked {
    by_name: HashMap<ObjectName, Arc<MiniProgram>>,
    /// The names in the order in which they came. A name that was forgotten meanwhile may be in it.
    order: VecDeque<ObjectName>,
}

impl Recent {
    /// The object of a name, unpacked if it is not among the last ones.
    pub fn object(
        &self,
        name: &ObjectName,
        unpack: impl FnOnce() -> MiniProgram,
    ) -> Arc<MiniProgram> {
        let mut recent = self.0.borrow_mut();
        if let Some(object) = recent.by_name.get(name) {
            return Arc::clone(object);
        }
        let object = Arc::new(unpack());
        recent.by_name.insert(name.clone(), Arc::clone(&object));
        recent.order.push_back(name.clone());
        if recent.order.len() > MOST
            && let Some(first) = recent.order.pop_front()
        {
            recent.by_name.remove(&first);
        }
        object
    }

    /// Forgets an object that has changed, or no longer exists.
    pub fn forget(&mut self, name: &ObjectName) {
        self.0.get_mut().by_name.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::{MOST, Recent};
    use crate::world::{
        ObjectName,
        tests::{meta, mini_program},
    };

    #[test]
    fn an_object_is_unpacked_once_until_it_changes_or_many_others_were_asked_for() {
        let (mut recent, unpacked) = (Recent::default(), Cell::new(0));
        let name = |number: usize| ObjectName::new("team-a", &format!("shop-{number}"));
        let ask = |recent: &Recent, number| {
            let unpack = || {
                unpacked.set(unpacked.get() + 1);
                mini_program(meta("a", "shop", "u-shop", 1), "wx1", "secret", "shop-token")
            };
            recent.object(&name(number), unpack);
            unpacked.get()
        };
        assert_eq!([ask(&recent, 0), ask(&recent, 0)], [1, 1]);
        recent.forget(&name(0));
        assert_eq!([ask(&recent, 0), ask(&recent, 0)], [2, 2]);
        let all: Vec<_> = (0..2 * MOST).map(|number| ask(&recent, number)).collect();
        assert_eq!(ask(&recent, 2 * MOST - 1), *all.last().expect("many"));
        assert_eq!(ask(&recent, 0), 2 * MOST + 2, "it was asked for long ago");
        assert!(recent.0.get_mut().by_name.len() <= MOST && recent.0.get_mut().order.len() <= MOST);
    }
}
