//! The fuzzer's entry: libFuzzer mutates bytes, the target that `FUZZ_TARGET` names judges them.
//! Knows no property.

#![cfg_attr(libfuzzer, no_main)]

#[cfg(libfuzzer)]
libfuzzer_sys::fuzz_target!(init: {
    // Named at the start: a misspelt one should not fuzz nothing for hours.
    let _ = fuzz::chosen();
}, |input: &[u8]| (fuzz::chosen().judge)(input));

#[cfg(not(libfuzzer))]
fn main() -> std::process::ExitCode {
    eprintln!("fuzz: built without an engine; run `make fuzz`");
    std::process::ExitCode::FAILURE
}
