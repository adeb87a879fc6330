//! The file of additional certificate authorities: reads it, refuses content that cannot be used,
//! and reads it again when it changes.

mod pem;

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use reqwest::Certificate;
use tracing::{info, warn};

use super::metrics::Metrics;
use pem::Fault;

/// How often the file is read. The kubelet updates a mounted `ConfigMap` within a minute or two, so
/// this adds little.
const PERIOD: Duration = Duration::from_secs(10);

/// The file, and its last content.
pub struct CaBundle {
    path: PathBuf,
    /// The content when the file was last read; none if that failed. Contents are compared, since
    /// the kubelet updates a mounted `ConfigMap` by replacing a symbolic link.
    seen: Option<Vec<u8>>,
}

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CaBundleError {
    /// The file cannot be read.
    #[error("--ca-bundle {path} cannot be read: check that it is mounted ({why})")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The error of the read.
        why: io::Error,
    },
    /// The content cannot be used.
    #[error("--ca-bundle {path} cannot be used: {fault}")]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        fault: Fault,
    },
}

type Certificates = Result<Vec<Certificate>, CaBundleError>;

impl CaBundle {
    /// Reads the file for the first time.
    ///
    /// # Errors
    /// If it cannot be read, or anything in it cannot be used.
    pub fn read(path: &Path) -> Result<(Self, Vec<Certificate>), CaBundleError> {
        let mut bundle = Self { path: path.to_owned(), seen: None };
        let content = std::fs::read(path);
        let content = content.map_err(|why| bundle.unreadable(why))?;
        let certificates = bundle.parse(&content)?;
        bundle.seen = Some(content);
        Ok((bundle, certificates))
    }

    /// Calls `trust` with the certificates each time the file changes. While the content cannot be
    /// used, the certificates before it stay trusted.
    pub async fn follow<E, F>(mut self, metrics: Metrics, trust: F)
    where
        E: std::error::Error + 'static,
        F: Fn(Vec<Certificate>) -> Result<(), E>,
    {
        let mut ticks = tokio::time::interval(PERIOD);
        loop {
            ticks.tick().await;
            let content = tokio::fs::read(&self.path).await;
            let Some(changed) = self.changed(content) else { continue };
            let used =
                changed.map_err(Box::<dyn std::error::Error>::from).and_then(|certificates| {
                    let count = certificates.len();
                    trust(certificates).map(|()| count).map_err(Box::from)
                });
            metrics.ca_bundle_unusable(used.is_err());
            match used {
                Ok(count) => info!(
                    certificates = count,
                    "--ca-bundle changed; its certificates are trusted now"
                ),
                Err(error) => {
                    let message = "--ca-bundle changed and cannot be used; its previous certificates \
                                   stay trusted";
                    warn!(error, "{message}");
                }
            }
        }
    }

    /// The certificates, if the content has changed.
    fn changed(&mut self, content: io::Result<Vec<u8>>) -> Option<Certificates> {
        if content.as_ref().ok() == self.seen.as_ref() {
            return None;
        }
        let (seen, certificates) = match content {
            Ok(content) => {
                let certificates = self.parse(&content);
                (Some(content), certificates)
            }
            Err(why) => (None, Err(self.unreadable(why))),
        };
        self.seen = seen;
        Some(certificates)
    }

    fn parse(&self, content: &[u8]) -> Certificates {
        let unusable = |fault| CaBundleError::Unusable { path: self.path.clone(), fault };
        pem::certificates(content).map_err(unusable)
    }

    fn unreadable(&self, why: io::Error) -> CaBundleError {
        CaBundleError::Unreadable { path: self.path.clone(), why }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn pem() -> String {
        let key = rcgen::KeyPair::generate().unwrap();
        rcgen::CertificateParams::new(vec![]).unwrap().self_signed(&key).unwrap().pem()
    }

    #[test]
    fn a_bundle_that_cannot_be_used_is_refused_by_its_path() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ca.crt");
        let refused = || CaBundle::read(&path).err().unwrap().to_string();
        let why = refused();
        assert!(why.contains("ca.crt cannot be read: check that it is mounted"), "{why}");
        fs::write(&path, "").unwrap();
        let why = refused();
        assert!(why.contains("ca.crt cannot be used: it is empty"), "{why}");
    }

    #[test]
    fn a_change_of_the_content_is_seen_once_however_the_file_is_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        let (one, two) = (pem(), pem());
        fs::write(at("one"), &one).unwrap();
        fs::write(at("same"), &one).unwrap();
        fs::write(at("two"), one.clone() + &two).unwrap();
        fs::write(at("bad"), "bad").unwrap();
        std::os::unix::fs::symlink(at("one"), at("ca.crt")).unwrap();
        let (mut bundle, certificates) = CaBundle::read(&at("ca.crt")).unwrap();
        assert_eq!(certificates.len(), 1);
        for (target, want) in [
            ("one", None),
            ("same", None),
            ("two", Some(Some(2))),
            ("two", None),
            ("bad", Some(None)),
            ("bad", None),
            ("missing", Some(None)),
            ("missing", None),
            ("two", Some(Some(2))),
        ] {
            // The kubelet replaces a link in this way.
            std::os::unix::fs::symlink(at(target), at("next")).unwrap();
            fs::rename(at("next"), at("ca.crt")).unwrap();
            let changed = bundle.changed(fs::read(at("ca.crt")));
            let count = changed.map(|used| used.ok().map(|certificates| certificates.len()));
            assert_eq!(count, want, "{target}");
        }
    }
}
