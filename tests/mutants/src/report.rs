//! Says what became of each mutant, a line each, and what all of it comes to.

use std::{fmt, time::Duration};

use crate::table::Mutant;

/// Who noticed a mutant.
pub struct Kill {
    /// A unit test, an oracle of the simulation, or `explore`.
    pub by: String,
    /// How long that took.
    pub after: Duration,
    /// Which test, seed or script.
    pub place: String,
    /// What it says.
    pub what: String,
}

impl fmt::Display for Kill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<10} {:>6.1} s  {}", self.by, self.after.as_secs_f64(), self.place)?;
        if self.what.is_empty() { Ok(()) } else { write!(f, ": {}", self.what) }
    }
}

/// What became of the mutants so far.
#[derive(Default)]
pub struct Report {
    killed: usize,
    survive: usize,
}

impl Report {
    /// Somebody noticed it.
    pub fn killed(&mut self, mutant: &Mutant, kill: &Kill) {
        self.killed += 1;
        println!("{:<34} {kill}", mutant.name);
    }

    /// Nobody noticed it.
    pub fn survives(&mut self, mutant: &Mutant) {
        self.survive += 1;
        println!("{:<34} SURVIVES: {}", mutant.name, mutant.means);
    }

    /// The numbers.
    pub fn sum(&self) -> String {
        format!("{} mutants are noticed, {} survive", self.killed, self.survive)
    }

    /// Whether none survives.
    pub fn is_good(&self) -> bool {
        self.survive == 0
    }
}
