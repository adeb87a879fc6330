//! Two callers of one app, explored to the end: the real operator on virtual time, where a script
//! of faults at numbered steps stands in the place of chance, and every script of so many faults is
//! played.
//!
//! | room | its one job |
//! |---|---|
//! | [`scenario`] | who is there, and what makes them call |
//! | [`step`] | what counts as a step, and what may go wrong at it |
//! | [`script`] | faults at steps, as one line of text |
//! | [`injector`] | numbers the steps and lets the script's faults happen at them |
//! | [`history`] | what stood in the target and in the status, from when on |
//! | [`play`] | one script from beginning to end |
//! | [`judge`] | whether it ended well |
//! | [`search`] | all scripts of so many faults |

pub mod history;
pub mod injector;
pub mod judge;
pub mod play;
pub mod scenario;
pub mod script;
pub mod search;
pub mod step;
