//! A platform that means harm, or is somebody else: whatever it sends costs bounded time and
//! memory, leaves the token that is there in its place, goes to no other host, and heals.

use std::time::Duration;

use futures::future::join_all;
use kube::ResourceExt;
use miniprogram_operator::api::ConditionType::{CredentialValid, Ready, TokenFresh};
use platform_simulator::model::{FORGED_TOKEN, Fault};
use serde_json::json;
use tokio::time::Instant;

use crate::harness::{Front, Mini, Shown, Stage, Trap, message, says};

const GIGABYTE: u64 = 1 << 30;
/// What all attacks together may add to the operator's memory. One answer alone would be sixty
/// times as much.
const MEMORY_KIB: u64 = 16 << 10;
/// From a call to the word that it failed: `--request-timeout-seconds 4`, and a moment for the
/// reads and writes around it.
const TIME: Duration = Duration::from_secs(4 + 4);

struct Attack {
    name: &'static str,
    fault: Fault,
    reason: &'static str,
    /// What the message tells people to look at.
    advice: &'static str,
}

fn attacks(trap: &Trap) -> Vec<Attack> {
    const ROAD: &str = "something on the way";
    const ENDPOINT: &str = "Check that the endpoint is the platform";
    let attack = |name, fault, reason, advice| Attack { name, fault, reason, advice };
    let redirect = |status| Fault::Redirect { location: trap.url(), status };
    vec![
        attack("trickle", Fault::Trickle { ms: 1000 }, "PlatformUnreachable", ROAD),
        attack(
            "flood",
            Fault::Flood { bytes: GIGABYTE, in_header: false },
            "BadResponse",
            ENDPOINT,
        ),
        attack(
            "flood-of-header",
            Fault::Flood { bytes: GIGABYTE, in_header: true },
            "PlatformUnreachable",
            ROAD,
        ),
        attack("gzip", Fault::Gzip { bytes: 8 << 20 }, "BadResponse", ENDPOINT),
        attack("mid-header", Fault::MidHeader, "PlatformUnreachable", ROAD),
        attack("two-documents", Fault::TwoDocuments, "BadResponse", ENDPOINT),
        attack("redirect-302", redirect(302), "BadResponse", ENDPOINT),
        attack("redirect-307", redirect(307), "BadResponse", ENDPOINT),
        attack("redirect-308", redirect(308), "BadResponse", ENDPOINT),
    ]
}

/// A new app secret is asked with at once, whatever the token's clock says.
async fn rotate(mini: &Mini<'_>, secret: &str) -> Option<String> {
    mini.stage.simulator.set_secret(&mini.app_id, secret);
    mini.stage
        .put_secret(&format!("{}-credential", mini.name), "appSecret", secret)
        .await
        .resource_version()
}

/// Waits until the platform has taken this version of the credential.
async fn until_accepted(mini: &Mini<'_>, version: Option<String>) {
    mini.until("the new credential is accepted", 20, |seen| {
        let known = seen.status.as_ref().and_then(|status| status.credential.as_ref());
        known.map(|known| &known.resource_version) == version.as_ref()
            && says(seen, CredentialValid) == "True/Accepted"
            && says(seen, TokenFresh) == "True/Fresh"
            && seen.status.as_ref().is_some_and(|status| status.last_failure.is_none())
    })
    .await;
    mini.until_token_lives(5).await;
}

/// An object with a good token whose platform turns on it, and then behaves again.
async fn withstands(mini: &Mini<'_>, attack: &Attack) -> Duration {
    let good = mini.target().await;
    mini.stage.simulator.fault(&mini.app_id, attack.fault.clone());
    let began = Instant::now();
    rotate(mini, "second").await;
    let seen = mini
        .until_says_within(TokenFresh, &format!("False/{}", attack.reason), TIME.as_secs())
        .await;
    let took = began.elapsed();
    assert_eq!(says(&seen, Ready), "True/TokenAvailable", "{}: the token lives on", attack.name);
    assert!(message(&seen, TokenFresh).contains(attack.advice), "{}", message(&seen, TokenFresh));
    assert_eq!(mini.target().await, good, "{}", attack.name);
    took
}

async fn heals(mini: &Mini<'_>) {
    mini.stage.simulator.clear_faults(&mini.app_id);
    let version = rotate(mini, "third").await;
    until_accepted(mini, version).await;
}

#[tokio::test]
async fn a_hostile_answer_costs_bounded_time_and_memory_and_no_token() {
    let stage = Stage::new("hostile").await;
    let operator = stage
        .operator()
        .flag("--request-timeout-seconds", "4")
        .flag("--connect-timeout-seconds", "2")
        .start()
        .await;
    let trap = Trap::set().await;
    let attacks = attacks(&trap);
    let mut minis = vec![];
    for attack in &attacks {
        for mode in ["Stable", "Legacy"] {
            let mini = stage
                .app(&format!("{}-{}", attack.name, mode.to_lowercase()))
                .spec(json!({ "tokenMode": mode }));
            minis.push((mini.ready().await, attack));
        }
    }
    let before = operator.peak_memory_kib();
    let times = join_all(minis.iter().map(|(mini, attack)| withstands(mini, attack))).await;
    let grown = operator.peak_memory_kib() - before;
    println!(
        "memory grew by {grown} KiB over {before} KiB; slowest answer {:?}",
        times.iter().max()
    );
    assert!(grown < MEMORY_KIB, "memory grew by {grown} KiB");
    join_all(minis.iter().map(|(mini, _)| heals(mini))).await;
    assert_eq!(trap.caught(), 0, "a secret was sent to where a redirect points");
}

#[tokio::test]
async fn an_answer_behind_the_answer_is_nobodys() {
    let stage = Stage::new("hostile").await;
    let _operator = stage.operator().start().await;
    for mode in ["Stable", "Legacy"] {
        let draft =
            stage.app(&mode.to_lowercase()).spec(json!({ "tokenMode": mode })).without_credential();
        let mini = draft.whose_platform_knows("first").create().await;
        stage.simulator.fault(&mini.app_id, Fault::TwoAnswers);
        for secret in ["first", "second"] {
            let version = rotate(&mini, secret).await;
            until_accepted(&mini, version).await;
            assert_ne!(mini.token().await, FORGED_TOKEN);
        }
    }
}

#[tokio::test]
async fn a_host_that_cannot_prove_who_it_is_gets_no_secret() {
    let stage = Stage::new("hostile").await;
    let front = Front::before(stage.simulator.address()).await;
    let _operator = stage
        .operator()
        .flag("--platform-endpoint", &format!("WeChat={}", front.url()))
        .flag("--ca-bundle", &front.ca_bundle().display().to_string())
        .start()
        .await;
    for (name, shown) in [
        ("expired", Shown::Expired),
        ("another", Shown::OfAnotherHost),
        ("stranger", Shown::OfAStranger),
    ] {
        front.show(Shown::Good);
        let mini = stage.app(name).legacy().ready().await;
        let (good, passed) = (mini.target().await, front.passed());
        front.show(shown);
        rotate(&mini, "second").await;
        let seen = mini.until_says_within(TokenFresh, "False/PlatformUnreachable", 10).await;
        assert_eq!(says(&seen, Ready), "True/TokenAvailable");
        assert!(
            message(&seen, TokenFresh).contains("certificate"),
            "{}",
            message(&seen, TokenFresh)
        );
        assert_eq!(front.passed(), passed, "{name}: somebody went on after the handshake");
        assert_eq!(mini.target().await, good);
        // Nothing was sent, so nothing can have been lost.
        assert!(seen.status.expect("a status").intent.is_none(), "{name}");
        front.show(Shown::Good);
        heals(&mini).await;
        assert!(front.passed() > passed);
    }
}
