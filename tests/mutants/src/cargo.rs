//! Builds the copy of the tree: the operator's unit tests, and the simulation. Runs nothing of it.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::copy::CopiedTree;

/// Builds the unit tests of the operator and answers where they are. Into the tree's own target
/// folder: its dependencies are compiled there already.
pub fn unit_tests(copy: &CopiedTree) -> Result<PathBuf, String> {
    let arguments = ["test", "--no-run", "--lib", "--package", "miniprogram-operator"];
    let built = build(&copy.root, &copy.target, &arguments)?;
    built.into_iter().next().ok_or_else(|| "cargo has built no unit tests".to_owned())
}

/// Builds the programs of the simulation and answers in which folder they are. Into a target folder
/// of their own: nobody is to run a mutant by mistake.
pub fn simulation(copy: &CopiedTree) -> Result<PathBuf, String> {
    let arguments = ["build", "--bins", "--package", "simulation"];
    let built = build(&copy.root, &copy.target.join("mutants/build"), &arguments)?;
    let folder = built.first().and_then(|program| program.parent()).map(Path::to_owned);
    folder.ok_or_else(|| "cargo has built no simulation".to_owned())
}

/// The executables that cargo has built, or found to be built already.
fn build(tree: &Path, target: &Path, arguments: &[&str]) -> Result<Vec<PathBuf>, String> {
    let cargo = Command::new("cargo")
        .args(arguments)
        // The copy's lock file names versions of its own; all else in it stays.
        .args(["--offline", "--quiet", "--message-format", "json-render-diagnostics"])
        .current_dir(tree)
        .env("CARGO_TARGET_DIR", target)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("cargo: {error}"))?;
    if !cargo.status.success() {
        return Err("the copy with the mutants does not build".to_owned());
    }
    let output = String::from_utf8_lossy(&cargo.stdout);
    let messages = output.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    Ok(messages.filter_map(|message| message["executable"].as_str().map(PathBuf::from)).collect())
}
