//! The routes of the two HTTP servers, for probes and for metrics.

mod connections;
mod health;
mod listen;
mod probe;

use axum::{
    Router,
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};

use super::metrics::{Format, Metrics};
use health::ProbeResult;

pub use connections::serve;
pub use health::{Gate, Health};
pub use listen::{Listen, ListenError};
pub use probe::{ProbeError, probe};

/// Serves `/livez`, its older name `/healthz`, and `/readyz`.
pub fn health(health: Health) -> Router {
    let live = get(|State(health): State<Health>, query: RawQuery| async move {
        respond(&health.live(), &query)
    });
    let ready = get(|State(health): State<Health>, query: RawQuery| async move {
        respond(&health.ready(), &query)
    });
    Router::new()
        .route("/livez", live.clone())
        .route("/healthz", live)
        .route("/readyz", ready)
        .with_state(health)
}

/// Serves `/metrics`.
pub fn metrics(metrics: Metrics) -> Router {
    Router::new().route("/metrics", get(scrape)).with_state(metrics)
}

fn respond(result: &ProbeResult, RawQuery(query): &RawQuery) -> Response {
    let verbose = query
        .as_deref()
        .is_some_and(|query| query.split('&').any(|part| part.starts_with("verbose")));
    let status = if result.passed() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, result.text(verbose)).into_response()
}

async fn scrape(State(metrics): State<Metrics>, headers: HeaderMap) -> Response {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let format = Format::accepted(accept);
    match metrics.encode(format) {
        Ok(text) => ([(header::CONTENT_TYPE, format.content_type())], text).into_response(),
        Err(error) => {
            (StatusCode::INTERNAL_SERVER_ERROR, format!("cannot encode the metrics: {error}"))
                .into_response()
        }
    }
}

#[cfg(test)]
mod tests;
