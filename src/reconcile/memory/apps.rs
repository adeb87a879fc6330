//! What the process remembers of an app's mints, over all its objects, including deleted ones.
//! Knows no object.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use k8s_openapi::jiff::Timestamp;

use crate::api::Mints;

/// Counters are per day, and no floor, no quota and no life of a token is longer.
const REMEMBERED: Duration = Duration::from_secs(24 * 3600);
/// Each app takes about half a kilobyte. The app whose last mint is oldest is dropped first. At the
/// default limit of 50 calls a second for each platform its last mint is then more than five
/// minutes old, as long as the longest floor between two mints. The day's counters are also in the
/// statuses of the app's objects. An app loses them only if its objects are created anew each time
/// and this many other apps mint meanwhile.
const MOST: usize = 16_384;

/// The app of a token: platform, app id and mode.
pub type AppKey = (&'static str, Arc<str>, &'static str);

/// The mints of an app in this process, over all its objects, including deleted ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AppMints {
    /// The counters that the objects' statuses have too.
    pub mints: Mints,
    /// The last mint.
    pub last: Option<LastMint>,
    /// The number of consecutive mints that were made because the stored token was or may have been
    /// gone.
    pub urgent_in_a_row: u32,
    /// The boot time of the last mint with an unknown outcome: it may still be executed.
    pub unknown_at: Option<Duration>,
    /// The boot time at which the last forced call ended: it was sent later than its intent was
    /// written.
    pub forced_at: Option<Duration>,
    /// Until when a quota response stops forced calls, and only forced calls: also those of an
    /// object that is created again.
    pub force_stopped_until: Option<Timestamp>,
}

/// A mint of this process, in boot time, which a change of the wall clock does not move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastMint {
    /// When its intent was written.
    pub started: Duration,
    /// The uid of the object that it was made for.
    pub uid: String,
}

/// The apps that are remembered.
#[derive(Default)]
pub struct Apps {
    by_key: HashMap<Arc<AppKey>, Remembered>,
    /// The apps, ordered by the boot time of their last change.
    by_change: BTreeSet<(Duration, Arc<AppKey>)>,
}

struct Remembered {
    mints: AppMints,
    changed: Duration,
}

impl Apps {
    /// What is remembered of an app.
    pub fn get(&self, key: &AppKey) -> AppMints {
        self.by_key.get(key).map(|app| app.mints.clone()).unwrap_or_default()
    }

    /// Changes what is remembered of an app, and drops entries that are too old or too many. An app
    /// with nothing to remember has no entry.
    pub fn change<T>(
        &mut self,
        key: &AppKey,
        boot: Duration,
        change: impl FnOnce(&mut AppMints) -> T,
    ) -> T {
        let mut mints = self.get(key);
        let changed = change(&mut mints);
        self.remove(key);
        if mints != AppMints::default() {
            let key = Arc::new(key.clone());
            self.by_change.insert((boot, Arc::clone(&key)));
            self.by_key.insert(key, Remembered { mints, changed: boot });
        }
        while let Some((at, oldest)) = self.by_change.first()
            && (*at + REMEMBERED <= boot || self.by_change.len() > MOST)
        {
            let oldest = Arc::clone(oldest);
            self.remove(&oldest);
        }
        changed
    }

    fn remove(&mut self, key: &AppKey) {
        if let Some((key, app)) = self.by_key.remove_entry(key) {
            self.by_change.remove(&(app.changed, key));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{AppKey, AppMints, Apps, MOST, REMEMBERED};

    fn app(number: usize) -> AppKey {
        ("WeChat", format!("wx{number:016x}").into(), "Legacy")
    }

    fn lose(apps: &mut Apps, number: usize, boot: Duration) {
        apps.change(&app(number), boot, |mints| mints.unknown_at = Some(boot));
    }

    #[test]
    fn an_app_is_forgotten_a_day_after_its_last_change() {
        let mut apps = Apps::default();
        let second = Duration::from_secs(1);
        lose(&mut apps, 1, second);
        lose(&mut apps, 2, 2 * second);
        lose(&mut apps, 1, 3 * second);
        lose(&mut apps, 3, 2 * second + REMEMBERED);
        assert_eq!(apps.get(&app(1)).unknown_at, Some(3 * second), "it has changed since");
        assert_eq!(apps.get(&app(2)), AppMints::default());
        assert_eq!((apps.by_key.len(), apps.by_change.len()), (2, 2));
    }

    #[test]
    fn of_too_many_apps_the_one_goes_that_changed_longest_ago() {
        let mut apps = Apps::default();
        let at = |number: usize| Duration::from_millis(u64::try_from(number).expect("small"));
        for number in 0..MOST + 10 {
            lose(&mut apps, number, at(number));
        }
        assert_eq!((apps.by_key.len(), apps.by_change.len()), (MOST, MOST));
        assert_eq!(apps.get(&app(9)), AppMints::default());
        assert_eq!(apps.get(&app(10)).unknown_at, Some(at(10)));
    }

    #[test]
    fn an_app_of_which_there_is_nothing_to_tell_takes_no_room() {
        let mut apps = Apps::default();
        apps.change(&app(1), Duration::ZERO, |mints| mints.urgent_in_a_row = 0);
        lose(&mut apps, 2, Duration::ZERO);
        apps.change(&app(2), Duration::ZERO, |mints| mints.unknown_at = None);
        assert!(apps.by_key.is_empty() && apps.by_change.is_empty());
    }
}
