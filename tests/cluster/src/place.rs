//! Finds a directory and a port that nobody uses; it must not know what for.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::{Mutex, PoisonError};

use crate::Error;

/// Below the ports that the kernel gives to outgoing connections, so that nobody takes ours while
/// the API server is down for a moment.
const PORTS: std::ops::Range<u16> = 20_000..30_000;

/// A name only: the watchdog creates it, and is there to remove it from the first moment.
pub(crate) fn temporary() -> PathBuf {
    env::temp_dir().join(format!("local-cluster-{}-{:08x}", process::id(), rand::random::<u32>()))
}

/// The directory a user named, made if need be.
pub(crate) fn given(directory: &Path) -> Result<PathBuf, Error> {
    fs::create_dir_all(directory).map_err(Error::io("create", directory))?;
    let directory = directory.canonicalize().map_err(Error::io("find", directory))?;
    let mut entries = fs::read_dir(&directory).map_err(Error::io("read", &directory))?;
    if entries.next().is_some() {
        return Err(Error::DirectoryInUse(directory));
    }
    Ok(directory)
}

/// Free now, and given out by this process for the first time: whoever got it may take long to
/// listen. Another program that chooses its port itself may be faster.
///
/// # Errors
/// When none of a thousand was free.
pub fn free_port() -> Result<u16, Error> {
    for _ in 0..1000 {
        let port = rand::random_range(PORTS);
        if is_new(port) && TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    Err(Error::NoFreePort)
}

/// Whether this process has not given out the port lately.
fn is_new(port: u16) -> bool {
    static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
    if given.len() > PORTS.len() / 2 {
        given.clear();
    }
    given.insert(port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_with_anything_in_it_is_refused() {
        let error = given(Path::new(env!("CARGO_MANIFEST_DIR"))).expect_err("it has a Cargo.toml");
        assert!(matches!(error, Error::DirectoryInUse(_)), "{error}");
    }
}
