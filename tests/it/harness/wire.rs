//! The wire between an operator and the API server, which a test can cut, or make swallow answers.
//! TLS goes through it unread.

use std::{net::SocketAddr, sync::Arc};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

/// What becomes of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// They pass.
    Whole,
    /// Requests arrive, answers do not.
    Mute,
    /// A connection passes so many bytes of answers, and from then on none, also in other states.
    Stalls { after: usize },
    /// Connections that stood before pass no answers any more, also in other states; new ones do.
    HalfOpen,
    /// Every connection ends, and no new one lasts.
    Cut,
}

/// A wire to the API server; cut when dropped.
pub struct Wire {
    address: SocketAddr,
    state: Arc<watch::Sender<State>>,
    task: JoinHandle<()>,
}

impl Wire {
    pub async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let state = Arc::new(watch::Sender::new(State::Whole));
        let task = tokio::spawn(serve(listener, server, Arc::clone(&state)));
        Self { address, state, task }
    }

    /// Where the operator finds the API server.
    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    pub fn set(&self, state: State) {
        self.state.send_replace(state);
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.task.abort();
        self.set(State::Cut);
    }
}

async fn serve(listener: TcpListener, server: SocketAddr, state: Arc<watch::Sender<State>>) {
    while let Ok((operator, _)) = listener.accept().await {
        let state = state.subscribe();
        let opened_in = *state.borrow();
        tokio::spawn(async move {
            let Ok(server) = TcpStream::connect(server).await else { return };
            let (mut from_operator, mut to_operator) = operator.into_split();
            let (mut from_server, mut to_server) = server.into_split();
            let mut cut = state.clone();
            tokio::select! {
                _ = cut.wait_for(|state| *state == State::Cut) => {}
                () = forward(&mut from_operator, &mut to_server, |_| false) => {}
                () = forward(&mut from_server, &mut to_operator, mutes(state, opened_in)) => {}
            }
        });
    }
}

/// Whether a part of an answer is swallowed, by how many bytes came before it on its connection.
fn mutes(state: watch::Receiver<State>, opened_in: State) -> impl FnMut(usize) -> bool {
    let mut stalled = false;
    move |passed| {
        let state = *state.borrow();
        stalled |= match state {
            State::Stalls { after } => passed >= after,
            State::HalfOpen => opened_in != State::HalfOpen,
            State::Whole | State::Mute | State::Cut => false,
        };
        stalled || state == State::Mute
    }
}

/// Copies until the end; what is swallowed never arrives.
async fn forward(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    mut is_swallowed: impl FnMut(usize) -> bool,
) {
    let mut bytes = vec![0; 16 << 10];
    let mut passed = 0;
    loop {
        let Ok(read @ 1..) = from.read(&mut bytes).await else { return };
        if !is_swallowed(passed) && to.write_all(&bytes[..read]).await.is_err() {
            return;
        }
        passed += read;
    }
}
