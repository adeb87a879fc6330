//! `kubectl miniprogram` as people call it: what it tells, what it asks for, and that it waits for
//! the end.

use std::{env, path::Path, process::Output};

use k8s_openapi::api::core::v1::{Pod, ServiceAccount};
use kube::api::{Patch, PatchParams};
use platform_simulator::model::Fault;
use serde_json::json;

use crate::harness::{Stage, plane};

/// What the plugin says to these words. Its folder is on the path, as krew has it; the simulator
/// answers meanwhile.
async fn plugin(stage: &Stage, words: &[&str]) -> Output {
    let words: Vec<_> = words.iter().copied().chain(["-n", &stage.namespace]).collect();
    run(&words).await
}

async fn run(words: &[&str]) -> Output {
    let mut kubectl = plane().kubectl();
    let plugins = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/kubectl");
    let own = Path::new(kubectl.get_program()).parent().expect("a folder").to_owned();
    let path = env::var_os("PATH").unwrap_or_default();
    let path =
        env::join_paths([plugins, own].into_iter().chain(env::split_paths(&path))).expect("a path");
    kubectl.env("PATH", path).arg("miniprogram").args(words);
    tokio::process::Command::from(kubectl).output().await.expect("kubectl")
}

fn said(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).expect("text")
}

#[tokio::test]
async fn status_tells_what_is_well_what_is_not_and_who_mounts_the_token() {
    let stage = Stage::new("plugin").await;
    let _operator = stage.operator().start().await;
    let shop = stage.app("shop").ready().await;
    let refused =
        Fault::Code { code: 40164, msg: Some("invalid ip 203.0.113.7, not in whitelist".into()) };
    let refused_app = "wx0000000000040164";
    stage.simulator.fault(refused_app, refused);
    let broken = stage.app("broken").of_app(refused_app).create().await;
    broken
        .until("its failure is told", 5, |mini| {
            mini.status.as_ref().is_some_and(|status| status.last_failure.is_some())
        })
        .await;
    stage.create::<ServiceAccount>(json!({ "metadata": { "name": "server" } })).await;
    for (name, volume) in [
        ("plain", json!({ "secret": { "secretName": "shop-token" } })),
        (
            "projected",
            json!({ "projected": { "sources": [{ "secret": { "name": "shop-token" } }] } }),
        ),
        ("stranger", json!({ "secret": { "secretName": "another" } })),
        ("keeper", json!({ "secret": { "secretName": "shop-credential" } })),
    ] {
        let mut volume = volume;
        volume["name"] = json!("token");
        stage
            .create::<Pod>(json!({
                "metadata": { "name": name },
                "spec": {
                    "serviceAccountName": "server",
                    "containers": [{ "name": "server", "image": "none" }],
                    "volumes": [volume, { "name": "scratch", "emptyDir": {} }],
                },
            }))
            .await;
    }

    let secret = json!({ "name": "shop-credential", "key": "appSecret" });
    let variable = json!({ "name": "APP_SECRET", "valueFrom": { "secretKeyRef": secret } });
    stage
        .create::<Pod>(json!({
            "metadata": { "name": "environment" },
            "spec": {
                "serviceAccountName": "server",
                "containers": [{ "name": "server", "image": "none", "env": [variable] }],
            },
        }))
        .await;

    let well = said(&plugin(&stage, &["status", "shop"]).await);
    let token = shop.get().await.status.and_then(|status| status.token).expect("a token");
    for shown in [
        "Ready           True     TokenAvailable",
        &token.fingerprint,
        &token.expiration_time.0.to_string(),
    ] {
        assert!(well.contains(shown), "no {shown} in {well}");
    }
    let pods = well.split("Pods that mount Secret shop-token:").nth(1).expect("pods");
    assert!(
        pods.contains("plain (Pending)")
            && pods.contains("projected (Pending)")
            && !pods.contains("stranger"),
        "{pods}"
    );
    let (mounting, reading) = pods.split_once("their SDK can end this token").expect("two lists");
    assert!(!mounting.contains("keeper (Pending)") && reading.contains("keeper"), "{pods}");
    assert!(reading.contains("environment") && !reading.contains("plain"), "{pods}");
    assert!(!well.contains(&shop.token().await), "it prints the token");

    let ill = said(&plugin(&stage, &["status", "broken"]).await);
    for shown in [
        "IPNotAllowed",
        "1 attempt failed",
        "code 40164",
        "called from 203.0.113.7",
        "next attempt",
        "no pod mounts it",
    ] {
        assert!(ill.contains(shown), "no {shown} in {ill}");
    }

    let listed = said(&plugin(&stage, &["list"]).await);
    let line = |name: &str| {
        listed.lines().find(|line| line.starts_with(name)).unwrap_or_default().to_owned()
    };
    assert!(line("shop ").contains("1h 59m left") && line("shop ").ends_with("well"), "{listed}");
    assert!(line("broken ").contains("no token"), "{listed}");
    assert!(line("broken ").contains("IPNotAllowed (code 40164, "), "{listed}");
}

#[tokio::test]
async fn refresh_and_replace_wait_for_their_end() {
    let stage = Stage::new("plugin").await;
    let mut operator = stage.operator().start().await;
    let shop = stage.app("shop").ready().await;
    operator.kill();
    shop.some_hours_later().await;
    let _operator = operator.again().await;
    let fingerprint = async || {
        shop.get().await.status.and_then(|status| status.token).expect("a token").fingerprint
    };
    let first = fingerprint().await;
    assert_eq!(
        said(&plugin(&stage, &["refresh", "shop"]).await),
        format!("asked; the token is still {first}\n")
    );
    let replaced = said(&plugin(&stage, &["replace", "shop"]).await);
    let second = fingerprint().await;
    assert_ne!(second, first);
    assert!(replaced.starts_with(&format!("replaced by {second}, until ")), "{replaced}");
    shop.was_asked(3);
}

#[tokio::test]
async fn what_is_refused_or_must_wait_is_said_at_once_and_fails() {
    let stage = Stage::new("plugin").await;
    let mut operator = stage.operator().of_all_platforms().start().await;
    let refused = stage.app("refused").ready().await;
    let secret = "c0ffee00c0ffee11c0ffee22c0ffee33";
    let lasting = stage.app("lasting").at("WeCom", "ww00c0ffee00c0fff0").with_secret(secret);
    lasting.whose_platform_knows(secret).ready().await;
    let legacy = stage.app("legacy").spec(json!({ "tokenMode": "Legacy" })).ready().await;
    let suspended = stage.app("suspended").ready().await;
    suspended.patch(json!({ "spec": { "suspend": true } })).await;
    operator.kill();
    refused.some_hours_later().await;
    let _operator = operator.again().await;
    stage.simulator.set_secret(&refused.app_id, "another");
    legacy.until_ready().await;
    let wait = format!("kubectl miniprogram status legacy -n {}", stage.namespace);
    for (words, error) in [
        (&["refresh", "refused"][..], "refused: CredentialRejected: WeChat rejects"),
        (&["refresh", "suspended"], "suspended is suspended"),
        (&["replace", "suspended"], "suspended is suspended"),
        (&["replace", "legacy", "--timeout=20"], "WeChat is asked at"),
        (&["replace", "legacy", "--timeout=20"], &wait),
        (&["replace", "lasting"], "no call makes another"),
    ] {
        let output = plugin(&stage, words).await;
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{words:?}: {stderr}");
        assert!(stderr.contains(error) && !stderr.contains("within"), "{words:?}: {stderr}");
    }
}

#[tokio::test]
async fn words_are_completed_as_kubectl_asks_for_it() {
    let stage = Stage::new("plugin").await;
    stage.app("shop").create().await;
    let completed = async |words: &[&str]| {
        let output = run(&[&["__complete"], words].concat()).await;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    };
    assert_eq!(completed(&[""]).await, "list\nstatus\nrefresh\nreplace\ncompletion\n:4\n");
    assert_eq!(completed(&["-n", &stage.namespace, "status", "s"]).await, "shop\n:4\n");
    let namespaces = completed(&["status", "-n", ""]).await;
    assert!(namespaces.lines().any(|line| line == stage.namespace), "{namespaces}");
    let helper = said(&plugin(&stage, &["completion"]).await);
    assert!(helper.contains("exec kubectl miniprogram __complete \"$@\""), "{helper}");
}

#[tokio::test]
async fn what_cannot_be_done_is_said_and_fails() {
    let stage = Stage::new("plugin").await;
    // No operator: nobody answers.
    stage.app("shop").create().await;
    for (words, error) in [
        (&["refresh", "shop", "--timeout=1"][..], "the platform was not asked within 1 s"),
        (&["replace", "shop"], "shop has no token to replace"),
        (&["status", "nobody"], "not found"),
        (&["status", "shop", "--colour"], "unknown option --colour"),
        (&["refresh", "shop", "--timeout", "soon"], "--timeout takes whole seconds"),
        (&["status"], "Usage:"),
        (&["repair", "shop"], "Usage:"),
    ] {
        let output = plugin(&stage, words).await;
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && stderr.contains(error), "{words:?}: {stderr}");
    }
}

#[tokio::test]
async fn status_shows_no_control_characters() {
    let stage = Stage::new("plugin").await;
    let shop = stage.app("shop").create().await;
    let condition = json!({
        "type": "Ready", "status": "False", "reason": "WriteFailed", "lastTransitionTime": "2026-05-01T10:00:00Z",
        "message": "be\u{1b}[2Jfore\u{7} \u{9b}31mand\r after \u{4f60}\u{597d}",
    });
    let status = json!({ "status": { "conditions": [condition] } });
    let minis = stage.api::<miniprogram_operator::api::MiniProgram>();
    minis
        .patch_status(&shop.name, &PatchParams::default(), &Patch::Merge(&status))
        .await
        .expect("patched");
    let shown = said(&plugin(&stage, &["status", "shop"]).await);
    assert!(shown.contains("be[2Jfore 31mand after \u{4f60}\u{597d}"), "{shown:?}");
    assert!(shown.chars().all(|shown| shown == '\n' || !shown.is_control()), "{shown:?}");
}
