//! Makes the client of the API server: finds the cluster, chooses the proxy, and sets the
//! User-Agent. Sends no request.

use http::{HeaderValue, Uri, header::USER_AGENT};
use kube::{
    Client, Config,
    client::ClientBuilder,
    config::{InClusterError, KubeConfigOptions, Kubeconfig, KubeconfigError},
};
use reqwest::Url;

use super::proxies::{self, Proxies, ProxyError};
use crate::shell;

/// Why the client could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ApiClientError {
    /// There is no kubeconfig, and the process does not run in a pod.
    #[error(
        "found no configuration for the API server: run in a cluster, or set KUBECONFIG (in a cluster: \
         {in_cluster}; kubeconfig: {kubeconfig})"
    )]
    NoCluster {
        /// Why no kubeconfig was read.
        kubeconfig: KubeconfigError,
        /// Why the configuration of a pod was not found.
        in_cluster: InClusterError,
    },
    /// The kubeconfig cannot be used.
    #[error("the kubeconfig cannot be used: check the file that KUBECONFIG names")]
    Kubeconfig(#[source] KubeconfigError),
    /// The proxy of the kubeconfig cannot be used.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    /// kube reads `NO_PROXY` too, and accepts fewer forms than this operator.
    #[error(
        "with a kubeconfig, NO_PROXY may list hosts, addresses and networks, or be * alone: \
         remove every other entry, and commas that no entry follows"
    )]
    NoProxy,
    /// The certificates or keys cannot be used.
    #[error(
        "could not make a client of the API server: check the certificates and keys of the \
         kubeconfig or the service account"
    )]
    Unusable(#[source] kube::Error),
}

/// A client of the cluster that KUBECONFIG names, or else of the cluster that this pod runs in.
///
/// # Errors
/// If no configuration is found, or it cannot be used.
pub async fn connect(proxies: &Proxies) -> Result<Client, ApiClientError> {
    let mut config = match Kubeconfig::read() {
        Ok(kubeconfig) => with_kubeconfig(kubeconfig, proxies).await?,
        // In a pod, requests to the API server go through no proxy.
        Err(kubeconfig) => {
            let neither = |in_cluster| ApiClientError::NoCluster { kubeconfig, in_cluster };
            Config::incluster().map_err(neither)?
        }
    };
    config.apply_debug_overrides();
    let builder = ClientBuilder::try_from(ours(config)).map_err(ApiClientError::Unusable)?;
    Ok(builder.build())
}

/// Sets what differs from kube's defaults.
fn ours(mut config: Config) -> Config {
    // kube would retry 429, 503 and 504 for minutes within one request; retries are the
    // reconciler's to schedule.
    config.default_retry = false;
    config.headers.push((USER_AGENT, HeaderValue::from_static(shell::USER_AGENT)));
    config
}

/// The configuration that kube reads from a kubeconfig, with the proxy that this operator chooses.
async fn with_kubeconfig(
    mut file: Kubeconfig,
    proxies: &Proxies,
) -> Result<Config, ApiClientError> {
    /// Never connected to. For a cluster entry without a proxy, kube would read the environment,
    /// and match `NO_PROXY` with the proxy's host instead of the cluster's.
    const NONE: &str = "http://proxy.invalid";
    let cluster = cluster_of(&mut file);
    let given = cluster.and_then(|cluster| cluster.proxy_url.replace(NONE.to_owned()));
    let given = given.filter(|url| !url.trim().is_empty());
    let options = KubeConfigOptions::default();
    let mut config = match Config::from_custom_kubeconfig(file, &options).await {
        Err(KubeconfigError::ParseNoProxy(_)) => return Err(ApiClientError::NoProxy),
        other => other.map_err(ApiClientError::Kubeconfig)?,
    };
    config.proxy_url = proxy(given.as_deref(), &config.cluster_url, proxies)?;
    // A credential plugin may receive the cluster entry, with the original proxy-url.
    let exec = config.auth_info.exec.as_mut();
    if let Some(cluster) = exec.and_then(|exec| exec.cluster.as_mut()) {
        cluster.proxy_url = given;
    }
    Ok(config)
}

/// The cluster of the current context.
fn cluster_of(kubeconfig: &mut Kubeconfig) -> Option<&mut kube::config::Cluster> {
    let current = kubeconfig.current_context.as_ref()?;
    let context = kubeconfig.contexts.iter().find(|context| context.name == *current)?;
    let name = &context.context.as_ref()?.cluster;
    kubeconfig.clusters.iter_mut().find(|cluster| cluster.name == *name)?.cluster.as_mut()
}

/// The proxy for a cluster: the one that its kubeconfig entry names, as with kubectl, or else that
/// of the environment.
fn proxy(given: Option<&str>, cluster: &Uri, proxies: &Proxies) -> Result<Option<Uri>, ProxyError> {
    const GIVEN: &str = "proxy-url of the kubeconfig";
    let given = given.map(|text| proxies::parse(GIVEN, text.trim())).transpose()?;
    let url: Option<Url> = cluster.to_string().parse().ok();
    let of_environment = || proxies.of_api_server(url.as_ref()?);
    let Some(chosen) = given.as_ref().or_else(of_environment) else { return Ok(None) };
    tracing::info!(proxy = proxies::shown(chosen), "the API server is reached through a proxy");
    let name = if given.is_some() { GIVEN } else { "HTTPS_PROXY" };
    chosen.as_str().parse().map(Some).map_err(|_| ProxyError::Address(name))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn kubeconfig(proxy: &str) -> Kubeconfig {
        let server = "https://cluster.test:6443";
        let version = "client.authentication.k8s.io/v1";
        let plugin = json!({ "apiVersion": version, "command": "x", "provideClusterInfo": true });
        let kubeconfig = json!({
            "current-context": "here",
            "contexts": [{ "name": "here", "context": { "cluster": "test", "user": "us" } }],
            "clusters": [{ "name": "test", "cluster": { "server": server, "proxy-url": proxy } }],
            "users": [{ "name": "us", "user": { "exec": plugin } }],
        });
        serde_json::from_value(kubeconfig).unwrap()
    }

    #[tokio::test]
    async fn the_proxy_of_a_kubeconfig_is_its_own_or_that_of_the_environment() {
        let proxy = ("HTTPS_PROXY", "http://127.0.0.1:3128");
        let environment = |no: &str| Proxies::of(&[proxy, ("NO_PROXY", no)]).unwrap();
        for (own, no, want) in [
            ("", "127.0.0.1", Some("http://127.0.0.1:3128/")),
            ("", "cluster.test", None),
            ("http://own.test:1", "*", Some("http://own.test:1/")),
            ("own.test:1 ", "", Some("http://own.test:1/")),
        ] {
            let config = with_kubeconfig(kubeconfig(own), &environment(no)).await.unwrap();
            assert_eq!(config.proxy_url.map(|url| url.to_string()).as_deref(), want, "{own} {no}");
            let plugin = config.auth_info.exec.unwrap().cluster.unwrap();
            assert_eq!(
                plugin.proxy_url.unwrap_or_default(),
                own,
                "the entry that a plugin receives"
            );
        }
        let unusable = kubeconfig("socks5://user:hidden@own.test");
        let refused = with_kubeconfig(unusable, &Proxies::default()).await;
        let why = refused.err().unwrap().to_string();
        assert!(why.contains("proxy-url of the kubeconfig") && !why.contains("hidden"), "{why}");
    }

    #[test]
    fn each_request_has_a_user_agent_and_is_sent_once() {
        let config = ours(Config::new("http://cluster.test".parse().unwrap()));
        let agent = config.headers.iter().find(|(name, _)| *name == USER_AGENT).unwrap().1.to_str();
        assert_eq!(agent.unwrap(), format!("miniprogram-operator/{}", env!("CARGO_PKG_VERSION")));
        assert!(!config.default_retry);
    }
}
