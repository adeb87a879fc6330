//! The hosts that `NO_PROXY` exempts from proxies, by the rules of Go's `httpproxy`, which kubectl
//! and most programs of a cluster use.

use std::net::IpAddr;

use ipnet::IpNet;
use reqwest::Url;

/// The hosts that are reached without a proxy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Exempt(Vec<Rule>);

/// An entry of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    hosts: Hosts,
    /// Absent for every port.
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Hosts {
    All,
    Network(IpNet),
    Domain {
        name: String,
        /// Whether it matches the domain itself, in addition to its subdomains.
        itself: bool,
    },
}

impl Exempt {
    /// Parses a list that is separated by commas or white space. An entry that cannot match any
    /// host is ignored, as by Go, and its position is logged.
    pub fn parse(list: &str) -> Self {
        let entries = list.split(|c: char| c == ',' || c.is_whitespace());
        let mut rules = vec![];
        for (place, entry) in (1..).zip(entries.filter(|entry| !entry.is_empty())) {
            if let Some(rule) = Rule::parse(entry) {
                rules.push(rule);
                continue;
            }
            let warning =
                "ignoring an entry of NO_PROXY that is not a host, an address or a network";
            tracing::warn!(entry = place, "{warning}");
        }
        Self(rules)
    }

    /// Whether a URL is reached without a proxy. This machine always is.
    pub fn covers(&self, url: &Url) -> bool {
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let address = host.parse::<IpAddr>().ok();
        let here = address.map_or(host == "localhost", |address| address.is_loopback());
        let port = url.port_or_known_default();
        here || self.0.iter().any(|rule| rule.covers(host, address, port))
    }
}

impl Rule {
    /// `*`, a network, or a host with or without a port: an address, a domain with its subdomains,
    /// or, after a dot, its subdomains alone.
    fn parse(entry: &str) -> Option<Self> {
        if entry == "*" {
            return Some(Self { hosts: Hosts::All, port: None });
        }
        if let Ok(network) = entry.parse() {
            return Some(Self { hosts: Hosts::Network(network), port: None });
        }
        if let Ok(address) = entry.parse::<IpAddr>() {
            return Some(Self { hosts: Hosts::Network(address.into()), port: None });
        }
        let (host, port) = match entry.rsplit_once(':').map(|(host, port)| (host, port.parse())) {
            Some((host, Ok(port))) => (host, Some(port)),
            _ => (entry, None),
        };
        let host = host.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(host);
        let (host, itself) = host.strip_prefix('.').map_or((host, true), |bare| (bare, false));
        // The URL parser normalizes a host to lower case, and other alphabets to ASCII.
        let url: Url = format!("http://{host}").parse().ok()?;
        let bare = url.path() == "/" && url.username().is_empty() && url.port().is_none();
        let host = url.host_str().filter(|_| bare)?;
        let hosts = match host.trim_matches(['[', ']']).parse::<IpAddr>() {
            Ok(address) => Hosts::Network(address.into()),
            Err(_) => Hosts::Domain { name: host.to_owned(), itself },
        };
        Some(Self { hosts, port })
    }

    fn covers(&self, host: &str, address: Option<IpAddr>, port: Option<u16>) -> bool {
        let host_matches = match &self.hosts {
            Hosts::All => true,
            Hosts::Network(network) => address.is_some_and(|address| network.contains(&address)),
            Hosts::Domain { name, itself } => match host.strip_suffix(name.as_str()) {
                Some("") => *itself,
                Some(subdomain) => subdomain.ends_with('.'),
                None => false,
            },
        };
        host_matches && (self.port.is_none() || self.port == port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_proxy_exempts() {
        for (list, url, exempt) in [
            ("", "https://api.weixin.qq.com", false),
            ("*", "https://api.weixin.qq.com", true),
            ("10.0.0.1,*", "https://api.weixin.qq.com", true),
            ("qq.com", "https://api.weixin.qq.com", true),
            ("weixin.qq.com", "https://weixin.qq.com", true),
            ("WeiXin.QQ.com", "https://weixin.qq.com", true),
            ("n.qq.com", "https://weixin.qq.com", false),
            (".qq.com", "https://weixin.qq.com", true),
            (".qq.com", "https://qq.com", false),
            ("*.qq.com", "https://weixin.qq.com", true),
            ("*.qq.com", "https://qq.com", false),
            ("a.test,\n b.test", "https://b.test", true),
            ("a.test,,", "https://b.test", false),
            ("b.test:8443", "https://b.test:8443", true),
            ("b.test:8443", "https://b.test", false),
            ("b.test:443", "https://b.test", true),
            ("b.test:80", "http://b.test", true),
            (".test:8443", "https://b.test:8443", true),
            ("10.1.2.3", "https://10.1.2.3:6443", true),
            ("10.1.2.3:6443", "https://10.1.2.3:6443", true),
            ("10.1.2.3:443", "https://10.1.2.3:6443", false),
            ("10.1.0.0/16", "https://10.1.2.3:6443", true),
            ("10.1.0.0/16", "https://10.2.2.3:6443", false),
            ("10.1.2.3/16", "https://10.1.9.9", true),
            ("10.1.0.0/16", "https://b.test", false),
            ("2001:db8::1", "https://[2001:db8::1]:6443", true),
            ("2001:db8::/32", "https://[2001:db8::1]", true),
            ("[2001:db8::1]:6443", "https://[2001:db8::1]:6443", true),
            ("[2001:db8::1]:6443", "https://[2001:db8::1]", false),
            ("bücher.test", "https://xn--bcher-kva.test", true),
            ("https://b.test", "https://b.test", false),
            ("", "https://localhost:6443", true),
            ("", "https://127.0.0.9:6443", true),
            ("", "https://[::1]:6443", true),
            ("", "https://localhost.test", false),
        ] {
            assert_eq!(Exempt::parse(list).covers(&url.parse().unwrap()), exempt, "{list} {url}");
        }
    }
}
