//! Carries out the act that requests tickets: reads the token, makes a call for each ticket, and
//! writes the target once if any of them is new. A ticket that cannot be stored is requested again:
//! the platform returns the same one.

use k8s_openapi::jiff::Timestamp;

use super::store::rewritten;
use crate::reconcile::{
    Ctx, Next, Pass,
    api_error::ApiError,
    apply,
    fetch::{Fetched, TicketRequest, fetch_ticket, slots::Slot},
    memory::{LastTicketCall, TicketCalls, TicketEnd},
    observed::{Held, HeldTicket, TargetLookup},
    plan::{tickets, view::View},
    reads::Errand,
};
use crate::{
    api::{MiniProgram, TicketType},
    platform::{Grant, Refusal, Ticket},
    projection::Projection,
    sensitive::AccessToken,
    shell::clock::Now,
};

/// A response with a ticket.
struct Response {
    held: HeldTicket,
    next: Timestamp,
    sent: Timestamp,
}

impl Ctx {
    /// Requests tickets with the stored token.
    pub(in crate::reconcile) async fn renew_tickets(
        &self,
        view: &View<'_>,
        pass: &mut Pass,
        due: &[&'static Ticket],
    ) -> Next<'_> {
        if let Err(instead) = self.admit(view, pass).await {
            return instead;
        }
        let (mp, now) = (view.mp, view.now);
        let (Some(target), Some(token)) = (view.in_use, view.token()) else {
            return Next::Continue;
        };
        let known = Some(token.fingerprint.as_str());
        let read = self.reads.target(mp, &target.name, known, Errand::Call).await;
        let (target, held) = match read {
            Ok((TargetLookup::Is(found), held)) if found.version == target.version => (found, held),
            Ok((found, _)) => return self.target_changed(mp, found, due, now),
            Err(error) => return self.back_off(mp, &error, "read the target for a ticket"),
        };
        let Some(token) = held.token(&token.fingerprint) else {
            return self.target_changed(mp, TargetLookup::Is(target), due, now);
        };
        let mut responses = vec![];
        for ticket in due {
            if pass.slot.is_none() && self.admit(view, pass).await.is_err() {
                break;
            }
            let wanted = TicketRequest { platform: view.platform, ticket, token };
            let fetched =
                fetch_ticket(&self.platforms, &wanted, &self.term, &self.clock, &self.metrics)
                    .await;
            drop(pass.slot.take().map(Slot::leave));
            match fetched {
                Fetched::Token { grant, sent, .. } => {
                    responses.push(response(view, ticket.kind, grant, sent));
                }
                Fetched::Refused(refusal) => self.ticket_refused(view, ticket.kind, &refusal),
                Fetched::NotAllowed => break,
            }
        }
        self.store_tickets(view, pass, &target, &held, token, responses).await
    }

    /// The Secret is not as the plan saw it: it is planned again, and no ticket is requested for a
    /// moment.
    fn target_changed(
        &self,
        mp: &MiniProgram,
        found: TargetLookup,
        due: &[&'static Ticket],
        now: Now,
    ) -> Next<'_> {
        if let TargetLookup::Is(found) = found {
            self.world().record_own_write(mp.namespace(), &found);
        }
        for ticket in due {
            self.note_ticket(mp, ticket.kind, last(None, now.wall, now), None);
        }
        Next::Continue
    }

    async fn store_tickets(
        &self,
        view: &View<'_>,
        pass: &mut Pass,
        target: &Projection,
        held: &Held,
        token: &AccessToken,
        responses: Vec<Response>,
    ) -> Next<'_> {
        let mp = view.mp;
        let mut tickets = tickets::kept(view, target, held);
        let mut is_new = false;
        for Response { held, .. } in &responses {
            let at = tickets.iter().position(|kept| kept.facts.kind == held.facts.kind);
            let before = at.map(|at| tickets.remove(at));
            is_new |= before.is_none_or(|before| before.facts != held.facts);
            tickets.push(held.clone());
        }
        if is_new {
            let precondition = TargetLookup::Is(target.clone().into()).precondition();
            let Some(facts) = &target.token else { return Next::Continue };
            let content = rewritten(
                view,
                target,
                (token, facts, &target.sent),
                &tickets,
                self.term.operator(),
            );
            let written =
                apply::write(&self.client, mp, &target.name, &precondition, &content).await;
            match written {
                Ok(written) => {
                    self.metrics.secret_written("apply");
                    let version = written.version.clone();
                    self.world().record_own_write(mp.namespace(), &written);
                    self.recall(mp, |recall| recall.writes.verified = Some(version));
                }
                Err(ApiError::Conflict | ApiError::NotFound) if pass.may_race_again() => {
                    return Next::Continue;
                }
                Err(error @ (ApiError::Conflict | ApiError::NotFound)) => {
                    return self.back_off(mp, &error, "write the tickets");
                }
                Err(error) => {
                    self.refused(mp, &error, view.now);
                    return Next::Continue;
                }
            }
        }
        for Response { held: HeldTicket { facts, .. }, next, sent } in responses {
            let last = last(Some(facts.fingerprint.clone()), sent, view.now);
            self.note_ticket(mp, facts.kind, last, Some(TicketEnd::Ticket { facts, next }));
        }
        Next::Continue
    }

    fn ticket_refused(&self, view: &View<'_>, kind: TicketType, refusal: &Refusal) {
        let (mp, now) = (view.mp, self.clock.now());
        let failure = tickets::after_refusal(view, kind, refusal, now.wall);
        let (namespace, name, ticket) = (mp.namespace(), mp.name(), kind.as_str());
        let code = failure.platform_code.as_deref().unwrap_or_default();
        tracing::warn!(
            namespace,
            name,
            ticket,
            reason = failure.reason,
            code,
            request_id = refusal.request_id,
            next = %failure.next_attempt_time.0,
            "a ticket was not returned; the token is not affected"
        );
        let last = last(None, view.now.wall, view.now);
        self.note_ticket(mp, kind, last, Some(TicketEnd::Failed(failure)));
    }

    fn note_ticket(
        &self,
        mp: &MiniProgram,
        kind: TicketType,
        last: LastTicketCall,
        ended: Option<TicketEnd>,
    ) {
        self.recall(mp, |recall| {
            recall.tickets.retain(|calls| calls.kind != kind);
            recall.tickets.push(TicketCalls { kind, last, ended });
        });
    }
}

fn response(view: &View<'_>, kind: TicketType, grant: Grant, sent: Timestamp) -> Response {
    let (facts, next) = tickets::after_response(view, kind, &grant, sent);
    Response { held: HeldTicket { ticket: grant.token, facts }, next, sent }
}

fn last(fingerprint: Option<String>, sent: Timestamp, now: Now) -> LastTicketCall {
    LastTicketCall { fingerprint, sent, boot: now.boot }
}
