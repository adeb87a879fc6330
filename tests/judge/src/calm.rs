//! When it is calm for an app: no disturbance that concerns it is under way or ended less than the
//! recovery ago, and nobody has done anything to it since. Judges nothing.

use crate::{log::Millis, spans::Spans};

/// From when to when something disturbed an app, and the calm around it.
#[must_use]
pub fn calm(disturbed: &Spans, recovery: Millis, end: Millis) -> Spans {
    let mut felt = Spans::of(0, recovery);
    disturbed.joined().into_iter().for_each(|(from, until)| felt.add(from, until + recovery));
    Spans::of(0, end).without(&felt)
}

#[cfg(test)]
mod tests {
    use super::calm;
    use crate::spans::Spans;

    #[test]
    fn calm_begins_when_the_last_disturbance_has_been_recovered_from() {
        let mut disturbed = Spans::of(100, 101);
        assert_eq!(calm(&disturbed, 50, 1000).joined(), [(50, 100), (151, 1000)]);
        disturbed.add(140, 200);
        assert_eq!(calm(&disturbed, 50, 1000).joined(), [(50, 100), (250, 1000)]);
        disturbed.add(220, 2000);
        assert_eq!(calm(&disturbed, 50, 1000).joined(), [(50, 100)]);
    }
}
