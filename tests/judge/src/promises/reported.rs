//! A token that is dead and reported so is replaced soon, whatever those that name its app make of
//! their own: the calls that the platform refused them count for nobody else.

use crate::{
    facts::{Facts, between, last},
    log::{Act, Expect, Millis, Standing},
    rules::{Rules, SECOND},
    verdict::{Promise, Verdict},
};

/// A call holds up the next one that no clock asks for by 300 s at most, counted from its intent.
const CALLS_APART: Millis = 330 * SECOND;

pub(super) fn judge(facts: &Facts<'_>, rules: &Rules, verdict: &mut Verdict) {
    for (app_id, app) in &facts.apps {
        for act in &app.acts {
            let (Act::Report(token), at) = (act.is, act.from) else { continue };
            let (before, until) = (at.saturating_sub(CALLS_APART), at + rules.reported);
            let is_dead = facts.tokens.get(token.as_str()).is_some_and(|life| life.ends <= at);
            let is_held_up = !between(&app.calls, before, at).is_empty();
            let is_left_alone = until <= facts.end && app.is_left_alone((before, until), at);
            if !is_dead || is_held_up || !is_left_alone {
                continue;
            }
            for (name, object) in &app.objects {
                let target = last(&object.expects, at).and_then(|expect| own_target(expect.is));
                let is_dead = |target| facts.is_dead_throughout((app_id, target), (at, until));
                if target.is_some_and(is_dead) {
                    let seconds = rules.reported / SECOND;
                    let what = format!("{name} has no other token {seconds} s after its report");
                    verdict.add(Promise::Reported, at, what);
                }
            }
        }
    }
}

/// The target that is to hold a live token, whatever other objects of the app hold.
fn own_target(expect: &Expect) -> Option<&str> {
    let is_own = expect.standing == Standing::Served && !expect.shared;
    expect.target.as_deref().filter(|_| is_own)
}

#[cfg(test)]
mod tests {
    use crate::{
        Act, End, Event, Promise,
        promises::story::{ENDS, Story},
        rules::{HOUR, MINUTE, SECOND},
    };

    /// A token that is ended and reported after an hour, and replaced so long after that.
    fn replaced(after: u64) -> Story {
        let mut story = Story::begin();
        story.log.push(HOUR, Event::Ends { token: "A".into(), at: HOUR });
        story.log.push(HOUR, Event::Act { app: "wx1".into(), act: Act::Report("A".into()) });
        story.refresh(HOUR + after, "B", ENDS);
        story
    }

    #[test]
    fn a_dead_token_that_is_reported_is_replaced_within_a_minute() {
        replaced(59 * SECOND).keeps(Promise::Reported);
        replaced(60 * SECOND).breaks(Promise::Reported);
    }

    #[test]
    fn a_report_of_a_token_that_lives_obliges_to_nothing() {
        let mut story = Story::begin();
        story.log.push(HOUR, Event::Act { app: "wx1".into(), act: Act::Report("A".into()) });
        story.keeps(Promise::Reported);
    }

    #[test]
    fn a_call_shortly_before_holds_up_the_next_one() {
        let mut story = replaced(5 * MINUTE);
        story.call(HOUR - MINUTE, End::Answered(0));
        story.keeps(Promise::Reported);
    }

    #[test]
    fn what_others_of_the_app_do_is_no_excuse_and_what_hinders_them_is_one() {
        let beside = |event| {
            let mut story = replaced(5 * MINUTE);
            let expect = crate::Expect { names: Some("wx1".into()), ..crate::Expect::default() };
            let (object, app) = ("leaver".to_owned(), "leaver".to_owned());
            story.log.push(0, Event::Expect { object, app, expect });
            story.log.push(HOUR - MINUTE, event);
            story
        };
        let app = || "leaver".to_owned();
        beside(Event::Act { app: app(), act: Act::Edit }).breaks(Promise::Reported);
        let (until, app) = (HOUR - MINUTE + SECOND, Some(app()));
        let disturbance = Event::Disturbance { until, app, what: "a call" };
        beside(disturbance).keeps(Promise::Reported);
        let mut story = replaced(5 * MINUTE);
        story.disturb(HOUR - MINUTE, HOUR - SECOND);
        story.keeps(Promise::Reported);
    }
}
