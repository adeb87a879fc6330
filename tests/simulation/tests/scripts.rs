//! Scripts that once showed something, or that show one rule of the protocol at work, and every
//! script of one fault.

use simulation::{
    explore::{
        play::play,
        scenario::Scenario,
        search::{Depth, explore},
    },
    known, panics,
};

#[test]
fn scripts_that_showed_something_end_well() {
    panics::remember();
    let failures: Vec<_> = known::SCRIPTS
        .iter()
        .map(|known| (known, known.faults()))
        .filter(|(_, faults)| !faults.is_empty())
        .map(|(known::Known(about, scenario, script), faults)| {
            format!("{about}: --scenario {scenario} --script {script}\n  {}", faults.join("\n  "))
        })
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn whatever_goes_wrong_once_ends_well() {
    panics::remember();
    let scenarios: Vec<_> = Scenario::all().collect();
    let sums = explore(&scenarios, Depth { faults: 1, grave: 1 }, 2);
    assert_eq!(sums.len(), scenarios.len());
    let runs: u64 = sums.values().flat_map(|sum| &sum.runs).sum();
    assert!(
        runs > 1000,
        "a script that fails can only be found where steps are numbered: {runs} runs"
    );
    let failures: Vec<_> = sums.values().flat_map(|sum| &sum.failed).collect();
    assert!(failures.is_empty(), "{failures:#?}");
}

#[test]
fn a_script_replays_exactly() {
    let scenario = "legacy-due-twins".parse().expect("a scenario");
    let script = "10:late-110s,30:crash".parse().expect("a script");
    let again = || play(scenario, &script, true).trace.to_string();
    let trace = again();
    assert!(
        trace.contains("10:late-110s") && trace.contains("30:crash"),
        "both faults come to pass"
    );
    assert_eq!(trace, again());
}
