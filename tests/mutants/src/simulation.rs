//! Looks for a mutant with the simulation: known scripts, seeds from the first one on, and where
//! that is not enough all scripts of a few faults, then fresh seeds.

use std::{
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use crate::{
    child::{self, Ended},
    report::Kill,
};

/// What no stage needs, however slow the machine: a mutant may keep the simulation from ending.
const LONGEST: Duration = Duration::from_secs(1200);

/// The programs of the simulation, mutants included.
pub struct Simulation {
    folder: PathBuf,
    seconds: String,
    fresh: Option<String>,
}

impl Simulation {
    /// The programs in a folder; seeds run for so long, fresh ones from this one on, if any.
    pub fn new(folder: PathBuf, seconds: Duration, fresh: Option<u64>) -> Self {
        let fresh = fresh.map(|seed| seed.to_string());
        Self { folder, seconds: seconds.as_secs().to_string(), fresh }
    }

    /// The first that is found, if anything is; without a mutant if its name is empty.
    pub fn look_for(&self, mutant: &str) -> Result<Option<Kill>, String> {
        let began = Instant::now();
        let seeds = |from| vec!["--seconds", &self.seconds, "--from-seed", from];
        let mut stages = vec![
            ("explore", vec!["--stop", "--known", "--faults", "0", "--grave", "0"]),
            ("simulate", seeds("1")),
        ];
        if let Some(fresh) = &self.fresh {
            stages.push(("explore", vec!["--stop", "--faults", "1", "--grave", "2"]));
            stages.push(("simulate", seeds(fresh)));
        }
        for (program, arguments) in stages {
            let mut command = Command::new(self.folder.join(program));
            let (by, place, what) = match child::run(command.args(arguments), mutant, LONGEST)? {
                Ended::Well => continue,
                Ended::Hung => (program.to_owned(), String::new(), "it does not end".to_owned()),
                Ended::Badly(printed) => first_fault(program, &printed),
            };
            return Ok(Some(Kill { by, after: began.elapsed(), place, what }));
        }
        Ok(None)
    }
}

/// Who found the first fault, in which seed or script, and what it is. A seed's faults are told as
/// `  Oracle: what`.
fn first_fault(program: &str, printed: &str) -> (String, String, String) {
    let mut place = String::new();
    for line in printed.lines() {
        if let Some(seed) = line.strip_suffix(" fails:").filter(|line| line.starts_with("seed ")) {
            seed.clone_into(&mut place);
        } else if line.starts_with("--scenario ") {
            place = line.replace("--scenario ", "").replace("--script ", "");
        } else if !place.is_empty() && line.starts_with(' ') {
            let by_oracle = line
                .trim()
                .split_once(": ")
                .filter(|(name, _)| place.starts_with("seed ") && !name.contains(' '));
            let (by, what) = by_oracle.unwrap_or((program, line.trim()));
            return (by.to_owned(), place, what.to_owned());
        }
    }
    (
        program.to_owned(),
        place,
        printed.lines().last().unwrap_or("it ends without a word").to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::first_fault;

    #[test]
    fn the_first_fault_is_told_with_its_seed_or_script() {
        let cases = [
            (
                "simulate",
                "seed 17 fails:\n  Promise: a dead token: 5 s\n  Economy: 3 calls",
                ("Promise", "seed 17", "a dead token: 5 s"),
            ),
            (
                "explore",
                "legacy-first: [1] runs\n    at most 3 calls: 1:crash\n1 fail\n\
                 --scenario legacy-first --script 10:gone\n    Ready lies",
                ("explore", "legacy-first 10:gone", "Ready lies"),
            ),
            ("simulate", "", ("simulate", "", "it ends without a word")),
        ];
        for (program, printed, (by, place, what)) in cases {
            assert_eq!(
                first_fault(program, printed),
                (by.to_owned(), place.to_owned(), what.to_owned())
            );
        }
    }
}
