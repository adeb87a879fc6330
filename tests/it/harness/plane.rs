//! The one control plane of this process, started by whoever needs it first. It has the CRD and the
//! cluster-wide roles as they ship, and nothing else.

use std::{sync::OnceLock, thread};

use local_cluster::{Cluster, Options};

/// The control plane. Statics are never dropped: the cluster's watchdog ends it when this process
/// ends, however it does.
pub fn plane() -> &'static Cluster {
    static PLANE: OnceLock<Cluster> = OnceLock::new();
    PLANE.get_or_init(|| {
        // In a thread of its own: the runtime of the test that comes first may not be blocked on
        // from within.
        let started = thread::spawn(|| {
            let runtime = tokio::runtime::Runtime::new().expect("a runtime");
            runtime.block_on(start())
        });
        started.join().expect("a control plane")
    })
}

async fn start() -> Cluster {
    rustls::crypto::ring::default_provider().install_default().expect("nobody else installs one");
    let cluster = Cluster::start(Options { audit: true, ..Options::default() })
        .await
        .expect("a control plane");
    operator_harness::install(&cluster).await;
    cluster
}
