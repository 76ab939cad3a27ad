//! `POST /api/deliveries/{order_id}/release`: a rider does not bring it after all, or is not to.

use axum::Json;
use axum::extract::{FromRequest, Request, State};
use baedal_contracts::identity::Role;
use baedal_contracts::{AccountId, OrderId};
use baedal_kit_http::{Body, Caller, Path, Position, Problem, ProblemBody, RequestOrigin};
use baedal_text::StatedReason;
use garde::Validate;
use http::header::CONTENT_TYPE;
use serde::Deserialize;
use utoipa::ToSchema;

use super::App;
use super::shapes::DeliveryView;
use super::steps::{self, Deed};
use crate::changes::Step;

/// What an operator says when he takes a claim back.
#[derive(Clone, PartialEq, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TakeClaimBack {
    /// From which rider, so that a request that is repeated or comes late takes it from nobody else.
    #[garde(skip)]
    rider_id: AccountId,
    /// Why, in words.
    #[garde(skip)]
    reason: StatedReason,
}

/// Give a claimed delivery back, before it is picked up.
///
/// It waits again for others. Releasing again answers the delivery as it is then. A rider sends no body. An
/// operator takes it back from a rider who does not fetch it, and says from whom and why; that rider is told, and
/// it is offered to others first.
#[utoipa::path(
    post,
    path = "/api/deliveries/{order_id}/release",
    tag = "riders",
    params(("order_id" = OrderId, Path, description = "The order to be brought.")),
    request_body(content = Option<TakeClaimBack>, description = "From an operator. A rider sends nothing."),
    responses(
        (status = 200, description = "The delivery as it is now.", body = DeliveryView),
        (status = 404, description = "There is no such delivery, or it is another rider's.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "`already_picked_up`, `not_claimed`, `claim_gone`, `delivery_canceled`.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "`invalid`: an operator says from whom and why.", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn release_delivery(
    State(app): State<App>,
    caller: Caller,
    RequestOrigin(origin): RequestOrigin,
    Path(order_id): Path<OrderId>,
    request: Request,
) -> Result<(Position, Json<DeliveryView>), Problem> {
    let deed = match caller.role {
        Role::Operator => {
            // Nothing at all is no other kind of body than JSON: the rest of it is missing.
            if !request.headers().contains_key(CONTENT_TYPE) {
                return Err(Problem::field("rider_id", "say from which rider, and why"));
            }
            let Body(TakeClaimBack { rider_id, reason }) = Body::from_request(request, &app).await?;
            Deed::TakeBack { rider_id, reason: reason.into() }
        }
        Role::Rider | Role::Customer | Role::Owner => Deed::Step(Step::Release),
    };
    steps::answer(&app, &origin, caller, order_id, deed).await
}
