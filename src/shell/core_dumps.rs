//! Keeps memory that held app secrets and tokens off the disk. Knows nothing of either.

use rustix::process::{Resource, Rlimit, setrlimit};

/// From now on a crash leaves no core dump. Where the limit cannot be lowered, the process goes on: it is no worse than before.
pub fn disable() {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    if let Err(error) = setrlimit(Resource::Core, none) {
        eprintln!("miniprogram-operator: core dumps could not be disabled: {error}");
    }
}
