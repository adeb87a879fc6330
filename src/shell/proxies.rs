//! The proxies that the environment names: reads the variables once, refuses values that cannot be
//! used, and chooses the proxy for a URL.
//!
//! The HTTP libraries would silently ignore a value that they cannot parse, and connect directly.

mod exempt;

use std::ffi::OsString;

use http::Uri;
use reqwest::Url;

use exempt::Exempt;

/// The proxies of this process. Has no `Debug`: the URL of a proxy may contain a password.
#[derive(Clone, Default)]
pub struct Proxies {
    https: Option<Url>,
    http: Option<Url>,
    all: Option<Url>,
    exempt: Exempt,
}

/// Why a proxy cannot be used. Names the variable and not its value, which may contain a password.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ProxyError {
    /// The value is not a URL, or has more than an origin.
    #[error(
        "{0} is not the address of a proxy: write http://host:port or \
         http://user:password@host:port, where %2F stands for / in the user or the password, %3F \
         for ?, %23 for #, %5C for \\ and %25 for %"
    )]
    Address(&'static str),
    /// The scheme is not http or https: SOCKS, mostly.
    #[error(
        "{0} names a proxy of a kind that is not supported: give an HTTP proxy, as in \
         http://host:port, or unset it"
    )]
    Kind(&'static str),
}

impl Proxies {
    /// Reads the environment of this process.
    ///
    /// # Errors
    /// If a variable names a proxy that cannot be used.
    pub fn from_env() -> Result<Self, ProxyError> {
        Self::read(|name| std::env::var_os(name))
    }

    /// Of two spellings of a variable, the one in capitals is used unless it is blank.
    fn read(variable: impl Fn(&str) -> Option<OsString>) -> Result<Self, ProxyError> {
        let read = |names: [&'static str; 2]| {
            let values = names.map(|name| value(name, variable(name)).transpose());
            values.into_iter().flatten().next().transpose()
        };
        let proxy = |names| read(names)?.map(|(name, text)| parse(name, &text)).transpose();
        let https = proxy(["HTTPS_PROXY", "https_proxy"])?;
        let http = proxy(["HTTP_PROXY", "http_proxy"])?;
        // It is not read if both others are set: many desktops set it to a SOCKS proxy.
        let needed = https.is_none() || http.is_none();
        let all = if needed { proxy(["ALL_PROXY", "all_proxy"])? } else { None };
        let exempt = read(["NO_PROXY", "no_proxy"])?.map(|(_, list)| Exempt::parse(&list));
        Ok(Self { https, http, all, exempt: exempt.unwrap_or_default() })
    }

    /// The proxy for calls to a platform's URL, if any.
    pub fn of_platform(&self, url: &Url) -> Option<&Url> {
        self.of_scheme(url).or(self.all.as_ref()).filter(|_| !self.exempt.covers(url))
    }

    /// The proxy for requests to the API server at this URL, if any. As with kubectl, `ALL_PROXY`
    /// is not used.
    pub fn of_api_server(&self, url: &Url) -> Option<&Url> {
        self.of_scheme(url).filter(|_| !self.exempt.covers(url))
    }

    fn of_scheme(&self, url: &Url) -> Option<&Url> {
        if url.scheme() == "https" { self.https.as_ref() } else { self.http.as_ref() }
    }
}

/// Parses the address of a proxy, which the variable or field `name` has.
///
/// # Errors
/// If it is not the address of an HTTP proxy.
pub fn parse(name: &'static str, text: &str) -> Result<Url, ProxyError> {
    let (scheme, _) = text.split_once("://").unwrap_or(("http", text));
    if !matches!(scheme.to_ascii_lowercase().as_str(), "http" | "https") {
        return Err(ProxyError::Kind(name));
    }
    // The URL parser silently removes line breaks and tabs.
    if text.chars().any(char::is_control) {
        return Err(ProxyError::Address(name));
    }
    let absolute = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    let url: Url = absolute.parse().map_err(|_| ProxyError::Address(name))?;
    // If a password contains one of these characters, the host of the URL is not the intended one.
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return Err(ProxyError::Address(name));
    }
    // The HTTP libraries parse it as a `Uri`, and would connect directly if that failed.
    if url.as_str().parse::<Uri>().is_err() {
        return Err(ProxyError::Address(name));
    }
    Ok(url)
}

/// The host and port of a proxy, which may be logged.
pub fn shown(proxy: &Url) -> String {
    let port = proxy.port_or_known_default().unwrap_or_default();
    format!("{}:{port}", proxy.host_str().unwrap_or_default())
}

/// A variable and its value.
type Named = (&'static str, String);

/// A value without the white space around it; none if nothing else is left.
fn value(name: &'static str, given: Option<OsString>) -> Result<Option<Named>, ProxyError> {
    let Some(given) = given else { return Ok(None) };
    let text = given.into_string().map_err(|_| ProxyError::Address(name))?;
    let text = text.trim().to_owned();
    Ok(if text.is_empty() { None } else { Some((name, text)) })
}

#[cfg(test)]
mod tests;
