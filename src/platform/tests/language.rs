//! The words in which the pages of platforms say what the list of platforms says, in the two
//! languages.

use std::{fs, path::Path, time::Duration};

use crate::platform::{Endpoint, Platform, Reissue};

/// A language of the pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    English,
    Chinese,
}

use Language::{Chinese, English};

pub const LANGUAGES: [Language; 2] = [English, Chinese];

impl Language {
    /// The text in this language.
    pub fn choose<T>(self, english: T, chinese: T) -> T {
        match self {
            English => english,
            Chinese => chinese,
        }
    }

    /// The folder of its pages.
    pub fn docs(self) -> &'static str {
        self.choose("docs", "docs/zh")
    }

    /// The text of one of its pages.
    pub fn read(self, page: &str) -> String {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(self.docs()).join(page);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// What a call does.
    pub fn reissue(self, reissue: Reissue) -> String {
        match (reissue, self) {
            (Reissue::Replaces { overlap: Duration::ZERO }, English) => {
                "each call replaces the token at once".into()
            }
            (Reissue::Replaces { overlap: Duration::ZERO }, Chinese) => {
                "每次调用都换成新 token,旧的立即失效".into()
            }
            (Reissue::Replaces { overlap }, English) => {
                let seconds = overlap.as_secs();
                format!("each call replaces the token, which works for {seconds} s more")
            }
            (Reissue::Replaces { overlap }, Chinese) => {
                format!("每次调用都换成新 token,旧的还有 {} 秒有效", overlap.as_secs())
            }
            (Reissue::SameUntil { window }, English) => {
                format!("the same token until {} s before its end", window.as_secs())
            }
            (Reissue::SameUntil { window }, Chinese) => {
                format!("距到期 {} 秒以上时返回同一个 token", window.as_secs())
            }
            (Reissue::Renews, English) => "the same token, whose life begins again".into(),
            (Reissue::Renews, Chinese) => "同一个 token,有效期重新计算".into(),
            (Reissue::Adds, English) => "each call adds a token".into(),
            (Reissue::Adds, Chinese) => "每次调用都另发一个 token".into(),
        }
    }

    /// What a call does in each mode.
    pub fn modes(self, platform: &Platform) -> String {
        let modes = platform.endpoints.iter().map(|endpoint| {
            let reissue = self.reissue(endpoint.reissue);
            match endpoint.mode {
                Some(mode) => format!("{mode:?}{}{reissue}", self.choose(": ", ":")),
                None => reissue,
            }
        });
        modes.collect::<Vec<_>>().join(self.choose("; ", ";"))
    }

    /// The table of a platform's figures, with a column for each endpoint.
    pub fn figures(self, platform: &Platform) -> String {
        let row = |label: &str, cell: &dyn Fn(&Endpoint) -> String| {
            let cells = [label.to_owned()].into_iter().chain(platform.endpoints.iter().map(cell));
            let cells = cells.map(|cell| if cell.is_empty() { cell } else { format!(" {cell}") });
            format!("|{} |\n", cells.collect::<Vec<_>>().join(" |"))
        };
        let mode = |endpoint: &Endpoint| match endpoint.mode {
            Some(mode) => format!("`{mode:?}`"),
            None => String::new(),
        };
        let hosts = |endpoint: &Endpoint| {
            let hosts = endpoint.hosts.iter().map(|host| host.trim_start_matches("https://"));
            hosts.map(|host| format!("`{host}`")).collect::<Vec<_>>().join(", ")
        };
        let lead = |endpoint: &Endpoint| {
            let lead = endpoint.lead;
            let comma = self.choose(", ", "、");
            format!("{}{comma}{}", lead.default.as_secs(), lead.longest.as_secs())
        };
        let forced = |endpoint: &Endpoint| match endpoint.force {
            None => self.choose("none", "无").to_owned(),
            Some(limits) => {
                let (apart, per_day) = (limits.apart.as_secs(), limits.per_day);
                self.choose(
                    format!("{apart} s apart, {per_day} a day"),
                    format!("间隔 {apart} 秒,每天 {per_day} 次"),
                )
            }
        };
        let longest = |endpoint: &Endpoint| {
            format!("{} {}", endpoint.longest_life.as_secs(), self.choose("s", "秒"))
        };
        let lead_label = self.choose(
            "`refreshBeforeSeconds`, default and longest",
            "`refreshBeforeSeconds` 的默认值、最大值",
        );
        [
            row("", &mode),
            format!("|---{}|\n", "|---".repeat(platform.endpoints.len())),
            row(self.choose("host", "域名"), &hosts),
            row(self.choose("a call", "一次调用"), &|endpoint| self.reissue(endpoint.reissue)),
            row(lead_label, &lead),
            row(self.choose("forced calls", "强制刷新"), &forced),
            row(self.choose("longest life that is accepted", "接受的最长有效期"), &longest),
        ]
        .concat()
    }
}
