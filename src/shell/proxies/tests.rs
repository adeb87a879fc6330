//! Environment variables, and the proxies that are chosen by them.

use super::*;

impl Proxies {
    /// The proxies of a given environment.
    pub(crate) fn of(environment: &[(&str, &str)]) -> Result<Self, ProxyError> {
        let find = |name: &str| environment.iter().find(|(given, _)| *given == name);
        Self::read(|name| find(name).map(|(_, value)| value.into()))
    }
}

fn platform(environment: &[(&str, &str)], url: &str) -> Option<String> {
    let proxies = Proxies::of(environment).unwrap();
    proxies.of_platform(&url.parse().unwrap()).map(ToString::to_string)
}

fn api_server(environment: &[(&str, &str)], url: &str) -> Option<String> {
    let proxies = Proxies::of(environment).unwrap();
    proxies.of_api_server(&url.parse().unwrap()).map(ToString::to_string)
}

#[test]
fn a_proxy_that_the_environment_names_is_used_whatever_white_space_is_around_it() {
    for (value, want) in [
        ("http://proxy:3128", "http://proxy:3128/"),
        ("http://proxy:3128\n", "http://proxy:3128/"),
        (" \thttp://proxy:3128/ ", "http://proxy:3128/"),
        ("proxy:3128", "http://proxy:3128/"),
        ("HTTP://proxy", "http://proxy/"),
        ("https://proxy", "https://proxy/"),
        ("http://[::1]:3128", "http://[::1]:3128/"),
        ("user:pass@proxy:3128", "http://user:pass@proxy:3128/"),
        ("http://user:p%23ss@proxy:3128", "http://user:p%23ss@proxy:3128/"),
        ("http://user:p ss@proxy:3128", "http://user:p%20ss@proxy:3128/"),
        ("http://user:p@ss@proxy:3128", "http://user:p%40ss@proxy:3128/"),
    ] {
        let proxy = platform(&[("HTTPS_PROXY", value)], "https://a.test");
        assert_eq!(proxy.as_deref(), Some(want), "{value:?}");
    }
}

#[test]
fn a_proxy_that_cannot_be_used_is_refused_by_the_name_of_its_variable_alone() {
    for value in [
        "http://",
        "http://user:hid#den@proxy:3128",
        "http://user:hid/den@proxy:3128",
        "http://user:1/hidden@proxy:3128",
        "http://user:1?hidden@proxy:3128",
        "http://DOMAIN\\user:hidden@proxy:3128",
        "http://user:hid\nden@proxy:3128",
        "http://user:hidden@pro xy:3128",
        "http://user:hidden@proxy:port",
        "http:proxy:3128",
    ] {
        let refused = Proxies::of(&[("https_proxy", value)]).err();
        assert_eq!(refused, Some(ProxyError::Address("https_proxy")), "{value}");
    }
    for value in ["socks://user:hidden@proxy", "socks5://proxy:1080", "SOCKS5h://proxy", "ftp://p"]
    {
        for name in ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"] {
            let refused = Proxies::of(&[(name, value)]).err();
            assert_eq!(refused, Some(ProxyError::Kind(name)), "{value}");
        }
    }
    let not_text = std::os::unix::ffi::OsStringExt::from_vec(vec![0xff]);
    let read = Proxies::read(|name| (name == "ALL_PROXY").then_some(OsString::clone(&not_text)));
    assert_eq!(read.err(), Some(ProxyError::Address("ALL_PROXY")));
}

#[test]
fn a_password_never_changes_the_host_of_a_proxy() {
    for c in ' '..='~' {
        let text = format!("http://user:1{c}2@proxy:3128");
        let Ok(url) = parse("HTTPS_PROXY", &text) else { continue };
        assert_eq!((shown(&url).as_str(), url.username()), ("proxy:3128", "user"), "{text}");
        let uri: Uri = url.as_str().parse().unwrap();
        assert_eq!((uri.host(), uri.port_u16()), (Some("proxy"), Some(3128)), "{text}");
    }
}

#[test]
fn which_variable_is_used() {
    let (a, b, c) = ("http://a.test/", "http://b.test/", "http://c.test/");
    let socks = ("ALL_PROXY", "socks5://c.test");
    for (environment, url, want) in [
        (&[][..], "https://x.test", None),
        (&[("HTTPS_PROXY", a), ("https_proxy", b)], "https://x.test", Some(a)),
        (&[("HTTPS_PROXY", ""), ("https_proxy", b)], "https://x.test", Some(b)),
        (&[("HTTPS_PROXY", "\n")], "https://x.test", None),
        (&[("HTTPS_PROXY", a), ("ALL_PROXY", b)], "https://x.test", Some(a)),
        (&[("HTTPS_PROXY", a), ("all_proxy", b)], "http://x.test", Some(b)),
        (&[("HTTPS_PROXY", a), ("HTTP_PROXY", b)], "http://x.test", Some(b)),
        (&[("HTTP_PROXY", b)], "https://x.test", None),
        (&[("HTTPS_PROXY", a), ("HTTP_PROXY", b), socks], "https://x.test", Some(a)),
        (&[("ALL_PROXY", c), ("no_proxy", "x.test")], "https://x.test", None),
        (&[("ALL_PROXY", c), ("NO_PROXY", "y"), ("no_proxy", "x.test")], "https://x.test", Some(c)),
        (&[("ALL_PROXY", c)], "http://127.0.0.1:1", None),
    ] {
        assert_eq!(platform(environment, url).as_deref(), want, "{environment:?} {url}");
    }
}

#[test]
fn the_api_servers_proxy_depends_on_the_address_of_the_cluster_and_on_no_all_proxy() {
    let proxy = "http://127.0.0.1:3128/";
    for (environment, url, want) in [
        (&[("HTTPS_PROXY", proxy)][..], "https://cluster.test:6443", Some(proxy)),
        (&[("HTTPS_PROXY", proxy), ("NO_PROXY", "127.0.0.1")], "https://cluster.test", Some(proxy)),
        (&[("HTTPS_PROXY", proxy), ("NO_PROXY", ".test")], "https://cluster.test:6443", None),
        (&[("HTTPS_PROXY", proxy), ("NO_PROXY", "10.0.0.0/8")], "https://10.1.2.3", None),
        (&[("HTTPS_PROXY", proxy)], "https://127.0.0.1:6443", None),
        (&[("ALL_PROXY", proxy)], "https://cluster.test:6443", None),
    ] {
        assert_eq!(api_server(environment, url).as_deref(), want, "{environment:?} {url}");
    }
}

#[test]
fn what_is_shown_of_a_proxy_is_its_host_and_port() {
    let shown = |text: &str| shown(&parse("HTTPS_PROXY", text).unwrap());
    assert_eq!(shown("http://user:hidden@proxy:3128"), "proxy:3128");
    assert_eq!(shown("proxy"), "proxy:80");
    assert_eq!(shown("https://[::1]"), "[::1]:443");
}
