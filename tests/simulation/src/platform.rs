//! The way between an operator and the platform: a door whose every call gets its outcome here, with
//! the simulator's model of the platforms behind it. Decides nothing about tokens.

use std::sync::Arc;

use futures::FutureExt;
use judge::{Call, End};
use miniprogram_operator::{
    platform::{Body, Cause, Pairs},
    reconcile::fetch::door::{Door, Incoming, Outgoing, TransportError},
};
use platform_simulator::model::{
    AppSettings, Fault, FaultRule, Model, Outcome, Refused, Request, World,
};
use tokio::{
    sync::oneshot,
    time::{Duration, sleep, timeout},
};
use zeroize::Zeroizing;

use crate::{
    explore::step::Step,
    fault_rates::RequestOutcome,
    record::stranger_of,
    stage::{ProcessId, Stage},
    time::{Millis, SECOND, show},
};

/// The platform's model.
pub struct Platform(Model);

type Answered = Result<Incoming, TransportError>;

impl Platform {
    pub fn new(seed: u64) -> Self {
        Self(Model::new(World { seed, token_length: 24, ..World::default() }))
    }

    pub fn set_app(&mut self, app_id: &str, settings: &AppSettings) {
        self.0.set_app(app_id, settings);
    }

    pub fn model(&mut self) -> &mut Model {
        &mut self.0
    }
}

/// A door for one process of the operator.
pub fn door(stage: &Arc<Stage>, process: ProcessId) -> Door {
    let stage = Arc::clone(stage);
    Door::from_fn(move |sending| call(Arc::clone(&stage), process, sending).boxed())
}

async fn call(stage: Arc<Stage>, process: ProcessId, sending: Outgoing) -> Answered {
    let patience = sending.timeout;
    let request = request_of(&sending);
    drop(sending);
    let sent = stage.time.now();
    // A connection may stand while its owner does not run.
    stage.pass_pause(process).await;
    let outcome = match &stage.injector {
        Some(injector) => {
            injector.outcome(&stage, process, Some(Step::Call), RequestOutcome::Fine(20, 20)).await
        }
        None => stage.fault_rates.platform_outcome(stage.time.now()),
    };
    let (answered, answer) = oneshot::channel();
    // The platform's side goes on whatever becomes of the caller.
    tokio::spawn(serve(Arc::clone(&stage), process, (request, sent), outcome, answered));
    let answer = timeout(patience, answer).await;
    stage.pass_pause(process).await;
    match answer {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) | Err(_) => Err(TransportError::Unknown(Cause::ResponseTimeout)),
    }
}

async fn serve(
    stage: Arc<Stage>,
    process: ProcessId,
    (request, sent): (Request, Millis),
    outcome: RequestOutcome,
    mut answered: oneshot::Sender<Answered>,
) {
    let began = stage.time.now();
    let app_id = parameter(&request, "appid");
    // The platform's and the app's word on a stranger's call is none on the app's own.
    let caller = stranger_of(&parameter(&request, "secret")).unwrap_or_else(|| app_id.clone());
    let say = |what: &str| {
        stage.trace.note("platform", format_args!("P{process} asks for {app_id}: {what}"));
    };
    if !matches!(outcome, RequestOutcome::Fine(..)) {
        say(&format!("{outcome:?}"));
    }
    let execute = || execute(&stage, process, &app_id, &request);
    let (effect, heard) = match outcome {
        RequestOutcome::Fine(there, back) => {
            pass(there).await;
            let (outcome, effect) = execute();
            pass(back).await;
            (Some(effect), answered.send(answer_of(outcome)).is_ok())
        }
        RequestOutcome::Unsent(after) => {
            pass(after).await;
            let _ = answered.send(Err(TransportError::NotSent(Cause::ConnectionRefused)));
            (None, false)
        }
        // No admission stands before a platform.
        RequestOutcome::Altered => (Some(Effect::default()), false),
        RequestOutcome::Lost { reset } => {
            if !reset {
                answered.closed().await;
            }
            (Some(Effect::default()), false)
        }
        RequestOutcome::AnswerLost { reset } => {
            pass(20).await;
            let (_, effect) = execute();
            if !reset {
                answered.closed().await;
            }
            (Some(effect), false)
        }
        RequestOutcome::Late { by, reset } => {
            let mut answered = Some(answered).filter(|_| !reset);
            pass(by).await;
            let (outcome, effect) = execute();
            (
                Some(effect),
                answered.take().is_some_and(|answered| answered.send(answer_of(outcome)).is_ok()),
            )
        }
        RequestOutcome::Refused(code) => {
            pass(30).await;
            let why = if code == 45011 { Refused::TooOften } else { Refused::Busy };
            let rule = FaultRule::from(Fault::Refusal { why }).times(1);
            stage.platform().model().set_faults(Some(&app_id), vec![rule]);
            let (outcome, effect) = execute();
            (Some(effect), answered.send(answer_of(outcome)).is_ok())
        }
        RequestOutcome::Garbled(acts) => {
            pass(30).await;
            let effect = if acts { execute().1 } else { Effect::default() };
            let _ = answered.send(Ok(Incoming {
                status: 502,
                content_type: "text/html".into(),
                body: Some(Zeroizing::new(b"<html>bad gateway</html>".to_vec())),
            }));
            (Some(effect), false)
        }
        RequestOutcome::Crash { after } => {
            pass(10).await;
            let effect = after.then(|| execute().1);
            stage.kill(process, if after { "right after a call" } else { "right before a call" });
            (effect, false)
        }
    };
    let ended = stage.time.now();
    let end = match effect {
        None => End::NotSent,
        Some(Effect { said, .. }) if heard => End::Answered(said.unwrap_or_default()),
        Some(_) => End::Unanswered,
    };
    let replaces = request.path.ends_with("/token");
    let forced = json_of(&request).is_some_and(|body| body["force_refresh"] == true);
    let counted = effect.and_then(|effect| effect.counted);
    let mut record = stage.record();
    if is_disturbed(outcome, heard) {
        record.disturbed(began, ended, Some(caller.clone()), "a call");
    }
    record.called(sent, Call { by: process, app: caller, replaces, forced, end, counted });
}

/// Whether a call was hindered, so that it took long or brought no answer of the platform's own.
fn is_disturbed(outcome: RequestOutcome, heard: bool) -> bool {
    match outcome {
        RequestOutcome::Fine(there, back) => !heard || there + back >= SECOND,
        _ => true,
    }
}

/// What a call did on the platform, and what the platform said of it.
#[derive(Clone, Copy, Default)]
struct Effect {
    minted: bool,
    said: Option<i64>,
    /// When the platform counted it, and what it said of its own.
    counted: Option<(Millis, i64)>,
}

/// Lets the call take effect; answers what it did.
fn execute(
    stage: &Stage,
    process: ProcessId,
    app_id: &str,
    request: &Request,
) -> (Outcome, Effect) {
    let now = stage.time.now();
    let mut platform = stage.platform();
    let model = platform.model();
    let Some(course) = model.arrive(now, request) else {
        return (Outcome::Silence, Effect::default());
    };
    let outcome = model.execute(now, request, &course);
    let live = model.live_tokens(now, app_id);
    let call = model.log().calls(app_id).last().cloned();
    drop(platform);
    let effect = call.as_ref().map_or_else(Effect::default, |call| Effect {
        minted: call.minted,
        said: call.errcode.map(as_wechat),
        counted: call.executed_ms.filter(|_| call.fault.is_none()).zip(call.errcode.map(as_wechat)),
    });
    if let Some(call) = call {
        let what = format!(
            "{:?}{} → {}{} {}",
            call.endpoint,
            if call.forced { " forced" } else { "" },
            call.errcode.unwrap_or_default(),
            if call.minted { " new" } else { "" },
            call.token.as_deref().unwrap_or_default(),
        );
        stage.trace.note("platform", format_args!("P{process} {app_id}: {what}"));
        stage.record().executed(now, app_id, &live);
    }
    for token in &live {
        let (name, dies) = (&token.fingerprint, show(token.dies_ms));
        if effect.minted {
            stage.trace.note(
                "platform",
                format_args!("{app_id}: {:?} {name} lives until {dies}", token.family),
            );
        }
    }
    (outcome, effect)
}

/// A refusal of a made-up platform, which is logged with its HTTP status, as WeChat's code for the
/// same: the judge knows those.
fn as_wechat(code: i64) -> i64 {
    match code {
        401 => 40125,
        403 => 45009,
        429 => 45011,
        503 => -1,
        code => code,
    }
}

fn request_of(outgoing: &Outgoing) -> Request {
    let request = &outgoing.request;
    let encoded = |pairs: &Pairs| {
        form_urlencoded::Serializer::new(String::new())
            .extend_pairs(pairs.iter().map(|(key, value)| (*key, value.as_str())))
            .finish()
    };
    let post =
        |body: Vec<u8>| Request { method: "POST".into(), body, ..Request::get(request.path) };
    match &request.body {
        Body::Json(json) => post(json.to_vec()),
        Body::Form(fields) => post(encoded(fields).into_bytes()),
        Body::None => Request::get(&format!("{}?{}", request.path, encoded(&request.query))),
    }
}

fn parameter(request: &Request, name: &str) -> String {
    let in_body = || json_of(request)?[name].as_str().map(str::to_owned);
    request.parameter(name).or_else(in_body).unwrap_or_default()
}

fn json_of(request: &Request) -> Option<serde_json::Value> {
    serde_json::from_slice(&request.body).ok()
}

fn answer_of(outcome: Outcome) -> Answered {
    match outcome {
        Outcome::Answer(reply) => Ok(Incoming::json(reply.status, reply.body)),
        Outcome::Closed { .. } | Outcome::Raw(_) | Outcome::Silence => {
            Err(TransportError::Unknown(Cause::ResponseTimeout))
        }
    }
}

async fn pass(time: Millis) {
    sleep(Duration::from_millis(time)).await;
}

/// Tokens that somebody outside takes, or that the platform ends before their time.
pub fn outside(stage: &Stage, app_id: &str, act: impl FnOnce(&mut Model, Millis)) {
    let now = stage.time.now();
    let live = {
        let mut platform = stage.platform();
        act(platform.model(), now);
        platform.model().live_tokens(now, app_id)
    };
    stage.record().alive(now, app_id, &live);
}
