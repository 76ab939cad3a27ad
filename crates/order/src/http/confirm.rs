//! `POST /api/orders/{order_id}/confirm`: the customer has the food, and the deal is done.

use axum::Json;
use axum::extract::State;
use baedal_contracts::OrderId;
use baedal_kit_http::{Caller, Path, Position, Problem, ProblemBody, RequestOrigin};

use super::answer::OrderAnswer;
use super::{App, own};
use crate::domain::Command;

/// Confirm that the food has come
///
/// Completes an order that a rider has delivered. Without it, the order completes by itself after a while.
#[utoipa::path(
    post,
    path = "/api/orders/{order_id}/confirm",
    tag = "orders",
    params(("order_id" = OrderId, Path, description = "Which order")),
    responses(
        (status = 200, description = "The order, completed", body = OrderAnswer),
        (status = 409, description = "Not delivered yet, or ended otherwise", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn confirm_order(
    State(app): State<App>,
    caller: Caller,
    RequestOrigin(origin): RequestOrigin,
    Path(order_id): Path<OrderId>,
) -> Result<(Position, Json<OrderAnswer>), Problem> {
    let asked = app.ask(&origin, caller, order_id, Command::Confirm).await?;
    let answer = OrderAnswer::of(order_id, own(&asked.state, caller)?);
    Ok((Position::of(&app.service, asked.position), Json(answer)))
}
