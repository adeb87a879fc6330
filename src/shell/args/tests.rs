//! Command lines and what they are parsed to.

use super::*;

fn run(flags: &str) -> Result<RunArgs, String> {
    let arguments = ["miniprogram-operator", "run"].into_iter().chain(flags.split_whitespace());
    match Cli::try_read(arguments).map_err(|error| error.to_string())?.command {
        Command::Run(run) => Ok(*run),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_definition_is_sound_and_every_flag_has_an_environment_name() {
    Cli::command().debug_assert();
    for command in Cli::command().get_subcommands() {
        for argument in command
            .get_arguments()
            .filter(|argument| !["help", "version"].contains(&argument.get_id().as_str()))
        {
            let flag = argument.get_long().unwrap().to_uppercase().replace('-', "_");
            let env = argument.get_env().unwrap_or_default().to_str().unwrap();
            assert!(
                env.strip_prefix("MINIPROGRAM_").is_some_and(|env| env.ends_with(&flag)),
                "{flag} {env}"
            );
            assert!(argument.get_help().is_some(), "{flag} has no help");
        }
    }
}

#[test]
fn the_defaults() {
    let run = run("").unwrap();
    assert_eq!(
        (run.watch_namespaces.names(), run.selector.as_str(), run.endpoints().count()),
        (&[][..], "", 0)
    );
    let seconds = [
        run.request_timeout,
        run.connect_timeout,
        run.lease_duration,
        run.overdue_liveness,
        run.shutdown_grace,
    ];
    assert_eq!(seconds.map(|time| time.as_secs()), [10, 5, 15, 300, 20]);
    assert_eq!((run.max_response_bytes, run.platform_qps, run.concurrency), (65_536, 50, 32));
    assert!(
        !run.leader_elect
            && !run.per_object_metrics
            && !run.allow_insecure_endpoints
            && run.ca_bundle.is_none()
    );
    assert_eq!(
        (run.lease_name.as_str(), run.log_format),
        ("miniprogram-operator", LogFormat::Json)
    );
    assert_eq!(
        (run.metrics_bind_address, run.health_probe_bind_address),
        (Listen::Everywhere(8080), Listen::Everywhere(8081))
    );
}

#[test]
fn what_is_given() {
    let given = run("--watch-namespaces b,a,,b --leader-elect --per-object-metrics=false --metrics-bind-address=0").unwrap();
    assert_eq!(given.watch_namespaces.names(), ["a", "b"]);
    assert!(given.leader_elect && !given.per_object_metrics);
    assert_eq!(given.metrics_bind_address, Listen::Nowhere);
    let given =
        run("--platform-endpoint WeChat=https://a,https://b --platform-endpoint Baidu=https://c")
            .unwrap();
    assert_eq!(given.endpoints().map(|endpoint| endpoint.hosts.len()).collect::<Vec<_>>(), [2, 1]);
    given.check_platforms(&["WeChat", "Baidu"]).unwrap();
    assert!(given.check_platforms(&["WeChat"]).unwrap_err().to_string().contains("Baidu"));
    let given = run("--oauth2-endpoint a=https://a --oauth2-endpoint b=https://b").unwrap();
    assert_eq!(given.oauth2_endpoints().into_keys().collect::<Vec<_>>(), ["a", "b"]);
    run("--oauth2-endpoint a=http://a --allow-insecure-endpoints").unwrap();
    assert_eq!(run("--lease-namespace system").unwrap().lease_namespace(), "system");
    run("--platform-endpoint WeChat=http://a --allow-insecure-endpoints").unwrap();
    run("--lease-duration-seconds 3 --connect-timeout-seconds 1 --leader-elect").unwrap();
    run("--lease-duration-seconds 3").unwrap();
}

#[test]
fn the_last_value_of_a_flag_applies() {
    for argument in Cli::command().find_subcommand("run").unwrap().get_arguments() {
        let Some(flag) = argument.get_long().filter(|flag| *flag != "help" && *flag != "version")
        else {
            continue;
        };
        let (first, last) = match flag {
            "watch-namespaces" | "selector" | "lease-name" | "lease-namespace" | "ca-bundle" => {
                ("a", "b")
            }
            "allow-template-metadata" => ("a.example", "b.example"),
            "platform-endpoint" => ("WeChat=https://a", "WeChat=https://b"),
            "oauth2-endpoint" => ("a=https://a,auth=post", "a=https://b"),
            "max-response-bytes" => ("2048", "4096"),
            "request-timeout-seconds" => ("6", "7"),
            "connect-timeout-seconds" => ("3", "4"),
            "platform-qps" | "concurrency" => ("8", "9"),
            "lease-duration-seconds" | "overdue-liveness-seconds" | "shutdown-grace-seconds" => {
                ("20", "30")
            }
            "metrics-bind-address" | "health-probe-bind-address" => (":1", ":2"),
            "log-format" => ("json", "text"),
            "log-level" => ("info", "debug"),
            "allow-insecure-endpoints" | "leader-elect" | "per-object-metrics" => ("false", "true"),
            other => panic!("which two values does --{other} take?"),
        };
        let (first, last) = (format!("--{flag}={first}"), format!("--{flag}={last}"));
        assert_eq!(values_of(&format!("{first} {last}")), values_of(&last));
        assert_ne!(values_of(&first), values_of(&last), "the two values differ");
    }
}

/// All values of a command line, for comparison.
fn values_of(flags: &str) -> String {
    let mut given = run(flags).unwrap();
    let endpoints: Vec<_> = given.endpoints().cloned().collect();
    given.platform_endpoints.clear();
    let oauth2 = format!("{:?}", given.oauth2_endpoints());
    given.oauth2_endpoints.clear();
    format!("{given:?} {endpoints:?} {oauth2}")
}

#[test]
fn what_is_refused() {
    for (flags, why) in [
        ("--kubeconfig x", "unexpected argument"),
        ("--watch-namespaces Team_A", "`Team_A` is not a name"),
        ("--lease-name -a", "'-a'"),
        ("--lease-name=-a", "`-a` is not a name"),
        ("--request-timeout-seconds 0", "from 1 to 60"),
        ("--request-timeout-seconds 10s", "without a unit"),
        ("--request-timeout-seconds 3", "is more than --request-timeout-seconds 3"),
        ("--leader-elect --lease-duration-seconds 10", "twice --connect-timeout-seconds 5"),
        ("--lease-duration-seconds 2", "from 3 to 600"),
        ("--concurrency 1", "2..=1000"),
        ("--max-response-bytes 10", "1024..=16777216"),
        ("--platform-qps 0", "1..=10000"),
        ("--metrics-bind-address 8080", "not an address to listen on"),
        ("--log-level inof", "not a level"),
        ("--log-format xml", "json, text"),
        ("--leader-elect=perhaps", "perhaps"),
        ("--platform-endpoint WeChat=http://a", "--allow-insecure-endpoints"),
        ("--platform-endpoint WeChat=https://a;WeChat=https://b", "named twice"),
        ("--oauth2-endpoint a=https://a,auth=jwt", "`auth` of a is not an option"),
        ("--oauth2-endpoint a=http://a", "--allow-insecure-endpoints"),
    ] {
        let error = run(flags).unwrap_err();
        assert!(error.contains(why), "{flags}: {error}");
    }
}

#[test]
fn probe_and_crd() {
    let read = |line: &str| Cli::try_read(line.split(' ')).unwrap().command;
    assert!(matches!(read("mp crd"), Command::Crd));
    let Command::Probe(probe) = read("mp probe --timeout-seconds 9") else { panic!() };
    assert_eq!((probe.url.as_str(), probe.timeout.as_secs()), ("http://127.0.0.1:8081/readyz", 9));
    let refused = |line: &str| Cli::try_read(line.split(' ')).unwrap_err().kind();
    assert_eq!(refused("mp"), clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand);
    assert_eq!(refused("mp probe --url localhost"), clap::error::ErrorKind::ValueValidation);
}

#[test]
fn no_refused_url_is_repeated_since_it_may_hold_a_password() {
    for flags in [
        "--platform-endpoint WeChat=https://user:hunter2@host",
        "--platform-endpoint Odd=https://user:hunter2@host",
        "--oauth2-endpoint a=https://user:hunter2@host/token",
        "--oauth2-endpoint a=https://host/token?one=1,client_key=hunter2",
        "--oauth2-endpoint https://user:hunter2@host/token",
    ] {
        let error = run(flags).unwrap_err();
        assert!(!error.contains("hunter2"), "{error}");
    }
}
