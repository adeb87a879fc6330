//! App secrets and tokens are in their Secrets and nowhere else: not in logs at their finest,
//! Events, status or metrics.

use std::{collections::BTreeSet, os::unix::process::ExitStatusExt as _};

use k8s_openapi::{
    ByteString,
    api::{coordination::v1::Lease, core::v1::Secret, events::v1::Event},
};
use kube::api::ListParams;
use miniprogram_operator::api::{
    ConditionType::{CredentialValid, Ready, TargetSynced, TokenFresh},
    MiniProgram,
};
use platform_simulator::model::Fault;
use rustix::process::Signal;
use serde_json::json;

use crate::harness::{Ledger, Stage, plane, wait::check, wait::eventually};

/// An app secret that shows in every encoding: as it is, in a URL, in JSON, in base64.
const CANARY: &str = "canary&secret=\"x\"+/%41 z";

/// The forms in which something could leak.
pub fn forms(text: &str) -> Vec<String> {
    let base64 = |text: &str| {
        json!(ByteString(text.as_bytes().to_vec()))
            .as_str()
            .expect("text")
            .trim_end_matches('=')
            .to_owned()
    };
    let url: String = text
        .bytes()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect();
    let json = json!(text).to_string();
    let bytes = format!("{:?}", text.as_bytes());
    let mut forms = vec![
        text.to_owned(),
        url.clone(),
        url.replace("%20", "+"),
        json.trim_matches('"').to_owned(),
        bytes[1..bytes.len() - 1].to_owned(),
    ];
    // Behind other text, as in HTTP Basic, an encoding begins at any of three bytes. Its first and
    // last characters depend on what stands beside them.
    for before in ["", "-", "--"] {
        forms.push(base64(&format!("{before}{text}"))[4..20].to_owned());
    }
    forms
}

#[allow(clippy::too_many_lines, reason = "one story, from the first token to the end")]
#[tokio::test]
async fn neither_an_app_secret_nor_a_token_is_anywhere_but_in_its_secret() {
    let stage = Stage::new("secrecy").await;
    let mut operator = stage
        .operator()
        .flag("--log-level", "trace")
        .flag("--per-object-metrics", "true")
        .flag("--request-timeout-seconds", "1")
        .flag("--connect-timeout-seconds", "1")
        .start()
        .await;
    let faults = [
        Fault::Code { code: -1, msg: Some(format!("you said {CANARY}")) },
        Fault::Code { code: 40125, msg: Some(format!("wrong secret {CANARY}")) },
        Fault::Code { code: 40164, msg: Some(format!("invalid ip {CANARY}, not in whitelist")) },
        Fault::Status { status: 502 },
        Fault::Hang,
        Fault::Drop { reset: true },
        Fault::TruncatedJson,
        Fault::WrongType { field: "expires_in".into() },
        Fault::ExpiresIn { value: json!("never") },
        Fault::Redirect {
            location: format!("{}/?token=canary", stage.simulator.url()),
            status: 307,
        },
        Fault::Body { content: format!("{{\"{CANARY}\":1}}"), status: 400, content_type: None },
        Fault::Html,
        Fault::TwoDocuments,
        Fault::TwoAnswers,
        Fault::Trickle { ms: 100 },
        Fault::Flood { bytes: 1 << 20, in_header: false },
        Fault::MidHeader,
    ];
    let mut tokens = BTreeSet::new();
    for mode in ["Stable", "Legacy"] {
        for (n, fault) in faults.iter().enumerate() {
            let name = format!("fault-{n}-{}", mode.to_lowercase());
            let shop = stage
                .app(&name)
                .spec(json!({ "tokenMode": mode }))
                .without_credential()
                .whose_platform_knows(CANARY)
                .create()
                .await;
            stage.simulator.fault(&shop.app_id, fault.clone());
            stage.put_secret(&format!("{name}-credential"), "appSecret", CANARY).await;
            eventually(format!("{name} has failed or got a token"), 5, async || {
                let status = shop.get().await.status.unwrap_or_default();
                check(status.last_failure.is_some() || status.token.is_some(), || {
                    format!("{status:?}")
                })
            })
            .await;
            tokens.extend(
                stage.simulator.live_tokens(&shop.app_id).into_iter().map(|token| token.token),
            );
        }
        // A write that fails while a token is in hand, a foreign Secret, a value that is no app
        // secret.
        let taken = format!("taken-{}", mode.to_lowercase());
        stage.put_secret(&format!("{taken}-token"), "password", CANARY).await;
        let shop =
            stage.app(&taken).with_secret(CANARY).whose_platform_knows(CANARY).create().await;
        shop.until_says(TargetSynced, "False/Conflict").await;
        let odd = stage
            .app(&format!("odd-{}", mode.to_lowercase()))
            .with_secret(&format!("{CANARY}é"))
            .create()
            .await;
        odd.until_says(CredentialValid, "False/ValueInvalid").await;
        let well =
            stage.app(&format!("well-{}", mode.to_lowercase())).spec(json!({ "tokenMode": mode }));
        let well = well.whose_platform_knows(CANARY).with_secret(CANARY).ready().await;
        tokens.insert(well.token().await);
        well.until_says(TokenFresh, "True/Fresh").await;
        well.until_says(Ready, "True/TokenAvailable").await;
    }
    let metrics = operator.metrics().await;
    assert!(metrics.contains("well-stable"));
    let process = ["environ", "cmdline", "status", "maps"]
        .map(|file| String::from_utf8_lossy(&operator.proc(file)).into_owned());
    assert!(operator.terminate().await.success());
    let kubectl = |arguments: &[&str]| {
        let output = plane()
            .kubectl()
            .args(["-n", &stage.namespace])
            .args(arguments)
            .output()
            .expect("kubectl");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    };
    let secrets =
        stage.api::<Secret>().list_metadata(&ListParams::default()).await.expect("Secrets");
    let leases = stage.api::<Lease>().list(&ListParams::default()).await.expect("Leases");

    let events = stage.api::<Event>().list(&ListParams::default()).await.expect("Events");
    let minis =
        stage.api::<MiniProgram>().list(&ListParams::default()).await.expect("MiniPrograms");
    let places = [
        ("the log", operator.log()),
        ("the metrics", metrics),
        ("the Events", serde_json::to_string(&events).expect("JSON")),
        ("the MiniPrograms", serde_json::to_string(&minis).expect("JSON")),
        ("kubectl describe", kubectl(&["describe", "miniprograms"])),
        ("kubectl get -o yaml", kubectl(&["get", "miniprograms,events", "-o", "yaml"])),
        ("the Secrets' metadata", serde_json::to_string(&secrets).expect("JSON")),
        ("the Leases", serde_json::to_string(&leases).expect("JSON")),
        ("what /proc shows of the operator", process.concat()),
    ];
    assert!(tokens.len() > 4, "{}", tokens.len());
    assert!(places[0].1.contains("a call to the platform failed"), "{}", places[0].1);
    for secret in tokens.iter().map(String::as_str).chain([CANARY]) {
        for form in forms(secret) {
            for (place, text) in &places {
                assert!(
                    !text.contains(&form),
                    "{place} shows a secret as {form}: {}",
                    around(text, &form)
                );
            }
        }
    }
}

#[tokio::test]
async fn a_crash_leaves_no_dump_of_memory() {
    let stage = Stage::new("secrecy").await;
    let mut operator = stage.operator().start().await;
    let limits = String::from_utf8(operator.proc("limits")).expect("text");
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).expect("a limit");
    assert_eq!(core.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["0", "0"], "{core}");
    operator.signal(Signal::ABORT);
    let status =
        eventually("it has ended", 5, async || operator.ended().ok_or("it runs".into())).await;
    assert_eq!((status.signal(), status.core_dumped()), (Some(Signal::ABORT.as_raw()), false));
}

fn around(text: &str, form: &str) -> String {
    text.lines().find(|line| line.contains(form)).unwrap_or_default().chars().take(600).collect()
}

#[tokio::test]
async fn no_request_of_ours_to_the_api_server_carries_a_secret_in_its_address() {
    let stage = Stage::new("secrecy").await;
    let _operator = stage.operator().start().await;
    let ledger: Ledger = stage.ledger();
    let shop = stage.app("shop").legacy().ready().await;
    let token = shop.token().await;
    for request in ledger.requests().await {
        assert!(
            !request.uri.contains(&token) && !request.uri.contains("secret-of-"),
            "{}",
            request.uri
        );
    }
}
