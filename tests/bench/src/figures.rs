//! What a row has measured: numbers and their names. A budget speaks of a figure by its name here.

pub const SECONDS: &str = "seconds from start to all Ready";
pub const NOT_READY: &str = "objects not Ready in time";
pub const RATIO: &str = "times the bare limit";
pub const API_SERVER_RATIO: &str = "times the bare limit in CPU of kube-apiserver";
pub const MS_PER_APP: &str = "ms per app";
pub const CALLS: &str = "platform calls per app";
pub const WRITES: &str = "writes per app";
pub const READS: &str = "reads per app";
pub const DRY_RUNS: &str = "dry runs per app";
pub const EVENTS: &str = "Events per app";
pub const SERVER_ERRORS: &str = "answers of status 5xx";
pub const CPU: &str = "CPU seconds";
pub const CPU_PER_APP: &str = "CPU ms per app";
pub const API_SERVER_PER_APP: &str = "CPU ms per app, kube-apiserver";
pub const PEAK: &str = "peak MiB";
pub const STEADY: &str = "steady MiB";
pub const STEADY_OWN: &str = "steady MiB without the program's file";
pub const STEADY_PER_APP: &str = "steady KiB per app, beside the fewest apps";
pub const IDLE: &str = "% of a core when idle";
pub const STORM: &str = "% of a core at 1,000 updates a second";
pub const UPDATES: &str = "updates a second that the API server took";
pub const GROWTH_PEAK: &str = "peak MiB more than without";
pub const GROWTH_STEADY: &str = "steady MiB more than without";
pub const CPU_RATIO: &str = "CPU of one app beside as many apps";
pub const REQUESTS_RATIO: &str = "requests of one app beside as many apps";
pub const SECONDS_RATIO: &str = "seconds of one app beside as many apps";
pub const QPS_RATIO: &str = "times what the rate alone allows";
pub const MS_PER_REQUEST: &str = "ms per request";
pub const API_SERVER_PER_REQUEST: &str = "CPU ms per request, kube-apiserver";
pub const LISTS: &str = "lists of all namespaces";
pub const WAVE: &str = "seconds until all are refreshed";
pub const NOT_REFRESHED: &str = "objects not refreshed in time";
pub const NOT_ASKED: &str = "other objects that have not failed in time";
pub const WRITES_PER_CALL: &str = "writes per platform call";
pub const SECONDS_TO_READY: &str = "seconds to Ready";

/// The figures of a row or a part of it, in the order in which they are shown.
#[derive(Debug, Default, Clone)]
pub struct Figures(Vec<(String, f64)>);

impl Figures {
    pub fn of(name: &str, value: f64) -> Self {
        Self(vec![(name.to_owned(), value)])
    }

    pub fn add(&mut self, name: &str, value: f64) {
        self.0.push((name.to_owned(), value));
    }

    /// Adds the figures of a part, with what it is called before each name.
    pub fn add_part(&mut self, part: &str, figures: Self) {
        self.0.extend(figures.0.into_iter().map(|(name, value)| (part_of(part, &name), value)));
    }

    pub fn append(&mut self, figures: Self) {
        self.0.extend(figures.0);
    }

    pub fn get(&self, name: &str) -> Option<f64> {
        self.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, f64)> {
        self.0.iter().map(|(name, value)| (name.as_str(), *value))
    }
}

/// The name of a figure of a part.
pub fn part_of(part: &str, name: &str) -> String {
    format!("{part}: {name}")
}

#[allow(clippy::cast_precision_loss, reason = "what is counted here is far below 2^52")]
pub fn float(count: u64) -> f64 {
    count as f64
}

pub fn mebibytes(kib: u64) -> f64 {
    float(kib) / 1024.0
}
