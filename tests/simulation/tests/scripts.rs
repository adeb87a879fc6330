//! Scripts that once showed something, or that show one rule of the protocol at work, and every script of one fault.

use simulation::{
    explore::{
        play::play,
        scenario::Scenario,
        search::{Depth, explore},
    },
    panics,
};

/// Each by what it is about.
const SCRIPTS: [(&str, &str, &str); 9] = [
    ("nothing goes wrong, and of two releases one waits for the other's intent", "legacy-first-twins", ""),
    ("a request lands after the next token is stored: the doubt mark", "legacy-due-lease", "6:late-25s"),
    ("a process wakes between its intent and its call: no call so long after it", "legacy-due-twins", "7:pause-answer-200s"),
    ("a token in doubt is deleted, and the late request lands: the kept intent", "legacy-first-lease", "10:late-110s,23:delete"),
    ("the same for a forced call", "stable-report-lease", "6:late-110s,12:delete"),
    ("a process wakes with a token over a target that is gone", "legacy-first-twins", "20:pause-200s,41:delete"),
    ("one of two releases dies after its call", "legacy-report-twins", "10:gone"),
    ("the object is re-created under a call", "legacy-first-lease", "10:recreate"),
    ("two releases say different things of one object", "stable-first-twins", "16:pause-answer-200s"),
];

#[test]
fn scripts_that_showed_something_end_well() {
    panics::remember();
    let mut failures = Vec::new();
    for (what, scenario, script) in SCRIPTS {
        let name: Scenario = scenario.parse().expect("a scenario");
        let script = script.parse().expect("a script");
        let faults = play(name, &script, false).ending.faults;
        if !faults.is_empty() {
            failures.push(format!("{what}: --scenario {scenario} --script {script}\n  {}", faults.join("\n  ")));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn whatever_goes_wrong_once_ends_well() {
    panics::remember();
    let scenarios: Vec<_> = Scenario::all().collect();
    let sums = explore(&scenarios, Depth { faults: 1, grave: 1 }, 2);
    assert_eq!(sums.len(), scenarios.len());
    let runs: u64 = sums.values().flat_map(|sum| &sum.runs).sum();
    assert!(runs > 1000, "a script that fails can only be found where steps are numbered: {runs} runs");
    let failures: Vec<_> = sums.values().flat_map(|sum| &sum.failed).collect();
    assert!(failures.is_empty(), "{failures:#?}");
}

#[test]
fn a_script_replays_exactly() {
    let scenario = "legacy-due-twins".parse().expect("a scenario");
    let script = "10:late-110s,30:crash".parse().expect("a script");
    let again = || play(scenario, &script, true).trace.to_string();
    let trace = again();
    assert!(trace.contains("10:late-110s") && trace.contains("30:crash"), "both faults come to pass");
    assert_eq!(trace, again());
}
