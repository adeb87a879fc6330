//! Ready says the truth: never True in a write after the token's own expiry, and in calm True
//! exactly while the target holds a live token.

use crate::{
    facts::{Facts, Life, Object, stretches, within},
    log::{Expect, Millis, Standing},
    rules::{Rules, SECOND},
    spans::Spans,
    verdict::{Promise, Verdict},
};

pub(super) fn judge(facts: &Facts<'_>, _: &Rules, verdict: &mut Verdict) {
    for (app_id, app) in &facts.apps {
        for (name, object) in &app.objects {
            let stands = |standing| move |expect: &Expect| expect.standing == standing;
            let strange = object.when_expected(facts.end, stands(Standing::Strange));
            if let Some(at) = written_after_expiry(facts, object)
                && !strange.contains(at)
            {
                verdict.add(
                    Promise::Ready,
                    at,
                    format!("a write calls {name} Ready after the token's own expirationTime"),
                );
            }
            let over_expired = ready_over(facts, object, |life| life.of_age).within(&app.calm);
            let over_expired = over_expired.without(&strange);
            verdict.add_longest(
                Promise::Ready,
                &over_expired,
                &format!("{name} is Ready over an expired token"),
            );
            // Whose credential is wrong cannot find out that its token is dead before it is old.
            let served =
                object.when_expected(facts.end, |expect| expect.standing == Standing::Served);
            let over_dead =
                ready_over(facts, object, |life| life.ends).within(&app.calm).within(&served);
            verdict.add_longest(
                Promise::Ready,
                &over_dead,
                &format!("{name} is Ready over a dead token"),
            );
            let unready = expected_live(facts, app_id, object).within(&app.calm);
            let unready = unready.without(&object.when_said(facts.end, |status| status.ready));
            verdict.add_longest(
                Promise::Ready,
                &unready,
                &format!("{name} is not Ready over a live token"),
            );
        }
    }
}

/// When a process set about writing Ready=True although its own clock was past the expirationTime
/// beside it.
fn written_after_expiry(facts: &Facts<'_>, object: &Object<'_>) -> Option<Millis> {
    object.statuses.iter().find_map(|said| {
        let (status, writer) = said.is.status.zip(said.is.by)?;
        let sent = facts.sent(writer.sent);
        let clock = i64::try_from(sent).ok()? + facts.skew(sent);
        let is_past = status.expires.is_none_or(|expires| expires + 1000 < clock);
        (status.ready && is_past).then_some(writer.sent)
    })
}

/// When Ready is True and the token in the status's target has ended, or there is none.
fn ready_over(facts: &Facts<'_>, object: &Object<'_>, ends: impl Fn(&Life<'_>) -> Millis) -> Spans {
    let mut spans = Spans::default();
    for (from, to, said) in stretches(&object.statuses, facts.end) {
        let Some(status) = said.status.filter(|status| status.ready) else { continue };
        let secret = status.target.as_ref().and_then(|target| facts.secrets.get(target.as_str()));
        for (begin, until, held) in
            secret.into_iter().flat_map(|history| stretches(within(history, from, to), to))
        {
            let ended = held.token.and_then(|token| facts.tokens.get(token)).map_or(begin, &ends);
            spans.add(ended.max(begin).max(from), until);
        }
    }
    spans
}

/// When an object that is to be Ready has a live token in its target.
fn expected_live(facts: &Facts<'_>, app: &str, object: &Object<'_>) -> Spans {
    let mut spans = Spans::default();
    for (from, to, expect) in
        stretches(&object.expects, facts.end).filter(|(_, _, expect)| expect.ready)
    {
        let Some(target) = &expect.target else { continue };
        spans.extend(&Spans::of(from, to).without(&facts.dead((app, target), (from, to), 0).0));
    }
    spans.begun_later(5 * SECOND)
}

#[cfg(test)]
mod tests {
    use crate::{
        Event, Promise,
        promises::story::{ENDS, Story},
        rules::{HOUR, MINUTE, SECOND},
    };

    #[test]
    fn ready_turns_false_at_expiry() {
        let mut story = Story::begin();
        story.status(ENDS, |status| status.ready = false);
        story.keeps_until(ENDS + MINUTE, Promise::Ready);
        Story::begin().breaks_until(ENDS + MINUTE, Promise::Ready);
    }

    #[test]
    fn no_write_says_ready_after_the_expiration_time_beside_it_whatever_goes_wrong() {
        let written = |at| {
            let mut story = Story::begin();
            story.disturb(0, 2 * ENDS);
            story.status(at, |status| status.rejected = true);
            story
        };
        written(ENDS - SECOND).keeps_until(ENDS + MINUTE, Promise::Ready);
        written(ENDS + 2 * SECOND).breaks_until(ENDS + MINUTE, Promise::Ready);
    }

    #[test]
    fn the_writers_clock_decides_whether_a_write_comes_after_expiry() {
        let mut story = Story::begin();
        story.disturb(0, 2 * ENDS);
        story.log.push(HOUR, Event::Clock { skew: -600_000 });
        story.status(ENDS + MINUTE, |status| status.rejected = true);
        story.keeps_until(ENDS + 2 * MINUTE, Promise::Ready);
    }

    #[test]
    fn a_token_that_the_platform_has_ended_is_not_called_good_for_long() {
        let mut story = Story::begin();
        story.log.push(HOUR, Event::Ends { token: "A".into(), at: HOUR });
        story.breaks(Promise::Ready);
    }

    #[test]
    fn an_object_with_a_live_token_is_ready() {
        let mut story = Story::begin();
        story.status(HOUR, |status| status.ready = false);
        story.breaks_until(HOUR + MINUTE, Promise::Ready);
    }
}
