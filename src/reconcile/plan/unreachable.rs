//! The message for each cause of a missing response, for the person who must act. Constant per
//! cause.

use crate::platform::Cause;

/// What happened, and what to check.
pub fn sentence(platform: &str, cause: Option<Cause>) -> String {
    let Some(cause) = cause else {
        return format!(
            "{platform} does not answer. Check the cluster's way out: DNS, proxy, firewall, \
             network policies"
        );
    };
    let (what, check) = match cause {
        Cause::NameNotResolved => ("host has no address", "check the cluster's DNS"),
        Cause::ConnectionRefused => (
            "host refuses the connection",
            "check the host and port, and what stands between: proxy, firewall",
        ),
        Cause::ConnectTimeout => (
            "host cannot be connected to in time",
            "check firewall, network policies, and whether a proxy is needed",
        ),
        Cause::ConnectFailed => ("host cannot be connected to", "check firewall and proxy"),
        Cause::ResponseTimeout => (
            "host took the request and did not answer in time",
            "it may be slow, or something on the way holds answers back",
        ),
        Cause::ProxyRefused => (
            "host is not reached: the proxy refuses the operator's user and password (407)",
            "check HTTPS_PROXY of the operator",
        ),
        Cause::ProxyFailed => {
            ("host is not reached: the proxy makes no tunnel to it", "check what the proxy allows")
        }
        Cause::CertificateNotTrusted => (
            "certificate is from an authority that is not trusted",
            "if a proxy opens TLS, give its authority to the operator (--ca-bundle)",
        ),
        Cause::CertificateOfAnotherName => {
            ("certificate is another host's", "check the endpoint, and DNS")
        }
        Cause::CertificateExpired => (
            "certificate is expired, or not valid yet",
            "check the clock of the node, and whose certificate is shown",
        ),
        Cause::TlsFailed => ("host does not speak TLS as it should", "check what stands between"),
        Cause::ConnectionClosed => (
            "host closed the connection before its answer was whole",
            "it may be busy, or something on the way cuts connections",
        ),
    };
    format!("{platform}'s {what}: {check}")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use strum::IntoEnumIterator;

    use super::{Cause, sentence};

    #[test]
    fn each_cause_has_a_sentence_of_its_own() {
        let sentences: BTreeSet<_> =
            Cause::iter().map(|cause| sentence("WeChat", Some(cause))).collect();
        assert_eq!(sentences.len(), Cause::iter().count());
        assert!(!sentences.contains(&sentence("WeChat", None)));
    }
}
