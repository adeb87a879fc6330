//! The proxies that the environment of the operator names: what goes through them, and what not.

use crate::harness::{
    Stage, Trap,
    wait::{check, eventually},
};

#[tokio::test]
async fn a_proxy_carries_calls_to_the_platform_and_no_request_to_a_cluster_on_this_machine() {
    let stage = Stage::new("proxies").await;
    let trap = Trap::set().await;
    let proxy = stage.simulator.address();
    let operator = stage
        .operator()
        .flag("--platform-endpoint", "WeChat=http://platform.invalid")
        .flag("--allow-insecure-endpoints", "true")
        // As a Secret has it that was made with `echo`.
        .variable("HTTP_PROXY", &format!("http://{proxy}\n"))
        .variable("HTTPS_PROXY", &format!("http://localhost:{}", trap.port()))
        .variable("NO_PROXY", "127.0.0.1")
        .start()
        .await;
    stage.app("shop").ready().await.was_asked(1);
    assert_eq!(trap.caught(), 0, "requests to the API server went through the proxy");
    let line = format!(r#""host":"http://platform.invalid","proxy":"{proxy}""#);
    assert!(operator.log().contains(&line), "{}", operator.log());
}

#[tokio::test]
async fn a_proxy_that_cannot_be_used_is_refused_at_start_without_its_password() {
    let stage = Stage::new("proxies").await;
    let proxy = "http://user:hid#den@127.0.0.1:3128";
    let mut operator = stage.operator().variable("HTTPS_PROXY", proxy).unready().start().await;
    let ended = async || operator.ended().ok_or("it runs".into());
    assert!(!eventually("the operator has ended", 10, ended).await.success());
    eventually("it says why", 5, async || {
        let log = operator.log();
        check(log.contains("HTTPS_PROXY is not the address of a proxy"), || log.clone())
    })
    .await;
    assert!(!operator.log().contains("hid"), "{}", operator.log());
}
