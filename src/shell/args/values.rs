//! The types and parsers of small values of the command line.

use std::{str::FromStr, time::Duration};

/// The namespaces to watch. Empty for all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Namespaces(Vec<String>);

impl Namespaces {
    /// The names, each once. Empty for all namespaces.
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

/// The name of a namespace or a Lease.
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

/// A label selector. The API server checks its syntax; control characters are refused here, since
/// no request could contain them.
pub(super) fn selector(text: &str) -> Result<String, String> {
    if text.chars().any(char::is_control) {
        return Err("a selector is one line, as in team=shop,stage!=test".to_owned());
    }
    Ok(text.trim().to_owned())
}

/// A number of whole seconds between two bounds.
pub(super) fn seconds<const MIN: u64, const MAX: u64>(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(seconds) if (MIN..=MAX).contains(&seconds) => Ok(Duration::from_secs(seconds)),
        _ => Err(format!("give whole seconds from {MIN} to {MAX}, without a unit")),
    }
}
