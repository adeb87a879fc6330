//! Everything that can go wrong, each with what to do next; it must not know who asks.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Why there is no cluster, or no binaries to make one from.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "`go` was not found on PATH. Install Go 1.26 or newer to build the control plane, or point \
         KUBEBUILDER_ASSETS at a directory with etcd, kube-apiserver and kubectl."
    )]
    GoMissing,

    #[error(
        "building {binary} failed. Fix what Go says below and run `local-cluster binaries`:\n{output}"
    )]
    Build { binary: &'static str, output: String },

    #[error(
        "there is nowhere to keep the control plane's binaries. Set HOME or XDG_CACHE_HOME, or \
         KUBEBUILDER_ASSETS if you have them."
    )]
    NoCacheDirectory,

    #[error(
        "KUBEBUILDER_ASSETS is {}, but there is no {binary} in it. Add it, or unset the variable to \
         have it built.", directory.display()
    )]
    AssetMissing { directory: PathBuf, binary: &'static str },

    #[error(
        "{} is not empty. Choose a new directory: a cluster does not take over what another one left.",
        .0.display()
    )]
    DirectoryInUse(PathBuf),

    #[error("could not {action} {}", path.display())]
    Io { action: &'static str, path: PathBuf, source: io::Error },

    #[error("could not make the certificates of the API server")]
    Certificate(#[from] rcgen::Error),

    #[error("could not set up TLS to the API server")]
    Tls(#[from] rustls::Error),

    #[error("no free port between 20000 and 30000 on 127.0.0.1. Stop a few other clusters.")]
    NoFreePort,

    #[error("{process} has ended ({status}). Its last words:\n{log}")]
    Ended { process: &'static str, status: String, log: String },

    #[error(
        "{process} was not ready within {} s. Is the machine overloaded? It last said:\n{log}",
        after.as_secs()
    )]
    NotReady { process: &'static str, after: Duration, log: String },

    #[error("this cluster runs no {0}. Ask for one in `Options`.")]
    NoSuchProcess(&'static str),

    #[error("a thread of the control plane's start was lost")]
    Thread(#[from] tokio::task::JoinError),
}

impl Error {
    /// For `map_err`: names the file, which an `io::Error` does not.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }

    /// Whether another program took the port between our looking and the API server's binding.
    pub(crate) fn is_port_taken(&self) -> bool {
        matches!(self, Self::Ended { log, .. } if log.contains("address already in use"))
    }
}
