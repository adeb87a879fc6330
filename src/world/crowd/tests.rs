//! Which changes requeue which of 2 500 objects of one app, and how many others each is shown.

use std::{collections::BTreeSet, sync::Arc};

use k8s_openapi::{apimachinery::pkg::apis::meta::v1::Time, jiff::Timestamp};

use super::{Crowd, MOST};
use crate::{
    api::{
        ConditionType, MiniProgram, Mints, Reason, TokenMode, TokenStatus,
        conditions::{self, ConditionStatus, ConditionValue},
    },
    world::{
        Kept, ObjectName, Siblings,
        tests::{meta, mini_program},
    },
};

const OBJECTS: usize = 2500;

fn time(seconds: usize) -> Time {
    Time(
        Timestamp::from_second(1_780_000_000 + i64::try_from(seconds).expect("small"))
            .expect("a time"),
    )
}

fn name(number: usize) -> ObjectName {
    ObjectName::new(&format!("team-{}", number / MOST), &format!("shop-{number}"))
}

/// The object of a number. An object with a smaller number is older.
fn object(number: usize, mode: TokenMode) -> MiniProgram {
    let of = name(number);
    let (namespace, name) = (of.namespace(), of.name());
    let mut object = mini_program(meta(namespace, name, name, 1), "wx1", "credential", "target");
    object.metadata.creation_timestamp = Some(time(number));
    object.spec.token_mode = Some(mode);
    object
}

fn kept(object: &MiniProgram) -> Arc<Kept> {
    Arc::new(Kept::of(object).expect("it can be packed"))
}

fn siblings(crowd: &Crowd, of: &ObjectName, until: Timestamp) -> Siblings {
    crowd.siblings(of, until, |name| Some(Arc::new(crowd.members.get(name)?.object.value())))
}

fn crowd(mode: TokenMode, change: impl Fn(usize, &mut MiniProgram)) -> Crowd {
    let mut crowd = Crowd::default();
    for number in 0..OBJECTS {
        let mut object = object(number, mode);
        change(number, &mut object);
        crowd.set(&name(number), Some(&kept(&object)));
    }
    crowd
}

/// The objects that a change of an object requeues.
fn concerned(
    crowd: &mut Crowd,
    number: usize,
    change: impl FnOnce(&mut MiniProgram),
) -> BTreeSet<ObjectName> {
    let mut object = crowd.members[&name(number)].object.value();
    change(&mut object);
    crowd.set(&name(number), Some(&kept(&object))).into_iter().collect()
}

fn gets_token(object: &mut MiniProgram, fingerprint: &str, issued: usize) {
    object.status.get_or_insert_default().token = Some(TokenStatus {
        fingerprint: fingerprint.into(),
        issue_time: time(issued),
        expiration_time: time(issued + 7200),
        next_refresh_time: None,
        check_time: Some(time(issued)),
    });
}

fn is(object: &mut MiniProgram, truth: ConditionStatus, reason: Reason) {
    let value = ConditionValue { truth, reason, message: String::new() };
    let all = &mut object.status.get_or_insert_default().conditions;
    conditions::set(all, ConditionType::CredentialValid, &value, None, time(0).0);
}

#[test]
fn where_a_token_is_shared_only_the_first_report_of_a_new_one_requeues_the_others() {
    let mut crowd = crowd(TokenMode::Stable, |_, object| gets_token(object, "sha256:old", 0));
    assert_eq!(
        concerned(&mut crowd, 7, |object| gets_token(object, "sha256:new", 10)).len(),
        OBJECTS
    );
    for number in [8, 1234, 2499] {
        assert!(
            concerned(&mut crowd, number, |object| gets_token(object, "sha256:new", 10 + number))
                .is_empty()
        );
        assert!(
            concerned(&mut crowd, number, |object| object
                .status
                .as_mut()
                .expect("a status")
                .intent = None)
            .is_empty()
        );
    }
}

#[test]
fn where_one_owns_the_app_its_calls_requeue_all_and_a_rejected_credential_the_next_object() {
    let mut crowd = crowd(TokenMode::Legacy, |_, _| {});
    let next = concerned(&mut crowd, 0, |object| {
        is(object, ConditionStatus::False, Reason::CredentialRejected);
    });
    assert_eq!(next, BTreeSet::from([name(1)]), "the object that is tried next");
    assert!(
        concerned(&mut crowd, 900, |object| is(
            object,
            ConditionStatus::False,
            Reason::CredentialRejected
        ))
        .is_empty()
    );
    assert_eq!(
        concerned(&mut crowd, 1, |object| is(object, ConditionStatus::True, Reason::Accepted))
            .len(),
        OBJECTS
    );
    let mint = |object: &mut MiniProgram| {
        object.status.as_mut().expect("a status").mints =
            Some(Mints { last_time: Some(time(9000)), ..Mints::default() });
    };
    assert_eq!(concerned(&mut crowd, 1, mint).len(), OBJECTS);
    assert!(
        concerned(&mut crowd, 2, |object| is(object, ConditionStatus::True, Reason::Accepted))
            .is_empty(),
        "it is no older"
    );
}

#[test]
fn each_is_shown_a_few_dozen_others_at_most() {
    let crowd = crowd(TokenMode::Stable, |number, object| {
        gets_token(object, &format!("sha256:{number}"), number);
        is(object, ConditionStatus::True, Reason::Accepted);
        let forced_times = vec![time(number)];
        let mints =
            Mints { day: "today".into(), count: 1, last_time: Some(time(number)), forced_times };
        object.status.as_mut().expect("a status").mints = Some(mints);
    });
    for number in [0, 1000, 2499] {
        let siblings = siblings(&crowd, &name(number), time(1500).0);
        assert!(siblings.shown.len() <= 48, "{}", siblings.shown.len());
        let unshown: i64 = siblings.unshown.iter().map(|unshown| unshown.count).sum();
        assert_eq!(
            unshown + i64::try_from(siblings.shown.len()).expect("few"),
            2499,
            "all others are counted"
        );
    }
}

#[test]
fn the_owner_of_an_app_is_shown_the_next_owner() {
    let crowd =
        crowd(TokenMode::Legacy, |_, object| is(object, ConditionStatus::True, Reason::Accepted));
    let shown = siblings(&crowd, &name(0), time(0).0).shown;
    // The latest result of its own credential is not yet in the status that others see.
    assert!(shown.iter().any(|object| object.name() == name(1).name()));
}

#[test]
fn the_oldest_hundred_of_a_namespace_are_served_and_the_next_one_when_one_of_them_leaves() {
    let mut crowd = Crowd::default();
    let names: Vec<_> =
        (0..MOST + 2).map(|number| ObjectName::new("crowded", &format!("shop-{number}"))).collect();
    let rename = |number: usize| {
        let mut object = object(number, TokenMode::Legacy);
        (object.metadata.namespace, object.metadata.uid) =
            (Some("crowded".into()), Some(format!("{number:03}")));
        object
    };
    // The youngest are added first: they are served until the older ones are added.
    for (number, name) in names.iter().enumerate().rev() {
        crowd.set(name, Some(&kept(&rename(number))));
    }
    let served = |crowd: &Crowd| {
        names.iter().filter(|name| !siblings(crowd, name, time(0).0).surplus).count()
    };
    assert_eq!(served(&crowd), MOST);
    assert!(siblings(&crowd, &names[MOST], time(0).0).surplus);
    // Objects that are not served never own the app, also when the credentials of all others are
    // rejected.
    for (number, name) in names.iter().enumerate().take(MOST) {
        let mut object = rename(number);
        is(&mut object, ConditionStatus::False, Reason::CredentialRejected);
        crowd.set(name, Some(&kept(&object)));
    }
    for (number, name) in names.iter().enumerate().skip(MOST) {
        crowd.set(name, Some(&kept(&rename(number))));
    }
    assert!(crowd.families[0].1.marks().first_open.is_none());
    let concerned = crowd.set(&names[3], None);
    assert_eq!(concerned.first(), Some(&names[MOST]));
    assert!(
        !siblings(&crowd, &names[MOST], time(0).0).surplus
            && siblings(&crowd, &names[MOST + 1], time(0).0).surplus
    );
    assert_eq!(crowd.families[0].1.marks().first_open, Some(names[MOST].clone()));
    let mut suspended = rename(5);
    suspended.spec.suspend = true;
    assert_eq!(crowd.set(&names[5], Some(&kept(&suspended))).first(), Some(&names[MOST + 1]));
    for name in &names {
        crowd.set(name, None);
    }
    assert!(crowd.members.is_empty() && crowd.claimants.is_empty());
    assert!(crowd.families.iter().all(|(_, family)| family.is_empty()), "nothing is left behind");
}
