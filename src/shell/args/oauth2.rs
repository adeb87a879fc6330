//! Parses the token endpoints of OAuth2 that the administrator configures. Makes no request.

use std::{str::FromStr, time::Duration};

use reqwest::Url;

use super::endpoint::confidential;
use crate::platform::{ClientAuth, ConfiguredEndpoint};

/// The endpoints of one flag or of the environment variable, separated by `;` or white space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OAuth2Endpoints(Vec<(String, ConfiguredEndpoint)>);

/// Why an endpoint cannot be used. No text of it is quoted that may hold a password.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum OAuth2EndpointError {
    #[error("an endpoint of OAuth2 is written NAME=https://host/path[,option=value]")]
    Shape,
    #[error(
        "`{0}` is not a name of an endpoint: use at most 31 of a-z, 0-9 and -, not at either end -"
    )]
    Name(String),
    #[error("the URL of {0} is not one: write https://host/path, and a comma in it as %2C")]
    Url(String),
    #[error(
        "the URL of {0} has a user name or password, which would show in the process list: \
         leave it out"
    )]
    UserInfo(String),
    #[error("the URL of {0} has a fragment, which RFC 6749 does not allow")]
    Fragment(String),
    #[error(
        "`{option}` of {name} is not an option: write auth=basic, auth=post, scope=SCOPE, \
         audience=AUDIENCE, life=SECONDS (1 to 31536000), reissue=adds or reissue=replaces"
    )]
    Option { name: String, option: String },
    #[error("`{0}` is named twice in one --oauth2-endpoint")]
    Twice(String),
    #[error(
        "the URL of {0} would send app secrets in plain text: use https, or allow it with \
         --allow-insecure-endpoints"
    )]
    Insecure(String),
}

impl OAuth2Endpoints {
    pub fn iter(&self) -> impl Iterator<Item = &(String, ConfiguredEndpoint)> {
        self.0.iter()
    }

    /// Refuses an `http://` URL whose host is not this machine.
    pub(super) fn check(&self, insecure: bool) -> Result<(), OAuth2EndpointError> {
        match self.iter().find(|(_, endpoint)| !insecure && !confidential(&endpoint.url)) {
            None => Ok(()),
            Some((name, _)) => Err(OAuth2EndpointError::Insecure(name.clone())),
        }
    }
}

impl FromStr for OAuth2Endpoints {
    type Err = OAuth2EndpointError;

    fn from_str(text: &str) -> Result<Self, OAuth2EndpointError> {
        let parts =
            text.split(|c: char| c == ';' || c.is_whitespace()).filter(|part| !part.is_empty());
        let all = parts.map(endpoint).collect::<Result<Vec<_>, _>>()?;
        let is_repeated = |place: usize| all[..place].iter().any(|(name, _)| *name == all[place].0);
        match (0..all.len()).find(|place| is_repeated(*place)) {
            Some(place) => Err(OAuth2EndpointError::Twice(all[place].0.clone())),
            None => Ok(Self(all)),
        }
    }
}

fn endpoint(text: &str) -> Result<(String, ConfiguredEndpoint), OAuth2EndpointError> {
    let (name, rest) = text.split_once('=').ok_or(OAuth2EndpointError::Shape)?;
    if !is_name(name) {
        // What stands before the first `=` of a URL may be anything.
        let shown = if name.contains(['/', '@']) { "…" } else { name };
        return Err(OAuth2EndpointError::Name(shown.to_owned()));
    }
    let mut parts = rest.split(',');
    let mut endpoint = ConfiguredEndpoint {
        url: url(name, parts.next().unwrap_or_default())?,
        ..ConfiguredEndpoint::default()
    };
    for option in parts {
        set(&mut endpoint, option).ok_or_else(|| OAuth2EndpointError::Option {
            name: name.to_owned(),
            option: option.split('=').next().unwrap_or_default().to_owned(),
        })?;
    }
    Ok((name.to_owned(), endpoint))
}

/// The names that the pattern of `OAuth2`'s app ids allows.
fn is_name(text: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let is_edged = text.starts_with('-') || text.ends_with('-');
    (1..=31).contains(&text.len()) && !is_edged && text.bytes().all(is_inner)
}

fn url(name: &str, text: &str) -> Result<String, OAuth2EndpointError> {
    let url = text.parse::<Url>().ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let url = url.filter(Url::has_host).ok_or_else(|| OAuth2EndpointError::Url(name.to_owned()))?;
    if text.contains('@') {
        return Err(OAuth2EndpointError::UserInfo(name.to_owned()));
    }
    if url.fragment().is_some() {
        return Err(OAuth2EndpointError::Fragment(name.to_owned()));
    }
    Ok(url.into())
}

/// Sets one option. Returns none if it is not known, or its value is not.
fn set(endpoint: &mut ConfiguredEndpoint, option: &str) -> Option<()> {
    let (option, value) = option.split_once('=').filter(|(_, value)| !value.is_empty())?;
    match (option, value) {
        ("auth", "basic") => endpoint.auth = ClientAuth::Basic,
        ("auth", "post") => endpoint.auth = ClientAuth::Post,
        ("scope", scope) if endpoint.scope.is_empty() => scope.clone_into(&mut endpoint.scope),
        ("scope", scope) => endpoint.scope = format!("{} {scope}", endpoint.scope),
        ("audience", audience) => audience.clone_into(&mut endpoint.audience),
        ("life", seconds) => {
            let seconds = seconds.parse().ok().filter(|n| (1..=31_536_000).contains(n))?;
            endpoint.life = Some(Duration::from_secs(seconds));
        }
        ("reissue", "adds") => endpoint.adds = true,
        ("reissue", "replaces") => endpoint.adds = false,
        _ => return None,
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<(String, ConfiguredEndpoint)>, OAuth2EndpointError> {
        let all: OAuth2Endpoints = text.parse()?;
        all.check(false)?;
        Ok(all.0)
    }

    #[test]
    fn endpoints() {
        let plain = |url: &str| ConfiguredEndpoint { url: url.into(), ..Default::default() };
        let full = ConfiguredEndpoint {
            url: "https://id.test/token?tenant=a".into(),
            auth: ClientAuth::Post,
            scope: "read write".into(),
            audience: "https://api.test/?x=1".into(),
            life: Some(Duration::from_secs(3600)),
            adds: true,
        };
        for (text, want) in [
            ("", vec![]),
            ("shop=https://id.test", vec![("shop", plain("https://id.test/"))]),
            (
                "a=https://id.test/a; b-2=http://127.0.0.1:1/b\n",
                vec![("a", plain("https://id.test/a")), ("b-2", plain("http://127.0.0.1:1/b"))],
            ),
            ("a=https://a/,auth=basic,reissue=replaces", vec![("a", plain("https://a/"))]),
            (
                "shop=https://id.test/token?tenant=a,auth=post,scope=read,scope=write,life=3600,\
                 audience=https://api.test/?x=1,reissue=adds",
                vec![("shop", full)],
            ),
        ] {
            let want = want.into_iter().map(|(name, endpoint)| (name.to_owned(), endpoint));
            assert_eq!(read(text), Ok(want.collect()), "{text}");
        }
    }

    #[test]
    fn refusals() {
        use OAuth2EndpointError::{Fragment, Insecure, Name, Shape, Twice, Url, UserInfo};
        let option =
            |option: &str| OAuth2EndpointError::Option { name: "a".into(), option: option.into() };
        for (text, want) in [
            ("https://u:p@a", Shape),
            ("https://u:p@a/?b=c", Name("…".into())),
            ("=https://a", Name(String::new())),
            ("A=https://a", Name("A".into())),
            ("-a=https://a", Name("-a".into())),
            ("a=", Url("a".into())),
            ("a=b", Url("a".into())),
            ("a=ftp://b", Url("a".into())),
            ("a=https://u:p@b", UserInfo("a".into())),
            ("a=https://b#c", Fragment("a".into())),
            ("a=http://b/token", Insecure("a".into())),
            ("a=https://b;a=https://c", Twice("a".into())),
            ("a=https://b,auth=jwt", option("auth")),
            ("a=https://b,scope=", option("scope")),
            ("a=https://b,scope", option("scope")),
            ("a=https://b,", option("")),
            ("a=https://b,life=0", option("life")),
            ("a=https://b,life=31536001", option("life")),
            ("a=https://b,life=1h", option("life")),
            ("a=https://b,reissue=renews", option("reissue")),
        ] {
            assert_eq!(read(text), Err(want), "{text}");
        }
        let plain: OAuth2Endpoints = "a=http://b".parse().expect("it is one");
        assert_eq!(plain.check(true), Ok(()));
    }
}
