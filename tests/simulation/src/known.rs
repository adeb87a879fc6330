//! Scripts that once found something, in the operator or in a mutant of it, each with what it
//! shows.

use crate::explore::play::play;

/// What a script of faults for two callers of one app shows, its scenario, and the script.
pub struct Known(pub &'static str, pub &'static str, pub &'static str);

/// Each must end well.
pub const SCRIPTS: [Known; 16] = [
    Known(
        "nothing goes wrong, and of two releases one waits for the other's intent",
        "legacy-first-twins",
        "",
    ),
    Known(
        "a request lands after the next token is stored: the doubt mark",
        "legacy-due-lease",
        "6:late-25s",
    ),
    Known(
        "a process wakes between its intent and its call: no call so long after it",
        "legacy-due-twins",
        "7:pause-answer-200s",
    ),
    Known(
        "a token in doubt is deleted, its request lands: the kept intent",
        "legacy-first-lease",
        "10:late-110s,23:delete",
    ),
    Known("the same for a forced call", "stable-report-lease", "6:late-110s,12:delete"),
    Known(
        "a process wakes with a token over a target that is gone",
        "legacy-first-twins",
        "20:pause-200s,41:delete",
    ),
    Known("one of two releases dies after its call", "legacy-report-twins", "10:gone"),
    Known("the object is re-created under a call", "legacy-first-lease", "10:recreate"),
    Known(
        "two releases say different things of one object",
        "stable-first-twins",
        "16:pause-answer-200s",
    ),
    Known(
        "a process wakes with a token over a newer one: the fence",
        "legacy-first-twins",
        "20:pause-200s,39:pause-200s",
    ),
    Known(
        "a process wakes and would call over a newer token",
        "legacy-first-twins",
        "20:pause-200s,36:pause-answer-200s",
    ),
    Known(
        "a process wakes with a token over a newer one of another release",
        "stable-report-twins",
        "10:late-25s,23:pause-200s",
    ),
    Known(
        "a call in doubt stays so when the next one comes to nothing",
        "legacy-first-twins",
        "17:late-110s,48:lost",
    ),
    Known("a request that failed once is asked for again", "stable-request-lease", "3:refused-1"),
    Known("the same where each call makes a new token", "legacy-request-lease", "6:refused-1"),
    Known(
        "forced calls that were refused show nothing of a reported token",
        "stable-report-twins",
        "10:refused-1,17:refused-1",
    ),
];

impl Known {
    /// Plays it, and says what is wrong.
    ///
    /// # Panics
    /// If there is no such scenario, or it is no script.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let Self(_, scenario, script) = self;
        play(scenario.parse().expect("a scenario"), &script.parse().expect("a script"), false)
            .ending
            .faults
    }
}
