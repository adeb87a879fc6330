//! The limit of the API server: a plain client that makes the operator's two writes for each app,
//! with the same content and at the same concurrency, and nothing else.

use futures::{StreamExt as _, stream};
use k8s_openapi::api::core::v1::Secret;
use kube::{
    Api, Client, ResourceExt as _,
    api::{Patch, PatchParams, PostParams},
};
use miniprogram_operator::api::{MiniProgram, MiniProgramStatus};

use crate::apps::CONCURRENCY;

/// What the operator has written for one app.
pub struct Sample {
    target: Secret,
    status: MiniProgramStatus,
}

impl Sample {
    /// Of the first of the objects, which has to be Ready.
    pub async fn take(client: &Client, object: &MiniProgram) -> Self {
        let namespace = object.namespace();
        let minis = Api::<MiniProgram>::namespaced(client.clone(), namespace);
        let status =
            minis.get(&object.name_any()).await.expect("an answer").status.expect("a status");
        let name = status.target_ref.as_ref().expect("a target").name.clone();
        let secrets = Api::<Secret>::namespaced(client.clone(), namespace);
        let mut target = secrets.get(&name).await.expect("a target");
        // What the API server adds.
        target.metadata.managed_fields = None;
        target.metadata.uid = None;
        target.metadata.resource_version = None;
        target.metadata.creation_timestamp = None;
        Self { target, status }
    }

    /// The target of another object.
    pub fn target_of(&self, object: &MiniProgram) -> Secret {
        let mut target = self.target.clone();
        target.metadata.name = Some(format!("{}-token", object.name_any()));
        target.metadata.namespace = Some(object.namespace().to_owned());
        for owner in target.metadata.owner_references.iter_mut().flatten() {
            owner.name = object.name_any();
            object.uid().clone_into(&mut owner.uid);
        }
        target
    }

    /// Another object with the status.
    pub fn status_of(&self, object: &MiniProgram) -> MiniProgram {
        let mut written = object.clone();
        written.metadata.managed_fields = None;
        written.status = Some(self.status.clone());
        written
    }
}

/// Makes the writes for all objects.
pub async fn write(client: &Client, objects: Vec<MiniProgram>, sample: &Sample) {
    let written = stream::iter(objects).map(|object| write_one(client, object, sample));
    written.buffer_unordered(CONCURRENCY).collect::<()>().await;
}

async fn write_one(client: &Client, object: MiniProgram, sample: &Sample) {
    let namespace = object.namespace();
    let target = sample.target_of(&object);
    let secrets = Api::<Secret>::namespaced(client.clone(), namespace);
    let params = PatchParams::apply("limit").force();
    secrets.patch(&target.name_any(), &params, &Patch::Apply(&target)).await.expect("a target");
    let object = sample.status_of(&object);
    let minis = Api::<MiniProgram>::namespaced(client.clone(), namespace);
    let written = minis.replace_status(&object.name_any(), &PostParams::default(), &object).await;
    written.expect("a status");
}
