//! What riders and operators do with a delivery: one way through for all of it.

use axum::Json;
use baedal_contracts::{AccountId, OrderId};
use baedal_kit::Failure;
use baedal_kit::message::Origin;
use baedal_kit_http::{Caller, Position, Problem};
use baedal_kit_runtime::service::CommandError;

use super::App;
use super::problems::problem;
use super::shapes::{DeliveryView, Viewer};
use crate::changes::{self, Step};
use crate::domain::{Delivery, Refusal};

/// What is done with a delivery.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Deed {
    /// A rider's step.
    Step(Step),
    /// An operator takes it back.
    TakeBack {
        /// From whom.
        rider_id: AccountId,
        /// Why.
        reason: String,
    },
}

/// Does what the caller asks and answers with the delivery.
///
/// A delivery that we do not know may be one of which we have not heard yet: then it is judged once more
/// after we have.
pub(crate) async fn answer(
    app: &App,
    origin: &Origin,
    caller: Caller,
    order_id: OrderId,
    deed: Deed,
) -> Result<(Position, Json<DeliveryView>), Problem> {
    let may_be_lag = |undone: &CommandError<Refusal>| matches!(undone, CommandError::Refused(Refusal::Unknown));
    let attempt = || attempt(app, origin, caller, order_id, &deed);
    let done = app.service.retry_after_catch_up(may_be_lag, attempt).await;
    if deed == Deed::Step(Step::Claim) {
        let outcome = match &done {
            Ok(_) => "won",
            Err(CommandError::Refused(Refusal::AlreadyClaimed)) => "lost",
            Err(CommandError::Refused(_)) => "refused",
            Err(CommandError::Failed(_)) => "failed",
        };
        metrics::counter!("baedal_claims_total", "outcome" => outcome).increment(1);
    }
    match done {
        Ok((view, position)) => {
            tracing::info!(%order_id, by = %caller.account_id, ?deed, status = %view.status, "done with a delivery");
            Ok((Position::of(&app.service, position), Json(view)))
        }
        Err(CommandError::Refused(refusal)) => Err(problem(refusal, app.service.clock().now())),
        Err(CommandError::Failed(failure)) => Err(failure.into()),
    }
}

async fn attempt(
    app: &App,
    origin: &Origin,
    caller: Caller,
    order_id: OrderId,
    deed: &Deed,
) -> Result<(DeliveryView, u64), CommandError<Refusal>> {
    let settings = &app.settings;
    app.service
        .execute(origin, |work| {
            let (settings, deed) = (std::sync::Arc::clone(settings), deed.clone());
            Box::pin(async move {
                let decided = match deed {
                    Deed::Step(step) => changes::step(work, &settings, order_id, caller.account_id, step).await?,
                    Deed::TakeBack { rider_id, reason } => {
                        changes::take_back(work, &settings, order_id, rider_id, reason).await?
                    }
                };
                match &*decided.map_err(CommandError::Refused)? {
                    Delivery::Requested(errand) => {
                        let viewer = Viewer::of(caller, &settings, work.at());
                        Ok(DeliveryView::of(order_id, errand, viewer))
                    }
                    Delivery::NotRequested | Delivery::Withdrawn => {
                        Err(Failure::broken("a step was accepted by a delivery that is none").into())
                    }
                }
            })
        })
        .await
}
