//! A credential is accepted by the platform alone: no status says so of an app that was never
//! answered with a token.

use crate::{
    facts::{App, Facts},
    log::{End, Millis},
    rules::Rules,
    verdict::{Promise, Verdict},
};

pub(super) fn judge(facts: &Facts<'_>, _: &Rules, verdict: &mut Verdict) {
    for app in facts.apps.values() {
        let answered = first_answer(app);
        for (name, object) in &app.objects {
            let mut accepted =
                object.statuses.iter().filter(|said| said.is.status.is_some_and(|s| s.accepted));
            let unanswered =
                accepted.find(|said| answered.is_none_or(|answered| said.from < answered));
            if let Some(said) = unanswered {
                let what = format!("{name} is Accepted although no call has brought it a token");
                verdict.add(Promise::Accepted, said.from, what);
            }
        }
    }
}

/// When the first call went out that the platform may have answered with a token.
fn first_answer(app: &App<'_>) -> Option<Millis> {
    let answered = app.calls.iter().filter(|call| match call.is.end {
        End::NotSent => false,
        End::Answered(code) => code == 0,
        End::Unanswered => call.is.counted.is_none_or(|(_, code)| code == 0),
    });
    answered.map(|call| call.from).min()
}

#[cfg(test)]
mod tests {
    use crate::{
        End, Promise,
        promises::story::{Story, empty},
        rules::{HOUR, MINUTE},
    };

    fn told_after(end: End) -> Story {
        let mut story = empty();
        story.call(HOUR, end);
        story.status(HOUR + MINUTE, |status| status.accepted = true);
        story
    }

    #[test]
    fn an_app_secret_is_accepted_once_a_call_brought_a_token() {
        told_after(End::Answered(0)).keeps(Promise::Accepted);
        told_after(End::Answered(40125)).breaks(Promise::Accepted);
        told_after(End::NotSent).breaks(Promise::Accepted);
    }

    #[test]
    fn no_answer_makes_an_app_secret_accepted_that_came_before_it() {
        let mut story = told_after(End::Answered(0));
        story.status(HOUR - MINUTE, |status| status.accepted = true);
        story.breaks(Promise::Accepted);
    }
}
