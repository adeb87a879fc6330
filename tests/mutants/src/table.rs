//! The mutants: which rule of the operator each breaks, how, and who notices. Data only, a file for
//! each subject.

mod admission;
mod api_server;
mod bounds;
mod call;
mod cluster;
mod due;
mod failures;
mod leader;
mod limits;
mod network;
mod platforms;
mod report;
mod siblings;
mod target;
mod tenants;
mod tickets;

/// A rule of the operator, broken.
pub struct Mutant {
    /// What the variable MUTANT is set to.
    pub name: &'static str,
    /// What the operator does then.
    pub means: &'static str,
    /// Each text, and what stands there instead; see `insert::Change`.
    pub changes: &'static [(&'static str, &'static str)],
    /// Who notices.
    pub killed_by: KilledBy,
}

/// Who notices a mutant.
pub enum KilledBy {
    /// The unit test of this name, wherever it stands.
    Test(&'static str),
    /// This unit test, and the simulation within a minute: a promise that takes a whole operator to
    /// keep.
    Both(&'static str),
    /// No unit test: it takes a whole operator to show it.
    Simulation,
}

/// The mutants of a source file.
struct Source {
    file: &'static str,
    mutants: &'static [Mutant],
}

const SUBJECTS: [&[Source]; 16] = [
    admission::SOURCES,
    due::SOURCES,
    limits::SOURCES,
    failures::SOURCES,
    siblings::SOURCES,
    call::SOURCES,
    target::SOURCES,
    tenants::SOURCES,
    tickets::SOURCES,
    report::SOURCES,
    cluster::SOURCES,
    api_server::SOURCES,
    bounds::SOURCES,
    leader::SOURCES,
    network::SOURCES,
    platforms::SOURCES,
];

impl Mutant {
    /// The unit test that notices it.
    pub fn test(&self) -> Option<&'static str> {
        match self.killed_by {
            KilledBy::Test(test) | KilledBy::Both(test) => Some(test),
            KilledBy::Simulation => None,
        }
    }

    /// Whether the simulation notices it within a minute.
    pub fn is_simulated(&self) -> bool {
        matches!(self.killed_by, KilledBy::Simulation | KilledBy::Both(_))
    }
}

/// All mutants, with the file that each changes.
pub fn all() -> impl Iterator<Item = (&'static str, &'static Mutant)> {
    let sources = SUBJECTS.into_iter().flatten();
    sources.flat_map(|source| source.mutants.iter().map(|mutant| (source.file, mutant)))
}

#[cfg(test)]
mod tests {
    use std::{
        collections::HashSet,
        fs,
        path::{Path, PathBuf},
    };

    use super::all;
    use crate::copy::with_mutants;

    #[test]
    fn each_mutant_has_a_name_of_its_own() {
        let mut names = HashSet::new();
        let twice: Vec<_> =
            all().map(|(_, mutant)| mutant.name).filter(|name| !names.insert(*name)).collect();
        assert!(twice.is_empty(), "{twice:?}");
    }

    /// Whoever changes a rule learns from this that its mutant must follow.
    #[test]
    fn each_mutant_can_be_put_into_the_tree() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let files: HashSet<PathBuf> = all().map(|(file, _)| file.into()).collect();
        let put = |file: &PathBuf| {
            let bytes = fs::read(root.join(file))
                .map_err(|error| format!("{}: {error}", file.display()))?;
            with_mutants(file, bytes).map(drop)
        };
        let failed: Vec<_> = files.iter().filter_map(|file| put(file).err()).collect();
        assert!(failed.is_empty(), "{}", failed.join("\n"));
    }
}
