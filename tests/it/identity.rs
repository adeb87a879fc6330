//! What the operator says of itself in each request, and what of it stands in the objects that it
//! writes: `kubectl get --show-managed-fields` names whom to ask.

use k8s_openapi::{
    api::{coordination::v1::Lease, core::v1::Event},
    apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry,
};
use kube::{ResourceExt, api::ListParams};

use crate::harness::{
    Stage,
    wait::{check, eventually},
};

const NAME: &str = "miniprogram-operator";

fn managers(entries: &[ManagedFieldsEntry]) -> Vec<&str> {
    entries.iter().filter_map(|entry| entry.manager.as_deref()).collect()
}

#[tokio::test]
async fn each_object_that_the_operator_writes_names_it_as_the_writer() {
    let stage = Stage::new("identity").await;
    let _operator = stage.operator().elected().start().await;
    let shop = stage.app("shop").ready().await;

    let object = shop.get().await;
    let of_status = |entry: &&ManagedFieldsEntry| entry.subresource.as_deref() == Some("status");
    let of_status: Vec<_> = object.managed_fields().iter().filter(of_status).cloned().collect();
    assert_eq!(managers(&of_status), [NAME]);
    assert_eq!(managers(shop.target().await.managed_fields()), [NAME]);

    let lease = stage.api::<Lease>().get(NAME).await.expect("the Lease");
    assert_eq!(managers(lease.managed_fields()), [NAME]);

    // Events are told after the write that they tell of.
    let events = eventually("an Event is told", 10, async || {
        let events = stage.api::<Event>().list(&ListParams::default()).await.expect("Events").items;
        check(!events.is_empty(), || "none".into()).map(|()| events)
    })
    .await;
    for event in &events {
        assert_eq!(managers(event.managed_fields()), [NAME], "{}", event.name_any());
    }
}
