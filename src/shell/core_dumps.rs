//! Disables core dumps and tracing of this process, since its memory holds app secrets and tokens.

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

/// Disables core dumps. If that fails, it prints a warning and the process continues.
pub fn disable() {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    // A kernel that pipes dumps to a program, as with most distributions, ignores the limit. A
    // process that is not dumpable cannot be traced by other processes of its user either.
    let done = setrlimit(Resource::Core, none)
        .and_then(|()| set_dumpable_behavior(DumpableBehavior::NotDumpable));
    if let Err(error) = done {
        eprintln!("miniprogram-operator: core dumps could not be disabled: {error}");
    }
}

#[cfg(test)]
mod tests {
    use rustix::process::{DumpableBehavior, Resource, dumpable_behavior, getrlimit};

    #[test]
    fn neither_a_file_nor_a_program_gets_a_dump() {
        super::disable();
        let limit = getrlimit(Resource::Core);
        assert_eq!((limit.current, limit.maximum), (Some(0), Some(0)));
        assert_eq!(dumpable_behavior(), Ok(DumpableBehavior::NotDumpable));
    }
}
