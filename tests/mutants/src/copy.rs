//! Copies the tree and puts the mutants into the copy; never touches the tree itself.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    insert::{Change, insert},
    table,
};

/// What the copy has and the tree has not: which mutant is on.
const MUTANT_RS: &str = r#"//! Which mutant is on: the one that the variable MUTANT names.

use std::sync::LazyLock;

static NAME: LazyLock<String> = LazyLock::new(|| std::env::var("MUTANT").unwrap_or_default());

pub fn is(name: &str) -> bool {
    *NAME == name
}
"#;

/// The copy, and where it is built.
pub struct CopiedTree {
    /// Its root.
    pub root: PathBuf,
    /// The target folder of the tree that it was made from.
    pub target: PathBuf,
}

impl CopiedTree {
    /// Copies what git knows of this tree, with all mutants in it. A file that has not changed is
    /// not written again, so that it is not compiled again.
    pub fn of_this_tree() -> Result<Self, String> {
        let tree = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize();
        let tree = tree.map_err(|error| format!("the tree that this was built from: {error}"))?;
        let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
        let target = tree.join(target);
        let root = target.join("mutants/tree");
        let mut copied = HashSet::new();
        for path in listed(&tree)? {
            // Git still lists what was deleted and not committed.
            let Ok(bytes) = fs::read(tree.join(&path)) else { continue };
            write(&root.join(&path), &with_mutants(&path, bytes)?)?;
            copied.insert(root.join(&path));
        }
        let mutant = root.join("src/mutant.rs");
        write(&mutant, MUTANT_RS.as_bytes())?;
        copied.insert(mutant);
        remove_others(&root, &copied)?;
        Ok(Self { root, target })
    }
}

/// A file of the tree as the copy has it.
pub fn with_mutants(path: &Path, bytes: Vec<u8>) -> Result<Vec<u8>, String> {
    let changes: Vec<_> = table::all()
        .filter(|(file, _)| path == Path::new(file))
        .flat_map(|(_, mutant)| changes(mutant))
        .collect();
    let is_lib = path == Path::new("src/lib.rs");
    let is_manifest = path == Path::new("Cargo.toml");
    if changes.is_empty() && !is_lib && !is_manifest {
        return Ok(bytes);
    }
    let file = path.display();
    let text = String::from_utf8(bytes).map_err(|_| format!("{file} is no text"))?;
    let text = insert(&text, &changes).map_err(|error| format!("{file}: {error}"))?;
    Ok(match (is_lib, is_manifest) {
        (true, _) => format!("#![allow(warnings)]\n{text}\nmod mutant;\n"),
        // Cargo tells the packages of workspaces apart by version and path within the workspace:
        // without another version, the copy's artifacts would take the place of the tree's.
        (_, true) => text.replace("\nversion = \"", "\nversion = \"0.0.0-mutants+"),
        _ => text,
    }
    .into_bytes())
}

fn changes(mutant: &table::Mutant) -> impl Iterator<Item = Change<'_>> {
    mutant.changes.iter().map(|(text, becomes)| Change { mutant: mutant.name, text, becomes })
}

fn listed(root: &Path) -> Result<Vec<PathBuf>, String> {
    let git = Command::new("git")
        .arg("-C")
        .arg(root)
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .output();
    let output = git.map_err(|error| format!("git: {error}"))?;
    if !output.status.success() {
        return Err(format!("git: {}", String::from_utf8_lossy(&output.stderr)));
    }
    let paths =
        String::from_utf8(output.stdout).map_err(|_| "git lists a file whose name is no text")?;
    Ok(paths.split('\0').filter(|path| !path.is_empty()).map(PathBuf::from).collect())
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), String> {
    if fs::read(path).is_ok_and(|before| before == bytes) {
        return Ok(());
    }
    let written =
        path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(path, bytes));
    written.map_err(|error| format!("{}: {error}", path.display()))
}

/// Removes what the tree had at an earlier time and has no more.
fn remove_others(folder: &Path, copied: &HashSet<PathBuf>) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_dir() {
            remove_others(&path, copied)?;
        } else if !copied.contains(&path) {
            fs::remove_file(&path).map_err(failed)?;
        }
    }
    Ok(())
}
