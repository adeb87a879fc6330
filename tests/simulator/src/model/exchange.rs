//! A call's way through the model: it arrives, it may meet a fault, it takes effect; knows no sleep
//! and no socket.

use super::Model;
use super::call_log::{Call, CallId, NOBODY};
use super::fault::{Fault, FaultRule};
use super::names::fingerprint;
use super::raw::Raw;
use super::wire::{Reply, Request};
use crate::Millis;
use crate::platforms::{Answer, Endpoint, Kind};

/// What will become of a call that has arrived.
#[derive(Debug)]
pub struct Course {
    pub(crate) call: CallId,
    endpoint: Endpoint,
    fault: Option<Fault>,
    /// How long it takes until the call takes effect.
    pub before_ms: Millis,
    /// Whether it takes effect even if the caller leaves before that.
    pub outlives_caller: bool,
    /// How long it takes from there until the answer is sent.
    pub after_ms: Millis,
}

/// How a call ends for its caller.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    Answer(Reply),
    /// Bytes that HTTP alone would not send.
    Raw(Raw),
    /// The connection ends without an answer, by a reset or in good order.
    Closed {
        reset: bool,
    },
    /// The connection stays, and nothing comes.
    Silence,
}

impl Model {
    /// Takes note of a call, and decides its course. `None`: no platform has such a path.
    pub fn arrive(&mut self, now: Millis, request: &Request) -> Option<Course> {
        let endpoint = Endpoint::at(request.platform.as_deref(), &request.path)?;
        let seen = endpoint.look(self, request);
        let app_id = seen.app_id.unwrap_or_else(|| NOBODY.to_owned());
        let fault = self.next_fault(&app_id, endpoint.kind());
        let call = self.log.arrived(Call {
            app_id,
            arrived_ms: now,
            port: request.port,
            executed_ms: None,
            endpoint: endpoint.kind(),
            forced: seen.forced,
            secret: seen.secret,
            fault: fault.as_ref().map(Fault::name),
            http: None,
            errcode: None,
            minted: false,
            token: seen.token.as_deref().map(fingerprint),
            ends_ms: None,
            leaves_ms: None,
        });
        let (before_ms, outlives_caller, after_ms) = match fault {
            Some(Fault::Slow { ms }) => (ms, false, 0),
            Some(Fault::Late { ms }) => (ms, true, 0),
            Some(Fault::SlowAfterMint { ms }) => (0, false, ms),
            _ => (0, false, 0),
        };
        Some(Course { call, endpoint, fault, before_ms, outlives_caller, after_ms })
    }

    /// Lets the call take effect, as far as its fault allows; `request` is the one that arrived.
    pub fn execute(&mut self, now: Millis, request: &Request, course: &Course) -> Outcome {
        match &course.fault {
            Some(Fault::Hang) => Outcome::Silence,
            Some(Fault::Drop { reset }) => Outcome::Closed { reset: *reset },
            Some(Fault::Code { code, msg }) => {
                self.log.note(&course.call, |call| call.errcode = Some(*code));
                let text = msg.as_deref();
                Outcome::Answer(course.endpoint.refuse(self, now, request, *code, text))
            }
            Some(Fault::Refusal { why }) => {
                match course.endpoint.refuse_because(self, now, request, *why) {
                    Some((reply, code)) => {
                        self.log.note(&course.call, |call| call.errcode = Some(code));
                        Outcome::Answer(reply)
                    }
                    None => Outcome::Closed { reset: false },
                }
            }
            Some(fault) => {
                if let Some(reply) = fault.foreign_reply() {
                    return Outcome::Answer(reply);
                }
                if let Some(raw) = fault.foreign_bytes() {
                    return Outcome::Raw(raw);
                }
                match (fault, self.take_effect(now, request, course)) {
                    (Fault::DropAfterMint { reset }, _) => Outcome::Closed { reset: *reset },
                    (Fault::EmptyToken, honest) => {
                        Outcome::Answer(course.endpoint.without_token().unwrap_or(honest))
                    }
                    (fault, honest) => fault
                        .bytes(&honest)
                        .map_or_else(|| Outcome::Answer(fault.bend(honest)), Outcome::Raw),
                }
            }
            None => Outcome::Answer(self.take_effect(now, request, course)),
        }
    }

    /// Notes that the answer is on its way.
    pub fn answered(&mut self, course: &Course, status: u16) {
        self.log.note(&course.call, |call| call.http = Some(status));
    }

    fn take_effect(&mut self, now: Millis, request: &Request, course: &Course) -> Reply {
        let Answer { reply, errcode, granted } = course.endpoint.answer(self, now, request);
        self.log.note(&course.call, |call| {
            call.executed_ms = Some(now);
            call.errcode = Some(errcode);
            if let Some(granted) = granted {
                call.minted = granted.minted;
                call.token = Some(fingerprint(&granted.token));
                call.ends_ms = Some(granted.ends_ms);
                call.leaves_ms = granted.leaves_ms;
            }
        });
        reply
    }

    fn next_fault(&mut self, app_id: &str, kind: Kind) -> Option<Fault> {
        let own = self.faults.get_mut(app_id).into_iter().flatten();
        let rule: &mut FaultRule =
            own.chain(&mut self.faults_for_all).find(|rule| rule.hits(kind))?;
        if let Some(times) = &mut rule.times {
            *times -= 1;
        }
        Some(rule.fault.clone())
    }
}
