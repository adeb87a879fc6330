//! An object with a right app secret has its first token soon after its creation, whoever else
//! names its app: what is older is tried first, and not waited for long; what is known to get no
//! token is not waited for at all.

use crate::{
    facts::{App, Facts},
    log::{Act, Millis},
    rules::{Rules, SECOND},
    spans::Spans,
    verdict::{Promise, Verdict},
};

pub(super) fn judge(facts: &Facts<'_>, rules: &Rules, verdict: &mut Verdict) {
    for (app_id, app) in &facts.apps {
        for created in app.acts.iter().filter(|act| *act.is == Act::Create).map(|act| act.from) {
            let is_alone = is_alone(facts, app, (created, created + rules.first_token_at_once));
            let patience = if is_alone { rules.first_token_at_once } else { rules.first_token };
            let span = (created, created + patience);
            if span.1 > facts.end || !app.is_left_alone(span, created) {
                continue;
            }
            for (name, object) in &app.objects {
                let first = object.expects.first().filter(|first| first.from == created);
                let target = first.and_then(|first| first.is.target.as_deref());
                if target.is_some_and(|target| facts.is_dead_throughout((app_id, target), span)) {
                    let seconds = patience / SECOND;
                    let what = format!("{name} has no token {seconds} s after its creation");
                    verdict.add(Promise::FirstToken, created, what);
                }
            }
        }
    }
}

/// Whether the statuses of all strangers' objects say that the app secret is rejected, or that no
/// token could be stored.
fn is_alone(facts: &Facts<'_>, app: &App<'_>, (from, to): (Millis, Millis)) -> bool {
    let strangers = app.strangers.iter().filter_map(|name| facts.apps.get(name)?.objects.get(name));
    strangers.into_iter().all(|object| {
        let there = object.when_said(facts.end, |_| true).within(&Spans::of(from, to));
        let useless = object.when_said(facts.end, |status| status.rejected || status.unsynced);
        there.without(&useless).length() == 0
    })
}

#[cfg(test)]
mod tests {
    use crate::{
        Act, Event, Expect, Log, Promise, Status,
        promises::story::{ENDS, Story, empty},
        rules::{HOUR, SECOND},
    };

    /// An object that is created after an hour, and has its token so long after that.
    fn comes(after: u64) -> Story {
        let mut story = empty();
        let expected = story.log.entries()[0].event.clone();
        story.log = Log::default();
        story.log.push(HOUR, expected);
        story.log.push(HOUR, Event::Act { app: "wx1".into(), act: Act::Create });
        story.refresh(HOUR + after, "A", ENDS);
        story
    }

    /// The same beside a stranger's object that is there already and says this.
    fn comes_beside(after: u64, says: impl FnOnce(&mut Status)) -> Story {
        let mut story = comes(after);
        let (object, app) = ("guess".to_owned(), "guess".to_owned());
        let expect = Expect { names: Some("wx1".into()), ..Expect::default() };
        story.log.push(0, Event::Expect { object: object.clone(), app, expect });
        let mut status = Status::default();
        says(&mut status);
        story.log.push(0, Event::Status { object, by: None, status: Some(status) });
        story
    }

    #[test]
    fn an_older_object_that_may_get_a_token_is_waited_for_and_not_for_long() {
        comes_beside(74 * SECOND, |_| ()).keeps(Promise::FirstToken);
        comes_beside(75 * SECOND, |_| ()).breaks(Promise::FirstToken);
    }

    #[test]
    fn who_is_alone_waits_for_nobody() {
        comes(14 * SECOND).keeps(Promise::FirstToken);
        comes(15 * SECOND).breaks(Promise::FirstToken);
    }

    #[test]
    fn an_object_that_gets_no_token_is_not_waited_for() {
        let rejected = |status: &mut Status| status.rejected = true;
        let shut_out = |status: &mut Status| status.unsynced = true;
        let useless: [fn(&mut Status); 2] = [rejected, shut_out];
        for says in useless {
            comes_beside(14 * SECOND, says).keeps(Promise::FirstToken);
            comes_beside(15 * SECOND, says).breaks(Promise::FirstToken);
        }
    }

    #[test]
    fn no_promise_is_made_while_calls_are_hindered_and_to_those_that_change_their_mind() {
        let mut story = comes(2 * HOUR);
        story.disturb(HOUR + SECOND, HOUR + 2 * SECOND);
        story.keeps(Promise::FirstToken);
        let mut story = comes_beside(2 * HOUR, |_| ());
        let (until, app) = (HOUR, Some("guess".into()));
        story.log.push(HOUR - SECOND, Event::Disturbance { until, app, what: "a call" });
        story.keeps(Promise::FirstToken);
        let mut story = comes(2 * HOUR);
        story.log.push(HOUR + SECOND, Event::Act { app: "wx1".into(), act: Act::Edit });
        story.keeps(Promise::FirstToken);
    }
}
