//! What the process remembers of an object's calls for tickets.

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    api::{LastFailure, TicketType},
    projection::TicketFacts,
};

/// The calls for one ticket.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct TicketCalls {
    /// The type of the ticket.
    pub kind: TicketType,
    /// The last call.
    pub last: LastTicketCall,
    /// The end of the last call, kept until the status reports it.
    pub ended: Option<TicketEnd>,
}

/// The last call for a ticket.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct LastTicketCall {
    /// The fingerprint of the ticket that it returned; none if it returned none.
    pub fingerprint: Option<String>,
    /// When it was sent.
    pub sent: Timestamp,
    /// The boot time of that.
    pub boot: Duration,
}

/// How a call for a ticket ended.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub enum TicketEnd {
    /// It returned a ticket, and the target holds it.
    Ticket {
        /// Its fingerprint and times.
        facts: TicketFacts,
        /// From when on the platform is asked for the next ticket.
        next: Timestamp,
    },
    /// It failed.
    Failed(LastFailure),
}
