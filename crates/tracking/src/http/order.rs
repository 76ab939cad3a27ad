//! `GET /api/orders/{order_id}`: how an order is.

use axum::Json;
use axum::extract::State;
use baedal_contracts::OrderId;
use baedal_kit_http::{AsOf, Caller, Path, Problem, ProblemBody};

use super::App;
use crate::views;
use crate::views::orders::ORDERS;
use crate::views::orders::document::OrderDocument;
use crate::views::orders::shown::OrderView;

/// How an order is
///
/// For its customer, its store's owner, its rider, and operators; nobody else learns that it exists. Send
/// back the `Baedal-Position` of a command to see at least what it did.
#[utoipa::path(
    get,
    path = "/api/orders/{order_id}",
    tag = "orders",
    params(("order_id" = OrderId, Path, description = "Which order."), AsOf),
    responses(
        (status = 200, description = "The order.", body = OrderView),
        (status = "default", description = "Why not.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn order(
    State(app): State<App>,
    caller: Caller,
    as_of: AsOf,
    Path(order_id): Path<OrderId>,
) -> Result<Json<OrderView>, Problem> {
    as_of.wait(&app.service, ORDERS).await?;
    let document = find(&app, caller, order_id).await?;
    shown(&app, caller, document).map(Json).ok_or_else(no_order)
}

/// The order, if it is the caller's to see. One that is not there may have been placed just now, so we look
/// once more when all that was published has been heard.
pub(super) async fn find(app: &App, caller: Caller, order_id: OrderId) -> Result<OrderDocument, Problem> {
    if let Some(document) = look(app, caller, order_id).await? {
        return Ok(document);
    }
    app.service.catch_up().await;
    look(app, caller, order_id).await?.ok_or_else(no_order)
}

/// The order as it is now, if it is the caller's to see.
pub(super) async fn look(app: &App, caller: Caller, order_id: OrderId) -> Result<Option<OrderDocument>, Problem> {
    let found: Option<OrderDocument> = views::find(&app.service, ORDERS, &order_id.to_string()).await?;
    Ok(found.filter(|document| document.is_visible_to(caller.role, caller.account_id)))
}

/// The order as the caller, who may see it, is shown it now.
pub(super) fn shown(app: &App, caller: Caller, document: OrderDocument) -> Option<OrderView> {
    document.shown_to(caller.role, &app.settings, app.service.clock().now())
}

fn no_order() -> Problem {
    Problem::not_found("order")
}
