//! `POST /api/orders/{order_id}/payment`: pays for an order, again or later.

use axum::extract::State;
use axum::response::Response;
use baedal_contracts::payment::PaymentMeans;
use baedal_contracts::{AttemptId, OrderId};
use baedal_kit_http::{Body, Caller, Path, Position, Problem, ProblemBody, RequestOrigin};
use http::StatusCode;

use super::answer::OrderAnswer;
use super::problems::PAYMENT_DECLINED;
use super::refused::Refused;
use super::{App, own};
use crate::domain::{Attempt, Command, Refusal};
use crate::paying::{Attempted, Attempting, RETRY_AFTER, attempt};

/// Pay for an order, again or later
///
/// While it is not known whether an earlier attempt took money, that attempt is asked about again and no
/// other begins. An order that is paid answers 200.
#[utoipa::path(
    post,
    path = "/api/orders/{order_id}/payment",
    tag = "orders",
    params(("order_id" = OrderId, Path, description = "Which order")),
    request_body = PaymentMeans,
    responses(
        (status = 200, description = "The order, paid", body = OrderAnswer),
        (status = 202, description = "The order, to be paid a little later, or whose payment is being verified", body = OrderAnswer,
            headers(("Retry-After" = u64, description = "In how many seconds to pay, or to look, again"))),
        (status = 402, description = "Declined; nothing was taken", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn pay_for_order(
    State(app): State<App>,
    caller: Caller,
    RequestOrigin(origin): RequestOrigin,
    Path(order_id): Path<OrderId>,
    Body(means): Body<PaymentMeans>,
) -> Result<Response, Problem> {
    let new = AttemptId(app.service.ids().new_id());
    let asked = app
        .ask(&origin, caller, order_id, Command::Pay { attempt_id: new, at_most: app.settings.attempts_per_order })
        .await?;
    let order = own(&asked.state, caller)?;
    let attempted = match order.open_attempt() {
        Some(attempt_id) => {
            let (customer_id, amount_krw, version) = (order.customer_id, order.basket.total_krw, order.version);
            let attempting = Attempting { order_id, attempt_id, customer_id, amount_krw, means, version };
            attempt(&app, &origin, attempting).await?
        }
        None => Attempted { order: asked.state, position: asked.position, retry_after: RETRY_AFTER },
    };
    let order = own(&attempted.order, caller)?;
    if let Some(Attempt::Declined { reason }) = order.attempt() {
        return Err(Problem::new(&PAYMENT_DECLINED, format!("the provider declined: {reason}")));
    }
    // It may have ended while payment was asked; what was taken goes back.
    if order.status().is_final() {
        return Err(Refused::Order(Refusal::AlreadyFinal(order.status())).into());
    }
    let position = Position::of(&app.service, attempted.position);
    Ok(OrderAnswer::of(order_id, order).after_paying(StatusCode::OK, position, attempted.retry_after))
}
