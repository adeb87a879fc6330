//! No process writes an older token over a newer one of the same app and endpoint: what was read
//! before a call never replaces what came after it.

use crate::{
    facts::Facts,
    rules::Rules,
    verdict::{Promise, Verdict},
};

pub(super) fn judge(facts: &Facts<'_>, _: &Rules, verdict: &mut Verdict) {
    for (name, history) in &facts.secrets {
        let life = |token: Option<&str>| token.and_then(|token| facts.tokens.get(token));
        for pair in history.windows(2) {
            let (before, after) = (pair[0], pair[1]);
            let (Some(by), Some(old), Some(new)) =
                (after.is.by, life(before.is.token), life(after.is.token))
            else {
                continue;
            };
            if old.app == new.app && old.replaces == new.replaces && old.minted > new.minted {
                let what =
                    format!("process {by} writes an older token over a newer one in Secret {name}");
                verdict.add(Promise::NewestWins, after.from, what);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        Event, Promise,
        promises::story::{Story, TARGET},
        rules::{HOUR, MINUTE},
    };

    fn written(by: Option<u32>) -> Story {
        let mut story = Story::begin();
        story.refresh(HOUR, "B", 3 * HOUR);
        story.log.push(
            HOUR + MINUTE,
            Event::Secret { name: TARGET.into(), by, token: Some("A".into()), unconfirmed: false },
        );
        story
    }

    #[test]
    fn a_process_does_not_write_an_older_token_over_a_newer_one() {
        written(Some(1)).breaks(Promise::NewestWins);
    }

    #[test]
    fn a_person_may_restore_an_old_copy() {
        written(None).keeps(Promise::NewestWins);
    }
}
