//! What happened, in order, for people: virtual time, actor, what. Judges nothing.

use std::{
    collections::VecDeque,
    fmt::{self, Display},
    sync::{Arc, Mutex, PoisonError},
};

use crate::time::{Millis, Time, show};

/// More lines than this tell nobody anything.
const KEPT: usize = 200_000;

struct Line {
    at: Millis,
    actor: &'static str,
    what: String,
}

#[derive(Clone)]
pub struct Trace {
    /// None if nobody will read them: writing them down costs a third of a run.
    lines: Option<Arc<Mutex<VecDeque<Line>>>>,
    time: Time,
}

impl Trace {
    pub fn new(time: Time, kept: bool) -> Self {
        Self { lines: kept.then(Arc::default), time }
    }

    pub fn note(&self, actor: &'static str, what: impl Display) {
        let Some(lines) = &self.lines else { return };
        let line = Line { at: self.time.now(), actor, what: what.to_string() };
        let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == KEPT {
            lines.pop_front();
        }
        lines.push_back(line);
    }
}

impl Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(lines) = &self.lines else { return Ok(()) };
        for line in lines.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            writeln!(f, "{} {:<9} {}", show(line.at), line.actor, line.what)?;
        }
        Ok(())
    }
}
