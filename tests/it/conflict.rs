//! Two who want the same: another's Secret under the target's name, two objects with one target,
//! two objects of one app.

use kube::{Api, ResourceExt, api::PostParams};
use miniprogram_operator::api::{
    ConditionType::{Ready, TargetSynced, TokenFresh},
    MiniProgram,
};
use serde_json::json;

use crate::harness::{
    Stage, message, says, value, version,
    wait::{check, eventually, pass},
};

#[tokio::test]
async fn anothers_secret_is_neither_read_nor_touched_and_its_end_is_noticed() {
    let stage = Stage::new("conflict").await;
    let operator = stage.operator().start().await;
    let ledger = stage.ledger();
    for mode in ["Stable", "Legacy"] {
        let name = mode.to_lowercase();
        let theirs = stage.put_secret(&format!("{name}-token"), "password", "do-not-read-me").await;
        let shop = stage.app(&name).spec(json!({ "tokenMode": mode })).create().await;
        let seen = shop.until_says(TargetSynced, "False/Conflict").await;
        assert_eq!(says(&seen, Ready), "False/Conflict");
        assert!(message(&seen, Ready).contains(&shop.target_name()));
        operator.until_calm().await;
        shop.was_asked(0);
        assert_eq!(version(&shop.target().await), version(&theirs));

        stage.delete_secret(&shop.target_name()).await;
        shop.until_ready().await;
        shop.was_asked(1);
    }
    // do-not-read-me, as it stands in an answer.
    let read: Vec<_> = ledger
        .requests()
        .await
        .into_iter()
        .filter(|request| request.event.to_string().contains("ZG8tbm90LXJlYWQtbWU"))
        .collect();
    assert!(read.is_empty(), "{read:#?}");
}

#[tokio::test]
async fn of_two_objects_with_one_target_one_has_it_and_the_other_follows_when_it_goes() {
    let stage = Stage::new("conflict").await;
    let operator = stage.operator().start().await;
    let target = json!({ "target": { "name": "shared" } });
    let (one, two) = tokio::join!(
        stage.app("one").spec(target.clone()).create(),
        stage.app("two").spec(target).create()
    );
    operator.until_calm().await;
    let (owner, other) = if says(&one.get().await, Ready) == "True/TokenAvailable" {
        (&one, &two)
    } else {
        (&two, &one)
    };
    owner.until_ready().await;
    let seen = other.until_says(Ready, "False/Conflict").await;
    assert!(
        message(&seen, Ready).contains(&format!("MiniProgram {}", owner.name)),
        "{}",
        message(&seen, Ready)
    );
    let shared = stage.secret("shared").await.expect("the target");
    assert_eq!(value(&shared, "app_id").as_ref(), Some(&owner.app_id));
    // The other may have asked before it lost, but it does not ask again.
    let asked = other.counts().calls;
    assert!(asked <= 1, "{asked}");
    owner.was_asked(1);

    owner.delete().await;
    other.until_says_within(Ready, "True/TokenAvailable", 10).await;
    let shared = stage.secret("shared").await.expect("the target");
    assert_eq!(value(&shared, "app_id").as_ref(), Some(&other.app_id));
}

#[tokio::test]
async fn of_two_objects_of_an_app_in_legacy_mode_the_accepted_elder_keeps_it() {
    let stage = Stage::new("conflict").await;
    let operator = stage.operator().start().await;
    let elder = stage.app("elder").legacy().ready().await;
    // Creation times have whole seconds; of two in one second, the uid decides.
    pass(std::time::Duration::from_millis(1100)).await;
    let younger = stage.app("younger").of_app(&elder.app_id).legacy().create().await;
    let seen = younger.until_says(Ready, "False/AppIDConflict").await;
    assert!(message(&seen, Ready).contains("MiniProgram elder"), "{}", message(&seen, Ready));
    operator.until_calm().await;
    elder.was_asked(1);

    // Who stops being a loser asks at once, and its call is the end of the elder's token.
    elder.patch(json!({ "spec": { "suspend": true } })).await;
    younger.until_ready().await;
    younger.until_token_lives(2).await;
    elder.was_asked(2);
    elder.until_says(Ready, "False/Suspended").await;

    elder.patch(json!({ "spec": { "suspend": false } })).await;
    elder.until_ready().await;
    // Its token lives on for minutes, and the next one comes 15 s after the younger object's.
    eventually("the elder has asked", 20, async || {
        check(elder.counts().calls == 3, || format!("{:?}", elder.counts()))
    })
    .await;
    younger.until_says(Ready, "False/AppIDConflict").await;
    operator.until_calm().await;
    elder.was_asked(3);
    assert_eq!(
        stage.simulator.live_tokens(&elder.app_id).last().map(|token| token.token.clone()),
        Some(elder.token().await)
    );
}

#[tokio::test]
async fn who_squats_an_app_with_a_wrong_secret_blocks_nobody() {
    let stage = Stage::new("conflict").await;
    let operator = stage.operator().start().await;
    let squatter = stage.app("squatter").legacy().with_secret("guessed").create().await;
    squatter.until_says(Ready, "False/CredentialRejected").await;
    let owner = stage.app("owner").of_app(&squatter.app_id).legacy().ready().await;
    owner.until_token_lives(2).await;
    operator.until_calm().await;
    assert_eq!(says(&squatter.get().await, Ready), "False/CredentialRejected");
    owner.was_asked(2);
}

#[tokio::test]
async fn an_object_of_another_namespace_is_not_named() {
    let stage = Stage::new("conflict").await;
    let elsewhere = stage.another_namespace().await;
    stage.account.allow_namespace(&elsewhere).await;
    let both = format!("{},{elsewhere}", stage.namespace);
    let operator = stage.operator().flag("--watch-namespaces", &both).start().await;
    let elder = stage.app("elder").legacy().ready().await;
    let draft = stage.app("younger").of_app(&elder.app_id).legacy();
    let secret = json!({ "metadata": { "name": "younger-credential" }, "stringData": { "appSecret": format!("secret-of-{}", elder.app_id) } });
    let secrets =
        Api::<k8s_openapi::api::core::v1::Secret>::namespaced(stage.client.clone(), &elsewhere);
    secrets
        .create(&PostParams::default(), &serde_json::from_value(secret).expect("a Secret"))
        .await
        .expect("created");
    let minis = Api::<MiniProgram>::namespaced(stage.client.clone(), &elsewhere);
    let made: MiniProgram = serde_json::from_value(draft.object()).expect("an object");
    let made = minis.create(&PostParams::default(), &made).await.expect("created");
    operator.until_calm().await;
    let seen = minis.get(&made.name_any()).await.expect("it is there");
    assert_eq!(says(&seen, TokenFresh), "False/AppIDConflict");
    let said = serde_json::to_string(&seen.status).expect("JSON");
    assert!(!said.contains("elder") && !said.contains(&stage.namespace), "{said}");
    elder.was_asked(1);
}

#[tokio::test]
async fn in_stable_mode_each_object_asks_with_its_own_credential() {
    let stage = Stage::new("conflict").await;
    let _operator = stage.operator().start().await;
    let owner = stage.app("owner").ready().await;
    let partner = stage.app("partner").of_app(&owner.app_id).ready().await;
    assert_eq!(owner.token().await, partner.token().await);
    let thief = stage.app("thief").of_app(&owner.app_id).with_secret("guessed").create().await;
    thief.until_says(Ready, "False/CredentialRejected").await;
    assert!(stage.secret(&thief.target_name()).await.is_none());
    owner.was_asked(3);
}
