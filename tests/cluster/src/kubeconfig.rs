//! Writes a kubeconfig for one bearer token; it must not know whose token it is.

use std::fs;
use std::path::Path;

use serde_json::json;

use crate::Error;

/// Namespace `default`, one cluster, one user. JSON is YAML, and every client reads it.
pub(crate) fn write(path: &Path, url: &str, ca_file: &Path, token: &str) -> Result<(), Error> {
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{
            "name": "local",
            "cluster": { "server": url, "certificate-authority": ca_file },
        }],
        "users": [{ "name": "local", "user": { "token": token } }],
        "contexts": [{
            "name": "local",
            "context": { "cluster": "local", "user": "local", "namespace": "default" },
        }],
        "current-context": "local",
    });
    fs::write(path, format!("{config:#}\n")).map_err(Error::io("write", path))
}
