//! A short log for the tests of the promises: one object, its Secret and its app, all well for the
//! first hours.

use crate::{
    Call, End, Event, Expect, Fresh, Log, Millis, Promise, Rules, Status, judge,
    log::Writer,
    rules::{HOUR, MINUTE},
};

pub const TARGET: &str = "shop-token";
/// When the first token ends.
pub const ENDS: Millis = 4 * HOUR;
/// When a run is judged unless a test says otherwise.
const END: Millis = 3 * HOUR;
const APP: &str = "wx1";
const OBJECT: &str = "shop";

pub struct Story {
    pub log: Log,
    status: Status,
}

/// A call of the first process.
pub fn call(end: End) -> Call {
    Call { by: 1, app: APP.into(), replaces: true, forced: false, end, counted: None }
}

/// An object that was just created.
pub fn empty() -> Story {
    let status = Status { target: Some(TARGET.into()), ..Status::default() };
    let mut story = Story { log: Log::default(), status };
    story.expect(TARGET, |_| ());
    story
}

impl Story {
    /// Token A was made at the start, and lies in the Secret from then on.
    pub fn begin() -> Self {
        let mut story = empty();
        story.refresh(0, "A", ENDS);
        story
    }

    pub fn expect(&mut self, target: &str, change: impl FnOnce(&mut Expect)) {
        let mut expect = Expect { target: Some(target.into()), ready: true, ..Expect::default() };
        change(&mut expect);
        let object = if target == TARGET { OBJECT } else { target };
        self.log.push(0, Event::Expect { object: object.into(), app: APP.into(), expect });
    }

    pub fn disturb(&mut self, from: Millis, until: Millis) {
        self.log.push(from, Event::Disturbance { until, app: None, what: "a fault" });
    }

    pub fn call(&mut self, at: Millis, end: End) {
        let counted = matches!(end, End::Answered(0)).then_some((at, 0));
        self.log.push(at, Event::Call(Call { counted, ..call(end) }));
    }

    pub fn mint(&mut self, at: Millis, token: &str, ends: Millis) {
        self.log
            .push(at, Event::Mint { app: APP.into(), token: token.into(), replaces: true, ends });
    }

    /// A call that brings a token, and all that is written of it.
    pub fn refresh(&mut self, at: Millis, token: &str, ends: Millis) {
        self.call(at.saturating_sub(100), End::Answered(0));
        self.mint(at, token, ends);
        self.log.push(
            at,
            Event::Secret {
                name: TARGET.into(),
                by: Some(1),
                token: Some(token.into()),
                unconfirmed: false,
            },
        );
        self.status(at, |status| {
            status.ready = true;
            status.fresh = Fresh { is_false: false, reason: "Fresh".into() };
            status.failure = None;
            status.token = Some(token.into());
            status.expires = ends.try_into().ok();
            status.next_refresh = (ends - 5 * MINUTE).try_into().ok();
        });
    }

    pub fn status(&mut self, at: Millis, change: impl FnOnce(&mut Status)) {
        change(&mut self.status);
        let by = Some(Writer { process: 1, sent: at });
        self.log.push(
            at,
            Event::Status { object: OBJECT.into(), by, status: Some(self.status.clone()) },
        );
    }

    fn broken(&self, end: Millis) -> Vec<crate::Broken> {
        judge(&self.log, &Rules::default(), end).broken
    }

    #[track_caller]
    pub fn keeps_all_until(&self, end: Millis) {
        let broken = self.broken(end);
        assert!(broken.is_empty(), "{broken:#?}");
    }

    #[track_caller]
    pub fn keeps_until(&self, end: Millis, promise: Promise) {
        let broken = self.broken(end);
        assert!(broken.iter().all(|broken| broken.promise != promise), "{broken:#?}");
    }

    #[track_caller]
    pub fn breaks_until(&self, end: Millis, promise: Promise) {
        let broken = self.broken(end);
        assert!(
            broken.iter().any(|broken| broken.promise == promise),
            "{promise:?} is kept: {broken:#?}"
        );
    }

    #[track_caller]
    pub fn keeps(&self, promise: Promise) {
        self.keeps_until(END, promise);
    }

    #[track_caller]
    pub fn breaks(&self, promise: Promise) {
        self.breaks_until(END, promise);
    }
}
