//! `POST /api/deliveries/{order_id}/pickup`: a rider has the food.

use axum::Json;
use axum::extract::State;
use baedal_contracts::OrderId;
use baedal_kit_http::{Caller, Path, Position, Problem, ProblemBody, RequestOrigin};

use super::App;
use super::shapes::DeliveryView;
use super::steps::{self, Deed};
use crate::changes::Step;

/// Say that the food is picked up.
///
/// Only the rider who claimed it can; again answers the same.
#[utoipa::path(
    post,
    path = "/api/deliveries/{order_id}/pickup",
    tag = "riders",
    params(("order_id" = OrderId, Path, description = "The order to be brought.")),
    responses(
        (status = 200, description = "The delivery as it is now.", body = DeliveryView),
        (status = 404, description = "There is no such delivery, or it is another rider's.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "`not_claimed`, `delivery_canceled`.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn pick_up_delivery(
    State(app): State<App>,
    caller: Caller,
    RequestOrigin(origin): RequestOrigin,
    Path(order_id): Path<OrderId>,
) -> Result<(Position, Json<DeliveryView>), Problem> {
    steps::answer(&app, &origin, caller, order_id, Deed::Step(Step::PickUp)).await
}
