//! In an app of many objects, each plans the same from the few siblings that the world shows it as
//! from all of them. The hundred and first object of a namespace plans no call.

use std::collections::BTreeMap;

use k8s_openapi::{apimachinery::pkg::apis::meta::v1::Time, jiff::Timestamp};
use kube::{core::DeserializeGuard, runtime::watcher::Event};
use proptest::{collection::vec, prelude::*};

use super::sight::{LEGACY, STABLE, Sight, at, boot, due_at, mini_program, projection};
use crate::{
    api::{
        ConditionType::{self, CredentialValid, Ready, TargetSynced, TokenFresh},
        Intent, MiniProgram, Mints, Reason, TokenMode, TokenStatus,
        conditions::{self, ConditionStatus, ConditionValue},
    },
    projection::{Owner, TokenFacts},
    reconcile::plan::{
        Act,
        due::newer_sibling,
        limits::counted,
        ownership::{self, AppOwner},
        time::{SKEW, after},
        unknown_outcome::another_call_may_land,
        view::View,
    },
    world::{ObjectName, Scope, Siblings, World},
};

/// The time of all plans. Some of the generated times are later, beyond any clock skew.
const NOW: u64 = 500;

fn time() -> impl Strategy<Value = Timestamp> {
    (0_u64..800).prop_map(at)
}

prop_compose! {
    fn mints()(day in 1_u8..3, count in 0..3, last in proptest::option::of(time()), forced in vec(time(), 0..3)) -> Mints {
        let forced_times = forced.into_iter().map(Time).collect();
        Mints { day: format!("2026-05-0{day}"), count, last_time: last.map(Time), forced_times }
    }
}

prop_compose! {
    fn token()(fingerprint in 0..4, issued in time(), checked in proptest::option::of(time())) -> TokenStatus {
        TokenStatus {
            fingerprint: format!("sha256:{fingerprint}"),
            issue_time: Time(issued),
            expiration_time: Time(after(issued, std::time::Duration::from_secs(7200))),
            next_refresh_time: None,
            check_time: checked.map(Time),
        }
    }
}

prop_compose! {
    fn object()(
        mode in prop_oneof![Just(None), Just(Some(STABLE)), Just(Some(LEGACY))],
        created in 0_u64..5,
        suspend in proptest::bool::weighted(0.2),
        said in prop_oneof![2 => Just(None), 2 => Just(Some(Reason::Accepted)), 3 => Just(Some(Reason::CredentialRejected))],
        mints in proptest::option::of(mints()),
        token in proptest::option::of(token()),
        intends in proptest::option::weighted(0.3, time()),
        namespace in 0..3,
        is_blocked in proptest::bool::weighted(0.2),
    ) -> MiniProgram {
        let mut mp = mini_program(STABLE);
        mp.spec.token_mode = mode;
        mp.spec.suspend = suspend;
        mp.metadata.namespace = Some(format!("team-{namespace}"));
        mp.metadata.creation_timestamp = Some(Time(at(created)));
        let status = mp.status.get_or_insert_default();
        (status.mints, status.token) = (mints, token);
        status.intent = intends.map(|time| Intent { id: "a-call".into(), time: Time(time), outcome_unknown: false });
        if let Some(reason) = said {
            let truth = if reason == Reason::Accepted { ConditionStatus::True } else { ConditionStatus::False };
            let verdict = ConditionValue { truth, reason, message: String::new() };
            conditions::set(&mut status.conditions, CredentialValid, &verdict, Some(1), at(0));
        }
        if is_blocked {
            let verdict = ConditionValue { truth: ConditionStatus::False, reason: Reason::Conflict, message: String::new() };
            conditions::set(&mut status.conditions, TargetSynced, &verdict, Some(1), at(0));
        }
        mp
    }
}

fn named(objects: Vec<MiniProgram>) -> Vec<MiniProgram> {
    let name = |(n, mut mp): (usize, MiniProgram)| {
        (mp.metadata.name, mp.metadata.uid) =
            (Some(format!("shop-{n:03}")), Some(format!("uid-{n:03}")));
        mp.metadata.resource_version = Some((n + 10).to_string());
        mp
    };
    objects.into_iter().enumerate().map(name).collect()
}

fn name_of(mp: &MiniProgram) -> ObjectName {
    ObjectName::new(
        mp.metadata.namespace.as_deref().expect("a namespace"),
        mp.metadata.name.as_deref().expect("a name"),
    )
}

fn world_of(objects: &[MiniProgram]) -> World {
    let mut world = World::new(&[Scope::All]);
    world.mini_program_event(&Scope::All, Event::Init);
    for object in objects {
        world.mini_program_event(
            &Scope::All,
            Event::InitApply(DeserializeGuard(Ok(object.clone()))),
        );
    }
    world.mini_program_event(&Scope::All, Event::InitDone);
    world
}

/// Everything that the plan reads from siblings.
fn taken(view: &View<'_>) -> String {
    let turn = match ownership::owner(view) {
        AppOwner::This => "mine".to_owned(),
        AppOwner::Undecided => "wait".to_owned(),
        AppOwner::Other(winner) => {
            let since =
                view.token().map(|token| ownership::others_minted_since(view, winner, token));
            format!("{:?} {since:?}", winner.metadata.uid)
        }
    };
    let counted = counted(view);
    let counts = (counted.last, counted.today, counted.forced);
    format!(
        "{turn} {} {:?} {counts:?} {}",
        ownership::is_ended_by_another(view),
        newer_sibling(view),
        another_call_may_land(view)
    )
}

fn planned(mp: &MiniProgram, siblings: Siblings) -> String {
    let mode = mp.spec.token_mode.unwrap_or(TokenMode::Stable);
    let mut sight = Sight::new(mode);
    sight.mp = mp.clone();
    let mut target = projection(mode);
    target.name = mp.target_name();
    target.owner = Owner::MiniProgram { uid: mp.uid().to_owned(), name: mp.name().to_owned() };
    let token = mp.status.as_ref().and_then(|status| status.token.as_ref());
    target.token = token.map(|token| TokenFacts {
        fingerprint: token.fingerprint.clone(),
        issued: token.issue_time.0,
        expires: token.expiration_time.0,
    });
    sight.target = Some(target);
    (sight.shown, sight.siblings) = (
        siblings.shown.iter().map(|mp| mp.as_ref().clone()).collect(),
        Siblings { shown: vec![], ..siblings },
    );
    sight.recall.sightings.ends.clear();
    sight.view(NOW, taken)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn few_of_many_are_enough_to_plan_from(objects in vec(object(), 17..33), changes in vec((any::<prop::sample::Index>(), object()), 0..8)) {
        let mut objects = named(objects);
        let mut world = world_of(&objects);
        for (nth, (index, change)) in changes.into_iter().enumerate() {
            let at = index.index(objects.len());
            let object = &mut objects[at];
            (object.spec, object.status) = (change.spec, change.status);
            object.metadata.resource_version = Some((1000 + nth).to_string());
            world.mini_program_event(&Scope::All, Event::Apply(DeserializeGuard(Ok(object.clone()))));
        }
        for mp in &objects {
            let all = world.same_app("WeChat", &mp.spec.app_id).into_iter();
            let all = all.filter(|other| other.metadata.uid != mp.metadata.uid).collect();
            let few = world.siblings(&name_of(mp), mp, after(at(NOW), SKEW));
            prop_assert_eq!(planned(mp, few), planned(mp, Siblings { shown: all, ..Siblings::default() }));
        }
    }
}

#[test]
fn more_objects_than_a_namespace_may_have_of_an_app_ask_for_nothing() {
    let surplus = |sight: &mut Sight| sight.siblings.surplus = true;
    let said = |sight: &mut Sight, seconds| -> BTreeMap<&str, String> {
        sight.says(seconds).into_iter().map(|(kind, _, reason)| (kind, reason)).collect()
    };
    for mode in [STABLE, LEGACY] {
        let mut sight = Sight::new(mode).with(surplus);
        let reasons = said(&mut sight, 500);
        let kind: fn(ConditionType) -> &'static str = Into::into;
        assert_eq!(
            (&*reasons[kind(Ready)], &*reasons[kind(TokenFresh)]),
            ("TooManyObjects", "TooManyObjects")
        );
        assert_eq!(reasons["Stalled"], "TooManyObjects");
        let due = due_at(mode);
        let mut sight = Sight::healthy(mode)
            .with(surplus)
            .with(|sight| sight.recall.sightings.due_since = Some(boot(0)));
        assert!(!sight.plan(due).due);
        let Act::Status(status) = sight.plan(due).act else { panic!("it is reported") };
        assert_eq!(
            status.token.and_then(|token| token.next_refresh_time),
            None,
            "nothing is planned"
        );
        sight.says_of(due, Ready, "True", Reason::TokenAvailable);
        sight.says_of(due, TokenFresh, "False", Reason::TooManyObjects);
    }
}
