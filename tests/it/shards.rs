//! Several releases share the objects by their labels, each with a Lease of its own.

use miniprogram_operator::api::{ConditionType::Ready, names};
use serde_json::json;

use crate::harness::{
    Mini, Stage, says,
    wait::{check, eventually},
};

#[tokio::test]
async fn shards_neither_overlap_nor_miss_an_object_and_one_handed_over_costs_no_call() {
    let stage = Stage::new("shards").await;
    stage.account.allow_lease("shard-b").await;
    let shard = |selector| stage.operator().elected().flag("--selector", selector);
    let mut a = shard("shard=a").start().await;
    // The last shard takes what no other is meant for.
    let mut b = shard("shard notin (a)").flag("--lease-name", "shard-b").start().await;
    a.until_ready().await;
    b.until_ready().await;
    let mut apps = vec![];
    for number in 0..4 {
        let (in_a, in_b) = (format!("a-{number}"), format!("b-{number}"));
        apps.push(stage.app(&in_a).legacy().label("shard", "a").ready().await);
        apps.push(stage.app(&in_b).legacy().ready().await);
    }
    let operator = async |mini: &Mini<'_>| {
        mini.target().await.metadata.annotations.expect("annotations")[names::OPERATOR].clone()
    };
    for (number, app) in apps.iter().enumerate() {
        app.was_asked(1);
        let is_of_b = operator(app).await.ends_with("/shard-b");
        assert_eq!(is_of_b, number % 2 == 1, "{}", app.name);
    }

    let [still, asked] = [&apps[0], &stage.app("asked").label("shard", "a").ready().await];
    for moved in [still, asked] {
        moved.patch(json!({ "metadata": { "labels": { "shard": "b" } } })).await;
    }
    asked.annotate(names::REFRESH_REQUESTED, "now").await;
    asked
        .until("the other shard has called", 60, |mini| {
            let status = mini.status.as_ref().expect("a status");
            status.handled_refresh_request.is_some() && says(mini, Ready) == "True/TokenAvailable"
        })
        .await;
    asked.was_asked(2);
    eventually("the other shard reports it", 30, async || {
        let said = says(&still.get().await, Ready);
        check(said == "True/TokenAvailable", || said.clone())
    })
    .await;
    still.was_asked(1);
}
