//! `POST /internal/payments/{order_id}/attempts`: takes money for an order; `…/{attempt_id}/settle`: says what became of
//! it, where the answer was lost.

use axum::Json;
use axum::extract::State;
use baedal_contracts::payment::{TakePayment, TakePaymentAnswer};
use baedal_contracts::{AttemptId, OrderId};
use baedal_kit::Origin;
use baedal_kit_http::{Body, Path, Position, Problem, RequestOrigin};

use super::App;

/// Answers what became of an attempt that was asked for without an answer. It never begins where it has not.
pub(super) async fn settle(
    State(app): State<App>,
    RequestOrigin(origin): RequestOrigin,
    Path((order_id, attempt_id)): Path<(OrderId, AttemptId)>,
) -> Result<(Position, Json<TakePaymentAnswer>), Problem> {
    let (position, answer) = app.charging.settle(&origin, order_id, attempt_id).await?;
    Ok((position, Json(answer)))
}

/// Answers what became of the attempt: at once where it is known, when the provider has answered, or
/// after a while that it is being verified. The same attempt asked again takes money once and answers
/// its outcome.
pub(super) async fn take(
    State(app): State<App>,
    RequestOrigin(origin): RequestOrigin,
    Path(order_id): Path<OrderId>,
    Body(asked): Body<TakePayment>,
) -> Result<(Position, Json<TakePaymentAnswer>), Problem> {
    // Order asks, which speaks for nobody: whose order it is, it says in so many words.
    let origin = Origin { actor: Some(asked.customer_id.0), ..origin };
    let (position, answer) = app.charging.take(origin, order_id, asked).await?;
    Ok((position, Json(answer)))
}
