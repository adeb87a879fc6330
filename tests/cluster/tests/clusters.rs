//! Clusters start side by side, take a beating and serve whom they should; it must not know how.

use std::fs;
use std::process::Command;
use std::time::Duration;

use local_cluster::{Cluster, Component, Options};

fn succeeds(command: &mut Command) -> Option<String> {
    let output = command.output().expect("kubectl was built or given");
    let text = String::from_utf8(output.stdout).expect("kubectl prints text");
    output.status.success().then(|| text.trim().to_owned())
}

fn kubectl(cluster: &Cluster, arguments: &[&str]) -> Option<String> {
    succeeds(cluster.kubectl().arg("--request-timeout=3s").args(arguments))
}

#[tokio::test]
async fn two_clusters_at_once_are_ready_and_then_gone() {
    let audited = Options { audit: true, ..Options::default() };
    let (one, two) = tokio::join!(Cluster::start(Options::default()), Cluster::start(audited));
    let (one, two) = (one.expect("a start"), two.expect("a start"));
    assert_ne!(one.url(), two.url());

    for cluster in [&one, &two] {
        assert_eq!(kubectl(cluster, &["get", "--raw", "/readyz"]).as_deref(), Some("ok"));
        let account = kubectl(cluster, &["get", "serviceaccount", "default", "--output=name"]);
        assert_eq!(account.as_deref(), Some("serviceaccount/default"));
    }

    let token = kubectl(&two, &["create", "token", "default"]).expect("a token");
    let kubeconfig = two.kubeconfig_for_token("default", &token).expect("a kubeconfig");
    let mut as_account = two.kubectl();
    as_account.env("KUBECONFIG", kubeconfig);
    let me = succeeds(as_account.args([
        "auth",
        "whoami",
        "--output=jsonpath={.status.userInfo.username}",
    ]));
    assert_eq!(me.as_deref(), Some("system:serviceaccount:default:default"));

    let log = fs::read_to_string(two.audit_log().expect("it was asked for")).expect("a log");
    assert!(log.contains("system:serviceaccount:default:default"));
    assert!(one.audit_log().is_none());

    let directories = [&one, &two].map(|cluster| cluster.directory().to_owned());
    drop((one, two));
    for directory in directories {
        assert!(!directory.exists(), "{} was left behind", directory.display());
    }
}

#[tokio::test]
async fn what_was_stored_survives_crashes_and_pauses() {
    let options = Options { controller_manager: false, ..Options::default() };
    let cluster = Cluster::start(options).await.expect("a start");
    let stored = ["get", "configmap", "kept"];
    kubectl(&cluster, &["create", "configmap", "kept"]).expect("stored");

    cluster.kill(Component::ApiServer).expect("killed");
    assert_eq!(kubectl(&cluster, &stored), None);
    cluster.restart(Component::ApiServer).await.expect("a restart");
    assert!(kubectl(&cluster, &stored).is_some());

    cluster.pause(Component::ApiServer).expect("paused");
    assert_eq!(kubectl(&cluster, &stored), None);
    cluster.resume(Component::ApiServer).expect("resumed");
    cluster.ready().await.expect("ready again");
    assert!(kubectl(&cluster, &stored).is_some());

    for component in [Component::Etcd, Component::ApiServer] {
        cluster.terminate(component, Duration::from_secs(30)).await.expect("an end");
        assert_eq!(kubectl(&cluster, &stored), None);
        cluster.restart(component).await.expect("a restart");
        cluster.ready().await.expect("ready again");
        assert!(kubectl(&cluster, &stored).is_some());
    }

    let refused = cluster.kill(Component::ControllerManager).expect_err("there is none");
    assert_eq!(
        refused.to_string(),
        "this cluster runs no kube-controller-manager. Ask for one in `Options`."
    );
}
