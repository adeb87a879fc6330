//! Compares the pages of docs/reference, which people read, with the code that they describe.

use std::collections::BTreeSet;

use clap::{Arg, Command, CommandFactory, builder::PossibleValue};
use strum::IntoEnumIterator;

use crate::{
    api::{ConditionType, Reason},
    platform::Cause,
    reconcile::call::{WaitsFor, Why},
    shell::{
        args::Cli,
        metrics::{Format, tests::filled},
    },
};

const STATUS: &str = include_str!("../docs/reference/status.md");
const ANNOTATIONS: &str = include_str!("../docs/reference/annotations.md");
const FLAGS: &str = include_str!("../docs/reference/flags.md");
const METRICS: &str = include_str!("../docs/reference/metrics.md");

/// The words in backquotes that begin the rows of the table below a header.
fn first_words<'a>(page: &'a str, header: &str) -> BTreeSet<&'a str> {
    page.lines()
        .skip_while(|line| *line != header)
        .skip(2)
        .map_while(|line| line.strip_prefix("| `")?.split('`').next())
        .collect()
}

fn words<T: IntoEnumIterator + Into<&'static str>>() -> BTreeSet<&'static str> {
    T::iter().map(Into::into).collect()
}

#[test]
fn the_words_of_a_status_are_those_of_its_page() {
    for (header, code) in [
        ("| condition | True means |", words::<ConditionType>()),
        ("| reason | means | what to do |", words::<Reason>()),
        ("| cause | means |", words::<Cause>()),
        ("| reason | the call is made because |", words::<Why>()),
        ("| waits for | means |", words::<WaitsFor>()),
    ] {
        assert_eq!(first_words(STATUS, header), code, "docs/reference/status.md, {header}");
    }
}

#[test]
fn the_readme_has_every_condition() {
    let readme = include_str!("../README.md");
    assert_eq!(first_words(readme, "| condition | True means |"), words::<ConditionType>());
}

#[test]
fn each_reason_for_which_there_is_something_to_do_is_in_a_runbook_of_a_missing_token() {
    let nothing_to_do = [
        Reason::TokenAvailable,
        Reason::Accepted,
        Reason::Fresh,
        Reason::Synced,
        Reason::NotTested,
        Reason::Suspended,
        Reason::RefreshOverdue,
        Reason::ReportedInvalid,
        // Of a ticket, which has a runbook of its own.
        Reason::TokenRejected,
    ];
    let runbooks = [
        include_str!("../docs/runbooks/token-expired.md"),
        include_str!("../docs/runbooks/not-ready.md"),
    ];
    for reason in Reason::iter().filter(|reason| !nothing_to_do.contains(reason)) {
        let word = format!("`{reason}`");
        assert!(runbooks.iter().any(|page| page.contains(&word)), "{reason} is in neither");
    }
}

#[test]
fn the_names_on_objects_are_those_of_their_page() {
    let named: BTreeSet<_> = include_str!("api/names.rs")
        .lines()
        .filter_map(|line| line.strip_prefix("pub const ")?.split('"').nth(1))
        .collect();
    let documented: BTreeSet<_> =
        ANNOTATIONS.split('`').filter(|word| named.contains(word)).collect();
    // The group is the beginning of the other names.
    let missing: Vec<_> = named.difference(&documented).collect();
    assert_eq!(missing, [&"miniprogram.dev"], "docs/reference/annotations.md");
    for header in ["| annotation | does |", "| name | holds |", "| key | holds |"] {
        let unknown: Vec<_> =
            first_words(ANNOTATIONS, header).difference(&named).copied().collect();
        assert_eq!(unknown, [""; 0], "docs/reference/annotations.md, {header}");
    }
}

#[test]
fn the_flags_are_those_of_their_page() {
    let cli = Cli::command();
    for name in ["run", "probe"] {
        let table = flags(cli.find_subcommand(name).expect("the subcommand"));
        let is_there = FLAGS.contains(&format!("{table}\n"));
        assert!(is_there, "docs/reference/flags.md has not this table:\n{table}");
    }
}

fn flags(command: &Command) -> String {
    let own = command.get_arguments().filter(|flag| flag.get_env().is_some());
    let rows: String = own.map(flag).collect();
    assert!(!rows.is_empty(), "{} has no flags", command.get_name());
    format!("| flag | default | |\n|---|---|---|\n{rows}")
}

fn flag(flag: &Arg) -> String {
    let long = flag.get_long().expect("a long flag");
    let default: Vec<_> =
        flag.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    let default = match default.concat() {
        none if none.is_empty() => " ".to_owned(),
        some => format!(" `{some}` "),
    };
    let help = flag.get_long_help().or(flag.get_help()).expect("a help text").to_string();
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    let help = help.trim_end_matches('.');
    let values = flag.get_possible_values();
    let values: Vec<_> = values.iter().map(PossibleValue::get_name).collect();
    let values = match values.join(", ") {
        some if !some.is_empty() && !flag.is_hide_possible_values_set() => format!(": {some}"),
        _ => String::new(),
    };
    format!("| `--{long}` |{default}| {help}{values} |\n")
}

#[test]
fn the_metrics_are_those_of_their_page() {
    let text = filled().encode(Format::Text).expect("the metrics");
    let mut rows: Vec<_> =
        text.lines().filter_map(|line| metric(&text, line.strip_prefix("# TYPE ")?)).collect();
    rows.sort_unstable();
    let table = format!("| metric | type | |\n|---|---|---|\n{}", rows.concat());
    let is_there = METRICS.contains(&format!("{table}\n"));
    assert!(is_there, "docs/reference/metrics.md has not this table:\n{table}");
}

/// The row of a metric: its name with its labels, its type and its help.
fn metric(text: &str, name_and_type: &str) -> Option<String> {
    let (name, kind) = name_and_type.split_once(' ')?;
    let after = |prefix: String| text.lines().find_map(|line| line.strip_prefix(&prefix));
    let help = after(format!("# HELP {name} "))?.trim_end_matches('.');
    let sample = text.lines().find(|line| line.starts_with(name))?;
    let labels: Vec<_> = sample
        .split_once('{')
        .and_then(|(_, labels)| labels.split_once('}'))
        .map_or("", |(labels, _)| labels)
        .split(',')
        .filter_map(|label| label.split_once('=').map(|(label, _)| label))
        .filter(|label| *label != "le")
        .collect();
    let labels =
        if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
    Some(format!("| `{name}{labels}` | {kind} | {help} |\n"))
}
