//! Seeds and scripts that once found something, in the operator or in a mutant of it: what they know is soon seen to be broken.
//! Of a seed it says nothing more: the tests beside the code tell what it was.

use crate::explore::play::play;

/// Each must stay good. The quickest comes first.
pub const SEEDS: [u64; 41] = [
    2028,
    3459,
    40_014,
    43_095_286_008_118,
    178,
    4009,
    7_000_001,
    2306,
    3422,
    11_292,
    2346,
    2048,
    3909,
    2042,
    1_795_637_786_178,
    1_795_668_560_243,
    93,
    1_795_666_977_018,
    43_095_151_152_022,
    2032,
    3849,
    3991,
    1_795_650_487_067,
    4008,
    1_795_663_464_350,
    2326,
    6_219_664_593_167,
    1_795_657_583_074,
    12,
    4_334_907_305_021,
    50_035,
    1_795_652_102_112,
    2021,
    1_795_666_977_274,
    1_795_650_940_102,
    20_002,
    2071,
    43_095_286_008_190,
    1_795_663_464_106,
    10_099,
    1_795_658_204_183,
];

/// What a script of faults for two callers of one app shows, its scenario, and the script.
pub struct Known(pub &'static str, pub &'static str, pub &'static str);

/// Each must end well.
pub const SCRIPTS: [Known; 14] = [
    Known("nothing goes wrong, and of two releases one waits for the other's intent", "legacy-first-twins", ""),
    Known("a request lands after the next token is stored: the doubt mark", "legacy-due-lease", "6:late-25s"),
    Known("a process wakes between its intent and its call: no call so long after it", "legacy-due-twins", "7:pause-answer-200s"),
    Known("a token in doubt is deleted, its request lands: the kept intent", "legacy-first-lease", "10:late-110s,23:delete"),
    Known("the same for a forced call", "stable-report-lease", "6:late-110s,12:delete"),
    Known("a process wakes with a token over a target that is gone", "legacy-first-twins", "20:pause-200s,41:delete"),
    Known("one of two releases dies after its call", "legacy-report-twins", "10:gone"),
    Known("the object is re-created under a call", "legacy-first-lease", "10:recreate"),
    Known("two releases say different things of one object", "stable-first-twins", "16:pause-answer-200s"),
    Known("a process wakes with a token over a newer one: the fence", "legacy-first-twins", "20:pause-200s,39:pause-200s"),
    Known("a process wakes and would call over a newer token", "legacy-first-twins", "20:pause-200s,36:pause-answer-200s"),
    Known("a process wakes with a token over a newer one of another release", "stable-report-twins", "10:late-25s,23:pause-200s"),
    Known("a call in doubt stays so when the next one comes to nothing", "legacy-first-twins", "17:late-110s,48:lost"),
    Known("forced calls that were refused show nothing of a reported token", "stable-report-twins", "10:refused-1,17:refused-1"),
];

impl Known {
    /// Plays it, and says what is wrong.
    ///
    /// # Panics
    /// If there is no such scenario, or it is no script.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let Self(_, scenario, script) = self;
        play(scenario.parse().expect("a scenario"), &script.parse().expect("a script"), false).ending.faults
    }
}
