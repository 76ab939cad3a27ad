//! `POST /api/deliveries/{order_id}/claim`: a rider will bring it.

use axum::Json;
use axum::extract::State;
use baedal_contracts::OrderId;
use baedal_kit_http::{Caller, Path, Position, Problem, ProblemBody, RequestOrigin};

use super::App;
use super::shapes::DeliveryView;
use super::steps::{self, Deed};
use crate::changes::Step;

/// Claim a waiting delivery.
///
/// Exactly one rider wins. Claiming again what one has claimed answers the same.
#[utoipa::path(
    post,
    path = "/api/deliveries/{order_id}/claim",
    tag = "riders",
    params(("order_id" = OrderId, Path, description = "The order to be brought.")),
    responses(
        (status = 200, description = "The delivery as it is now.", body = DeliveryView),
        (status = 404, description = "There is no such delivery, or it is another rider's.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "`already_claimed`, `not_on_duty`, `too_far`, `carrying_too_many`, `delivery_canceled`.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn claim_delivery(
    State(app): State<App>,
    caller: Caller,
    RequestOrigin(origin): RequestOrigin,
    Path(order_id): Path<OrderId>,
) -> Result<(Position, Json<DeliveryView>), Problem> {
    steps::answer(&app, &origin, caller, order_id, Deed::Step(Step::Claim)).await
}
