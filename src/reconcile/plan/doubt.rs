//! Whether a call whose answer never came may still land, and end a token that came after it. Pure.

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;

use super::{
    case::Case,
    due,
    time::{after, spread},
    turn,
};
use crate::{
    api::{Intent, MiniProgram},
    projection::{Projection, TokenFacts},
};

/// Until then a request that was under way has landed.
const LANDED: Duration = Duration::from_secs(120);

/// Whether a call of unknown end may land behind a call that begins now: one of this object, or of another that asked for
/// the same token and may not keep the app any more, or not exist.
pub fn is_doubtful(case: &Case<'_>) -> bool {
    let may_land_yet = |sent: Timestamp| after(sent, LANDED) > case.now.wall;
    let own = case.status.intent.as_ref().is_some_and(|intent| {
        let issued = case.token().map_or(intent.time.0, |token| token.issued.max(intent.time.0));
        case.open_intent().is_some() || intent.doubt && may_land_yet(issued)
    });
    let mut theirs = case.seen.siblings.shown.iter().filter(|rival| case.endpoint.rotates() && turn::same_mode(case, rival));
    own || theirs.any(|rival| intent_of(rival).is_some_and(|intent| may_land_yet(intent.time.0)))
        || case.seen.app.lost.is_some_and(|sent| case.now.boot < sent + LANDED)
}

fn intent_of(mp: &MiniProgram) -> Option<&Intent> {
    mp.status.as_ref()?.intent.as_ref()
}

/// When a confirming call is worth it: a request that was under way when the token came has landed by then.
pub fn settles_at(case: &Case<'_>, target: &Projection, token: &TokenFacts) -> Timestamp {
    // The same token may have come back to a later call, which the kept intent tells of.
    let asked = case.status.intent.as_ref().filter(|intent| intent.doubt).map(|intent| intent.time.0);
    let asked = asked.filter(|asked| due::is_past(case.now, *asked)).max(Some(token.issued)).unwrap_or(token.issued);
    let seed = target.issued_for.as_deref().unwrap_or_default();
    after(asked, LANDED + spread(seed, Duration::from_secs(60)))
}
