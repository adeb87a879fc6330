//! The objects of an app with the same token mode, ordered by age, by call and by token. Reads only
//! their specs and statuses.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::jiff::Timestamp;

use super::ObjectName;
use crate::{
    api::{MiniProgram, sibling},
    platform::Reissue,
};

/// A platform allows about twenty forced calls of an app a day: every object that made one of them
/// is shown.
const FORCED: usize = 32;
/// The first two of each order are shown: one of them may be the object that the others are shown
/// to.
const FIRST: usize = 2;
/// Of the three newest tokens, two may be the object's own: the stored one and the one that its
/// status reports.
const TOKENS: usize = 3;

/// Creation time and uid.
pub(super) type Age = (Option<Timestamp>, String);

pub(super) fn age(object: &MiniProgram) -> Age {
    let (created, uid) = sibling::age(object);
    (created, uid.to_owned())
}

/// Names of objects in the order of a key.
type By<K> = BTreeSet<(K, ObjectName)>;

#[derive(Default)]
pub(super) struct Family {
    /// What a call of one object does to the tokens of the others. Absent if the platform is not
    /// known.
    reissue: Option<Reissue>,
    /// The objects that are served and can store a token, and whose credential the platform has
    /// accepted, by age.
    accepted: By<Age>,
    /// The objects that are served and can store a token, and whose credential is not tested, by
    /// age.
    open: By<Age>,
    /// The objects by the time of their last call that may have ended a token, and by the issue
    /// time of their token.
    minted: By<Timestamp>,
    /// The objects whose credential is accepted, by the last call that counts towards a limit.
    counted: By<Timestamp>,
    /// The objects with a recorded intent, by its time.
    intending: By<Timestamp>,
    /// The objects whose credential is accepted, by their last forced call.
    forced: By<Timestamp>,
    /// For each token, the objects that report it, by the issue time that they report.
    tokens: BTreeMap<String, By<Timestamp>>,
    /// The tokens by the newest issue time that is reported of each.
    newest: BTreeSet<(Timestamp, String)>,
    /// The number of mints by day that were not due by the token's age, of the objects whose
    /// credential is accepted.
    counts: BTreeMap<String, i64>,
}

/// The facts of a family that requeue objects when they change.
#[derive(PartialEq, Eq)]
pub(super) struct Marks {
    /// A change of it requeues all objects of the app.
    pub of_all: OfAll,
    /// The object whose credential is tried first, as long as none is accepted. A change requeues
    /// the new one.
    pub first_open: Option<ObjectName>,
}

#[derive(Clone, PartialEq, Eq)]
pub(super) enum OfAll {
    /// The object that owns the app, and the newest call that ended a token.
    Exclusive(Option<ObjectName>, Option<Timestamp>),
    /// The newest token, and the newest forced call.
    Shared(Option<String>, Option<Timestamp>),
    /// Nothing: each object has a token of its own.
    Apart,
}

impl Family {
    /// A family for the platform and token mode of this object.
    pub fn of(object: &MiniProgram) -> Self {
        let reissue = object.endpoint().map(|(_, endpoint)| endpoint.reissue);
        Self { reissue, ..Self::default() }
    }

    pub fn marks(&self) -> Marks {
        let last = |by: &By<Timestamp>| by.last().map(|(time, _)| *time);
        let first = |by: &By<Age>| by.first().map(|(_, name)| name.clone());
        if self.reissue.is_some_and(Reissue::is_exclusive) {
            let first_open = first(&self.open).filter(|_| self.accepted.is_empty());
            return Marks {
                of_all: OfAll::Exclusive(first(&self.accepted), last(&self.minted)),
                first_open,
            };
        }
        if self.reissue.is_some_and(|reissue| !reissue.is_shared()) {
            return Marks { of_all: OfAll::Apart, first_open: None };
        }
        let newest = self.newest.last().map(|(_, fingerprint)| fingerprint.clone());
        Marks { of_all: OfAll::Shared(newest, last(&self.forced)), first_open: None }
    }

    /// Adds an object to the orders, or removes it.
    pub fn count(&mut self, name: &ObjectName, object: &MiniProgram, is_in: bool) {
        sibling::minted_at(object).for_each(|time| put(&mut self.minted, Some(time), name, is_in));
        let Some(status) = &object.status else { return };
        put(&mut self.intending, status.intent.as_ref().map(|intent| intent.time.0), name, is_in);
        if let Some(mints) = &status.mints {
            // Calls with an app secret that the platform has not accepted count for the object
            // alone.
            if accepted(object) == Some(true) {
                put(&mut self.counted, mints.last_time.as_ref().map(|time| time.0), name, is_in);
                put(
                    &mut self.forced,
                    mints.forced_times.iter().map(|time| time.0).max(),
                    name,
                    is_in,
                );
                let count = self.counts.entry(mints.day.clone()).or_default();
                *count += if is_in { i64::from(mints.count) } else { -i64::from(mints.count) };
                self.counts.retain(|_, count| *count != 0);
            }
        }
        if let Some(token) = sibling::token(object) {
            let holders = self.tokens.entry(token.fingerprint.clone()).or_default();
            let last = |holders: &By<Timestamp>| {
                holders.last().map(|(time, _)| (*time, token.fingerprint.clone()))
            };
            let before = last(holders);
            put(holders, Some(token.issue_time.0), name, is_in);
            let after = last(holders);
            if holders.is_empty() {
                self.tokens.remove(&token.fingerprint);
            }
            if let Some(before) = before {
                self.newest.remove(&before);
            }
            self.newest.extend(after);
        }
    }

    /// Records whether an object may own the app, and whether the platform accepts its credential.
    pub fn claim(&mut self, name: &ObjectName, object: &MiniProgram, claims: bool) {
        let claims = claims && sibling::can_store(object);
        let accepted = accepted(object);
        put(&mut self.accepted, Some(age(object)), name, claims && accepted == Some(true));
        put(&mut self.open, Some(age(object)), name, claims && accepted.is_none());
    }

    /// Adds the objects that another object of the app may depend on.
    pub fn show<'a>(&'a self, until: Timestamp, to: &mut BTreeSet<&'a ObjectName>) {
        let oldest = [&self.accepted, &self.open]
            .into_iter()
            .flat_map(|by| by.iter().take(FIRST).map(|(_, name)| name));
        to.extend(oldest);
        for by in [&self.minted, &self.counted, &self.intending] {
            let newest = by.iter().rev().take(FIRST);
            let true_yet = by.iter().rev().skip_while(|(time, _)| *time > until).take(FIRST);
            to.extend(newest.chain(true_yet).map(|(_, name)| name));
        }
        to.extend(self.forced.iter().rev().take(FORCED).map(|(_, name)| name));
        let newest = self.newest.iter().rev();
        let tokens =
            newest.take(TOKENS).filter_map(|(_, fingerprint)| self.tokens.get(fingerprint));
        to.extend(
            tokens.flat_map(|holders| holders.iter().rev().take(FIRST)).map(|(_, name)| name),
        );
    }

    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        let by_time = [&self.minted, &self.counted, &self.intending, &self.forced];
        let by_age = [&self.accepted, &self.open];
        by_time.iter().all(|by| by.is_empty())
            && by_age.iter().all(|by| by.is_empty())
            && self.tokens.is_empty()
            && self.newest.is_empty()
            && self.counts.is_empty()
    }

    pub fn counts(&self) -> impl Iterator<Item = (&str, i64)> {
        self.counts.iter().map(|(day, count)| (day.as_str(), *count))
    }
}

fn accepted(object: &MiniProgram) -> Option<bool> {
    sibling::accepted(
        object.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default(),
    )
}

fn put<K: Ord>(by: &mut By<K>, key: Option<K>, name: &ObjectName, is_in: bool) {
    let Some(key) = key else { return };
    let place = (key, name.clone());
    if is_in {
        by.insert(place);
    } else {
        by.remove(&place);
    }
}
