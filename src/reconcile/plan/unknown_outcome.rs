//! Whether a call without a response may still be executed, and replace a token that was issued
//! after it. Pure.

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;

use super::{
    ownership,
    time::{after, is_past, spread},
    view::View,
};
use crate::{
    api::{Intent, MiniProgram},
    projection::{Projection, TokenFacts},
};

/// After this long, a request that was under way has been executed or lost.
const LANDS_WITHIN: Duration = Duration::from_secs(120);

/// Whether a call with an unknown outcome may be executed after a call that starts now. It may be a
/// call of this object or of a sibling, even if that sibling no longer owns the app or no longer
/// exists.
pub fn another_call_may_land(view: &View<'_>) -> bool {
    let may_land_yet = |sent: Timestamp| after(sent, LANDS_WITHIN) > view.now.wall;
    let own = view.status.intent.as_ref().is_some_and(|intent| {
        let issued = view.token().map_or(intent.time.0, |token| token.issued.max(intent.time.0));
        view.open_intent().is_some() || intent.outcome_unknown && may_land_yet(issued)
    });
    let mut theirs = view.seen.siblings.shown.iter().filter(|sibling| {
        view.endpoint.reissue.is_exclusive() && ownership::same_mode(view, sibling)
    });
    own || theirs
        .any(|sibling| intent_of(sibling).is_some_and(|intent| may_land_yet(intent.time.0)))
        || view.seen.app.unknown_at.is_some_and(|sent| view.now.boot < sent + LANDS_WITHIN)
}

fn intent_of(mp: &MiniProgram) -> Option<&Intent> {
    mp.status.as_ref()?.intent.as_ref()
}

/// When a confirming call is worth making: any request that was under way when the token was issued
/// has been executed by then.
pub fn confirm_at(view: &View<'_>, target: &Projection, token: &TokenFacts) -> Timestamp {
    // A later call may have returned the same token; the kept intent has its time.
    let asked = view
        .status
        .intent
        .as_ref()
        .filter(|intent| intent.outcome_unknown)
        .map(|intent| intent.time.0);
    let asked = asked
        .filter(|asked| is_past(view.now, *asked))
        .max(Some(token.issued))
        .unwrap_or(token.issued);
    let seed = target.issued_for.as_deref().unwrap_or_default();
    after(asked, LANDS_WITHIN + spread(seed, Duration::from_secs(60)))
}
