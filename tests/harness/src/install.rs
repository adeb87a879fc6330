//! Puts into a cluster what every installation has, as it ships: the CRD and the cluster-wide
//! roles. Binds nobody to them.

use std::{path::Path, time::Duration};

use k8s_openapi::{
    api::rbac::v1::ClusterRole,
    apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
};
use kube::{
    Api, Client, Config, ResourceExt,
    api::{ListParams, Patch, PatchParams, VersionMatch},
    config::{KubeConfigOptions, Kubeconfig},
    runtime::wait::{await_condition, conditions::is_crd_established},
};
use local_cluster::{Cluster, Component};
use miniprogram_operator::api::MiniProgram;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep};

/// A second is usual.
const SERVED_WITHIN: Duration = Duration::from_secs(30);

/// Applies the CRD and the roles, and returns when a watch of `MiniPrograms` can begin and garbage
/// is collected.
pub async fn install(cluster: &Cluster) {
    let admin = client(cluster.kubeconfig()).await;
    let params = PatchParams::apply("administrator").force();
    for crd in shipped::<CustomResourceDefinition>("crds/miniprograms.yaml") {
        let crds = Api::all(admin.clone());
        crds.patch(&crd.name_any(), &params, &Patch::Apply(&crd)).await.expect("an applied CRD");
        await_condition(crds, &crd.name_any(), is_crd_established())
            .await
            .expect("an established CRD");
    }
    until_served(&admin).await;
    for role in shipped::<ClusterRole>("deploy/rbac/cluster-wide.yaml")
        .into_iter()
        .chain(shipped("deploy/rbac/users.yaml"))
    {
        let roles = Api::<ClusterRole>::all(admin.clone());
        roles
            .patch(&role.name_any(), &params, &Patch::Apply(&role))
            .await
            .expect("an applied ClusterRole");
    }
    // The garbage collector looks for new kinds every half minute, and at its start.
    cluster.restart(Component::ControllerManager).await.expect("a restart");
}

/// An established CRD is not served from the watch cache yet: a watch that comes too early is
/// refused, and waits.
async fn until_served(admin: &Client) {
    let cached = ListParams {
        resource_version: Some("0".into()),
        version_match: Some(VersionMatch::NotOlderThan),
        ..ListParams::default()
    };
    let deadline = Instant::now() + SERVED_WITHIN;
    while let Err(error) = Api::<MiniProgram>::all(admin.clone()).list(&cached).await {
        assert!(Instant::now() < deadline, "MiniPrograms are not served: {error}");
        sleep(Duration::from_millis(50)).await;
    }
}

/// A client for a kubeconfig. Its tasks run in the runtime that it is made in: each test makes its
/// own.
pub async fn client(kubeconfig: &Path) -> Client {
    let kubeconfig = Kubeconfig::read_from(kubeconfig).expect("a kubeconfig");
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
        .await
        .expect("a config");
    Client::try_from(config).expect("a client")
}

/// The documents of a file of this repository.
pub fn shipped<T: DeserializeOwned>(path: &str) -> Vec<T> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_saphyr::from_multiple(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
