//! Promise 1: nobody presents a dead token, unless physics had it so: no operator had a fair chance to replace it, or its
//! replacement was lost and the platform keeps but two.

use platform_simulator::{Millis, model::Call};

use super::{Evidence, STORED_WITHIN, Seen, calm::fair_by};
use crate::record::{Struck, seconds};

/// For how long dead tokens were presented.
#[derive(Clone, Debug, Default)]
pub struct Dead {
    pub presented: usize,
    /// Tokens whose time came, and those of them that an operator had a fair chance to replace before their end.
    pub due: usize,
    pub fair: usize,
    pub millis: Millis,
    pub excused: Millis,
    /// Each stretch that was excused, and by what.
    pub excuses: Vec<String>,
    pub blames: Vec<String>,
}

pub fn judge(evidence: &Evidence<'_>, seen: &Seen<'_>) -> Dead {
    let lives = &seen.app.lives;
    let made = seen.asked.iter().filter(|call| call.minted).map(|call| call.arrived_ms);
    let due: Vec<_> = made.map(|made| made + lives.rotates_after).filter(|due| *due < evidence.end).collect();
    let in_time = |due: &&Millis| {
        let fair = fair_by(evidence.pace, &evidence.told.struck, **due, evidence.pace.takeover());
        fair <= **due + lives.life - lives.rotates_after
    };
    let mut dead =
        Dead { presented: seen.shown.len(), due: due.len(), fair: due.iter().filter(in_time).count(), ..Dead::default() };
    let mut rest = seen.shown.as_slice();
    while let Some(first) = rest.iter().position(is_dead) {
        let stretch = &rest[first..];
        let lives_again = stretch.iter().position(|call| !is_dead(call));
        let to = lives_again.map_or(evidence.end, |next| stretch[next].arrived_ms);
        judge_stretch(evidence, seen, &stretch[0], to, &mut dead);
        rest = lives_again.map_or(&[], |next| &stretch[next..]);
    }
    dead
}

fn is_dead(call: &Call) -> bool {
    call.errcode != Some(0)
}

fn judge_stretch(evidence: &Evidence<'_>, seen: &Seen<'_>, first: &Call, to: Millis, dead: &mut Dead) {
    let (name, from) = (&seen.app.name, first.arrived_ms);
    dead.millis += to - from;
    let Some(made) = first.token.as_deref().and_then(|token| seen.made(token)) else {
        dead.blames.push(format!("{name} presents a token that was never made, at {:.1} s", seconds(from)));
        return;
    };
    let after: Vec<&Call> =
        seen.asked.iter().filter(|call| call.minted && call.arrived_ms > made && call.arrived_ms < to).collect();
    // Replacing it was due by its own clock, or by the call that cut its life short.
    let cut = after.first().map_or(Millis::MAX, |call| call.arrived_ms);
    let due = cut.min(made + seen.app.lives.rotates_after);
    let mut lost = after.iter().filter(|call| evidence.stored(seen.app, call, to).is_none()).peekable();
    let patience = if lost.peek().is_some() { evidence.pace.patience() } else { 0 };
    let fair = fair_by(evidence.pace, &evidence.told.struck, due, evidence.pace.takeover() + patience);
    // A platform keeps two tokens. So the call that replaces a lost one ends the one that pods have, while its own answer is
    // still on the way; no operator can avoid that, whenever it asks.
    let replaced = lost.next().and_then(|lost| after.iter().find(|call| call.arrived_ms > lost.arrived_ms));
    let on_its_way = replaced.map_or(0, |call| call.arrived_ms + STORED_WITHIN);
    let excused = fair.max(on_its_way).clamp(from, to) - from;
    dead.excused += excused;
    let hits: Vec<_> = evidence.told.struck.iter().filter(|struck| touches(struck, due, to)).map(ToString::to_string).collect();
    let why = if on_its_way > fair.min(from) { "the answer that would replace it was lost" } else { "nobody could replace it" };
    let story = format!(
        "{name} for {:.1} s from {:.1} s: {why}; made at {:.1} s, due at {:.1} s, hit meanwhile: {}",
        seconds(to - from),
        seconds(from),
        seconds(made),
        seconds(due),
        if hits.is_empty() { "nobody".to_owned() } else { hits.join("; ") },
    );
    if excused > 0 {
        dead.excuses.push(story.clone());
    }
    if excused < to - from {
        let beyond = seconds(to - from - excused);
        dead.blames.push(format!("dead token beyond physics by {beyond:.1} s: {story}"));
    }
}

fn touches(struck: &Struck, from: Millis, to: Millis) -> bool {
    struck.from < to && struck.back > from && !struck.idle
}
