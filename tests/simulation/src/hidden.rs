//! What of the cluster can be neither listed nor watched for a while, and how that shows. Whoever
//! asks for anything else is answered. Carries nothing out.

use crate::{
    cluster::{
        Kind,
        request::{Asked, Verb},
    },
    dice::Dice,
    fault_rates::RequestOutcome,
    time::Millis,
};

/// All objects of a kind, hidden until then.
#[derive(Clone, Copy, Debug)]
pub struct Hidden {
    pub kind: Kind,
    pub how: How,
    pub until: Millis,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// No role allows it.
    Forbidden,
    /// A role allows lists alone.
    WatchForbidden,
    /// Nothing that belongs to a watch is answered.
    Unanswered,
    /// Lists that a watch begins with stop in the middle.
    Cut,
}

impl Hidden {
    /// Secrets more often than not: without them nothing is due, and what is known still ends.
    pub fn draw(dice: &Dice, until: Millis) -> Self {
        let kind = if dice.chance(0.7) { Kind::Secret } else { Kind::MiniProgram };
        let how = [How::Forbidden, How::WatchForbidden, How::Unanswered, How::Cut, How::Cut];
        Self { kind, how: dice.pick(&how).copied().unwrap_or(How::Forbidden), until }
    }

    /// What becomes of a request for what is hidden; none if it is for something else.
    #[must_use]
    pub fn outcome(&self, now: Millis, asked: &Asked) -> Option<RequestOutcome> {
        let asks = asked.kind == self.kind && matches!(asked.verb, Verb::List | Verb::Watch);
        if now >= self.until || !asks {
            return None;
        }
        match self.how {
            How::Forbidden => Some(RequestOutcome::Refused(403)),
            How::WatchForbidden => {
                (asked.verb == Verb::Watch).then_some(RequestOutcome::Refused(403))
            }
            How::Unanswered => {
                asked.is_of_a_watch().then_some(RequestOutcome::Lost { reset: false })
            }
            How::Cut => {
                asked.is_of_a_watch().then_some(RequestOutcome::AnswerLost { reset: false })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::{Hidden, How};
    use crate::{
        cluster::{Kind, request::Asked},
        fault_rates::RequestOutcome,
    };

    const WATCH: &str = "/api/v1/secrets?watch=true&timeoutSeconds=30";
    const FIRST_LIST: &str = "/api/v1/secrets?limit=500";
    const READ: &str = "/api/v1/namespaces/a/secrets?fieldSelector=metadata.name%3Dshop-token";
    const OTHERS: &str = "/apis/miniprogram.dev/v1alpha1/miniprograms?limit=200";

    #[test]
    fn what_is_hidden_is_hidden_from_those_who_ask_for_it() {
        let (refused, cut) =
            (RequestOutcome::Refused(403), RequestOutcome::AnswerLost { reset: false });
        let lost = RequestOutcome::Lost { reset: false };
        for (how, watch, first_list, read) in [
            (How::Forbidden, Some(refused), Some(refused), Some(refused)),
            (How::WatchForbidden, Some(refused), None, None),
            (How::Unanswered, Some(lost), Some(lost), None),
            (How::Cut, Some(cut), Some(cut), None),
        ] {
            let hidden = Hidden { kind: Kind::Secret, how, until: 100 };
            let outcome = |now, uri| {
                let (parts, ()) = Request::get(uri).body(()).expect("a request").into_parts();
                hidden.outcome(now, &Asked::read(&parts, b"").expect("it is served"))
            };
            let fates = [WATCH, FIRST_LIST, READ, OTHERS].map(|uri| outcome(99, uri));
            assert_eq!(fates, [watch, first_list, read, None], "{how:?}");
            assert_eq!(outcome(100, WATCH), None, "{how:?}");
        }
    }
}
