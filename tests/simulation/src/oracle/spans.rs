//! Sets of moments as stretches of time, and what is left of one without another. Knows nothing of tokens.

use crate::time::Millis;

/// Stretches of time, in any order, perhaps over each other.
#[derive(Clone, Debug, Default)]
pub struct Spans(Vec<(Millis, Millis)>);

impl Spans {
    pub fn add(&mut self, from: Millis, to: Millis) {
        if from < to {
            self.0.push((from, to));
        }
    }

    pub fn extend(&mut self, more: &Self) {
        self.0.extend_from_slice(&more.0);
    }

    /// These, in order and joined.
    fn joined(&self) -> Vec<(Millis, Millis)> {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let mut joined: Vec<(Millis, Millis)> = Vec::new();
        for (from, to) in sorted {
            match joined.last_mut() {
                Some(last) if from <= last.1 => last.1 = last.1.max(to),
                _ => joined.push((from, to)),
            }
        }
        joined
    }

    /// What of these is not in the others.
    #[must_use]
    pub fn without(&self, others: &Self) -> Self {
        let others = others.joined();
        let mut left = Self::default();
        for (mut from, to) in self.joined() {
            let first = others.partition_point(|other| other.1 <= from);
            for other in others.iter().skip(first).take_while(|other| other.0 < to) {
                left.add(from, other.0.min(to));
                from = from.max(other.1);
            }
            left.add(from, to);
        }
        left
    }

    /// These, joined, without the first while of each.
    #[must_use]
    pub fn begun_later(&self, by: Millis) -> Self {
        let mut left = Self::default();
        self.joined().into_iter().for_each(|(from, to)| left.add(from + by, to));
        left
    }

    /// Those that begin where something holds, and the others.
    #[must_use]
    pub fn split(&self, holds: impl Fn(Millis) -> bool) -> (Self, Self) {
        let (these, others) = self.joined().into_iter().partition(|(from, _)| holds(*from));
        (Self(these), Self(others))
    }

    /// Whether one of these, joined, begins at this moment.
    #[must_use]
    pub fn begins_at(&self, at: Millis) -> bool {
        self.joined().iter().any(|(from, _)| *from == at)
    }

    #[must_use]
    pub fn contains(&self, at: Millis) -> bool {
        self.0.iter().any(|(from, to)| (*from..*to).contains(&at))
    }

    pub fn longest(&self) -> Option<(Millis, Millis)> {
        self.joined().into_iter().max_by_key(|(from, to)| to - from)
    }
}
