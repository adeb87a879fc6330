//! Secrets that are none of the operator's business.

use std::collections::BTreeMap;

use futures::{StreamExt as _, stream};
use k8s_openapi::{
    ByteString, api::core::v1::Secret, apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use kube::{Api, Client, api::PostParams};

use crate::apps::{CONCURRENCY, create_namespaces};

/// Makes so many Secrets of so many bytes in a namespace of that name.
pub async fn create(client: &Client, namespace: &str, count: u32, bytes: usize) {
    create_namespaces(client, [namespace.to_owned()]).await;
    let secrets = Api::<Secret>::namespaced(client.clone(), namespace);
    // Large ones one after the other: each is several times its size in the API server.
    let at_a_time = if bytes > 64 << 10 { 2 } else { CONCURRENCY };
    let made = stream::iter(0..count).map(async |nth| {
        let data = BTreeMap::from([("value".to_owned(), ByteString(vec![b'x'; bytes]))]);
        let metadata = ObjectMeta { name: Some(name(nth)), ..ObjectMeta::default() };
        let secret = Secret { metadata, data: Some(data), ..Secret::default() };
        secrets.create(&PostParams::default(), &secret).await.expect("a created Secret");
    });
    made.buffer_unordered(at_a_time).collect::<()>().await;
}

pub fn name(nth: u32) -> String {
    format!("secret-{nth}")
}
