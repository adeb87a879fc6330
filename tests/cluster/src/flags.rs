//! Every command line of the control plane; it must not know when or how often they are run.

use std::path::Path;

use crate::credentials::Credentials;

/// Where etcd listens, relative to the cluster's directory, in which both it and the API server
/// run. A socket of our own cannot be mixed up with the etcd of another cluster, as a port could.
pub(crate) const ETCD_SOCKET: &str = "etcd.sock";

/// The controllers that an operator's tests can notice: ownership, namespaces, service accounts,
/// aggregated roles, and Deployments as far as their Pods.
const CONTROLLERS: [&str; 8] = [
    "clusterrole-aggregation-controller",
    "deployment-controller",
    "garbage-collector-controller",
    "namespace-controller",
    "pod-garbage-collector-controller",
    "replicaset-controller",
    "root-ca-certificate-publisher-controller",
    "serviceaccount-controller",
];

pub(crate) fn etcd() -> Vec<String> {
    // Port 0 where etcd insists on one: a single member has no peers to be found by.
    let peers = "http://127.0.0.1:0";
    vec![
        "--data-dir=etcd".to_owned(),
        format!("--listen-client-urls=unix://{ETCD_SOCKET}"),
        "--advertise-client-urls=http://127.0.0.1:0".to_owned(),
        format!("--listen-peer-urls={peers}"),
        format!("--initial-advertise-peer-urls={peers}"),
        format!("--initial-cluster=default={peers}"),
        format!("--quota-backend-bytes={}", 4_u64 << 30),
        // The data need not survive the machine, only the process.
        "--unsafe-no-fsync".to_owned(),
    ]
}

pub(crate) struct ApiServer<'a> {
    pub(crate) port: u16,
    pub(crate) credentials: &'a Credentials,
    /// Without a controller manager nobody makes the service accounts that Pods would be refused
    /// for.
    pub(crate) service_accounts: bool,
    /// Where the policy is and where the log goes.
    pub(crate) audit: Option<(&'a Path, &'a Path)>,
    /// Appended as they are.
    pub(crate) extra: &'a [String],
}

pub(crate) fn apiserver(server: &ApiServer<'_>) -> Vec<String> {
    let files = server.credentials;
    let mut flags = vec![
        format!("--etcd-servers=unix://{ETCD_SOCKET}"),
        "--bind-address=127.0.0.1".to_owned(),
        format!("--secure-port={}", server.port),
        format!("--tls-cert-file={}", files.serving_certificate().display()),
        format!("--tls-private-key-file={}", files.serving_key().display()),
        format!("--cert-dir={}", files.directory().display()),
        // Otherwise it looks for an address that others can reach, which a sandbox may not have.
        "--advertise-address=127.0.0.1".to_owned(),
        "--endpoint-reconciler-type=none".to_owned(),
        "--service-cluster-ip-range=10.0.0.0/24".to_owned(),
        "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
        format!("--service-account-key-file={}", files.service_account_public_key().display()),
        format!("--service-account-signing-key-file={}", files.service_account_key().display()),
        format!("--token-auth-file={}", files.tokens().display()),
        "--authorization-mode=Node,RBAC".to_owned(),
        "--enable-admission-plugins=NodeRestriction".to_owned(),
        "--allow-privileged".to_owned(),
        // A load test should meet the operator's limits, not those of a small API server.
        "--max-requests-inflight=2000".to_owned(),
        "--max-mutating-requests-inflight=1000".to_owned(),
        "--profiling=false".to_owned(),
    ];
    if !server.service_accounts {
        flags.push("--disable-admission-plugins=ServiceAccount".to_owned());
    }
    if let Some((policy, log)) = server.audit {
        flags.push(format!("--audit-policy-file={}", policy.display()));
        flags.push(format!("--audit-log-path={}", log.display()));
        // In megabytes; the default starts a new file at 100, under the feet of whoever reads it.
        flags.push("--audit-log-maxsize=100000".to_owned());
    }
    flags.extend_from_slice(server.extra);
    flags
}

pub(crate) fn controller_manager(kubeconfig: &Path, credentials: &Credentials) -> Vec<String> {
    vec![
        format!("--kubeconfig={}", kubeconfig.display()),
        format!("--controllers={}", CONTROLLERS.join(",")),
        format!(
            "--service-account-private-key-file={}",
            credentials.service_account_key().display()
        ),
        format!("--root-ca-file={}", credentials.ca_file().display()),
        "--use-service-account-credentials".to_owned(),
        "--leader-elect=false".to_owned(),
        // Nobody asks for its metrics, and a port less is a port less to clash.
        "--secure-port=0".to_owned(),
        "--kube-api-qps=1000".to_owned(),
        "--kube-api-burst=2000".to_owned(),
    ]
}
