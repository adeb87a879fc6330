//! What each kind of request costs the API server: the requests of a first token, one kind after
//! the other, by a plain client. Shows what the counts of other rows come to.

use futures::{StreamExt as _, stream};
use k8s_openapi::{
    api::{core::v1::Secret, events::v1::Event},
    apimachinery::pkg::apis::meta::v1::MicroTime,
    jiff::Timestamp,
};
use kube::{
    Api, Client, Resource as _, ResourceExt as _,
    api::{ListParams, ObjectMeta, Patch, PatchParams, PostParams},
};
use miniprogram_operator::api::{MiniProgram, names};
use tokio::time::Instant;

use super::{Bench, UNHINDERED};
use crate::{
    apps::{Apps, CONCURRENCY},
    cost::Reading,
    figures::{self, Figures},
    limit::Sample,
    operator::Operator,
    readiness::{Watch, is_ready},
    testbed::Testbed,
};

/// In the order in which they are made: what is read is there, or is not yet, as at a first token.
#[derive(Clone, Copy)]
enum Kind {
    GetCredential,
    ListTarget,
    GetTargetMetadata,
    DryRun,
    Apply,
    PutStatus,
    GetObject,
    PostEvent,
}

const KINDS: [(&str, Kind); 8] = [
    ("GET of a credential", Kind::GetCredential),
    ("LIST of a target by name", Kind::ListTarget),
    ("GET of a target's metadata", Kind::GetTargetMetadata),
    ("dry run of a target", Kind::DryRun),
    ("apply of a target", Kind::Apply),
    ("PUT of a status", Kind::PutStatus),
    ("GET of an object", Kind::GetObject),
    ("POST of an Event", Kind::PostEvent),
];

pub async fn measure(bench: &Bench, count: u32) -> Figures {
    let testbed = Testbed::start().await;
    let sample = sample(bench, &testbed).await;
    let objects = Apps::new(count, bench.per_namespace).create(&testbed.client).await;
    let mut figures = Figures::default();
    for (name, kind) in KINDS {
        let before = Reading::take(&testbed, None).await;
        let asked = stream::iter(&objects).map(|object| kind.ask(&testbed.client, object, &sample));
        asked.buffer_unordered(CONCURRENCY).collect::<()>().await;
        let cost = Reading::take(&testbed, None).await.since(&before);
        let each = |seconds: f64| seconds * 1000.0 / f64::from(count);
        figures.add_part(name, Figures::of(figures::MS_PER_REQUEST, each(cost.took.as_secs_f64())));
        figures.add_part(name, Figures::of(figures::API_SERVER_PER_REQUEST, each(cost.api_server)));
    }
    figures
}

/// What the operator writes for an app of another namespace.
async fn sample(bench: &Bench, testbed: &Testbed) -> Sample {
    let app = Apps::new(1, 1).in_namespaces("sample");
    let objects = app.create(&testbed.client).await;
    let mut watch = Watch::begin(&testbed.client).await;
    let operator = Operator::start(&bench.program, testbed, &UNHINDERED).await;
    let ready = watch.until(Instant::now(), app, is_ready).await;
    assert_eq!(ready.missing, 0, "the sample is Ready");
    operator.end().await;
    Sample::take(&testbed.client, &objects[0]).await
}

impl Kind {
    async fn ask(self, client: &Client, object: &MiniProgram, sample: &Sample) {
        let namespace = object.namespace();
        let secrets = Api::<Secret>::namespaced(client.clone(), namespace);
        let objects = Api::<MiniProgram>::namespaced(client.clone(), namespace);
        let target = sample.target_of(object);
        let name = target.name_any();
        match self {
            Self::GetCredential => {
                let credential = &object.spec.credential_ref.name;
                secrets.get(credential).await.expect("a credential");
            }
            Self::ListTarget => {
                let fields = format!("metadata.name={name},type={}", names::SECRET_TYPE);
                secrets.list(&ListParams::default().fields(&fields)).await.expect("a list");
            }
            Self::GetTargetMetadata => {
                let none = secrets.get_metadata_opt(&name).await.expect("an answer");
                assert!(none.is_none(), "no target is there yet");
            }
            Self::DryRun => {
                let params = PatchParams::apply("prices").force().dry_run();
                secrets.patch(&name, &params, &Patch::Apply(&target)).await.expect("a dry run");
            }
            Self::Apply => {
                let params = PatchParams::apply("prices").force();
                secrets.patch(&name, &params, &Patch::Apply(&target)).await.expect("a target");
            }
            Self::PutStatus => {
                let written = sample.status_of(object);
                let params = PostParams::default();
                let name = object.name_any();
                objects.replace_status(&name, &params, &written).await.expect("a status");
            }
            Self::GetObject => {
                objects.get(&object.name_any()).await.expect("an object");
            }
            Self::PostEvent => {
                let events = Api::<Event>::namespaced(client.clone(), namespace);
                events.create(&PostParams::default(), &event(object)).await.expect("an Event");
            }
        }
    }
}

/// As large as one of the operator's.
fn event(object: &MiniProgram) -> Event {
    let name = Some(format!("{}.prices", object.name_any()));
    Event {
        metadata: ObjectMeta { name, ..ObjectMeta::default() },
        action: Some("Reconcile".to_owned()),
        event_time: Some(MicroTime(Timestamp::now())),
        note: Some("The target Secret holds a new token".to_owned()),
        reason: Some("TokenIssued".to_owned()),
        regarding: Some(object.object_ref(&())),
        reporting_controller: Some("miniprogram-operator".to_owned()),
        reporting_instance: Some("bench".to_owned()),
        type_: Some("Normal".to_owned()),
        ..Event::default()
    }
}
