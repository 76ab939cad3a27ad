//! The four things a rider does with a delivery: one way through for all of them.

use axum::Json;
use baedal_contracts::OrderId;
use baedal_kit::Failure;
use baedal_kit::http::{Caller, Position, Problem};
use baedal_kit::message::Origin;
use baedal_kit::service::Undone;

use super::App;
use super::shapes::DeliveryView;
use crate::changes::{self, Step};
use crate::domain::{Delivery, Refusal};

/// Does a step for the caller and answers with the delivery.
///
/// A delivery that we do not know may be one of which we have not heard yet: then it is judged once more
/// after we have.
pub(crate) async fn answer(
    app: &App,
    origin: &Origin,
    caller: Caller,
    order_id: OrderId,
    step: Step,
) -> Result<(Position, Json<DeliveryView>), Problem> {
    let may_be_lag = |undone: &Undone<Refusal>| matches!(undone, Undone::Refused(Refusal::Unknown));
    let attempt = || attempt(app, origin, caller, order_id, step);
    let done = app.service.again_when_settled(may_be_lag, attempt).await;
    if step == Step::Claim {
        let outcome = match &done {
            Ok(_) => "won",
            Err(Undone::Refused(Refusal::AlreadyClaimed)) => "lost",
            Err(Undone::Refused(_)) => "refused",
            Err(Undone::Failed(_)) => "failed",
        };
        metrics::counter!("baedal_claims_total", "outcome" => outcome).increment(1);
    }
    match done {
        Ok((view, position)) => {
            tracing::info!(%order_id, rider_id = %caller.account_id, ?step, status = %view.status, "a rider's step");
            Ok((Position::of(&app.service, position), Json(view)))
        }
        Err(Undone::Refused(refusal)) => Err(refusal.into()),
        Err(Undone::Failed(failure)) => Err(failure.into()),
    }
}

async fn attempt(
    app: &App,
    origin: &Origin,
    caller: Caller,
    order_id: OrderId,
    step: Step,
) -> Result<(DeliveryView, u64), Undone<Refusal>> {
    let settings = &app.settings;
    app.service
        .execute(origin, |work| {
            let settings = std::sync::Arc::clone(settings);
            Box::pin(async move {
                let decided = changes::step(work, &settings, order_id, caller.account_id, step).await?;
                match &*decided.map_err(Undone::Refused)? {
                    Delivery::Requested(errand) => Ok(DeliveryView::of(order_id, errand, caller.account_id)),
                    Delivery::NotRequested | Delivery::Withdrawn => {
                        Err(Failure::broken("a rider's step was accepted by a delivery that is none").into())
                    }
                }
            })
        })
        .await
}
