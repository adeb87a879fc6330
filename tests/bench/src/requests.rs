//! What the API server was asked, from its own counters: for Secrets, our objects and Events.

use std::{collections::BTreeMap, fmt};

/// Requests by what they ask for.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Requests(BTreeMap<Kind, u64>);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Kind {
    verb: String,
    /// With its subresource.
    resource: String,
    is_dry_run: bool,
    /// Of all namespaces: the lists and watches of a start.
    is_of_all: bool,
    is_server_error: bool,
}

const COUNTER: &str = "apiserver_request_total{";
const RESOURCES: [&str; 3] = ["secrets", "miniprograms", "events"];

impl Requests {
    /// From what `/metrics` says.
    pub fn parse(metrics: &str) -> Self {
        let mut requests = BTreeMap::new();
        for line in metrics.lines() {
            let Some((kind, count)) = line.strip_prefix(COUNTER).and_then(Kind::parse) else {
                continue;
            };
            *requests.entry(kind).or_default() += count;
        }
        Self(requests)
    }

    /// Those that came since.
    pub fn since(&self, before: &Self) -> Self {
        let counts = self.0.iter().map(|(kind, count)| {
            let earlier = before.0.get(kind).copied().unwrap_or_default();
            (kind.clone(), count - earlier)
        });
        Self(counts.filter(|(_, count)| *count > 0).collect())
    }

    fn count(&self, is: impl Fn(&Kind) -> bool) -> u64 {
        self.0.iter().filter(|(kind, _)| is(kind)).map(|(_, count)| count).sum()
    }

    /// But watches.
    pub fn all(&self) -> u64 {
        self.count(|kind| kind.is_read() || kind.is_write())
    }

    /// Of single objects, or of lists in one namespace, as they are made for an object.
    pub fn reads(&self) -> u64 {
        self.count(|kind| kind.is_read() && !kind.is_of_all && !kind.is_event())
    }

    /// Lists of all namespaces, page by page.
    pub fn lists_of_all(&self) -> u64 {
        self.count(|kind| kind.is_read() && kind.is_of_all)
    }

    /// Of Secrets and objects.
    pub fn writes(&self) -> u64 {
        self.count(|kind| kind.is_write() && !kind.is_dry_run && !kind.is_event())
    }

    pub fn dry_runs(&self) -> u64 {
        self.count(|kind| kind.is_dry_run)
    }

    pub fn events(&self) -> u64 {
        self.count(|kind| kind.is_write() && kind.is_event())
    }

    pub fn server_errors(&self) -> u64 {
        self.count(|kind| kind.is_server_error)
    }

    /// All but watches, by verb and resource.
    pub fn by_kind(&self) -> BTreeMap<String, u64> {
        let mut named = BTreeMap::new();
        for (kind, count) in self.0.iter().filter(|(kind, _)| kind.verb != "WATCH") {
            *named.entry(kind.to_string()).or_default() += count;
        }
        named
    }
}

impl Kind {
    /// From the labels and the value of a sample.
    fn parse(sample: &str) -> Option<(Self, u64)> {
        let (labels, count) = sample.rsplit_once("} ")?;
        let labels: BTreeMap<_, _> =
            labels.split("\",").filter_map(|pair| pair.split_once("=\"")).collect();
        let label = |name: &str| labels.get(name).map_or("", |value| value.trim_end_matches('"'));
        let resource = label("resource");
        if !RESOURCES.contains(&resource) {
            return None;
        }
        let subresource = label("subresource");
        let slash = if subresource.is_empty() { "" } else { "/" };
        let kind = Self {
            verb: label("verb").to_owned(),
            resource: format!("{resource}{slash}{subresource}"),
            is_dry_run: !label("dry_run").is_empty(),
            is_of_all: label("scope") == "cluster",
            is_server_error: label("code").starts_with('5'),
        };
        Some((kind, count.parse().ok()?))
    }

    fn is_read(&self) -> bool {
        matches!(self.verb.as_str(), "GET" | "LIST")
    }

    fn is_write(&self) -> bool {
        !self.is_read() && self.verb != "WATCH"
    }

    fn is_event(&self) -> bool {
        self.resource == "events"
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.resource)?;
        f.write_str(if self.is_dry_run { ", dry run" } else { "" })?;
        f.write_str(if self.is_of_all { ", all namespaces" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(verb: &str, resource: &str, more: &str, count: u64) -> String {
        format!(
            "apiserver_request_total{{code=\"200\",{more},resource=\"{resource}\",\
             subresource=\"\",verb=\"{verb}\",version=\"v1\"}} {count}\n"
        )
    }

    #[test]
    fn requests_are_told_apart_by_verb_scope_and_dry_run() {
        let [one, all, dry] = [
            r#"dry_run="",scope="namespace""#,
            r#"dry_run="",scope="cluster""#,
            r#"dry_run="All",scope="resource""#,
        ];
        let before = Requests::parse(&line("LIST", "secrets", one, 3));
        let text = [
            line("LIST", "secrets", one, 7),
            line("LIST", "secrets", all, 5),
            line("APPLY", "secrets", dry, 2),
            line("APPLY", "secrets", one, 1),
            line("POST", "events", one, 6),
            line("WATCH", "secrets", all, 9),
            line("GET", "pods", one, 8),
        ];
        let asked = Requests::parse(&text.concat()).since(&before);
        let counts =
            [asked.reads(), asked.lists_of_all(), asked.writes(), asked.dry_runs(), asked.events()];
        assert_eq!(counts, [4, 5, 1, 2, 6]);
        assert_eq!(asked.by_kind()["APPLY secrets, dry run"], 2);
    }
}
