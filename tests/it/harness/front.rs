//! HTTPS before the simulator, with whatever certificate a test wants; and a host that nobody may
//! send anything to.

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::{
    ServerConfig,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_rustls::TlsAcceptor;

use super::plane;

/// What a certificate is like.
#[derive(Clone, Copy, Debug)]
pub enum Shown {
    /// Of the trusted authority, for this address, valid now.
    Good,
    /// It was good once.
    Expired,
    /// Good, and another host's.
    OfAnotherHost,
    /// Of an authority that nobody trusts.
    OfAStranger,
}

/// A TLS front; gone when dropped.
pub struct Front {
    address: SocketAddr,
    authority: CertifiedIssuer<'static, KeyPair>,
    config: Arc<Mutex<Arc<ServerConfig>>>,
    passed: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Front {
    pub async fn before(server: SocketAddr) -> Self {
        let authority = authority();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let config = Arc::new(Mutex::new(config(Shown::Good, &authority)));
        let passed = Arc::new(AtomicUsize::new(0));
        let task = tokio::spawn(serve(listener, server, Arc::clone(&config), Arc::clone(&passed)));
        Self { address, authority, config, passed, task }
    }

    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// A file with the authority to trust.
    pub fn ca_bundle(&self) -> PathBuf {
        let path = plane().directory().join(format!("front-{}.pem", self.address.port()));
        std::fs::write(&path, self.authority.pem()).expect("a file");
        path
    }

    /// Shows another certificate from the next connection on.
    pub fn show(&self, shown: Shown) {
        *self.config.lock().expect("no test panicked here") = config(shown, &self.authority);
    }

    /// How many callers took the certificate and went on.
    pub fn passed(&self) -> usize {
        self.passed.load(Ordering::SeqCst)
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(
    listener: TcpListener,
    server: SocketAddr,
    config: Arc<Mutex<Arc<ServerConfig>>>,
    passed: Arc<AtomicUsize>,
) {
    while let Ok((caller, _)) = listener.accept().await {
        let acceptor =
            TlsAcceptor::from(Arc::clone(&config.lock().expect("no test panicked here")));
        let passed = Arc::clone(&passed);
        tokio::spawn(async move {
            let Ok(mut caller) = acceptor.accept(caller).await else { return };
            passed.fetch_add(1, Ordering::SeqCst);
            let Ok(mut server) = TcpStream::connect(server).await else { return };
            // Either end may leave when it likes.
            let _ = copy_bidirectional(&mut caller, &mut server).await;
        });
    }
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut parameters = CertificateParams::new(vec![]).expect("parameters");
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(parameters, KeyPair::generate().expect("a key"))
        .expect("an authority")
}

fn config(shown: Shown, trusted: &CertifiedIssuer<'static, KeyPair>) -> Arc<ServerConfig> {
    let name =
        if matches!(shown, Shown::OfAnotherHost) { "platform.example.com" } else { "127.0.0.1" };
    let mut parameters = CertificateParams::new(vec![name.to_owned()]).expect("parameters");
    if matches!(shown, Shown::Expired) {
        parameters.not_after = date_time_ymd(2021, 1, 1);
    }
    let key = KeyPair::generate().expect("a key");
    let certificate = if matches!(shown, Shown::OfAStranger) {
        parameters.signed_by(&key, &authority())
    } else {
        parameters.signed_by(&key, trusted)
    };
    let certificate = certificate.expect("a certificate").der().clone();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config =
        ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key);
    Arc::new(config.expect("a certificate with its key"))
}

/// A host that nobody may connect to. It would answer with a token.
pub struct Trap {
    address: SocketAddr,
    caught: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Trap {
    pub async fn set() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let caught = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&caught);
        let task = tokio::spawn(async move {
            while let Ok((mut caller, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(async move {
                    let mut request = vec![0; 4096];
                    let _ = caller.read(&mut request).await;
                    let answer =
                        b"HTTP/1.1 200 OK\r\ncontent-length: 42\r\n\r\n{\"access_token\":\"caught\",\"expires_in\":7200}";
                    let _ = caller.write_all(answer).await;
                });
            }
        });
        Self { address, caught, task }
    }

    pub fn url(&self) -> String {
        format!("http://{}/cgi-bin/token", self.address)
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// How many connections there were.
    pub fn caught(&self) -> usize {
        self.caught.load(Ordering::SeqCst)
    }
}

impl Drop for Trap {
    fn drop(&mut self) {
        self.task.abort();
    }
}
