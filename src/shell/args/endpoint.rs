//! Parses the hosts of the platforms. Knows neither the platforms nor their requests.

use std::{collections::HashSet, net::IpAddr, str::FromStr};

use reqwest::Url;

/// The hosts of one platform, in the order in which they are tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    pub platform: String,
    /// Origins such as `https://api.weixin.qq.com`, without a slash at the end.
    pub hosts: Vec<String>,
}

/// The endpoints of one flag or of the environment variable, separated by `;` or white space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoints(Vec<Endpoint>);

impl Endpoints {
    pub fn iter(&self) -> impl Iterator<Item = &Endpoint> {
        self.0.iter()
    }

    pub fn names(&self, platform: &str) -> bool {
        self.iter().any(|endpoint| endpoint.platform == platform)
    }
}

impl Endpoint {
    /// Refuses a platform that is not in `known`.
    pub(super) fn check_platform(&self, known: &[&str]) -> Result<(), EndpointError> {
        if known.contains(&self.platform.as_str()) {
            return Ok(());
        }
        Err(EndpointError::Unknown { name: self.platform.clone(), known: known.join(", ") })
    }
}

/// Why an endpoint cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum EndpointError {
    #[error("`{0}` is not an endpoint: write Platform=https://host[,https://host]")]
    Shape(String),
    #[error("`{0}` is not an address: write https://host or https://host:port")]
    Address(String),
    #[error(
        "`{host}` has {what}: only scheme, host and port are configured here, the platform knows the rest"
    )]
    TooMuch { host: String, what: &'static str },
    #[error(
        "the address of {0} has a user name or password, which would show in the process list: leave it out"
    )]
    UserInfo(String),
    #[error(
        "`{0}` is named twice: give all its hosts in one --platform-endpoint, separated by commas"
    )]
    Twice(String),
    #[error(
        "`{0}` would send app secrets in plain text: use https, or allow it with --allow-insecure-endpoints"
    )]
    Insecure(String),
    #[error("--platform-endpoint names `{name}`, which is not a platform; known are {known}")]
    Unknown { name: String, known: String },
}

impl FromStr for Endpoints {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        let parts =
            text.split(|c: char| c == ';' || c.is_whitespace()).filter(|part| !part.is_empty());
        Ok(Self(parts.map(endpoint).collect::<Result<_, _>>()?))
    }
}

/// Refuses a platform that is named twice, and an http:// host that is not this machine.
pub(super) fn check<'a>(
    all: impl Iterator<Item = &'a Endpoint>,
    insecure: bool,
) -> Result<(), EndpointError> {
    let mut named = HashSet::new();
    for Endpoint { platform, hosts } in all {
        if !named.insert(platform) {
            return Err(EndpointError::Twice(platform.clone()));
        }
        if let Some(host) = hosts.iter().find(|host| !insecure && !confidential(host)) {
            return Err(EndpointError::Insecure(host.clone()));
        }
    }
    Ok(())
}

fn endpoint(text: &str) -> Result<Endpoint, EndpointError> {
    // An error does not quote the text, which may contain a password.
    let (platform, hosts) =
        text.split_once('=').ok_or_else(|| EndpointError::Shape(without_user(text)))?;
    if platform.is_empty() || !platform.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(EndpointError::Shape(without_user(text)));
    }
    let hosts = hosts.split(',').map(|host| origin(platform, host)).collect::<Result<_, _>>()?;
    Ok(Endpoint { platform: platform.to_owned(), hosts })
}

fn origin(platform: &str, text: &str) -> Result<String, EndpointError> {
    if text.contains('@') {
        return Err(EndpointError::UserInfo(platform.to_owned()));
    }
    let url = text.parse::<Url>().ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let url = url.filter(Url::has_host).ok_or_else(|| EndpointError::Address(text.to_owned()))?;
    let extra = [
        ("a path", url.path() != "/"),
        ("a query", url.query().is_some()),
        ("a fragment", url.fragment().is_some()),
    ];
    if let Some((what, _)) = extra.into_iter().find(|(_, found)| *found) {
        return Err(EndpointError::TooMuch { host: text.to_owned(), what });
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// Whether requests to a host are confidential: they use TLS, or do not leave this machine.
pub(super) fn confidential(host: &str) -> bool {
    let Ok(url) = host.parse::<Url>() else { return false };
    let name = url.host_str().unwrap_or_default();
    let address = name.trim_matches(['[', ']']).parse::<IpAddr>();
    url.scheme() == "https" || address.map_or(name == "localhost", |address| address.is_loopback())
}

fn without_user(text: &str) -> String {
    text.rsplit_once('@').map_or_else(|| text.to_owned(), |(_, host)| format!("…@{host}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, insecure: bool) -> Result<Vec<(String, Vec<String>)>, EndpointError> {
        let all: Endpoints = text.parse()?;
        check(all.iter(), insecure)?;
        Ok(all.0.into_iter().map(|endpoint| (endpoint.platform, endpoint.hosts)).collect())
    }

    #[test]
    fn endpoints() {
        for (text, want) in [
            ("WeChat=https://a", &[("WeChat", &["https://a"][..])][..]),
            ("WeChat=https://a/,https://b:8443", &[("WeChat", &["https://a", "https://b:8443"])]),
            (
                "WeChat=https://a; Baidu=https://b",
                &[("WeChat", &["https://a"]), ("Baidu", &["https://b"])],
            ),
            (
                "WeChat=https://a\nBaidu=https://b\n",
                &[("WeChat", &["https://a"]), ("Baidu", &["https://b"])],
            ),
            ("WeChat=http://127.0.0.9:1", &[("WeChat", &["http://127.0.0.9:1"])]),
            ("WeChat=http://[::1]:1", &[("WeChat", &["http://[::1]:1"])]),
            ("WeChat=http://localhost", &[("WeChat", &["http://localhost"])]),
            ("", &[]),
        ] {
            let want = want
                .iter()
                .map(|(name, hosts)| ((*name).into(), hosts.iter().map(|h| (*h).into()).collect()));
            assert_eq!(read(text, false), Ok(want.collect::<Vec<_>>()), "{text}");
        }
    }

    #[test]
    fn refusals() {
        let too_much = |host: &str, what| EndpointError::TooMuch { host: host.into(), what };
        for (text, want) in [
            ("https://a", EndpointError::Shape("https://a".into())),
            ("=https://a", EndpointError::Shape("=https://a".into())),
            ("We Chat=https://a", EndpointError::Shape("We".into())),
            ("https://u:p@a", EndpointError::Shape("…@a".into())),
            ("WeChat=", EndpointError::Address(String::new())),
            ("WeChat=a", EndpointError::Address("a".into())),
            ("WeChat=ftp://a", EndpointError::Address("ftp://a".into())),
            ("WeChat=https://a,", EndpointError::Address(String::new())),
            ("WeChat=https://a/b", too_much("https://a/b", "a path")),
            ("WeChat=https://a?", too_much("https://a?", "a query")),
            ("WeChat=https://a#b", too_much("https://a#b", "a fragment")),
            ("WeChat=https://u:p@a", EndpointError::UserInfo("WeChat".into())),
            ("WeChat=https://a;WeChat=https://b", EndpointError::Twice("WeChat".into())),
            ("WeChat=https://a,http://b", EndpointError::Insecure("http://b".into())),
            (
                "WeChat=http://localhost.evil",
                EndpointError::Insecure("http://localhost.evil".into()),
            ),
            (
                "WeChat=http://127.0.0.1.evil",
                EndpointError::Insecure("http://127.0.0.1.evil".into()),
            ),
        ] {
            assert_eq!(read(text, false), Err(want), "{text}");
        }
        assert!(read("WeChat=http://b", true).is_ok());
        let unknown = "Wechat=https://a".parse::<Endpoints>().unwrap().0[0]
            .check_platform(&["WeChat", "Baidu"]);
        let unknown = unknown.unwrap_err().to_string();
        assert!(unknown.contains("`Wechat`") && unknown.contains("WeChat, Baidu"), "{unknown}");
    }
}
