//! The rows of the table: which there are, and at how many apps each is measured.

mod chart_defaults;
mod crowd;
mod first_issue;
mod newcomer;
mod prices;
mod refresh_wave;
mod storm;
mod unrelated;

use std::fmt;

pub use crowd::{MANY_APPS, ONE_APP};
pub use first_issue::{LIMIT, RESTART};
pub use newcomer::{AMONG_FAILING, BEHIND_NEW};

use clap::ValueEnum;

use crate::{
    apps::Apps,
    figures::{self, Figures},
    operator::Program,
};

/// Flags with which nothing but the API server holds the operator back.
pub const UNHINDERED: [&str; 2] = ["--concurrency=64", "--platform-qps=10000"];

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Row {
    /// First tokens, beside the bare limit; then rest, and a restart.
    FirstIssue,
    /// The same with all apps in one namespace, which has lines of its own.
    OneNamespace,
    /// As many objects of one app as of an app each.
    Crowd,
    /// All tokens due at once.
    RefreshWave,
    /// One new app among failing ones, and behind new ones.
    Newcomer,
    /// First tokens as the chart sets it up.
    ChartDefaults,
    /// Secrets that are none of its business.
    Unrelated,
    /// Updates of such Secrets.
    Storm,
    /// What each kind of request costs the API server.
    Prices,
}

/// What all rows need.
pub struct Bench {
    pub program: Program,
    pub per_namespace: u32,
}

/// A measured row.
pub struct Measured {
    pub row: Row,
    pub apps: u32,
    /// Of the machine in the minute before.
    pub load: String,
    pub figures: Figures,
}

impl Row {
    /// The numbers of apps, smallest first, at which it is measured, of those that were asked for.
    fn scales(self, asked: &[u32]) -> Vec<u32> {
        /// With more, a token's life would be longer than anyone waits.
        const MOST_OF_WAVE: u32 = 5000;
        const MOST_OF_CROWD: u32 = 2500;
        let largest = asked.iter().copied().max().unwrap_or_default();
        match self {
            Self::FirstIssue => asked.to_vec(),
            Self::Crowd => vec![(largest / 2).min(MOST_OF_CROWD)],
            Self::RefreshWave => vec![largest.min(MOST_OF_WAVE)],
            // A thousand requests of each kind say what one of them costs.
            Self::Prices => vec![largest.min(1000)],
            _ => vec![largest],
        }
    }

    async fn measure(self, bench: &Bench, apps: u32) -> Figures {
        match self {
            Self::FirstIssue => {
                first_issue::measure(bench, Apps::new(apps, bench.per_namespace)).await
            }
            Self::OneNamespace => first_issue::measure(bench, Apps::new(apps, apps)).await,
            Self::Crowd => crowd::measure(bench, apps).await,
            Self::RefreshWave => refresh_wave::measure(bench, apps).await,
            Self::Newcomer => newcomer::measure(bench, apps).await,
            Self::ChartDefaults => chart_defaults::measure(bench, apps).await,
            Self::Unrelated => unrelated::measure(bench, apps).await,
            Self::Storm => storm::measure(bench).await,
            Self::Prices => prices::measure(bench, apps).await,
        }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.to_possible_value().expect("no row is hidden");
        f.write_str(value.get_name())
    }
}

/// Measures rows, one after the other, and says how far it is.
pub async fn measure(bench: &Bench, rows: &[Row], asked: &[u32]) -> Vec<Measured> {
    let mut measured = Vec::new();
    for &row in rows {
        for apps in row.scales(asked) {
            let load = load();
            println!("{row} at {apps} (load {load})");
            let figures = row.measure(bench, apps).await;
            measured.push(Measured { row, apps, load, figures });
        }
    }
    add_memory_per_app(&mut measured);
    measured
}

/// What an app adds to the memory at rest: its share of what the most apps take more than the
/// fewest. All else is there without any app.
fn add_memory_per_app(measured: &mut [Measured]) {
    let of_row = measured.iter_mut().filter(|measured| measured.row == Row::FirstIssue);
    let mut by_apps: Vec<_> = of_row.collect();
    by_apps.sort_by_key(|measured| measured.apps);
    let [fewest, .., most] = &mut by_apps[..] else { return };
    let kib = |measured: &Measured| Some(measured.figures.get(figures::STEADY)? * 1024.0);
    let (Some(less), Some(more)) = (kib(fewest), kib(most)) else { return };
    let per_app = (more - less) / f64::from(most.apps - fewest.apps);
    most.figures.add(figures::STEADY_PER_APP, per_app);
}

/// Of the last minute, since others on the machine make every second longer.
fn load() -> String {
    let load = std::fs::read_to_string("/proc/loadavg").expect("Linux");
    load.split(' ').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_app_takes_its_share_of_what_the_most_apps_take_more() {
        let issue = |apps, steady| Measured {
            row: Row::FirstIssue,
            apps,
            load: String::new(),
            figures: Figures::of(figures::STEADY, steady),
        };
        let per_app = |mut measured: Vec<Measured>| {
            add_memory_per_app(&mut measured);
            measured.into_iter().find_map(|row| row.figures.get(figures::STEADY_PER_APP))
        };
        assert_eq!(per_app(vec![issue(1000, 20.0)]), None);
        let all = vec![issue(1000, 20.0), issue(1512, 20.5), issue(2024, 21.0)];
        assert_eq!(per_app(all), Some(1.0));
    }
}
