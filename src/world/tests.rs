//! Which objects an event requeues, and how our own writes and late events change the known
//! objects: one event at a time.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use kube::core::metadata::PartialObjectMetaExt;
use serde_json::{Value, json};

use super::*;
use crate::api::{MiniProgramStatus, TargetRef};

pub(super) type Meta = PartialObjectMeta<Secret>;

pub(super) fn meta(namespace: &str, name: &str, uid: &str, version: u64) -> ObjectMeta {
    ObjectMeta {
        namespace: Some(namespace.into()),
        name: Some(name.into()),
        uid: Some(uid.into()),
        resource_version: Some(version.to_string()),
        ..ObjectMeta::default()
    }
}

pub(super) fn mini_program(
    meta: ObjectMeta,
    app: &str,
    credential: &str,
    target: &str,
) -> MiniProgram {
    let spec: Value = json!({ "appID": app, "credentialRef": { "name": credential }, "target": { "name": target } });
    let spec = serde_json::from_value(spec).expect("it is a spec");
    MiniProgram { metadata: meta, spec, status: None }
}

pub(super) fn in_use(mut object: MiniProgram, target: &str) -> MiniProgram {
    let target_ref = Some(TargetRef { name: target.into(), resource_version: None });
    object.status = Some(MiniProgramStatus { target_ref, ..MiniProgramStatus::default() });
    object
}

pub(super) fn owned(mut meta: ObjectMeta, owner: Option<(&str, &str)>) -> ObjectMeta {
    let reference = |(name, uid): (&str, &str)| OwnerReference {
        api_version: "miniprogram.dev/v1alpha1".into(),
        kind: "MiniProgram".into(),
        name: name.into(),
        uid: uid.into(),
        controller: Some(true),
        ..OwnerReference::default()
    };
    meta.owner_references = owner.map(|owner| vec![reference(owner)]);
    meta
}

pub(super) fn secret(meta: ObjectMeta) -> Meta {
    meta.into_response_partial::<Secret>()
}

pub(super) fn readable(object: MiniProgram) -> DeserializeGuard<MiniProgram> {
    DeserializeGuard(Ok(object))
}

fn shop(version: u64) -> MiniProgram {
    mini_program(meta("a", "shop", "u-shop", version), "wx1", "secret", "shop-token")
}

fn token(version: u64) -> ObjectMeta {
    owned(meta("a", "shop-token", "u-token", version), Some(("shop", "u-shop")))
}

fn requeued(change: &Change) -> Vec<String> {
    change.requeue.iter().map(ToString::to_string).collect()
}

/// A world whose lists are complete: `a/shop`, `a/other` with the same target, and `b/sibling` of
/// the same app.
fn listed() -> World {
    let mut world = World::new(&[Scope::All]);
    let other =
        mini_program(meta("a", "other", "u-other", 11), "wx2", "other-secret", "shop-token");
    let sibling =
        mini_program(meta("b", "sibling", "u-sibling", 12), "wx1", "secret", "sibling-token");
    world.mini_program_event(&Scope::All, Event::Init);
    for object in [shop(10), other, sibling] {
        world.mini_program_event(&Scope::All, Event::InitApply(readable(object)));
    }
    relist(&mut world, vec![secret(meta("a", "secret", "u-secret", 5))], vec![]);
    world.mini_program_event(&Scope::All, Event::InitDone);
    world
}

fn relist(world: &mut World, secrets: Vec<Meta>, targets: Vec<Meta>) -> Change {
    let mut events = vec![Event::Init];
    events.extend(secrets.into_iter().map(Event::InitApply));
    events.push(Event::InitDone);
    let mut change = Change::default();
    for event in events {
        change.requeue.extend(world.secret_event(&Scope::All, event).requeue);
    }
    let mut events = vec![Event::Init];
    events.extend(targets.into_iter().map(Event::InitApply));
    events.push(Event::InitDone);
    for event in events {
        change.requeue.extend(world.target_event(&Scope::All, event).requeue);
    }
    change
}

#[test]
fn an_object_is_requeued_when_first_seen_and_when_its_namespace_is_listed() {
    let mut world = World::new(&[Scope::Namespace("a".into()), Scope::Namespace("b".into())]);
    let (a, b) = (Scope::Namespace("a".into()), Scope::Namespace("b".into()));
    let sibling =
        mini_program(meta("b", "sibling", "u-sibling", 12), "wx1", "secret", "sibling-token");
    assert_eq!(
        requeued(&world.mini_program_event(&b, Event::Apply(readable(sibling)))),
        ["b/sibling"]
    );
    assert!(world.mini_program_event(&a, Event::Init).is_empty());
    assert_eq!(
        requeued(&world.mini_program_event(&a, Event::InitApply(readable(shop(10))))),
        ["a/shop", "b/sibling"]
    );
    assert!(world.mini_program_event(&a, Event::InitDone).is_empty());
    assert_eq!(world.target("a", "shop-token"), Lookup::NotSynced);
    for event in [Event::Init, Event::InitApply(secret(token(9))), Event::InitDone] {
        drop(world.target_event(&a, event));
    }
    assert!(world.secret_event(&a, Event::Init).is_empty());
    assert!(!world.listed("a"));
    assert_eq!(requeued(&world.secret_event(&a, Event::InitDone)), ["a/shop"]);
    assert!(world.listed("a") && !world.listed("b") && !world.listed("c") && !world.complete());
    assert_eq!(
        world.same_app("WeChat", "wx1").len(),
        2,
        "a sibling counts before its namespace is listed"
    );
}

#[test]
fn a_change_of_an_object_concerns_its_app() {
    let mut world = listed();
    let mut apply =
        |object| requeued(&world.mini_program_event(&Scope::All, Event::Apply(readable(object))));
    assert_eq!(apply(shop(20)), ["a/shop", "b/sibling"]);
    assert_eq!(apply(shop(20)), [""; 0], "the same version");
    assert_eq!(apply(shop(19)), [""; 0], "an older version");
    assert_eq!(apply(mini_program(meta("a", "new", "u-new", 21), "wx9", "x", "y")), ["a/new"]);
    let change = world.mini_program_event(&Scope::All, Event::Delete(readable(shop(22))));
    assert_eq!(requeued(&change), ["b/sibling"]);
    assert_eq!(change.gone, [Gone { name: ObjectName::new("a", "shop"), uid: "u-shop".into() }]);
}

#[test]
fn another_object_of_the_same_name_is_another() {
    let mut world = listed();
    let new = mini_program(meta("a", "shop", "u-new", 30), "wx3", "secret", "shop-token");
    let change = world.mini_program_event(&Scope::All, Event::Apply(readable(new)));
    assert_eq!(requeued(&change), ["a/shop", "b/sibling"]);
    assert_eq!(change.gone, [Gone { name: ObjectName::new("a", "shop"), uid: "u-shop".into() }]);
    assert_eq!(world.same_app("WeChat", "wx1").len(), 1);
}

#[test]
fn a_change_of_a_secret_concerns_those_that_name_it() {
    let cases: [(&str, &str, &[&str]); 5] = [
        ("a", "secret", &["a/shop"]),
        ("b", "secret", &["b/sibling"]),
        ("a", "shop-token", &["a/other", "a/shop"]),
        ("a", "helm-release", &[]),
        ("c", "secret", &[]),
    ];
    for (namespace, name, expected) in cases {
        let mut world = listed();
        let at = |version| secret(meta(namespace, name, "u-1", version));
        assert_eq!(
            requeued(&world.secret_event(&Scope::All, Event::Apply(at(40)))),
            expected,
            "{namespace}/{name}"
        );
        assert_eq!(world.secret(namespace, name), Lookup::Found(Version::of("u-1", "40")));
        assert!(world.secret_event(&Scope::All, Event::Apply(at(40))).is_empty());
        assert_eq!(requeued(&world.secret_event(&Scope::All, Event::Delete(at(41)))), expected);
        assert_eq!(world.secret(namespace, name), Lookup::NotFound);
    }
}

#[test]
fn a_change_of_a_target_concerns_its_controller_and_those_that_want_its_name() {
    let mut world = listed();
    let mut apply = |meta| requeued(&world.target_event(&Scope::All, Event::Apply(secret(meta))));
    assert_eq!(apply(token(50)), ["a/other", "a/shop"]);
    let old_name = owned(meta("a", "old-token", "u-old", 51), Some(("shop", "u-shop")));
    assert_eq!(apply(old_name), ["a/shop"]);
    let of_a_dead_owner = owned(meta("a", "dead-token", "u-dead", 52), Some(("shop", "u-before")));
    assert_eq!(apply(of_a_dead_owner), [""; 0]);
    let names: Vec<_> =
        world.controlled_by("a", "u-shop").iter().map(|target| target.name.clone()).collect();
    assert_eq!(names, ["old-token", "shop-token"]);
    assert!(world.controlled_by("b", "u-shop").is_empty());
}

#[test]
fn the_target_in_use_is_watched_beside_the_one_that_is_wanted() {
    let mut world = listed();
    world.mini_program_event(&Scope::All, Event::Apply(readable(in_use(shop(20), "old-token"))));
    let change =
        world.secret_event(&Scope::All, Event::Apply(secret(meta("a", "old-token", "u-1", 21))));
    assert_eq!(requeued(&change), ["a/shop"]);
}

#[test]
fn a_relist_shows_what_vanished_and_only_that() {
    let mut world = listed();
    world.target_event(&Scope::All, Event::Apply(secret(token(50))));
    world.secret_event(&Scope::All, Event::Apply(secret(token(50))));
    let credential = || secret(meta("a", "secret", "u-secret", 5));
    assert!(
        relist(&mut world, vec![credential(), secret(token(50))], vec![secret(token(50))])
            .is_empty()
    );
    assert_eq!(
        requeued(&relist(&mut world, vec![secret(token(50))], vec![secret(token(50))])),
        ["a/shop"]
    );
    assert_eq!(world.secret("a", "secret"), Lookup::NotFound);
    let change = relist(&mut world, vec![], vec![]);
    assert_eq!(requeued(&change), ["a/other", "a/shop", "a/other", "a/shop"]);
    assert!(world.controlled_by("a", "u-shop").is_empty());
}

#[test]
fn an_own_write_counts_at_once_and_concerns_only_others() {
    let mut world = listed();
    world.record_own_write("a", &Projection::of(&token(60)));
    assert!(
        matches!(world.target("a", "shop-token"), Lookup::Found(target) if target.version == "60")
    );
    assert_eq!(world.secret("a", "shop-token"), Lookup::Found(Version::of("u-token", "60")));
    let mut apply =
        |version| requeued(&world.target_event(&Scope::All, Event::Apply(secret(token(version)))));
    assert_eq!(apply(55), ["a/other"], "an event from before the write");
    assert_eq!(apply(60), [""; 0]);
    assert_eq!(apply(61), ["a/other", "a/shop"]);
    assert!(world.secret_event(&Scope::All, Event::Apply(secret(token(60)))).is_empty());

    world.record_status_write(in_use(shop(62), "shop-token"));
    let mut apply = |version| {
        requeued(&world.mini_program_event(&Scope::All, Event::Apply(readable(shop(version)))))
    };
    assert_eq!(apply(58), ["b/sibling"]);
    assert_eq!(apply(62), [""; 0]);
    assert!(
        world
            .mini_program(&ObjectName::new("a", "shop"))
            .is_some_and(|object| object.status.is_some())
    );
}

#[test]
fn a_credential_that_was_read_counts_at_once_and_requeues_its_other_users() {
    let mut world = listed();
    let reader = ObjectName::new("a", "other");
    world.record_read(&reader, "shop-token", "u-token", "60");
    let read = Version::of("u-token", "60");
    assert_eq!(world.secret("a", "shop-token"), Lookup::Found(read));
    let mut apply = |version| {
        requeued(&world.secret_event(
            &Scope::All,
            Event::Apply(secret(meta("a", "shop-token", "u-token", version))),
        ))
    };
    assert_eq!(apply(55), ["a/shop"], "an event from before the read");
    assert_eq!(apply(60), [""; 0]);
    world.record_read(&reader, "shop-token", "u-token", "58");
    assert_eq!(world.secret("a", "shop-token"), Lookup::Found(read), "a read that arrives late");
}

#[test]
fn an_own_write_during_a_relist_is_not_taken_for_vanished() {
    let mut world = listed();
    world.target_event(&Scope::All, Event::Init);
    world.record_own_write("a", &Projection::of(&token(60)));
    world.target_event(&Scope::All, Event::InitApply(secret(meta("z", "z", "u-z", 50))));
    assert_eq!(requeued(&world.target_event(&Scope::All, Event::InitDone)), [""; 0]);
    assert!(matches!(world.target("a", "shop-token"), Lookup::Found(_)));
}

#[test]
fn an_own_write_that_a_later_list_does_not_show_is_gone() {
    let mut world = listed();
    world.record_own_write("a", &Projection::of(&token(60)));
    // Nothing in the list shows how new it is, and no event may follow for an hour.
    world.target_event(&Scope::All, Event::Init);
    assert_eq!(requeued(&world.target_event(&Scope::All, Event::InitDone)), ["a/other", "a/shop"]);
    assert_eq!(world.target("a", "shop-token"), Lookup::NotFound);
}

#[test]
fn a_late_answer_brings_nothing_back() {
    let mut world = listed();
    for event in [Event::Apply(secret(token(60))), Event::Delete(secret(token(61)))] {
        world.target_event(&Scope::All, event);
    }
    world.record_own_write("a", &Projection::of(&token(60)));
    assert_eq!(world.target("a", "shop-token"), Lookup::NotFound);

    // The list was read after the write and the deletion, and the response to the write arrives
    // last.
    let elsewhere = |version| secret(meta("z", "z", "u-z", version));
    world.target_event(&Scope::All, Event::Apply(elsewhere(62)));
    world.record_own_write("a", &Projection::of(&token(63)));
    assert!(matches!(world.target("a", "shop-token"), Lookup::Found(_)));
    let change = world.target_event(&Scope::All, Event::Apply(elsewhere(65)));
    assert_eq!(
        requeued(&change),
        ["a/other", "a/shop"],
        "the watch went past the write and did not show it"
    );
    assert_eq!(world.target("a", "shop-token"), Lookup::NotFound);
}

#[test]
fn an_object_that_we_deleted_stays_absent() {
    let mut world = listed();
    world.record_own_write("a", &Projection::of(&token(60)));
    world.record_own_delete("a", "shop-token", "u-token");
    let mut event = |event| requeued(&world.target_event(&Scope::All, event));
    assert_eq!(event(Event::Apply(secret(token(60)))), ["a/other", "a/shop"]);
    assert_eq!(event(Event::Delete(secret(token(61)))), [""; 0]);
    assert_eq!(
        event(Event::Apply(secret(meta("a", "shop-token", "u-next", 62)))),
        ["a/other", "a/shop"]
    );
}

#[test]
fn an_unreadable_object_is_reported_once_and_stops_nothing() {
    let mut world = listed();
    let bad = |version| {
        let metadata = json!({ "namespace": "a", "name": "shop", "uid": "u-shop", "resourceVersion": version });
        let object = json!({ "metadata": metadata, "spec": { "appID": 5 } });
        serde_json::from_value::<DeserializeGuard<MiniProgram>>(object)
            .expect("its metadata can be read")
    };
    let change = world.mini_program_event(&Scope::All, Event::Apply(bad("70")));
    assert_eq!(change.unreadable, [ObjectName::new("a", "shop")]);
    assert_eq!((requeued(&change), change.gone.len()), (vec!["b/sibling".to_owned()], 1));
    assert!(world.mini_program_event(&Scope::All, Event::Apply(bad("70"))).is_empty());
    assert!(!world.mini_program_event(&Scope::All, Event::Apply(bad("71"))).is_empty());
    let change = world.mini_program_event(&Scope::All, Event::Apply(readable(shop(72))));
    assert_eq!(requeued(&change), ["a/shop", "b/sibling"]);
}

#[test]
fn of_an_objects_metadata_only_what_is_used_is_kept() {
    let mut world = listed();
    let mut object = shop(20);
    object.metadata.managed_fields = Some(vec![]);
    let map = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    };
    object.metadata.annotations = Some(map(&[("long", "text"), (REFRESH_REQUESTED, "yes")]));
    object.metadata.labels = Some(map(&[("long", "text")]));
    world.mini_program_event(&Scope::All, Event::Apply(readable(object)));
    let kept = world.mini_program(&ObjectName::new("a", "shop")).expect("it exists");
    assert_eq!(kept.metadata.managed_fields, None);
    assert_eq!(kept.metadata.labels, None);
    assert_eq!(kept.annotation("long"), None);
    assert_eq!(kept.annotation(REFRESH_REQUESTED), Some("yes"));
}

/// A world whose lists were read when the cluster was at resourceVersion 1000, of a cluster that is
/// then restored to its state at 300.
fn before_a_restore() -> World {
    let mut world = World::new(&[Scope::All]);
    world.mini_program_event(&Scope::All, Event::Init);
    let younger =
        mini_program(meta("a", "younger", "u-younger", 990), "wx2", "secret", "younger-token");
    for object in [shop(980), younger] {
        world.mini_program_event(&Scope::All, Event::InitApply(readable(object)));
    }
    world.mini_program_event(&Scope::All, Event::InitDone);
    relist(
        &mut world,
        vec![secret(meta("a", "secret", "u-secret", 985))],
        vec![secret(token(990))],
    );
    world.record_status_write(shop(1000));
    world
}

fn version_of_shop(world: &World) -> Option<String> {
    world
        .mini_program(&ObjectName::new("a", "shop"))
        .and_then(|shop| shop.metadata.resource_version.clone())
}

#[test]
fn after_a_restore_the_next_list_replaces_all_known_objects() {
    // A version may have been used for another change since: the same number proves nothing.
    for (is_reported, listed) in [(true, 290), (true, 1000), (false, 290)] {
        let mut world = before_a_restore();
        assert_eq!(world.newest_version(), 1000);
        if is_reported {
            world.record_restore();
            assert_eq!(world.newest_version(), 0);
        }
        world.mini_program_event(&Scope::All, Event::Init);
        let change =
            world.mini_program_event(&Scope::All, Event::InitApply(readable(shop(listed))));
        assert_eq!(requeued(&change), ["a/shop"], "{is_reported}, {listed}");
        let change = world.mini_program_event(&Scope::All, Event::InitDone);
        assert_eq!(
            change.gone.iter().map(|gone| gone.name.to_string()).collect::<Vec<_>>(),
            ["a/younger"]
        );
        assert_eq!(version_of_shop(&world), Some(listed.to_string()));
        // From here on, resourceVersions grow again.
        world.record_status_write(shop(listed + 5));
        assert_eq!(version_of_shop(&world), Some((listed + 5).to_string()));
        world.mini_program_event(&Scope::All, Event::Apply(readable(shop(listed + 10))));
        assert_eq!(version_of_shop(&world), Some((listed + 10).to_string()));
        world.mini_program_event(&Scope::All, Event::Apply(readable(shop(listed + 8))));
        assert_eq!(version_of_shop(&world), Some((listed + 10).to_string()));
        let change = relist(
            &mut world,
            vec![secret(meta("a", "secret", "u-secret", 280))],
            vec![secret(token(285))],
        );
        assert!(requeued(&change).contains(&"a/shop".to_owned()));
        assert_eq!(world.secret("a", "secret"), Lookup::Found(Version::of("u-secret", "280")));
        assert!(
            matches!(world.target("a", "shop-token"), Lookup::Found(target) if target.version == "285")
        );
    }
}

#[test]
fn an_own_write_during_a_list_is_no_restore() {
    let mut world = listed();
    world.mini_program_event(&Scope::All, Event::Init);
    world.record_status_write(shop(40));
    let change = world.mini_program_event(&Scope::All, Event::InitApply(readable(shop(10))));
    assert!(!requeued(&change).contains(&"a/shop".to_owned()));
    world.mini_program_event(&Scope::All, Event::InitDone);
    assert_eq!(version_of_shop(&world), Some("40".into()));
}

#[test]
fn a_read_of_an_older_version_than_the_known_one_shows_a_restore() {
    let mut world = listed();
    world.record_status_write(shop(40));
    world.record_object_read(shop(40));
    world.record_object_read(shop(41));
    assert!(!world.take_newer_than_server());
    world.record_object_read(shop(39));
    assert!(world.take_newer_than_server());
    assert!(!world.take_newer_than_server(), "once");
}
