//! `POST /api/tickets/{order_id}/accept`: the kitchen will cook it.

use axum::Json;
use axum::extract::State;
use baedal_contracts::OrderId;
use baedal_kit_http::{Body, Caller, Path, Position, Problem, ProblemBody, RequestOrigin};
use garde::Validate;
use serde::Deserialize;
use utoipa::ToSchema;

use super::App;
use super::kitchen_ticket::{self, KitchenTicket};
use crate::domain::CookMinutes;
use crate::domain::ticket::Command;

/// What the kitchen promises.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AcceptTicket {
    /// How long cooking takes, from now.
    #[garde(skip)]
    cook_minutes: CookMinutes,
}

/// Accepts a ticket.
#[utoipa::path(
    post, path = "/api/tickets/{order_id}/accept", tag = "kitchen",
    params(("order_id" = OrderId, Path, description = "The order's ticket.")),
    request_body = AcceptTicket,
    responses(
        (status = 200, description = "The ticket as it is now. Accepting again with the same minutes answers the same.", body = KitchenTicket),
        (status = 404, description = "There is no such ticket, or it is another's.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "`ticket_closed` or `already_accepted`.", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Why not.", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn accept_ticket(
    State(app): State<App>,
    caller: Caller,
    RequestOrigin(origin): RequestOrigin,
    Path(order_id): Path<OrderId>,
    Body(body): Body<AcceptTicket>,
) -> Result<(Position, Json<KitchenTicket>), Problem> {
    let command = Command::Accept { by: caller.account_id, cook_minutes: body.cook_minutes };
    kitchen_ticket::command(app, &origin, order_id, command).await
}
