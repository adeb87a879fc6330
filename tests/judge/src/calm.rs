//! When it is calm for an app: no disturbance that concerns it is under way or ended less than the
//! recovery ago, and nobody has done anything to it since. Judges nothing.

use crate::{log::Millis, spans::Spans};

/// What is felt of disturbances: each, and the recovery after it.
#[must_use]
pub fn felt(disturbed: &Spans, recovery: Millis) -> Spans {
    let mut felt = Spans::default();
    disturbed.joined().into_iter().for_each(|(from, until)| felt.add(from, until + recovery));
    felt
}

/// The calm around what is felt. A run begins with a recovery.
#[must_use]
pub fn calm(felt: &Spans, recovery: Millis, end: Millis) -> Spans {
    let mut all = Spans::of(0, recovery);
    all.extend(felt);
    Spans::of(0, end).without(&all)
}

#[cfg(test)]
mod tests {
    use super::{calm, felt};
    use crate::spans::Spans;

    #[test]
    fn calm_begins_when_the_last_disturbance_has_been_recovered_from() {
        let calm = |disturbed: &Spans| calm(&felt(disturbed, 50), 50, 1000).joined();
        let mut disturbed = Spans::of(100, 101);
        assert_eq!(calm(&disturbed), [(50, 100), (151, 1000)]);
        disturbed.add(140, 200);
        assert_eq!(calm(&disturbed), [(50, 100), (250, 1000)]);
        disturbed.add(220, 2000);
        assert_eq!(calm(&disturbed), [(50, 100)]);
    }
}
