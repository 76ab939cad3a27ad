//! `GET /api/orders/{order_id}/live`: how an order is, now and at every change.

use axum::extract::State;
use axum::response::IntoResponse;
use baedal_contracts::OrderId;
use baedal_kit::feeds::document_key;
use baedal_kit_http::live::{self, Frame, LastEventId};
use baedal_kit_http::{AsOf, Caller, Path, Problem, ProblemBody};
use http::HeaderMap;

use super::{App, order};
use crate::views::orders::ORDERS;
use crate::views::orders::shown::OrderView;

/// An order, live
///
/// `text/event-stream`: each event's data is the whole order, as `GET /api/orders/{order_id}` answers it;
/// the first comes at once, the next at every change. Sending the last event's id back as `Last-Event-ID`
/// leaves out what was seen. An event `reconnect` ends the stream: come back. It stays open when the order
/// has ended, as money may still go back.
#[utoipa::path(
    get,
    path = "/api/orders/{order_id}/live",
    tag = "orders",
    params(
        ("order_id" = OrderId, Path, description = "Which order."),
        LastEventId,
        AsOf,
    ),
    responses(
        (status = 200, description = "The stream.", body = OrderView, content_type = "text/event-stream"),
        (status = "default", description = "Why not.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn order_live(
    State(app): State<App>,
    caller: Caller,
    as_of: AsOf,
    Path(order_id): Path<OrderId>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Problem> {
    as_of.wait(&app.service, ORDERS).await?;
    order::find(&app, caller, order_id).await?;
    let subscription = app.service.database().feeds().subscribe(document_key(ORDERS, &order_id.to_string()));
    let service = app.service.clone();
    Ok(live::stream(&service, &headers, subscription, move || {
        let app = app.clone();
        async move {
            // A rider who gave the order back sees it no longer: then the stream ends.
            let shown = order::look(&app, caller, order_id).await?.and_then(|found| order::shown(&app, caller, found));
            let Some(shown) = shown else { return Ok(None) };
            Ok(Some(Frame::showing(&shown)?.until(shown.hidden_at())))
        }
    }))
}
