//! The one control plane of this process, started by whoever needs it first. It has the CRD and the cluster-wide roles as they
//! ship, and nothing else.

use std::{path::Path, sync::OnceLock, thread};

use k8s_openapi::{api::rbac::v1::ClusterRole, apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition};
use kube::{
    Api, Client, Config, ResourceExt,
    api::{ListParams, Patch, PatchParams, VersionMatch},
    config::{KubeConfigOptions, Kubeconfig},
    runtime::wait::{await_condition, conditions::is_crd_established},
};
use local_cluster::{Cluster, Component, Options};
use miniprogram_operator::api::MiniProgram;
use serde::de::DeserializeOwned;

use super::wait::eventually;

/// The control plane. Statics are never dropped: the cluster's watchdog ends it when this process ends, however it does.
pub fn plane() -> &'static Cluster {
    static PLANE: OnceLock<Cluster> = OnceLock::new();
    PLANE.get_or_init(|| {
        // In a thread of its own: the runtime of the test that comes first may not be blocked on from within.
        let started = thread::spawn(|| {
            let runtime = tokio::runtime::Runtime::new().expect("a runtime");
            runtime.block_on(start())
        });
        started.join().expect("a control plane")
    })
}

async fn start() -> Cluster {
    rustls::crypto::ring::default_provider().install_default().expect("nobody else installs one");
    let cluster = Cluster::start(Options { audit: true, ..Options::default() }).await.expect("a control plane");
    let admin = client(cluster.kubeconfig()).await;
    let params = PatchParams::apply("it").force();
    for crd in shipped::<CustomResourceDefinition>("crds/miniprograms.yaml") {
        let crds = Api::all(admin.clone());
        crds.patch(&crd.name_any(), &params, &Patch::Apply(&crd)).await.expect("an applied CRD");
        await_condition(crds, &crd.name_any(), is_crd_established()).await.expect("an established CRD");
    }
    // An established CRD is not served from the watch cache yet: a watch that comes too early is refused, and waits.
    let cached = ListParams {
        resource_version: Some("0".into()),
        version_match: Some(VersionMatch::NotOlderThan),
        ..ListParams::default()
    };
    eventually("MiniPrograms are served", 10, async || {
        let listed = Api::<MiniProgram>::all(admin.clone()).list(&cached).await;
        listed.map(drop).map_err(|error| error.to_string())
    })
    .await;
    for role in shipped::<ClusterRole>("deploy/rbac/cluster-wide.yaml").into_iter().chain(shipped("deploy/rbac/users.yaml")) {
        let roles = Api::<ClusterRole>::all(admin.clone());
        roles.patch(&role.name_any(), &params, &Patch::Apply(&role)).await.expect("an applied ClusterRole");
    }
    // The garbage collector looks for new kinds every half minute, and at its start.
    cluster.restart(Component::ControllerManager).await.expect("a restart");
    cluster
}

/// A client for a kubeconfig. Its tasks run in the runtime that it is made in: each test makes its own.
pub async fn client(kubeconfig: &Path) -> Client {
    let kubeconfig = Kubeconfig::read_from(kubeconfig).expect("a kubeconfig");
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.expect("a config");
    Client::try_from(config).expect("a client")
}

/// The documents of a file of this repository.
pub fn shipped<T: DeserializeOwned>(path: &str) -> Vec<T> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_saphyr::from_multiple(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
