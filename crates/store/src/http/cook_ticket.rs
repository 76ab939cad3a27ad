//! `POST /api/tickets/{order_id}/start` and `…/finish`: cooking begins and ends.
//!
//! Neither needs a body; one that is sent is not looked at.

use axum::Json;
use axum::extract::State;
use baedal_contracts::OrderId;
use baedal_kit_http::{Caller, Path, Position, Problem, ProblemBody, RequestOrigin};

use super::App;
use super::kitchen_ticket::{self, KitchenTicket};
use crate::domain::ticket::Command;

/// Starts cooking.
///
/// From now on the customer can neither change nor cancel the order.
#[utoipa::path(
    post, path = "/api/tickets/{order_id}/start", tag = "kitchen",
    params(("order_id" = OrderId, Path, description = "The order's ticket.")),
    responses(
        (status = 200, description = "The ticket as it is now. Starting again answers the same.", body = KitchenTicket),
        (status = 404, description = "There is no such ticket, or it is another's.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "`not_accepted`, `change_pending` or `ticket_closed`.", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Why not.", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn start_cooking(
    State(app): State<App>,
    caller: Caller,
    RequestOrigin(origin): RequestOrigin,
    Path(order_id): Path<OrderId>,
) -> Result<(Position, Json<KitchenTicket>), Problem> {
    kitchen_ticket::command(app, &origin, order_id, Command::StartCooking { by: caller.account_id }).await
}

/// Finishes cooking.
///
/// The riders nearby see the delivery now.
#[utoipa::path(
    post, path = "/api/tickets/{order_id}/finish", tag = "kitchen",
    params(("order_id" = OrderId, Path, description = "The order's ticket.")),
    responses(
        (status = 200, description = "The ticket as it is now. Finishing again answers the same.", body = KitchenTicket),
        (status = 404, description = "There is no such ticket, or it is another's.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "`not_accepted`, `not_started` or `ticket_closed`.", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Why not.", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn finish_cooking(
    State(app): State<App>,
    caller: Caller,
    RequestOrigin(origin): RequestOrigin,
    Path(order_id): Path<OrderId>,
) -> Result<(Position, Json<KitchenTicket>), Problem> {
    kitchen_ticket::command(app, &origin, order_id, Command::FinishCooking { by: caller.account_id }).await
}
