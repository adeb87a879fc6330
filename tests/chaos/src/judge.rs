//! Judges a run by what happened: each promise is a file of its own. Knows no process.

pub mod calls;
pub mod calm;
pub mod lease;
pub mod tokens;

#[cfg(test)]
mod tests;

use platform_simulator::{
    Millis,
    model::{Call, Kind},
};

use crate::{
    audit::Write,
    pace::Pace,
    record::{Held, Told},
    script::HELD,
    stage::App,
};

/// How long after a call arrived its token lies in the Secret and readers have seen it, on a slow machine, if nothing is in the
/// way.
pub const STORED_WITHIN: Millis = HELD + 4_000;

/// All that there is to judge by.
pub struct Evidence<'a> {
    pub pace: &'a Pace,
    pub told: &'a Told,
    pub apps: Vec<Seen<'a>>,
    pub writes: Vec<Write>,
    /// The port of each operator at the platform.
    pub ports: Vec<u16>,
    pub end: Millis,
}

/// What the platform saw of an app.
pub struct Seen<'a> {
    pub app: &'a App,
    /// Its calls for a token, in order.
    pub asked: Vec<Call>,
    /// The presentations of its tokens, in order.
    pub shown: Vec<Call>,
}

impl<'a> Seen<'a> {
    pub fn of(app: &'a App, calls: Vec<Call>) -> Self {
        let (shown, asked) = calls.into_iter().partition(|call| call.endpoint == Kind::Business);
        Self { app, asked, shown }
    }

    /// When a token was made, if this app's it is.
    pub fn made(&self, token: &str) -> Option<Millis> {
        let made = self.asked.iter().find(|call| call.minted && call.token.as_deref() == Some(token))?;
        made.executed_ms
    }
}

impl Evidence<'_> {
    /// Which operator a call came from.
    pub fn caller(&self, call: &Call) -> Option<usize> {
        self.ports.iter().position(|port| *port == call.port)
    }

    /// The token that a call brought, if the Secret held it by then.
    pub fn stored(&self, app: &App, call: &Call, by: Millis) -> Option<&Held> {
        let (token, story) = (call.token.as_deref()?, self.told.held.get(&app.id)?);
        story.iter().find(|held| held.fingerprint == token && held.from <= by)
    }
}
