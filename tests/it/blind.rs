//! A leader that cannot list or watch its world says so, and what it knew of tokens still ends by
//! the clock.

use miniprogram_operator::api::ConditionType::{Ready, TokenFresh};

use crate::harness::{
    Operator, Stage,
    wait::{check, eventually},
};

const GAPS: &str = "miniprogram_watch_gaps";

async fn until_not_ready(operator: &Operator<'_>, what: &str, seconds: u64) {
    eventually(format!("it is not ready without {what}"), seconds, async || {
        let answer = operator.readiness().await;
        check(answer.contains(&format!("[-]watches failed: waiting for {what}")), || answer.clone())
    })
    .await;
    assert!(operator.metric(GAPS, &[]).await >= 1.0);
    assert!(operator.log().contains("the leader's watches fail"));
}

#[tokio::test]
async fn who_takes_over_without_the_secrets_is_not_ready_and_ends_tokens_by_the_clock() {
    let stage = Stage::new("blind").await;
    let mut operator = stage.operator().start().await;
    let shop = stage.app("shop").short_lived(20_000, 6_000).ready().await;
    operator.kill();
    stage.account.forbid(&stage.namespace, "secrets", &["list", "watch"]).await;
    let operator = stage.operator().unready().start().await;
    shop.until_says_within(Ready, "False/Expired", 60).await;
    shop.until_says(TokenFresh, "False/Expired").await;
    until_not_ready(&operator, "Secrets in namespace", 60).await;

    stage.account.allow_namespace(&stage.namespace).await;
    shop.until_says_within(Ready, "True/TokenAvailable", 60).await;
    eventually("it is ready", 10, async || {
        let answer = operator.readiness().await;
        check(answer.contains("[+]watches ok"), || answer.clone())
    })
    .await;
    eventually("no watch shows nothing", 10, async || {
        let gaps = operator.metric(GAPS, &[]).await;
        check(gaps < 1.0, || gaps.to_string())
    })
    .await;
}

#[tokio::test]
async fn a_leader_that_loses_its_watch_is_not_ready_and_sees_again_without_any_event() {
    let stage = Stage::new("blind").await;
    let operator = stage.operator().start().await;
    let shop = stage.app("shop").ready().await;
    stage.account.forbid(&stage.namespace, "miniprograms", &["list", "watch"]).await;
    // The watch that stands ends within half a minute.
    until_not_ready(&operator, "MiniPrograms in namespace", 30 + 60).await;
    stage.account.allow_namespace(&stage.namespace).await;
    eventually("it is ready", 60, async || {
        let answer = operator.readiness().await;
        check(answer.contains("[+]watches ok"), || answer.clone())
    })
    .await;
    shop.was_asked(1);
}

#[tokio::test]
async fn a_candidate_that_could_not_do_the_work_is_not_ready_and_lets_others_come_first() {
    let stage = Stage::new("blind").await;
    let mut leader = stage.operator().elected().start().await;
    let shop = stage.app("shop").short_lived(60_000, 20_000).ready().await;
    let mistaken =
        stage.operator().elected().flag("--selector", "tier in gold").unready().start().await;
    eventually("it is not ready and says why", 30, async || {
        let answer = mistaken.readiness().await;
        check(answer.contains("[-]watches failed: cannot list MiniPrograms in namespace"), || {
            answer.clone()
        })
    })
    .await;
    let sound = stage.operator().elected().start().await;
    leader.kill();
    eventually("the other one leads", 30, async || {
        let leads = sound.metric("miniprogram_leader", &[]).await;
        check(leads >= 1.0, || mistaken.log())
    })
    .await;
    assert!(!mistaken.log().contains("became the leader"), "{}", mistaken.log());
    shop.until_token_lives(5).await;
}
