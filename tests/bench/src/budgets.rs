//! What figures may come to. A budget is a ratio or a count where it can be, since those hold on
//! any machine; seconds and shares of a core are for two processors that the control plane shares.

use std::fmt;

use crate::{
    figures::{self as f, Figures, part_of},
    rows::{AMONG_FAILING, BEHIND_NEW, MANY_APPS, Measured, ONE_APP, RESTART, Row},
};

/// The most that a figure of a row may be.
struct Budget {
    row: Row,
    /// The part of the row; empty where it has none.
    part: &'static str,
    figure: &'static str,
    most: f64,
}

const fn of(row: Row, figure: &'static str, most: f64) -> Budget {
    Budget { row, part: "", figure, most }
}

const fn of_part(row: Row, part: &'static str, figure: &'static str, most: f64) -> Budget {
    Budget { row, part, figure, most }
}

#[rustfmt::skip]
const BUDGETS: &[Budget] = &[
    of(Row::FirstIssue, f::NOT_READY, 0.0),
    of(Row::FirstIssue, f::RATIO, 1.5),
    of(Row::FirstIssue, f::CALLS, 1.0),
    of(Row::FirstIssue, f::WRITES, 2.0),
    of(Row::FirstIssue, f::READS, 2.0),
    of(Row::FirstIssue, f::DRY_RUNS, 1.0),
    of(Row::FirstIssue, f::EVENTS, ROUTINE),
    of(Row::FirstIssue, f::SERVER_ERRORS, 0.0),
    of(Row::FirstIssue, f::PEAK, 64.0),
    of(Row::FirstIssue, f::STEADY, 48.0),
    of(Row::FirstIssue, f::IDLE, 1.0),
    of_part(Row::FirstIssue, RESTART, f::CALLS, 0.0),
    of_part(Row::FirstIssue, RESTART, f::WRITES, 0.0),
    of_part(Row::FirstIssue, RESTART, f::READS, 0.0),
    of_part(Row::FirstIssue, RESTART, f::EVENTS, 0.0),
    of_part(Row::FirstIssue, RESTART, f::PEAK, 64.0),
    of(Row::OneNamespace, f::NOT_READY, 0.0),
    of(Row::OneNamespace, f::RATIO, 1.5),
    of(Row::OneNamespace, f::CALLS, 1.0),
    of(Row::OneNamespace, f::WRITES, 2.0),
    of(Row::OneNamespace, f::READS, 2.0),
    of(Row::OneNamespace, f::DRY_RUNS, 1.0),
    of_part(Row::Crowd, ONE_APP, f::NOT_READY, 0.0),
    of_part(Row::Crowd, MANY_APPS, f::NOT_READY, 0.0),
    of(Row::Crowd, f::CPU_RATIO, 1.2),
    of(Row::Crowd, f::REQUESTS_RATIO, 1.2),
    of(Row::RefreshWave, f::NOT_READY, 0.0),
    of(Row::RefreshWave, f::NOT_REFRESHED, 0.0),
    of(Row::RefreshWave, f::CALLS, 1.0),
    of(Row::RefreshWave, f::WRITES, 2.0),
    of(Row::RefreshWave, f::READS, 1.0),
    of(Row::RefreshWave, f::DRY_RUNS, 0.0),
    of(Row::RefreshWave, f::EVENTS, ROUTINE),
    of_part(Row::Newcomer, AMONG_FAILING, f::SECONDS_TO_READY, 5.0),
    of_part(Row::Newcomer, AMONG_FAILING, f::NOT_ASKED, 0.0),
    of_part(Row::Newcomer, AMONG_FAILING, f::WRITES_PER_CALL, 2.0),
    of_part(Row::Newcomer, BEHIND_NEW, f::SECONDS_TO_READY, 5.0),
    of(Row::ChartDefaults, f::NOT_READY, 0.0),
    of(Row::ChartDefaults, f::QPS_RATIO, 1.05),
    of(Row::Unrelated, f::GROWTH_PEAK, 5.0),
    of(Row::Unrelated, f::GROWTH_STEADY, 5.0),
    of(Row::Storm, f::STORM, 10.0),
];

/// Fifty Events of routine at once, and one a second: at 1,000 apps.
const ROUTINE: f64 = 0.1;
/// Below so many apps, the operator's own start is a part of the time that counts.
const RATIO_FROM: u32 = 5000;
/// The most times the bare limit below that.
const RATIO_OF_FEW: f64 = 2.0;
/// How much more an app may cost at the largest number of apps than at the smallest.
const GROWTH: f64 = 1.1;
/// Figures that are flat, all of the row first-issue.
const FLAT: [&str; 4] = [f::CPU_PER_APP, f::WRITES, f::READS, f::DRY_RUNS];

/// A budget beside what was measured.
pub struct Verdict {
    pub row: Row,
    pub figure: String,
    /// The number of apps; of a comparison, the larger one.
    pub apps: u32,
    pub most: f64,
    /// Nothing where it was not measured, since the row ended early.
    pub value: Option<f64>,
}

impl Verdict {
    pub fn is_held(&self) -> bool {
        // Of counts per app, the last digit is noise.
        const ROUNDING: f64 = 1e-9;
        self.value.is_some_and(|value| value <= self.most + ROUNDING)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { row, figure, apps, most, .. } = self;
        let said = if self.is_held() { "held" } else { "missed" };
        match self.value {
            Some(value) => {
                write!(f, "{said}: {row} at {apps}: {figure}: {value:.2}, budget {most}")
            }
            None => write!(f, "{said}: {row} at {apps}: {figure}: not measured, budget {most}"),
        }
    }
}

/// Holds all that was measured to its budgets.
pub fn judge(measured: &[Measured]) -> Vec<Verdict> {
    let all = measured.iter().flat_map(|measured| {
        let budgets = BUDGETS.iter().filter(|budget| budget.row == measured.row);
        budgets.map(|budget| budget.judge(measured.apps, &measured.figures))
    });
    all.chain(flatness(measured)).collect()
}

impl Budget {
    fn judge(&self, apps: u32, figures: &Figures) -> Verdict {
        let figure = match self.part {
            "" => self.figure.to_owned(),
            part => part_of(part, self.figure),
        };
        let is_short = self.figure == f::RATIO && apps < RATIO_FROM;
        let most = if is_short { RATIO_OF_FEW } else { self.most };
        Verdict { row: self.row, apps, most, value: figures.get(&figure), figure }
    }
}

/// The cost of an app at the most apps, in terms of that at the fewest.
fn flatness(measured: &[Measured]) -> Vec<Verdict> {
    let issues = || measured.iter().filter(|measured| measured.row == Row::FirstIssue);
    let (fewest, most) = (issues().min_by_key(|row| row.apps), issues().max_by_key(|row| row.apps));
    let Some((fewest, most)) = fewest.zip(most).filter(|(fewest, most)| fewest.apps < most.apps)
    else {
        return Vec::new();
    };
    let compare = |&name: &&str| {
        let growth = most.figures.get(name).zip(fewest.figures.get(name)).map(|(most, fewest)| {
            // Nothing stays nothing.
            if fewest == 0.0 { 1.0 + most } else { most / fewest }
        });
        Verdict {
            row: Row::FirstIssue,
            figure: format!("{name}, in terms of that at {}", fewest.apps),
            apps: most.apps,
            most: GROWTH,
            value: growth,
        }
    };
    FLAT.iter().map(compare).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issue(apps: u32, reads: f64) -> Measured {
        let mut figures = Figures::default();
        figures.add(f::READS, reads);
        figures.add(&part_of(RESTART, f::READS), 0.0);
        Measured { row: Row::FirstIssue, apps, load: String::new(), figures }
    }

    fn missed(measured: &[Measured], figure: &str) -> Vec<u32> {
        let verdicts = judge(measured);
        let of_figure = verdicts.iter().filter(|verdict| verdict.figure.starts_with(figure));
        of_figure.filter(|verdict| !verdict.is_held()).map(|verdict| verdict.apps).collect()
    }

    #[test]
    fn a_budget_is_missed_where_a_figure_exceeds_it_or_was_not_measured() {
        let measured = [issue(100, 2.0), issue(200, 2.1)];
        assert!(missed(&measured, "restart: reads").is_empty());
        assert_eq!(missed(&measured, f::READS), [200]);
        assert_eq!(missed(&measured, f::RATIO), [100, 200]);
    }

    #[test]
    fn of_few_apps_the_start_weighs_in_the_ratio() {
        let ratio = |apps| {
            let mut figures = Figures::default();
            figures.add(f::RATIO, 1.7);
            let measured = Measured { row: Row::FirstIssue, apps, load: String::new(), figures };
            missed(&[measured], f::RATIO)
        };
        assert_eq!((ratio(1000), ratio(5000)), (vec![], vec![5000]));
    }

    #[test]
    fn a_cost_that_grows_with_the_number_of_apps_misses_its_budget() {
        assert!(missed(&[issue(100, 1.0), issue(200, 1.05)], f::READS).is_empty());
        assert_eq!(missed(&[issue(100, 1.0), issue(200, 1.2)], f::READS), [200]);
    }
}
