//! The small values of the command line, each checked when it is read.

use std::{str::FromStr, time::Duration};

/// Namespaces to work in; none given means all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Namespaces(Vec<String>);

impl Namespaces {
    /// Their names, each once; empty for all namespaces.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.0
    }
}

impl FromStr for Namespaces {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
        let mut names: Vec<_> = names.map(object_name).collect::<Result<_, _>>()?;
        names.sort_unstable();
        names.dedup();
        Ok(Self(names))
    }
}

/// A name of a namespace or a Lease.
pub(super) fn object_name(text: &str) -> Result<String, String> {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let edges = !text.starts_with('-') && !text.ends_with('-');
    if text.is_empty() || text.len() > 63 || !edges || !text.bytes().all(inner) {
        return Err(format!(
            "`{text}` is not a name: use at most 63 of a-z, 0-9 and -, not at either end -"
        ));
    }
    Ok(text.to_owned())
}

/// A label selector. The API server knows its grammar; here only what would not reach it is
/// refused.
pub(super) fn selector(text: &str) -> Result<String, String> {
    if text.chars().any(char::is_control) {
        return Err("a selector is one line, as in team=shop,stage!=test".to_owned());
    }
    Ok(text.trim().to_owned())
}

/// Whole seconds between two bounds.
pub(super) fn seconds<const MIN: u64, const MAX: u64>(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(seconds) if (MIN..=MAX).contains(&seconds) => Ok(Duration::from_secs(seconds)),
        _ => Err(format!("give whole seconds from {MIN} to {MAX}, without a unit")),
    }
}
