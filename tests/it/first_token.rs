//! The first token: what it costs, what lies in the Secret, and that nothing is done twice.

use kube::ResourceExt;
use miniprogram_operator::api::ConditionType::{
    CredentialValid, Ready, Stalled, TargetSynced, TokenFresh,
};

use crate::harness::{Stage, says, value};

#[tokio::test]
async fn a_stable_token_costs_one_call_one_secret_write_and_one_status_write() {
    let stage = Stage::new("first").await;
    let _operator = stage.operator().start().await;
    let ledger = stage.ledger();
    let shop = stage.app("shop").ready().await;

    shop.was_asked(1);
    assert_eq!(
        ledger.writes().await,
        ["patch secrets shop-token 201", "update miniprograms/status shop 200"]
    );
    let secret = shop.target().await;
    assert_eq!(secret.type_.as_deref(), Some("miniprogram.dev/access-token"));
    assert_eq!(value(&secret, "app_id"), Some(shop.app_id.clone()));
    assert_eq!(
        stage.simulator.live_tokens(&shop.app_id)[0].token,
        value(&secret, "access_token").expect("a token")
    );
    let owner = &secret.owner_references()[0];
    assert_eq!(
        (owner.kind.as_str(), owner.controller, owner.block_owner_deletion),
        ("MiniProgram", Some(true), Some(false))
    );
    assert_eq!(owner.uid, shop.get().await.uid());

    let mini = shop.get().await;
    for (kind, verdict) in [
        (Ready, "True/TokenAvailable"),
        (CredentialValid, "True/Accepted"),
        (TokenFresh, "True/Fresh"),
        (TargetSynced, "True/Synced"),
        (Stalled, ""),
    ] {
        assert_eq!(says(&mini, kind), verdict);
    }
}

#[tokio::test]
async fn a_legacy_token_costs_one_call_one_secret_write_and_two_status_writes() {
    let stage = Stage::new("first").await;
    let _operator = stage.operator().start().await;
    let ledger = stage.ledger();
    let shop = stage.app("shop").legacy().ready().await;

    shop.was_asked(1);
    let writes = [
        "update miniprograms/status shop 200",
        "patch secrets shop-token 201",
        "update miniprograms/status shop 200",
    ];
    assert_eq!(ledger.writes().await, writes);
    assert!(shop.get().await.status.expect("a status").intent.is_none());
}
