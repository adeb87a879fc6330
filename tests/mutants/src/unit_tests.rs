//! Looks for a mutant with the operator's unit tests: the one that the table names, then all.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use crate::{
    child::{self, Ended},
    report::Kill,
    table::Mutant,
};

/// All tests together need seconds.
const LONGEST: Duration = Duration::from_secs(120);

/// The unit tests of the operator, mutants included.
pub struct UnitTests {
    program: PathBuf,
    tree: PathBuf,
    /// Their full names.
    names: Vec<String>,
}

impl UnitTests {
    /// The tests in a program that cargo has built from this tree.
    pub fn list(tree: &Path, program: PathBuf) -> Result<Self, String> {
        let listed = Command::new(&program).args(["--list", "--format", "terse"]).output();
        let listed = listed.map_err(|error| format!("{}: {error}", program.display()))?;
        let listed = String::from_utf8_lossy(&listed.stdout);
        let names = listed
            .lines()
            .filter_map(|line| line.strip_suffix(": test"))
            .map(str::to_owned)
            .collect();
        Ok(Self { program, tree: tree.to_owned(), names })
    }

    /// Makes sure that without a mutant the tests pass: those that are named for these mutants, or
    /// all if there are none.
    pub fn check(&self, mutants: &[&Mutant]) -> Result<(), String> {
        let named = mutants.iter().filter_map(|mutant| mutant.test()).map(|test| self.find(test));
        let named = named.collect::<Result<Vec<_>, _>>()?;
        match self.run("", &named)? {
            None => Ok(()),
            Some(test) => Err(format!("without any mutant, this is not as it should be: {test}")),
        }
    }

    /// What kills the mutant: the test that the table names, or any if `all` may be tried.
    pub fn look_for(&self, mutant: &Mutant, all: bool) -> Result<Option<Kill>, String> {
        let began = Instant::now();
        let named = mutant.test().map(|test| self.find(test)).transpose()?;
        let mut found = match named {
            Some(test) => self.run(mutant.name, &[test])?,
            None => None,
        };
        let is_as_told = found.is_some();
        if found.is_none() && all {
            found = self.run(mutant.name, &[])?;
        }
        let note = if is_as_told { "" } else { "name it in the table" };
        let kill = |test: String| Kill {
            by: "unit test".to_owned(),
            after: began.elapsed(),
            place: test,
            what: note.to_owned(),
        };
        Ok(found.map(kill))
    }

    /// The full name of a test: where it stands may change.
    fn find(&self, test: &str) -> Result<&str, String> {
        let is_it = |name: &&String| name.rsplit("::").next() == Some(test);
        let mut found = self.names.iter().filter(is_it);
        match (found.next(), found.next()) {
            (Some(name), None) => Ok(name),
            (None, _) => Err(format!("the table names a unit test that does not exist: {test}")),
            (Some(_), Some(_)) => {
                Err(format!("the table names a unit test that exists twice: {test}"))
            }
        }
    }

    /// Runs these tests, or all if there are none, and answers with the first that fails.
    fn run(&self, mutant: &str, tests: &[&str]) -> Result<Option<String>, String> {
        let mut command = Command::new(&self.program);
        command.current_dir(&self.tree).arg("--exact").args(tests);
        Ok(match child::run(&mut command, mutant, LONGEST)? {
            Ended::Well => None,
            Ended::Hung => Some("the tests do not end".to_owned()),
            Ended::Badly(printed) => {
                let failed = printed
                    .lines()
                    .find_map(|line| line.strip_prefix("test ")?.strip_suffix(" ... FAILED"));
                Some(failed.unwrap_or("the tests abort").to_owned())
            }
        })
    }
}
