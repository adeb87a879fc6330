//! Ready turns False within a minute of the expirationTime that stands beside it, also while lists
//! and watches fail: that takes a clock, and a write.

use crate::{
    facts::{Facts, Object, stretches, within},
    rules::{MINUTE, Rules},
    spans::Spans,
    verdict::{Promise, Verdict},
};

pub(super) fn judge(facts: &Facts<'_>, _: &Rules, verdict: &mut Verdict) {
    for app in facts.apps.values() {
        for (name, object) in &app.objects {
            let late = ready_after_expiry(facts, object, &app.answered);
            let what = format!("{name} is Ready a minute after the expirationTime beside it");
            verdict.add_longest(Promise::Ready, &late, &what);
        }
    }
}

/// When Ready is True and its token has been over for a minute by the operator's clock, as far as
/// writes are answered.
fn ready_after_expiry(facts: &Facts<'_>, object: &Object<'_>, answered: &Spans) -> Spans {
    let mut late = Spans::default();
    for (begin, end) in answered.joined() {
        for (from, to, said) in stretches(within(&object.statuses, begin, end), end) {
            let Some(status) = said.status.filter(|status| status.ready) else { continue };
            // A clock that is set disturbs all, so in one span it is off by as much at each moment.
            let expires = status.expires.map(|expires| facts.true_time(expires, begin));
            late.add(from.max(begin).max(expires.map_or(0, |expires| expires + MINUTE)), to);
        }
    }
    late
}

#[cfg(test)]
mod tests {
    use crate::{
        Event, Promise,
        promises::story::{ENDS, Story},
        rules::{HOUR, MINUTE, SECOND},
    };

    /// Lists fail over the end of the token, and the status says so after this.
    fn hidden(said_after: u64) -> Story {
        let mut story = Story::begin();
        story.log.push(HOUR, Event::Hidden { until: 2 * ENDS });
        story.status(ENDS + said_after, |status| status.ready = false);
        story
    }

    #[test]
    fn ready_turns_false_within_a_minute_of_expiry_although_lists_fail() {
        hidden(59 * SECOND).keeps_until(ENDS + HOUR, Promise::Ready);
        hidden(62 * SECOND).breaks_until(ENDS + HOUR, Promise::Ready);
    }

    #[test]
    fn nobody_can_say_so_whose_writes_are_not_answered() {
        let mut story = hidden(HOUR);
        story.disturb(ENDS - SECOND, ENDS + HOUR);
        story.keeps_until(ENDS + 2 * HOUR, Promise::Ready);
    }

    #[test]
    fn the_end_counts_by_the_operators_clock() {
        let mut story = hidden(11 * MINUTE);
        story.log.push(HOUR, Event::Clock { skew: -600_000 });
        story.keeps_until(ENDS + HOUR, Promise::Ready);
    }
}
