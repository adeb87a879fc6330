//! What the operator promises, written once, and judged from a log of what happened. The
//! simulation, `explore`, chaos and the integration tests write the log, each from what it can see;
//! nobody else judges.
//!
//! ```
//! use judge::{Event, Log, Rules, judge};
//!
//! let mut log = Log::default(); let ends = 7_200_000; log.push(0, Event::Mint { app: "wx1".into(),
//! token: "A".into(), replaces: false, ends }); log.push(5, Event::Secret { name:
//! "shop-token".into(), by: Some(1), token: Some("A".into()), unconfirmed: false });
//! assert!(judge(&log, &Rules::default(), 10_000).is_good());
//! ```
//!
//! | file | its one job |
//! |---|---|
//! | [`log`] | what can have happened, in the field's words: the only thing that a judgement sees |
//! | `json` | reads a status |
//! | [`rules`] | the figures that a run is judged by |
//! | [`facts`] | the log by app, object, Secret and token |
//! | [`calm`] | when nothing disturbs an app |
//! | [`spans`] | sets of moments |
//! | [`promises`] | one file for each promise |
//! | [`verdict`] | which promises were broken, and figures |
//!
//! **Safety** holds at every moment and has no excuses: nothing is written over something newer, no
//! limit of the platform is exceeded, nobody calls or writes after a term. **Liveness** is judged
//! in calm: while no disturbance that concerns the app is under way, and [`Rules::recovery`] after
//! the last one. Whoever writes the log therefore owes it every disturbance, with its true end, and
//! calm that is long enough for something to be seen in it: [`Verdict::calm`] says how much there
//! was. While lists and watches fail ([`Event::Hidden`]), what needs neither is judged all the
//! same.
//!
//! Times in [`Log`] are true times in milliseconds since the run began. Times in a status are the
//! operator's own, by a clock that may be off: [`Event::Clock`] says by how much.

pub mod calm;
pub mod facts;
mod json;
pub mod log;
pub mod promises;
pub mod rules;
pub mod spans;
pub mod verdict;

pub use self::{
    log::{
        Act, Call, End, Event, Expect, Failure, Fresh, Log, Millis, Process, Standing, Status,
        Verb, Writer,
    },
    promises::judge,
    rules::{Pace, Rules},
    verdict::{Broken, Promise, Verdict},
};
