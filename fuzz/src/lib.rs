//! What must hold whatever strangers write. Each target takes bytes and panics where a property
//! fails; none knows the engine.
//!
//! | target | the bytes are | what must hold |
//! |---|---|---|
//! | [`answers`] | a platform's HTTP status and body | a token is one JSON string of the answer; all else is a fixed reason |
//! | [`credentials`] | the value under the credential's key | what is sent is what was stored, without white space |
//! | [`objects`] | a `MiniProgram` as JSON | any that can be read is planned, and the status fits the CRD |
//! | [`plans`] | choices: spec, status, annotations, Secrets, clocks | no call is earlier than its floors, no message tells a secret |
//! | [`targets`] | choices: a target's content and metadata | what is written is read back the same |

#![allow(clippy::missing_panics_doc, reason = "a panic is how a property fails")]

pub mod answers;
mod choices;
pub mod credentials;
pub mod objects;
pub mod plans;
pub mod status;
pub mod targets;

/// A property over bytes.
pub struct Target {
    /// Its name, also that of its folder in `corpus/`.
    pub name: &'static str,
    /// Panics if the property does not hold.
    pub judge: fn(&[u8]),
}

/// Every target.
pub const TARGETS: [Target; 5] = [
    Target { name: "answers", judge: answers::judge },
    Target { name: "credentials", judge: credentials::judge },
    Target { name: "objects", judge: objects::judge },
    Target { name: "plans", judge: plans::judge },
    Target { name: "targets", judge: targets::judge },
];

/// The target that the environment names.
#[must_use]
pub fn chosen() -> &'static Target {
    static CHOSEN: std::sync::OnceLock<&'static Target> = std::sync::OnceLock::new();
    CHOSEN.get_or_init(|| {
        let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
        TARGETS
            .iter()
            .find(|target| target.name == name)
            .unwrap_or_else(|| panic!("FUZZ_TARGET={name} is no target"))
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    use super::TARGETS;

    /// What the fuzzer found interesting, or once found wrong.
    #[test]
    fn every_seed_holds() {
        for target in &TARGETS {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target.name);
            let seeds = std::fs::read_dir(&folder)
                .expect("a corpus")
                .map(|seed| seed.expect("a seed").path());
            let mut count = 0;
            for seed in seeds {
                println!("{}", seed.display());
                (target.judge)(&std::fs::read(seed).expect("a seed"));
                count += 1;
            }
            assert!(count > 0, "{} is empty", folder.display());
        }
    }

    proptest! {
        #[test]
        fn any_bytes_hold(bytes in prop::collection::vec(any::<u8>(), 0..2048)) {
            for target in &TARGETS {
                (target.judge)(&bytes);
            }
        }
    }
}
