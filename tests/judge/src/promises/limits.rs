//! No limit of the platform is exceeded, by its own count and by the calls of each process.

use std::collections::BTreeMap;

use crate::{
    facts::{App, Facts, Since},
    log::{Call, End, Millis},
    rules::{DAY, Rules, SECOND},
    verdict::{Promise, Verdict},
};

/// The platform's own words: the day's calls are used up, the minute's calls are used up.
const EXCEEDED: [i64; 2] = [45009, 45011];

/// A run begins at the platform's midnight.
pub(super) fn judge(facts: &Facts<'_>, rules: &Rules, verdict: &mut Verdict) {
    for (app_id, app) in &facts.apps {
        let mut tell =
            |at, what: &str| verdict.add(Promise::Limits, at, format!("{app_id}: {what}"));
        for (replaces, most) in
            [(true, rules.platform.replacing_a_day), (false, rules.platform.a_day)]
        {
            let counted = app
                .calls
                .iter()
                .filter(|call| call.is.replaces == replaces)
                .filter_map(|call| call.is.counted);
            if let Some((day, calls)) =
                fullest_day(counted.map(|(at, _)| at)).filter(|(_, calls)| *calls > most)
            {
                tell(day * DAY, &format!("{calls} calls on a day, {most} are allowed"));
            }
        }
        let exceeds = |call: &&Since<&Call>| {
            call.is.counted.is_some_and(|(_, code)| EXCEEDED.contains(&code))
        };
        let mut exceeding = app.calls.iter().filter(exceeds);
        // No clock, no day and no distance: what a wrong clock lets happen is no fault of who reads
        // it.
        let knew = |call: &Since<&Call>| {
            !call.is.forced || could_know(app, rules, call.from / DAY) && facts.skews.is_empty()
        };
        if let Some(call) = exceeding.find(|call| knew(call)) {
            tell(call.from, "the platform finds a quota exceeded");
        }
        if facts.skews.is_empty() {
            forced(app, rules, &mut tell);
        }
    }
}

/// Distances are the operator's to keep from call to call; on their way, calls may come closer.
fn forced(app: &App<'_>, rules: &Rules, tell: &mut impl FnMut(Millis, &str)) {
    let calls: Vec<_> = app.calls.iter().filter(|call| is_forced(call)).collect();
    let apart = rules.platform.forced_apart;
    if let Some(pair) = calls.windows(2).find(|pair| pair[1].from - pair[0].from + SECOND < apart) {
        tell(pair[1].from, &format!("forced calls {} ms apart", pair[1].from - pair[0].from));
    }
    let heard = calls.iter().filter(|call| call.is.end == End::Answered(45009));
    let again = |told: &&&Since<&Call>| {
        let is_next = |call: &&&Since<&Call>| call.is.by == told.is.by && call.from > told.from;
        calls.iter().filter(is_next).any(|call| call.from / DAY == told.from / DAY)
    };
    if let Some(told) = heard.into_iter().find(again) {
        tell(told.from, "a process forces again on a day that is used up, as it has heard");
    }
    let counted = calls.iter().filter_map(|call| call.is.counted);
    let most = rules.platform.forced_a_day;
    if let Some((day, calls)) =
        fullest_day(counted.map(|(at, _)| at)).filter(|(_, calls)| *calls > most)
        && could_know(app, rules, day)
    {
        tell(day * DAY, &format!("{calls} forced calls on a day, {most} are allowed"));
    }
}

/// Whether a process forced one call too many on a day and could know it: of the calls before, by
/// its own and by those that statuses tell of. What others did before an object was deleted, nobody
/// remembers.
fn could_know(app: &App<'_>, rules: &Rules, day: Millis) -> bool {
    let statuses = app.objects.values().flat_map(|object| &object.statuses);
    let deleted: Vec<_> =
        statuses.filter(|said| said.is.status.is_none()).map(|said| said.from).collect();
    let calls: Vec<_> =
        app.calls.iter().filter(|call| is_forced(call) && call.from / DAY == day).collect();
    calls.iter().any(|call| {
        let forgotten = deleted.iter().copied().filter(|at| *at <= call.from).max().unwrap_or(0);
        let knows =
            |before: &&&Since<&Call>| before.is.by == call.is.by || before.from >= forgotten;
        calls.iter().filter(|before| before.from <= call.from).filter(knows).count()
            > rules.platform.forced_a_day
    })
}

/// Whether a forced call may have reached the platform.
fn is_forced(call: &Since<&Call>) -> bool {
    call.is.forced && call.is.end != End::NotSent
}

/// The day with the most moments in it, and how many those are.
fn fullest_day(moments: impl Iterator<Item = Millis>) -> Option<(Millis, usize)> {
    let mut days: BTreeMap<Millis, usize> = BTreeMap::new();
    for at in moments {
        *days.entry(at / DAY).or_default() += 1;
    }
    days.into_iter().max_by_key(|(_, calls)| *calls)
}

#[cfg(test)]
mod tests {
    use crate::{
        End, Event, Promise,
        promises::story::{Story, call},
        rules::{HOUR, MINUTE, SECOND},
    };

    fn forced(moments: impl Iterator<Item = u64>, by: impl Fn(u64) -> u32) -> Story {
        let mut story = Story::begin();
        story.disturb(0, 24 * HOUR);
        for at in moments {
            let counted = Some((at, 0));
            let call = crate::Call {
                by: by(at),
                forced: true,
                replaces: false,
                counted,
                ..call(End::Answered(0))
            };
            story.log.push(at, Event::Call(call));
        }
        story
    }

    #[test]
    fn forced_calls_are_thirty_seconds_apart() {
        forced([HOUR, HOUR + 30 * SECOND].into_iter(), |_| 1).keeps(Promise::Limits);
        forced([HOUR, HOUR + 28 * SECOND].into_iter(), |_| 1).breaks(Promise::Limits);
    }

    #[test]
    fn there_are_twenty_forced_calls_a_day() {
        let times = |times| (0..times).map(|nth| HOUR + nth * 10 * MINUTE);
        forced(times(20), |_| 1).keeps(Promise::Limits);
        forced(times(21), |_| 1).breaks(Promise::Limits);
    }

    #[test]
    fn what_another_process_did_for_a_deleted_object_nobody_remembers() {
        let times = |times| (0..times).map(|nth| HOUR + nth * 10 * MINUTE);
        let successor = |at| if at < 2 * HOUR { 1 } else { 2 };
        let mut story = forced(times(21), successor);
        story.breaks(Promise::Limits);
        story
            .log
            .push(2 * HOUR - 1, Event::Status { object: "shop".into(), by: None, status: None });
        story.keeps(Promise::Limits);
    }

    #[test]
    fn the_platforms_own_count_decides() {
        let mut story = Story::begin();
        story.disturb(0, 24 * HOUR);
        story.log.push(
            HOUR,
            Event::Call(crate::Call { counted: Some((HOUR, 45009)), ..call(End::Answered(45009)) }),
        );
        story.breaks(Promise::Limits);
    }
}
