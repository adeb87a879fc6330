//! A new version of a credential with the same value costs no call and no status write of its own;
//! the next status write reports it.

use super::sight::{STABLE, Sight, due_at, secret};
use crate::{
    api::{ConditionType, CredentialStatus, Reason, sibling::accepted},
    platform::{Code, Refusal},
    reconcile::{
        call::{Call, Wanted, Why},
        memory::{Ended, How, Refused},
        observed::CredentialRead,
        plan::{
            Act,
            tests::sight::{at, boot},
        },
    },
};

type Change = fn(&mut Sight);

fn version(resource_version: &str) -> CredentialStatus {
    CredentialStatus { uid: "credential-uid".into(), resource_version: resource_version.into() }
}

/// A healthy object whose credential Secret got a new version with the same value, which was read
/// and remembered.
fn edited() -> Sight {
    let mut sight = Sight::healthy(STABLE).with(|sight| sight.credential = Some(version("8")));
    assert!(matches!(sight.plan(500).act, Act::ReadCredential));
    sight.read_credential();
    let Act::NoteCredential(noted) = sight.plan(500).act else {
        panic!("what was read is remembered")
    };
    assert_eq!((&noted.version, noted.reason), (&version("8"), Reason::Accepted));
    sight.recall.reports.noted = Some(noted);
    sight
}

#[test]
fn a_version_that_changes_nothing_is_read_once_and_not_written() {
    let mut sight = edited();
    sight.read_credential();
    assert!(matches!(sight.plan(500).act, Act::Rest));
    assert!(matches!(sight.plan(501).act, Act::Rest), "it is remembered");
    sight.credential = Some(version("9"));
    assert!(matches!(sight.plan(502).act, Act::ReadCredential), "each version is read");
}

#[test]
fn a_first_call_reads_its_credential_with_its_slot_and_no_other_call_does() {
    let mut first = Sight::new(STABLE);
    assert!(matches!(first.plan(0).act, Act::ReadLive { for_call: true, .. }));
    let hindered: [(&str, Change); 4] = [
        ("it does not exist", |sight| sight.credential = None),
        ("the target is refused", |sight| {
            let (reason, retry) = (Reason::WriteFailed, boot(900));
            sight.recall.writes.refused = Some(Refused { reason, said: None, attempts: 1, retry });
        }),
        ("a call has failed before", |sight| {
            sight.status().credential = Some(version("6"));
        }),
        ("nobody waits for a token", |sight| sight.mp.spec.suspend = true),
    ];
    for (case, change) in hindered {
        let act = Sight::new(STABLE).with(change).plan(0).act;
        let reads = matches!(act, Act::ReadLive { for_call: true, .. });
        assert!(!reads, "{case}: {act:?}");
    }
}

#[test]
fn what_a_live_read_finds_of_a_version_is_remembered_too() {
    let mut sight = Sight::healthy(STABLE).with(|sight| sight.credential = Some(version("8")));
    sight.read_live();
    let Act::NoteCredential(noted) = sight.plan(500).act else { panic!("it was read") };
    assert_eq!((&noted.version, noted.reason), (&version("8"), Reason::Accepted));
    sight.recall.reports.noted = Some(noted);
    assert!(matches!(sight.plan(500).act, Act::Rest));
}

#[test]
fn the_next_write_tells_of_the_version_whatever_it_is_for() {
    let mut sight = edited().with(|sight| sight.mp.spec.suspend = true);
    let Act::Status(status) = sight.plan(500).act else { panic!("the suspension is reported") };
    assert_eq!(status.credential, Some(version("8")));
}

#[test]
fn another_spec_is_read_for_anew() {
    let mut sight = edited().with(|sight| sight.mp.metadata.generation = Some(2));
    assert!(matches!(sight.plan(500).act, Act::ReadCredential), "it may name another key");
}

#[test]
fn another_value_is_reported_and_asked_with() {
    let mut sight = Sight::healthy(STABLE).with(|sight| sight.credential = Some(version("8")));
    let read = |value| CredentialRead::Is { version: version("8"), value };
    sight.credential_read = Some(read(None));
    let Act::Status(status) = sight.plan_noted(500).act else {
        panic!("the missing key is reported")
    };
    assert_eq!(status.credential, Some(version("8")));
    let mut sight = Sight::healthy(STABLE).with(|sight| sight.credential = Some(version("8")));
    sight.target().sent.digest = "another".into();
    sight.credential_read = Some(read(Some(Ok(secret()))));
    assert!(matches!(sight.plan_noted(500).act, Act::ReadLive { for_call: true, .. }));
    assert!(
        matches!(sight.plan(501).act, Act::ReadLive { for_call: true, .. }),
        "who waits for a slot does not read again"
    );
}

#[test]
fn what_the_platform_says_of_a_noted_version_counts() {
    let says = |reason, truth, said| {
        let (mut sight, due) = (edited(), due_at(STABLE));
        let wanted = Wanted { why: Why::Time, force: false, mints: false };
        let call = Call::for_test(wanted);
        let refusal = Refusal::refused(reason, Code::Number(1));
        let how = How::Failed { refusal, sent: at(due), next: at(due + 60), attempts: 1 };
        let credential = Some(version("8"));
        sight.recall.calls.ended = Some(Box::new(Ended {
            call,
            generation: Some(1),
            credential,
            mints_before: None,
            how,
        }));
        sight.says_of(due + 1, ConditionType::CredentialValid, truth, said);
        // The owner of the app's token depends on this verdict, too.
        let is_accepted = sight.view(due + 1, |view| accepted(&view.status.conditions));
        assert_eq!(is_accepted, Some(said == Reason::Accepted));
        let Act::Status(status) = sight.plan(due + 1).act else {
            panic!("the failure is reported")
        };
        assert_eq!((status.credential, status.last_failure.is_some()), (Some(version("8")), true));
    };
    says(Reason::PlatformBusy, "True", Reason::Accepted);
    says(Reason::CredentialRejected, "False", Reason::CredentialRejected);
}

#[test]
fn a_failure_with_the_version_before_holds_no_call_with_the_next() {
    let mut sight =
        Sight::healthy(STABLE).with(|sight| sight.fails(Reason::QuotaExhausted, 400, 90_000));
    let due = due_at(STABLE);
    sight.keeps_silent(due);
    sight.credential = Some(version("8"));
    sight.asks(due, Why::Time);
}
