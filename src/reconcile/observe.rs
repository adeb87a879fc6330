//! Gathers what is known of an object without a request: from the world, the process's memory, and
//! the reads of this pass. Decides nothing.

use std::{sync::Arc, time::Duration};

use super::{
    Ctx, Pass, app_key,
    memory::{Recall, Seen},
    observed::{EndpointLookup, Observed, Spec, TargetLookup, Whose, whose},
    plan,
};
use crate::{
    api::{MiniProgram, MiniProgramStatus, names},
    projection::{Owner, Projection},
    shell::clock::Now,
    world::{Lookup, ObjectName},
};

/// Gathers what is known without a request. Returns none if the object does not exist.
pub(super) fn observe(ctx: &Ctx, name: &ObjectName, now: Now, pass: &mut Pass) -> Option<Observed> {
    let world = ctx.world();
    let mp = world.mini_program(name)?;
    let uid = mp.uid().to_owned();
    let target_name = mp.target_name();
    if let Some(before) = pass.uid.replace(uid.clone()).filter(|before| *before != uid) {
        ctx.memories.forget(&before);
    }
    let spec = Spec::of(&mp);
    pass.credential.take_if(|read| read.of != spec);
    pass.live.take_if(|live| live.of != spec);
    let target = match (
        &pass.live,
        world.target(name.namespace(), &target_name),
        world.secret(name.namespace(), &target_name),
    ) {
        (Some(live), ..) => live.target.clone(),
        (None, Lookup::Found(target), _) => TargetLookup::Is(target),
        (None, _, Lookup::Found(_)) => TargetLookup::Foreign,
        (None, ..) => TargetLookup::Absent,
    };
    // A target that outlives its object has no owner reference: after a rename only the status
    // names it.
    let in_use = mp.status.as_ref().and_then(|status| status.target_ref.as_ref());
    let unowned = in_use.and_then(|in_use| match world.target(name.namespace(), &in_use.name) {
        Lookup::Found(target)
            if target.owner == Owner::Nobody && whose(&target, &mp) == Whose::Ours =>
        {
            Some(target)
        }
        _ => None,
    });
    let old: Vec<_> = world
        .controlled_by(name.namespace(), &uid)
        .into_iter()
        .chain(unowned)
        .filter(|old| old.name != target_name)
        .collect();
    let siblings = world.siblings(name, &mp, plan::time::after(now.wall, plan::time::SKEW));
    let listed = world.listed(name.namespace());
    let credential = world.secret(name.namespace(), &mp.spec.credential_ref.name);
    drop(world);
    let (recall, unstored) = ctx.memories.with(&uid, |memory| {
        note_sightings(&mut memory.recall, &mp, &target, &old, now);
        let unlisted_since = &mut memory.recall.sightings.unlisted_since;
        *unlisted_since = (!listed).then(|| unlisted_since.unwrap_or(now.boot));
        (memory.recall.clone(), memory.unstored.as_ref().map(|unstored| unstored.facts.clone()))
    });
    let app = app_key(&mp).map(|key| ctx.memories.app(&key)).unwrap_or_default();
    Some(Observed {
        template: ctx.allowed.template(&mp),
        endpoint: EndpointLookup::of(&mp, &ctx.platforms.configured),
        stopped_until: ctx.slots.stopped_until(mp.spec.platform.as_str(), now.boot),
        mini_program: mp,
        listed,
        target,
        old,
        credential,
        siblings,
        recall,
        unstored,
        app,
        patience: ctx.platforms.connect_timeout + ctx.platforms.request_timeout,
        started: pass.started.as_ref().map(|started| started.call.wanted),
        credential_read: pass.credential.clone(),
        live: pass.live.clone(),
    })
}

/// Records when this process first saw what it waits for: the open intent of another process, the
/// target of a former object.
pub(super) fn note_sightings(
    recall: &mut Recall,
    mp: &MiniProgram,
    target: &TargetLookup,
    old: &[Arc<Projection>],
    now: Now,
) {
    let intent = mp
        .status
        .as_ref()
        .and_then(|status| status.intent.as_ref())
        .map(|intent| intent.id.clone());
    let former = match target {
        TargetLookup::Is(target) if whose(target, mp) == Whose::Former => Some(target.uid.clone()),
        _ => None,
    };
    let sight = |seen: &mut Option<(String, Duration)>, what: Option<String>| {
        if seen.as_ref().map(|(id, _)| id) != what.as_ref() {
            *seen = what.map(|id| (id, now.boot));
        }
    };
    let target_seen = if let TargetLookup::Is(target) = target { Some(target) } else { None };
    let tokens: Vec<_> =
        old.iter().chain(target_seen).filter_map(|target| target.token.clone()).collect();
    recall.sightings.ends.retain(|(seen, _)| tokens.contains(seen));
    for token in tokens {
        if !recall.sightings.ends.iter().any(|(seen, _)| *seen == token) {
            let end = now.boot + plan::time::wait(now, token.expires);
            recall.sightings.ends.reserve_exact(1);
            recall.sightings.ends.push((token, end));
        }
    }
    let none = MiniProgramStatus::default();
    let status = mp.status.as_ref().unwrap_or(&none);
    let ours = target_seen.filter(|target| whose(target, mp) == Whose::Ours && !target.edited);
    let is_untold = ours.is_some_and(|target| !plan::trusted::is_trusted(target, status, recall));
    recall.sightings.unreported_since =
        is_untold.then(|| recall.sightings.unreported_since.unwrap_or(now.boot));
    recall
        .reports
        .written_status
        .take_if(|written| written.at + plan::CORRECTIONS_APART < now.boot);
    sight(&mut recall.sightings.foreign_intent, intent);
    sight(&mut recall.sightings.former, former);
    recall.reports.invalid_seen.get_or_insert_with(|| Seen {
        value: mp.annotation(names::INVALID_TOKEN).map(str::to_owned),
    });
}
