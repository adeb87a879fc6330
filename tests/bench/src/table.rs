//! All figures as one table for people: a line for each, a column for each number of apps.

use std::collections::BTreeSet;

use crate::{budgets::Verdict, rows::Measured};

pub fn table(measured: &[Measured], verdicts: &[Verdict]) -> String {
    let scales: BTreeSet<u32> = measured.iter().map(|row| row.apps).collect();
    let mut head = vec!["row".to_owned(), "figure".to_owned()];
    head.extend(scales.iter().map(|apps| format!("{} apps", thousands(f64::from(*apps), 0))));
    head.extend(["budget".to_owned(), String::new()]);
    let mut lines = vec![head];
    for (row, figure) in names(measured) {
        let value = |apps: &u32| {
            let of_scale =
                measured.iter().find(|found| found.row.to_string() == row && found.apps == *apps);
            of_scale.and_then(|found| found.figures.get(&figure)).map(number).unwrap_or_default()
        };
        let values = scales.iter().map(value);
        let judged = || verdicts.iter().filter(|v| v.row.to_string() == row && v.figure == figure);
        let budget = judged().next().map(|verdict| number(verdict.most)).unwrap_or_default();
        let said = match (judged().count(), judged().all(Verdict::is_held)) {
            (0, _) => "",
            (_, true) => "held",
            (_, false) => "missed",
        };
        let begin = [row.clone(), figure.clone()].into_iter();
        lines.push(begin.chain(values).chain([budget, said.to_owned()]).collect());
    }
    aligned(&lines)
}

/// Rows and figures, each once and in order.
fn names(measured: &[Measured]) -> Vec<(String, String)> {
    let mut names = Vec::new();
    for found in measured {
        for (figure, _) in found.figures.iter() {
            let name = (found.row.to_string(), figure.to_owned());
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    names
}

/// With as many digits as anybody compares.
fn number(value: f64) -> String {
    match value {
        0.0 => "0".to_owned(),
        value if value.abs() < 10.0 => thousands(value, 2),
        value if value.abs() < 100.0 => thousands(value, 1),
        value => thousands(value, 0),
    }
}

fn thousands(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$}");
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    let groups: Vec<_> = whole.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
    format!("{}{rest}", groups.join(","))
}

/// Names to the left, numbers to the right.
fn aligned(lines: &[Vec<String>]) -> String {
    let columns = lines.first().map_or(0, Vec::len);
    let width =
        |column: usize| lines.iter().map(|line| line[column].len()).max().unwrap_or_default();
    let widths: Vec<_> = (0..columns).map(width).collect();
    let mut text = String::new();
    for line in lines {
        let cells = line.iter().zip(&widths).enumerate().map(|(column, (cell, &width))| {
            if column < 2 { format!("{cell:width$}") } else { format!("{cell:>width$}") }
        });
        let cells: Vec<_> = cells.collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_as_many_digits_as_anybody_compares() {
        for (value, want) in [
            (0.0, "0"),
            (0.996, "1.00"),
            (13.44, "13.4"),
            (128.4, "128"),
            (10_000.0, "10,000"),
            (-1234.5, "-1,234"),
        ] {
            assert_eq!(number(value), want);
        }
    }
}
