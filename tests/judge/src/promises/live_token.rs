//! In calm, the Secret that an object's users expect holds a live token, and so does the file of a
//! pod that lags behind it.

use crate::{
    Standing,
    facts::{App, Facts, stretches},
    rules::Rules,
    spans::Spans,
    verdict::{Promise, Verdict},
};

pub(super) fn judge(facts: &Facts<'_>, rules: &Rules, verdict: &mut Verdict) {
    for (app_id, app) in &facts.apps {
        let calm_for_pods = app.calm.begun_later(rules.pod_lag);
        let (mut wanted, mut live) = (Spans::default(), Spans::default());
        let expects = app.objects.values().flat_map(|object| stretches(&object.expects, facts.end));
        for (from, to, expect) in expects {
            let Some(target) = &expect.target else { continue };
            let (dead, stale) = facts.dead((app_id, target), (from, to), rules.pod_lag);
            let whole = Spans::of(from, to);
            live.extend(&whole.without(&dead));
            wanted.extend(&whole);
            if expect.shared {
                continue;
            }
            verdict.longest_dead =
                verdict.longest_dead.max(dead.longest().map_or(0, |(from, to)| to - from));
            let what = format!("Secret {target} holds no live token");
            verdict.add_longest(Promise::LiveToken, &dead.within(&app.calm), &what);
            let what = format!("a pod that lags behind Secret {target} holds a dead token");
            verdict.add_longest(Promise::LiveToken, &stale.within(&calm_for_pods), &what);
        }
        let nobody = wanted
            .without(&live)
            .within(&app.calm)
            .without(&kept_by_a_blocked_object(facts, rules, app));
        verdict.add_longest(
            Promise::LiveToken,
            &nobody,
            &format!("no object of {app_id} holds a live token"),
        );
        let is_dead = |token: &str, at| facts.tokens.get(token).is_some_and(|life| life.ends <= at);
        let mut used = app
            .used
            .iter()
            .filter(|used| app.calm.contains(used.from) && is_dead(used.is, used.from));
        if let Some(used) = used.next() {
            verdict.add(
                Promise::LiveToken,
                used.from,
                format!("a pod of {app_id} uses a dead token"),
            );
        }
    }
}

/// An object keeps its app until the platform has rejected its credential, and the other objects
/// have seen that.
fn kept_by_a_blocked_object(facts: &Facts<'_>, rules: &Rules, app: &App<'_>) -> Spans {
    let mut kept = Spans::default();
    for object in app.objects.values() {
        let rejected =
            object.when_said(facts.end, |status| status.rejected).begun_later(rules.recovery);
        kept.extend(
            &object
                .when_expected(facts.end, |expect| expect.standing == Standing::Blocked)
                .without(&rejected),
        );
    }
    kept
}

#[cfg(test)]
mod tests {
    use crate::{
        Act, Event, Promise,
        promises::story::{ENDS, Story, TARGET},
        rules::{HOUR, MINUTE, SECOND},
    };

    #[test]
    fn a_token_that_is_replaced_in_time_is_never_missed() {
        let mut story = Story::begin();
        story.refresh(ENDS - 5 * MINUTE, "B", ENDS + 2 * HOUR);
        story.keeps_all_until(ENDS + HOUR);
    }

    #[test]
    fn a_token_that_ends_in_calm_is_missed_by_its_users() {
        let story = Story::begin();
        story.keeps_until(ENDS, Promise::LiveToken);
        story.breaks_until(ENDS + MINUTE, Promise::LiveToken);
    }

    #[test]
    fn a_dead_token_is_excused_for_the_recovery_after_a_disturbance_and_no_longer() {
        let outage = |until| {
            let mut story = Story::begin();
            story.disturb(HOUR, until);
            story.refresh(ENDS + 10 * MINUTE, "B", ENDS + 2 * HOUR);
            story
        };
        outage(ENDS + 5 * MINUTE).keeps_until(ENDS + HOUR, Promise::LiveToken);
        outage(ENDS).breaks_until(ENDS + HOUR, Promise::LiveToken);
    }

    #[test]
    fn a_pod_reads_its_secret_late() {
        let late = |ends| {
            let mut story = Story::begin();
            story.refresh(HOUR, "B", 3 * HOUR);
            story.log.push(HOUR, Event::Ends { token: "A".into(), at: ends });
            story
        };
        late(HOUR + 90 * SECOND).keeps(Promise::LiveToken);
        late(HOUR + 60 * SECOND).breaks(Promise::LiveToken);
    }

    #[test]
    fn one_of_two_objects_that_share_a_token_is_to_have_it() {
        let shared = |winner: &str| {
            let mut story = Story::begin();
            story.expect(TARGET, |expect| expect.shared = true);
            story.expect("other", |expect| expect.shared = true);
            story.mint(HOUR, "B", 4 * HOUR);
            story.log.push(HOUR, Event::Ends { token: "A".into(), at: HOUR + 5 * MINUTE });
            story.log.push(
                HOUR,
                Event::Secret {
                    name: winner.into(),
                    by: Some(1),
                    token: Some("B".into()),
                    unconfirmed: false,
                },
            );
            story
        };
        shared("other").keeps(Promise::LiveToken);
        shared("a stranger's").breaks(Promise::LiveToken);
    }

    /// Some other token lies in the target for a while, whose writer is no process.
    fn forged(token: &str, lasts: u64) -> Story {
        let mut story = Story::begin();
        let act = Act::Forge;
        story.log.push(HOUR, Event::Act { app: "wx1".into(), act });
        for (at, token) in [(HOUR, token), (HOUR + lasts, "A")] {
            let (name, token) = (TARGET.into(), Some(token.into()));
            story.log.push(at, Event::Secret { name, by: None, token, unconfirmed: false });
        }
        story
    }

    #[test]
    fn a_forged_target_holds_a_live_token_of_its_app_soon() {
        forged("of nobody", 20 * SECOND).keeps(Promise::LiveToken);
        forged("of nobody", 22 * SECOND).breaks(Promise::LiveToken);
        let mut anothers = forged("B", 22 * SECOND);
        let (app, token) = ("wx2".into(), "B".into());
        anothers.log.push(0, Event::Mint { app, token, replaces: true, ends: ENDS });
        anothers.breaks(Promise::LiveToken);
    }

    #[test]
    fn a_forgery_right_after_another_may_last_as_long_as_calls_are_apart() {
        let twice = |lasts| {
            let mut story = forged("of nobody", lasts);
            story.log.push(HOUR - MINUTE, Event::Act { app: "wx1".into(), act: Act::Forge });
            story
        };
        twice(320 * SECOND).keeps(Promise::LiveToken);
        twice(322 * SECOND).breaks(Promise::LiveToken);
    }

    #[test]
    fn a_pod_that_uses_a_dead_token_is_seen() {
        let mut story = Story::begin();
        story.log.push(HOUR, Event::Used { app: "wx1".into(), token: "A".into() });
        story.keeps(Promise::LiveToken);
        story.log.push(HOUR - 1, Event::Ends { token: "A".into(), at: HOUR });
        story.refresh(HOUR, "B", ENDS);
        story.breaks_until(HOUR + 1, Promise::LiveToken);
    }
}
