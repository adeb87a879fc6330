//! Carries out the act that requests tickets: reads the token, makes a call for each ticket, and
//! writes the target once if any of them is new. A ticket that cannot be stored is requested again:
//! the platform returns the same one.

use k8s_openapi::jiff::Timestamp;

use super::store::rewritten;
use crate::reconcile::{
    Ctx, Next, Pass,
    api_error::ApiError,
    apply,
    fetch::{
        Fetched, TicketRequest, fetch_ticket,
        slots::{Slot, Urgency},
    },
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
        let (mp, now) = (view.mp, view.now);
        // Nothing is read for a call that this term has no time left for.
        if self.term.permit(self.platforms.connect_timeout).is_none() {
            self.delay(mp, now);
            return Next::Continue;
        }
        if let Err(instead) = self.admit(view, pass, Urgency::Ticket).await {
            return instead;
        }
        let (Some(target), Some(token)) = (view.in_use, view.token()) else {
            return Next::Continue;
        };
        let known = Some(token.fingerprint.as_str());
        let read = self.reads.target(mp, &target.name, known, Errand::Call).await;
        let (target, held) = match read {
            Ok((TargetLookup::Is(found), held)) if found.version == target.version => (found, held),
            Ok((found, _)) => return self.target_changed(mp, found, due, now),
            Err(error) => return self.not_read(mp, &error, due, now),
        };
        let Some(token) = held.token(&token.fingerprint) else {
            return self.target_changed(mp, TargetLookup::Is(target), due, now);
        };
        let mut responses = vec![];
        for ticket in due {
            if pass.slot.is_none() && self.admit(view, pass, Urgency::Ticket).await.is_err() {
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
                Fetched::NotAllowed => {
                    self.delay(mp, now);
                    break;
                }
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
        self.none_requested(mp, due, now)
    }

    /// Without the token no ticket is requested for a moment; the token does not wait for that.
    fn not_read(
        &self,
        mp: &MiniProgram,
        error: &ApiError,
        due: &[&'static Ticket],
        now: Now,
    ) -> Next<'_> {
        let (namespace, name) = (mp.namespace(), mp.name());
        tracing::warn!(namespace, name, %error, "could not read the target for a ticket; it is tried again");
        self.none_requested(mp, due, now)
    }

    fn none_requested(&self, mp: &MiniProgram, due: &[&'static Ticket], now: Now) -> Next<'_> {
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
        let written = if is_new {
            self.write_tickets(view, pass, target, token, &tickets).await
        } else {
            Ok(())
        };
        for Response { held: HeldTicket { facts, .. }, next, sent } in responses {
            let (kind, last) = (facts.kind, last(Some(facts.fingerprint.clone()), sent, view.now));
            let ended = match &written {
                Ok(()) => Some(TicketEnd::Ticket { facts, next }),
                Err(error) => self.not_stored(view, kind, error),
            };
            self.note_ticket(mp, kind, last, ended);
        }
        Next::Continue
    }

    async fn write_tickets(
        &self,
        view: &View<'_>,
        pass: &mut Pass,
        target: &Projection,
        token: &AccessToken,
        tickets: &[HeldTicket],
    ) -> Result<(), ApiError> {
        let mp = view.mp;
        let facts = target.token.as_ref().ok_or(ApiError::Conflict)?;
        let precondition = TargetLookup::Is(target.clone().into()).precondition();
        let content =
            rewritten(view, target, (token, facts, &target.sent), tickets, self.term.operator());
        pass.live = None;
        let written = apply::write(&self.client, mp, &target.name, &precondition, &content).await?;
        self.metrics.secret_written("apply");
        self.world().record_own_write(mp.namespace(), &written);
        self.recall(mp, |recall| recall.writes.verified = Some(written.version));
        Ok(())
    }

    /// The end of a call whose ticket could not be stored. After a lost race there is none: the
    /// write is made with the next response.
    fn not_stored(&self, view: &View<'_>, kind: TicketType, error: &ApiError) -> Option<TicketEnd> {
        let (mp, now) = (view.mp, self.clock.now());
        let (namespace, name, ticket) = (mp.namespace(), mp.name(), kind.as_str());
        tracing::warn!(namespace, name, ticket, %error, "a ticket could not be stored; it is requested again");
        if matches!(error, ApiError::Conflict | ApiError::NotFound | ApiError::Unanswered) {
            return None;
        }
        let reason = error.target_reason();
        Some(TicketEnd::Failed(tickets::after_failure(view, kind, reason, None, now.wall)))
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
