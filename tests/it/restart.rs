//! A restart asks nobody anything: no call, no write, no read of an object, whatever states the
//! objects are in.

use k8s_openapi::api::core::v1::Secret;
use miniprogram_operator::api::ConditionType::{
    CredentialValid, Ready, Stalled, TargetSynced, TokenFresh,
};
use platform_simulator::model::Fault;
use serde_json::json;

use crate::harness::{Mini, Operator, Stage, says};

/// One object of each sort, and what is waited for until it is one.
async fn zoo<'a>(stage: &'a Stage, operator: &Operator<'_>) -> Vec<Mini<'a>> {
    let (mut zoo, mut waiting) = (vec![], vec![]);
    for mode in ["Stable", "Legacy"] {
        let named = |name: &str| {
            stage.app(&format!("{name}-{}", mode.to_lowercase())).spec(json!({ "tokenMode": mode }))
        };
        zoo.push(named("fresh").ready().await);

        let failing = named("failing").ready().await;
        stage.simulator.fault(&failing.app_id, Fault::Code { code: 45009, msg: None });
        // Another credential is a reason for a call; this one fails for a reason of its own.
        stage.put_secret(&format!("{}-credential", failing.name), "appSecret", "another").await;
        failing.until_says(TokenFresh, "False/QuotaExhausted").await;
        zoo.push(failing);

        let rejected = named("rejected").with_secret("wrong").create().await;
        rejected.until_says(CredentialValid, "False/CredentialRejected").await;
        zoo.push(rejected);

        let rejected_later = named("rejected-later").ready().await;
        stage
            .put_secret(&format!("{}-credential", rejected_later.name), "appSecret", "wrong")
            .await;
        rejected_later.until_says(CredentialValid, "False/CredentialRejected").await;
        zoo.push(rejected_later);

        let keyless =
            named("keyless").spec(json!({ "credentialRef": { "key": "other" } })).create().await;
        keyless.until_says(CredentialValid, "False/KeyMissing").await;
        waiting.push(keyless);

        let nameless = named("nameless").without_credential().create().await;
        nameless.until_says(CredentialValid, "False/SecretNotFound").await;
        waiting.push(nameless);

        let edited = named("edited").ready().await;
        let credential = format!("{}-credential", edited.name);
        let _: Secret = stage
            .patch(&credential, json!({ "metadata": { "labels": { "edited": "yes" } } }))
            .await;
        let _: Secret = stage
            .patch(&edited.target_name(), json!({ "metadata": { "labels": { "edited": "yes" } } }))
            .await;
        zoo.push(edited);

        stage
            .put_secret(&format!("foreign-{}-token", mode.to_lowercase()), "access_token", "mine")
            .await;
        let foreign = named("foreign").create().await;
        foreign.until_says(TargetSynced, "False/Conflict").await;
        waiting.push(foreign);

        let suspended = named("suspended").ready().await;
        suspended.patch(json!({ "spec": { "suspend": true } })).await;
        suspended.until_says(TokenFresh, "False/Suspended").await;
        zoo.push(suspended);

        let retained = named("retained")
            .spec(json!({ "target": { "deletionPolicy": "Retain" } }))
            .ready()
            .await;
        zoo.push(retained);

        let renamed = named("renamed").ready().await;
        renamed
            .patch(json!({ "spec": { "target": { "name": format!("{}-other", renamed.name), "keys": { "accessToken": "t" } } } }))
            .await;
        stage.until_no_secret(&renamed.target_name(), 5).await;
        zoo.push(renamed);

        let reported = named("reported").ready().await;
        operator.until_calm().await;
        reported.annotate("miniprogram.dev/invalid-token", "sha256:0123456789ab").await;
        reported.until_event("TokenAlreadyReplaced").await;
        zoo.push(reported);
    }
    let winner = stage.app("winner").legacy().ready().await;
    let loser = stage.app("loser").of_app(&winner.app_id).legacy().create().await;
    loser.until_says(Ready, "False/AppIDConflict").await;
    zoo.push(winner);
    waiting.push(loser);
    // What waits for its user is stalled a minute later: that is a write of its own.
    for mini in &waiting {
        mini.until("it is stalled", 62, |mini| says(mini, Stalled).starts_with("True/")).await;
    }
    zoo.extend(waiting);
    operator.until_calm().await;
    zoo
}

#[tokio::test]
async fn nothing_is_asked_or_written_and_only_what_was_edited_is_read_whatever_states_the_objects_are_in()
 {
    let stage = Stage::new("restart").await;
    let mut operator = stage.operator().start().await;
    let zoo = zoo(&stage, &operator).await;
    let total = || stage.simulator.all_counts().total.calls;
    let before = total();

    for end in ["killed", "terminated"] {
        if end == "killed" {
            operator.kill();
        } else {
            assert!(operator.terminate().await.success());
        }
        let ledger = stage.ledger();
        operator = operator.again().await;
        operator.until_calm().await;
        assert_eq!(ledger.writes().await, Vec::<String>::new(), "{end}");
        // That a label edit changed nothing of a credential, and nothing of a target's data, was
        // only remembered.
        let mut reads = ledger.reads().await;
        reads.sort_unstable();
        let of_both = |read: &str| {
            ["legacy", "stable"].map(|mode| format!("{} 200", read.replace("MODE", mode)))
        };
        let expected = [
            of_both("get secrets edited-MODE-credential"),
            of_both("list secrets edited-MODE-token"),
        ];
        assert_eq!(reads, expected.concat(), "{end}");
        assert_eq!(total(), before, "{end}");
        assert!(operator.metric("miniprogram_oldest_overdue_seconds", &[]).await < 1.0, "{end}");
    }
    assert!(zoo.len() > 20);
}
