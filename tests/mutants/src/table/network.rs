//! The way out of the process and into it: proxies, certificate authorities, the servers of probes
//! and metrics.

use super::{KilledBy::Test, Mutant, Source};

pub(super) const SOURCES: &[Source] = &[
    Source { file: "src/reconcile/fetch/door/network.rs", mutants: NETWORK },
    Source { file: "src/reconcile/fetch/door/network/cause.rs", mutants: NETWORK_CAUSE },
    Source { file: "src/shell/proxies.rs", mutants: PROXIES },
    Source { file: "src/shell/proxies/exempt.rs", mutants: EXEMPT },
    Source { file: "src/shell/api_client.rs", mutants: API_CLIENT },
    Source { file: "src/shell/ca_bundle.rs", mutants: CA_BUNDLE },
    Source { file: "src/shell/ca_bundle/pem.rs", mutants: PEM },
    Source { file: "src/shell/server/connections.rs", mutants: CONNECTIONS },
    Source { file: "src/shell/cause.rs", mutants: CAUSE },
    Source { file: "src/shell/outage.rs", mutants: OUTAGE },
    Source { file: "src/shell/telemetry.rs", mutants: TELEMETRY },
    Source { file: "src/watch.rs", mutants: WATCH },
];

const NETWORK: &[Mutant] = &[Mutant {
    name: "proxy-not-used",
    means: "Calls go out beside the proxy that the environment names.",
    changes: &[("proxies.of_platform(url).cloned()", "None::<Url>")],
    killed_by: Test("what_a_proxy_says_instead_of_a_tunnel_means_that_nothing_was_sent"),
}];

const NETWORK_CAUSE: &[Mutant] = &[
    Mutant {
        name: "refusal-of-a-proxy-is-unknown",
        means: "A call that a proxy did not let through is taken for one that may have been made.",
        changes: &[("error.is_connect()", "false")],
        killed_by: Test("what_a_proxy_says_instead_of_a_tunnel_means_that_nothing_was_sent"),
    },
    Mutant {
        name: "wrong-name-taken-for-a-stranger",
        means: "A certificate of another host is reported as one that nobody trusts.",
        changes: &[("Cause::CertificateOfAnotherName", "Cause::CertificateNotTrusted")],
        killed_by: Test("what_was_not_sent_says_why"),
    },
];

const PROXIES: &[Mutant] = &[
    Mutant {
        name: "proxy-with-a-newline-refused",
        means: "The line break behind a proxy that a Secret has from `echo` stays.",
        changes: &[("text.trim().to_owned()", "text.clone()")],
        killed_by: Test(
            "a_proxy_that_the_environment_names_is_used_whatever_white_space_is_around_it",
        ),
    },
    Mutant {
        name: "half-a-password-taken-for-the-host",
        means: "A proxy whose password holds a slash is taken for one that was never meant.",
        changes: &[("url.path() != \"/\"", "false")],
        killed_by: Test("a_proxy_that_cannot_be_used_is_refused_by_the_name_of_its_variable_alone"),
    },
    Mutant {
        name: "socks-proxy-accepted",
        means: "A proxy of a kind that was not built in is accepted, and reached by no call.",
        changes: &[(
            "!matches!(scheme.to_ascii_lowercase().as_str(), \"http\" | \"https\")",
            "false",
        )],
        killed_by: Test("a_proxy_that_cannot_be_used_is_refused_by_the_name_of_its_variable_alone"),
    },
    Mutant {
        name: "blank-variable-counts",
        means: "An empty HTTPS_PROXY hides the https_proxy beside it.",
        changes: &[("text.is_empty()", "false")],
        killed_by: Test("which_variable_is_used"),
    },
    Mutant {
        name: "api-server-never-exempt",
        means: "NO_PROXY exempts no API server.",
        changes: &[(
            "self.of_scheme(url).filter(|_| !self.exempt.covers(url))",
            "self.of_scheme(url)",
        )],
        killed_by: Test(
            "the_api_servers_proxy_depends_on_the_address_of_the_cluster_and_on_no_all_proxy",
        ),
    },
];

const EXEMPT: &[Mutant] = &[
    Mutant {
        name: "exempt-by-any-ending",
        means: "`weixin.qq.com` in NO_PROXY exempts `notweixin.qq.com`, too.",
        changes: &[("subdomain.ends_with('.')", "true")],
        killed_by: Test("what_no_proxy_exempts"),
    },
    Mutant {
        name: "exempt-at-any-port",
        means: "An entry of NO_PROXY with a port exempts the host's other ports.",
        changes: &[("(self.port.is_none() || self.port == port)", "true")],
        killed_by: Test("what_no_proxy_exempts"),
    },
    Mutant {
        name: "this-machine-by-proxy",
        means: "A cluster on this machine is looked for behind the proxy.",
        changes: &[("address.is_loopback()", "false")],
        killed_by: Test("what_no_proxy_exempts"),
    },
];

const API_CLIENT: &[Mutant] = &[
    Mutant {
        name: "kube-reads-the-proxy-itself",
        means: "kube compares NO_PROXY with the proxy instead of the cluster.",
        changes: &[(
            "config.proxy_url = proxy(given.as_deref(), &config.cluster_url, proxies)?;",
            "",
        )],
        killed_by: Test("the_proxy_of_a_kubeconfig_is_its_own_or_that_of_the_environment"),
    },
    Mutant {
        name: "nobody-asks",
        means: "Requests to the API server do not say who makes them.",
        changes: &[(
            "config.headers.push((USER_AGENT, HeaderValue::from_static(shell::USER_AGENT)));",
            "",
        )],
        killed_by: Test("each_request_has_a_user_agent_and_is_sent_once"),
    },
];

const CA_BUNDLE: &[Mutant] = &[Mutant {
    name: "ca-bundle-reread-each-time",
    means: "A CA bundle that has not changed is said to have changed.",
    changes: &[("content.as_ref().ok() == self.seen.as_ref()", "false")],
    killed_by: Test("a_change_of_the_content_is_seen_once_however_the_file_is_replaced"),
}];

const PEM: &[Mutant] = &[
    Mutant {
        name: "key-taken-for-an-authority",
        means: "A block of another kind than a certificate is read as one.",
        changes: &[("label != \"CERTIFICATE\"", "false")],
        killed_by: Test("a_bad_block_refuses_the_file_by_its_number_and_its_line"),
    },
    Mutant {
        name: "bundle-without-a-certificate-accepted",
        means: "A CA bundle that holds no certificate is accepted.",
        changes: &[("certificates.is_empty()", "false")],
        killed_by: Test("a_file_without_any_block_is_refused"),
    },
    Mutant {
        name: "damaged-line-taken-for-text",
        means: "A certificate whose first line lacks a hyphen is passed over without a word.",
        changes: &[(
            "line.starts_with('-') && line.trim_start_matches('-').starts_with(word)",
            "line.starts_with(&format!(\"-----{word}\"))",
        )],
        killed_by: Test("a_bad_block_refuses_the_file_by_its_number_and_its_line"),
    },
    Mutant {
        name: "certificate-not-tried",
        means: "A block that is no certificate is accepted, and refused by the first call.",
        changes: &[(
            "RootCertStore::empty().add(der.clone()).map_err(|_| BlockFault::Content)?;",
            "",
        )],
        killed_by: Test("a_bad_block_refuses_the_file_by_its_number_and_its_line"),
    },
];

const CONNECTIONS: &[Mutant] = &[
    Mutant {
        name: "connections-without-number",
        means: "There is no bound on the connections that a server holds.",
        changes: &[("self.handles.len() == MOST", "false")],
        killed_by: Test("a_request_is_answered_although_others_hold_all_connections"),
    },
    Mutant {
        name: "newest-connection-closed",
        means: "Whoever connects while all connections are held is closed at once.",
        changes: &[("self.handles.pop_front()", "self.handles.pop_back()")],
        killed_by: Test("a_request_is_answered_although_others_hold_all_connections"),
    },
    Mutant {
        name: "request-awaited",
        means: "A request that does not come to its end is waited for three times as long.",
        changes: &[("(REQUEST_WITHIN)", "(ANSWERED_WITHIN)")],
        killed_by: Test("a_connection_ends_in_time_whatever_it_waits_for"),
    },
    Mutant {
        name: "long-request-kept",
        means: "Hundreds of kilobytes of an unfinished request are kept.",
        changes: &[("(REQUEST_BYTES)", "(100 * REQUEST_BYTES)")],
        killed_by: Test("a_request_that_is_too_long_is_not_kept"),
    },
    Mutant {
        name: "connection-kept-open",
        means: "A connection stays open after its answer.",
        changes: &[("(false)", "(true)")],
        killed_by: Test("a_connection_serves_one_request"),
    },
];

const CAUSE: &[Mutant] = &[
    Mutant {
        name: "certificate-looked-past",
        means: "A certificate that is not trusted is not reported from any other failure.",
        changes: &[(
            "made_from.map(|error| error as &(dyn Error + 'static)).or_else(|| error.source())",
            "error.source()",
        )],
        killed_by: Test("a_closed_port_an_unknown_name_and_a_strange_certificate_are_told_apart"),
    },
    Mutant {
        name: "silence-without-a-cause",
        means: "An API server that does not answer in time is not reported from any other failure.",
        changes: &[("error.is::<Stalled>()", "false")],
        killed_by: Test("what_takes_too_long_has_timed_out_and_the_rest_is_something_else"),
    },
];

const OUTAGE: &[Mutant] = &[
    Mutant {
        name: "each-failure-an-outage",
        means: "A request that fails among others that are answered is logged as an outage.",
        changes: &[("lasted < BEGINS_AFTER || logged_lately", "logged_lately")],
        killed_by: Test("a_request_that_fails_among_others_is_no_outage"),
    },
    Mutant {
        name: "outage-in-every-line",
        means: "Each request that fails is logged while the API server cannot be reached.",
        changes: &[("lasted < BEGINS_AFTER || logged_lately", "lasted < BEGINS_AFTER")],
        killed_by: Test("an_outage_has_a_line_when_it_begins_one_each_minute_and_one_when_it_ends"),
    },
];

const TELEMETRY: &[Mutant] = &[Mutant {
    name: "kube-logs-each-failure",
    means: "kube's own line of each request that fails is shown.",
    changes: &[("LevelFilter::OFF", "LevelFilter::ERROR")],
    killed_by: Test("no_level_lets_out_what_the_clients_trace"),
}];

const WATCH: &[Mutant] = &[Mutant {
    name: "each-watch-tells-of-an-outage",
    means: "While the API server cannot be reached, each watch has a line of its own.",
    changes: &[("not_reached(error)", "false")],
    killed_by: Test("an_unreachable_api_server_is_told_from_a_refusal_and_from_a_missing_response"),
}];
