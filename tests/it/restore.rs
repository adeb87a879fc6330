//! etcd is put back from a copy under a running operator: what the API server says then counts,
//! within a minute and without a restart.

use std::{path::Path, process::Command, time::Duration};

use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, Patch, PatchParams, PostParams},
};
use local_cluster::{Cluster, Component, Options};
use miniprogram_operator::api::{ConditionType::Ready, MiniProgram};
use operator_harness::{Process, Start, client, install};
use platform_simulator::{
    Settings, Simulator,
    model::{AppSettings, Standing},
};
use serde_json::json;

use crate::harness::{
    plane, says, value,
    wait::{check, eventually},
};

const APPS: [(&str, &str); 2] =
    [("Stable", "wx00000000000000a1"), ("Legacy", "wx00000000000000a2")];

struct Place {
    client: Client,
    simulator: Simulator,
}

impl Place {
    fn secrets(&self) -> Api<Secret> {
        Api::namespaced(self.client.clone(), "default")
    }

    fn minis(&self) -> Api<MiniProgram> {
        Api::namespaced(self.client.clone(), "default")
    }

    async fn create(&self, mode: &str, app_id: &str) {
        self.simulator.set_app(app_id, &AppSettings::with_secret("right"));
        let name = mode.to_lowercase();
        let secret = json!({ "metadata": { "name": format!("{name}-credential") }, "stringData": { "appSecret": "right" } });
        let secret = serde_json::from_value(secret).expect("a Secret");
        self.secrets().create(&PostParams::default(), &secret).await.expect("created");
        let object = json!({
            "apiVersion": "miniprogram.dev/v1alpha1", "kind": "MiniProgram", "metadata": { "name": name },
            "spec": { "appID": app_id, "tokenMode": mode, "credentialRef": { "name": format!("{name}-credential") } },
        });
        let object = serde_json::from_value(object).expect("an object");
        self.minis().create(&PostParams::default(), &object).await.expect("created");
    }

    /// Waits for a live token that is none of these.
    async fn until_another_token(
        &self,
        operator: &Process,
        mode: &str,
        not: &[String],
        seconds: u64,
    ) -> String {
        let name = mode.to_lowercase();
        eventually(format!("{name} has another token"), seconds, async || {
            let secret = self
                .secrets()
                .get_opt(&format!("{name}-token"))
                .await
                .map_err(|error| error.to_string())?;
            let token = secret
                .as_ref()
                .and_then(|secret| value(secret, "access_token"))
                .ok_or("no token")?;
            let mini = self.minis().get(&name).await.map_err(|error| error.to_string())?;
            let standing = self.simulator.standing(&token);
            let good = !not.contains(&token)
                && standing == Standing::Live
                && says(&mini, Ready) == "True/TokenAvailable";
            check(good, || format!("{standing:?}, {}\n{}", says(&mini, Ready), operator.log()))
                .map(|()| token)
        })
        .await
    }
}

fn copy(from: &Path, to: &Path) {
    let status = Command::new("cp").arg("-a").arg(from).arg(to).status().expect("cp");
    assert!(status.success());
}

async fn stop(cluster: &Cluster) {
    cluster.pause(Component::ApiServer).expect("it stands still");
    cluster.terminate(Component::Etcd, Duration::from_secs(10)).await.expect("it ends");
}

async fn start(cluster: &Cluster) {
    cluster.restart(Component::Etcd).await.expect("it serves");
    cluster.restart(Component::ApiServer).await.expect("it serves");
    cluster.ready().await.expect("it is ready");
}

#[tokio::test]
async fn after_a_restore_of_etcd_tokens_that_were_replaced_since_are_replaced_again() {
    // It sets up TLS for this process.
    plane();
    let cluster = Cluster::start(Options::default()).await.expect("a cluster of its own");
    install(&cluster).await;
    let simulator = Simulator::start(Settings::default()).await.expect("a simulator");
    let place = Place { client: client(cluster.kubeconfig()).await, simulator };
    let mut flags = vec![format!("--platform-endpoint=WeChat={}", place.simulator.url())];
    flags.extend(["--metrics-bind-address=0", "--health-probe-bind-address=0"].map(str::to_owned));
    let log = cluster.directory().join("operator.log");
    let program = Path::new(env!("CARGO_BIN_EXE_miniprogram-operator"));
    let kubeconfig = cluster.kubeconfig();
    let begin = Start {
        program,
        flags: &flags,
        environment: &[],
        kubeconfig,
        namespace: "default",
        pod: "operator",
        log: &log,
    };
    let operator = Process::start(&cluster, &begin);
    let mut first = vec![];
    for (mode, app_id) in APPS {
        place.create(mode, app_id).await;
        first.push(place.until_another_token(&operator, mode, &[], 30).await);
    }

    let (data, saved) = (cluster.directory().join("etcd"), cluster.directory().join("saved"));
    stop(&cluster).await;
    copy(&data, &saved);
    start(&cluster).await;
    let maps = Api::<ConfigMap>::namespaced(place.client.clone(), "default");
    for n in 0..400 {
        let map = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "history" }, "data": { "n": n.to_string() } });
        maps.patch("history", &PatchParams::apply("it").force(), &Patch::Apply(&map))
            .await
            .expect("a write");
    }
    // One is reported dead, the Secret of the other is deleted: both get new tokens.
    let stable = place.minis().get("stable").await.expect("it");
    let fingerprint = stable.status.and_then(|status| status.token).expect("a token").fingerprint;
    let report =
        json!({ "metadata": { "annotations": { "miniprogram.dev/invalid-token": fingerprint } } });
    place
        .minis()
        .patch("stable", &PatchParams::default(), &Patch::Merge(report))
        .await
        .expect("patched");
    place.secrets().delete("legacy-token", &DeleteParams::default()).await.expect("deleted");
    for (mode, _) in APPS {
        place.until_another_token(&operator, mode, &first, 60).await;
    }

    stop(&cluster).await;
    std::fs::remove_dir_all(&data).expect("removed");
    copy(&saved, &data);
    start(&cluster).await;
    let restored = place.minis().get("stable").await.expect("it");
    assert_eq!(restored.annotations().len(), 0, "it is as it was");
    for (mode, app_id) in APPS {
        place.until_another_token(&operator, mode, &first, 75).await;
        let calls = place.simulator.counts(app_id).calls;
        assert!(calls <= 5, "{mode}: {calls} calls");
    }
    assert!(operator.log().contains("was restored from a backup"), "{}", operator.log());
}
