//! Files that users mount, and their errors.

use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};

use super::*;

fn authority() -> rcgen::Certificate {
    let mut parameters = CertificateParams::new(vec![]).unwrap();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters.self_signed(&KeyPair::generate().unwrap()).unwrap()
}

fn fault(content: impl AsRef<[u8]>) -> Fault {
    certificates(content.as_ref()).unwrap_err()
}

#[test]
fn all_certificates_of_a_bundle_are_read_whatever_text_is_between_them() {
    let (first, second) = (authority().pem(), authority().pem());
    let indented = first.lines().fold(String::new(), |text, line| text + "  " + line + " \r\n");
    for (text, count) in [
        (first.clone(), 1),
        (format!("{first}{second}"), 2),
        (format!("\u{feff}{first}\n\n# Company Root CA\nSubject: CN = b\n{second}"), 2),
        (format!("{indented}{second}"), 2),
        (first.trim_end().to_owned(), 1),
    ] {
        assert_eq!(certificates(text.as_bytes()).unwrap().len(), count, "{text}");
    }
    let mut not_utf8 = b"# Autorit\xe9\n".to_vec();
    not_utf8.extend_from_slice(first.as_bytes());
    assert_eq!(certificates(&not_utf8).unwrap().len(), 1);
}

#[test]
fn a_file_without_any_block_is_refused() {
    assert_eq!(fault(""), Fault::Empty);
    assert_eq!(fault(" \r\n\n"), Fault::Empty);
    assert_eq!(fault(authority().der()), Fault::Der);
    assert_eq!(fault("/etc/ssl/ca.crt\n"), Fault::NoBlock);
    assert_eq!(fault("0 certificates"), Fault::NoBlock);
}

#[test]
fn a_bad_block_refuses_the_file_by_its_number_and_its_line() {
    let good = authority().pem();
    let lines = good.lines().count();
    let key = KeyPair::generate().unwrap().serialize_pem();
    let cut = good.lines().take(3).fold(String::new(), |text, line| text + line + "\n");
    let short = cut.clone() + "-----END CERTIFICATE-----\n";
    let trusted = good.replace("CERTIFICATE", "TRUSTED CERTIFICATE");
    let empty = "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n".to_owned();
    let kind = |kind: &str| BlockFault::Kind(kind.to_owned());
    for (bad, what) in [
        (key, kind("PRIVATE KEY")),
        (trusted, kind("TRUSTED CERTIFICATE")),
        (cut.clone(), BlockFault::Frame),
        (cut.clone() + &good, BlockFault::Frame),
        (good.replace("-----BEGIN", "----BEGIN"), BlockFault::Frame),
        (good.replace("CERTIFICATE-----", "CERTIFICATE----"), BlockFault::Frame),
        (short, BlockFault::Content),
        (good.replacen("MII", "MI*", 1), BlockFault::Content),
        (empty, BlockFault::Content),
    ] {
        assert_eq!(fault(&bad), Fault::Block { number: 1, line: 1, what: what.clone() }, "{bad}");
        let behind = format!("{good}\n{bad}");
        assert_eq!(fault(&behind), Fault::Block { number: 2, line: lines + 2, what }, "{behind}");
    }
    let said = Fault::Block { number: 2, line: 21, what: kind("PRIVATE KEY") }.to_string();
    assert!(said.starts_with("block 2, which begins in line 21, is a PRIVATE KEY, and"), "{said}");
}
