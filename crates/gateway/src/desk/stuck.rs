//! `GET /api/operations/stuck`: what tracking knows to be stuck, and what payment does, in one answer.

use axum::Json;
use axum::extract::{OriginalUri, State};
use axum::response::{IntoResponse, Response};
use baedal_contracts::source::{PAYMENT, TRACKING};
use baedal_kit_http::Problem;
use http::{HeaderMap, Method, StatusCode};
use serde_json::{Map, Value, json};

use super::Desk;
use super::operations::{away, pass_on, read, send};

/// What payment is asked for, and the field that its answer goes into.
const OF_PAYMENT: [(&str, &str); 2] = [
    ("open_attempts", "/internal/unsettled/attempts?limit=100"),
    ("differences", "/internal/unsettled/differences?limit=100"),
];

/// Without payment, what tracking knows is shown all the same, and payment is named as missing.
pub(super) async fn stuck(
    State(desk): State<Desk>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (of_orders, attempts, differences) = tokio::join!(
        of_tracking(&desk, uri.path_and_query().map_or(uri.path(), |asked| asked.as_str()), &headers),
        of_payment(&desk, OF_PAYMENT[0].1, &headers),
        of_payment(&desk, OF_PAYMENT[1].1, &headers),
    );
    let of_orders = of_orders?;
    if of_orders.status() != StatusCode::OK {
        return Ok(of_orders);
    }
    let mut stuck: Map<String, Value> = read(of_orders).await.map_err(|()| away(TRACKING))?;
    let mut is_away = false;
    for ((field, _), found) in OF_PAYMENT.into_iter().zip([attempts, differences]) {
        is_away |= found.is_none();
        stuck.insert(field.to_owned(), found.unwrap_or_else(|| json!([])));
    }
    let unreachable = if is_away { json!([PAYMENT]) } else { json!([]) };
    stuck.insert("unreachable".to_owned(), unreachable);
    Ok(Json(stuck).into_response())
}

async fn of_tracking(desk: &Desk, path: &str, headers: &HeaderMap) -> Result<Response, Problem> {
    let tracking = desk.contexts.get(TRACKING).ok_or_else(|| away(TRACKING))?;
    pass_on(TRACKING, tracking, path, headers).await
}

/// A page's items; nothing where payment does not answer.
async fn of_payment(desk: &Desk, path: &str, headers: &HeaderMap) -> Option<Value> {
    let payment = desk.contexts.get(PAYMENT)?;
    let response = send(PAYMENT, payment, Method::GET, path, headers).await.ok()?;
    let mut page: Map<String, Value> = read(response).await.ok()?;
    page.remove("items")
}
