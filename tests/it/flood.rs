//! Callers that open connections to the operator's own servers and never finish a request.

use std::net::SocketAddr;

use tokio::{io::AsyncWriteExt as _, net::TcpStream};

use crate::harness::Stage;

/// As many as there are: of one kind the memory counts, of the other the number.
const CALLERS: usize = 300;
/// Twice 64 requests of 16 kB, and what the kernel and the allocator add.
const MEMORY_KIB: u64 = 8 * 1024;
/// Twice 64, and a few that come and go.
const FILES: f64 = 140.0;

async fn hold(address: SocketAddr, header: &str) -> TcpStream {
    let mut caller = TcpStream::connect(address).await.expect("a connection");
    // It is closed when it is one too many, or has sent too much.
    let _ = caller.write_all(format!("GET /livez HTTP/1.1\r\nHost: {header}").as_bytes()).await;
    caller
}

#[tokio::test]
async fn unfinished_requests_cost_bounded_memory_and_hold_up_no_probe() {
    let stage = Stage::new("flood").await;
    let mut operator = stage.operator().start().await;
    let memory = operator.peak_memory_kib();
    let files = operator.metric("process_open_fds", &[]).await;
    let long = "a".repeat(380_000);
    for header in [long.as_str(), "a"] {
        let mut callers = vec![];
        for _ in 0..CALLERS {
            for address in operator.addresses() {
                callers.push(hold(address, header).await);
            }
        }
        operator.until_ready().await;
        let more = operator.metric("process_open_fds", &[]).await - files;
        assert!(more < FILES, "{more} more files are open");
    }
    let grown = operator.peak_memory_kib() - memory;
    println!("memory grew by {grown} KiB over {memory} KiB");
    assert!(grown < MEMORY_KIB, "memory grew by {grown} KiB");
}
