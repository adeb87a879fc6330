//! The certificates, keys and tokens that the control plane reads; it must not know who reads them.

use std::fs;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
};
use rustls::pki_types::CertificateDer;

use crate::Error;

/// The names of the API server. Pods know it as the Service `kubernetes`, whose address is the
/// first of the range in `flags`.
const API_SERVER_NAMES: [&str; 5] =
    ["127.0.0.1", "10.0.0.1", "localhost", "kubernetes.default", "kubernetes.default.svc"];

/// What the files in `directory` hold that we need ourselves.
pub(crate) struct Credentials {
    directory: PathBuf,
    /// Trusts this cluster's API server and no other's.
    pub(crate) ca: CertificateDer<'static>,
    /// Bearer token of a member of `system:masters`.
    pub(crate) admin: String,
    /// Bearer token of `system:kube-controller-manager`.
    pub(crate) controller_manager: String,
}

impl Credentials {
    /// Writes all files into the new directory `directory`.
    pub(crate) fn create(directory: PathBuf) -> Result<Self, Error> {
        fs::create_dir_all(&directory).map_err(Error::io("create", &directory))?;

        let issuer = CertifiedIssuer::self_signed(ca_parameters()?, KeyPair::generate()?)?;
        let serving_key = KeyPair::generate()?;
        let serving = serving_parameters()?.signed_by(&serving_key, &issuer)?;
        let service_accounts = KeyPair::generate()?;
        let [admin, controller_manager] = [token(), token()];

        let credentials = Self { directory, ca: issuer.der().clone(), admin, controller_manager };
        let tokens = format!(
            "{},admin,admin,system:masters\n{},system:kube-controller-manager,controller-manager\n",
            credentials.admin, credentials.controller_manager
        );
        for (path, content) in [
            (credentials.ca_file(), issuer.pem()),
            (credentials.serving_certificate(), serving.pem()),
            (credentials.serving_key(), serving_key.serialize_pem()),
            (credentials.service_account_key(), service_accounts.serialize_pem()),
            (credentials.service_account_public_key(), service_accounts.public_key_pem()),
            (credentials.tokens(), tokens),
        ] {
            fs::write(&path, content).map_err(Error::io("write", &path))?;
        }
        Ok(credentials)
    }

    pub(crate) fn ca_file(&self) -> PathBuf {
        self.directory.join("ca.crt")
    }

    pub(crate) fn serving_certificate(&self) -> PathBuf {
        self.directory.join("apiserver.crt")
    }

    pub(crate) fn serving_key(&self) -> PathBuf {
        self.directory.join("apiserver.key")
    }

    /// Signs service account tokens.
    pub(crate) fn service_account_key(&self) -> PathBuf {
        self.directory.join("sa.key")
    }

    /// Verifies service account tokens.
    pub(crate) fn service_account_public_key(&self) -> PathBuf {
        self.directory.join("sa.pub")
    }

    /// The API server's table of bearer tokens.
    pub(crate) fn tokens(&self) -> PathBuf {
        self.directory.join("tokens.csv")
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }
}

fn ca_parameters() -> Result<CertificateParams, rcgen::Error> {
    let mut parameters = named("local-cluster CA", Vec::new())?;
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    Ok(parameters)
}

fn serving_parameters() -> Result<CertificateParams, rcgen::Error> {
    let mut parameters = named("kube-apiserver", API_SERVER_NAMES.map(str::to_owned).to_vec())?;
    parameters.use_authority_key_identifier_extension = true;
    Ok(parameters)
}

fn named(common_name: &str, names: Vec<String>) -> Result<CertificateParams, rcgen::Error> {
    let mut parameters = CertificateParams::new(names)?;
    parameters.distinguished_name.push(DnType::CommonName, common_name);
    Ok(parameters)
}

/// Other users of the machine can reach the port, so a token must not be guessable.
fn token() -> String {
    format!("{:032x}", rand::random::<u128>())
}
