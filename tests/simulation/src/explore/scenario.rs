//! Who is there, and what makes them call: the plays that the scripts of faults are for.
//! Lets nothing happen.

use std::{fmt, str::FromStr};

use crate::{endpoint::Endpoint, process::Leads};

/// Who the two callers are to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Population {
    /// Two candidates for one Lease.
    Lease,
    /// Two releases that know nothing of each other.
    Twins,
}

/// What makes them call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Occasion {
    /// A new object.
    First,
    /// A token whose time has come.
    Due,
    /// A token that the platform has ended, and that somebody reports.
    Report,
    /// A token that is good, and that somebody wants refreshed.
    Request,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Scenario {
    pub endpoint: Endpoint,
    pub occasion: Occasion,
    pub population: Population,
}

/// One of each kind of reissue.
const ENDPOINTS: [Endpoint; 4] =
    [Endpoint::Legacy, Endpoint::Stable, Endpoint::Renewing, Endpoint::Adding];
const OCCASIONS: [Occasion; 3] = [Occasion::First, Occasion::Report, Occasion::Due];
const CASTS: [Population; 2] = [Population::Twins, Population::Lease];

impl Scenario {
    /// Every scenario that every script is played in, those that are the first to show a bug before
    /// the others.
    pub fn all() -> impl Iterator<Item = Self> {
        let all = |population, occasion| {
            ENDPOINTS.map(|endpoint| Self { endpoint, occasion, population })
        };
        CASTS
            .into_iter()
            .flat_map(move |population| {
                OCCASIONS.into_iter().flat_map(move |occasion| all(population, occasion))
            })
            .filter(|scenario| scenario.comes_to_something())
    }

    /// Those of every script, and those that only scripts of their own are for.
    fn named() -> impl Iterator<Item = Self> {
        let requests = ENDPOINTS.map(|endpoint| Self {
            endpoint,
            occasion: Occasion::Request,
            population: Population::Lease,
        });
        Self::all().chain(requests)
    }

    /// No call brings another token for one that is reported where a call renews it.
    fn comes_to_something(self) -> bool {
        self.occasion != Occasion::Report || self.endpoint.replaces_reported()
    }

    /// How many operators know nothing of each other.
    #[must_use]
    pub fn operators(&self) -> u64 {
        match self.population {
            Population::Lease => 1,
            Population::Twins => 2,
        }
    }

    #[must_use]
    pub fn callers(&self) -> [Leads; 2] {
        match self.population {
            Population::Lease => [Leads::ByElection; 2],
            Population::Twins => [Leads::Alone("east/operator"), Leads::Alone("west/operator")],
        }
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{:?}-{:?}-{:?}", self.endpoint, self.occasion, self.population);
        f.write_str(&text.to_lowercase())
    }
}

impl FromStr for Scenario {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names =
            || Self::named().map(|scenario| scenario.to_string()).collect::<Vec<_>>().join(", ");
        Self::named()
            .find(|scenario| scenario.to_string() == text)
            .ok_or_else(|| format!("no such scenario; there are {}", names()))
    }
}
