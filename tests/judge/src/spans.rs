//! Sets of moments as stretches of time. Knows nothing of tokens.

use crate::log::Millis;

/// Stretches of time, each without its end; in any order, and they may overlap.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spans(Vec<(Millis, Millis)>);

impl Spans {
    #[must_use]
    pub fn of(from: Millis, to: Millis) -> Self {
        let mut spans = Self::default();
        spans.add(from, to);
        spans
    }

    pub fn add(&mut self, from: Millis, to: Millis) {
        if from < to {
            self.0.push((from, to));
        }
    }

    pub fn extend(&mut self, more: &Self) {
        self.0.extend_from_slice(&more.0);
    }

    /// These, in order and joined.
    #[must_use]
    pub fn joined(&self) -> Vec<(Millis, Millis)> {
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

    /// What of these is in the others.
    #[must_use]
    pub fn within(&self, others: &Self) -> Self {
        self.without(&self.without(others))
    }

    /// These, joined, without the first while of each.
    #[must_use]
    pub fn begun_later(&self, by: Millis) -> Self {
        let mut left = Self::default();
        self.joined().into_iter().for_each(|(from, to)| left.add(from + by, to));
        left
    }

    #[must_use]
    pub fn contains(&self, at: Millis) -> bool {
        self.0.iter().any(|(from, to)| (*from..*to).contains(&at))
    }

    #[must_use]
    pub fn longest(&self) -> Option<(Millis, Millis)> {
        self.joined().into_iter().max_by_key(|(from, to)| to - from)
    }

    /// How long they are, joined.
    #[must_use]
    pub fn length(&self) -> Millis {
        self.joined().iter().map(|(from, to)| to - from).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::Spans;

    #[test]
    fn spans_are_joined_cut_and_compared() {
        let mut spans = Spans::of(10, 20);
        spans.add(15, 30);
        spans.add(40, 40);
        assert_eq!(
            (spans.joined(), spans.length(), spans.longest()),
            (vec![(10, 30)], 20, Some((10, 30)))
        );
        let others = Spans::of(12, 14);
        assert_eq!(spans.without(&others).joined(), [(10, 12), (14, 30)]);
        assert_eq!(spans.within(&others), others);
        assert_eq!(spans.begun_later(5).joined(), [(15, 30)]);
        assert!(spans.contains(10) && !spans.contains(30));
    }
}
