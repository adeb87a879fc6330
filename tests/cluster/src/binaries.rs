//! Finds the executables of a control plane; it must not know how they are built or started.

use std::env;
use std::path::{Path, PathBuf};

use crate::Error;
use crate::from_source;

/// The directory that holds `etcd`, `kube-apiserver`, `kubectl` and, mostly,
/// `kube-controller-manager`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binaries {
    directory: PathBuf,
}

impl Binaries {
    /// Takes the directory `KUBEBUILDER_ASSETS` names, as envtest does. Without that variable, the
    /// binaries are built from source into the user's cache, which takes minutes but happens once.
    ///
    /// Blocks; progress goes to standard error.
    pub fn locate_or_build() -> Result<Self, Error> {
        match env::var_os("KUBEBUILDER_ASSETS").filter(|value| !value.is_empty()) {
            Some(directory) => Self::given(Path::new(&directory)),
            None => Ok(Self {
                directory: from_source::cached_or_built(from_source::Set::ControlPlane)?,
            }),
        }
    }

    /// The directory with `kubelet`, `kube-proxy` and `kube-scheduler`, built from source when they
    /// are missing. A local cluster runs none of them.
    ///
    /// Blocks; progress goes to standard error.
    pub fn node_directory() -> Result<PathBuf, Error> {
        from_source::cached_or_built(from_source::Set::Node)
    }

    /// Archives made for envtest have no controller manager, so only the other three must be there.
    fn given(directory: &Path) -> Result<Self, Error> {
        let directory = std::path::absolute(directory).map_err(Error::io("find", directory))?;
        for binary in ["etcd", "kube-apiserver", "kubectl"] {
            if !directory.join(binary).is_file() {
                return Err(Error::AssetMissing { directory, binary });
            }
        }
        Ok(Self { directory })
    }

    /// Where they all are; put it on `PATH` to get `kubectl`.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The client of the same version as the API server.
    #[must_use]
    pub fn kubectl(&self) -> PathBuf {
        self.directory.join("kubectl")
    }

    pub(crate) fn etcd(&self) -> PathBuf {
        self.directory.join("etcd")
    }

    pub(crate) fn apiserver(&self) -> PathBuf {
        self.directory.join("kube-apiserver")
    }

    pub(crate) fn controller_manager(&self) -> Result<PathBuf, Error> {
        let binary = "kube-controller-manager";
        let path = self.directory.join(binary);
        if path.is_file() {
            Ok(path)
        } else {
            Err(Error::AssetMissing { directory: self.directory.clone(), binary })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_given_directory_that_lacks_a_binary_is_refused_by_name() {
        let error =
            Binaries::given(Path::new(env!("CARGO_MANIFEST_DIR"))).expect_err("no etcd here");
        assert!(matches!(error, Error::AssetMissing { binary: "etcd", .. }), "{error}");
    }
}
