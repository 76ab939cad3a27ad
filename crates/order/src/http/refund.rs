//! `POST /api/orders/{order_id}/refund`: an operator gives back some of what is still held, also when all is over.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use baedal_contracts::identity::Role;
use baedal_contracts::order::Fault;
use baedal_contracts::{OrderId, OrderNo, Won};
use baedal_kit::{Failure, Job};
use baedal_kit_http::{Body, Caller, Path, Position, Problem, ProblemBody, RequestOrigin};
use baedal_kit_runtime::UnitOfWork;
use baedal_text::StatedReason;
use garde::Validate;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;
use uuid::Uuid;

use super::idempotency_key::IdempotencyKey;
use super::refused::Refused;
use super::{App, own};
use crate::domain::{Command, Order, OrderStatus, Refusal};
use crate::jobs::FORGET_KEY;
use crate::views::IDEMPOTENCY;

/// Gives money back.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RefundOrder {
    /// How much: 1 won at least, what is still held at the most.
    #[garde(skip)]
    amount_krw: Refund,
    /// Why, in words: the customer is told.
    #[garde(skip)]
    reason: StatedReason,
    /// Whose fault it is, who therefore bears it.
    #[garde(skip)]
    fault: Fault,
}

baedal_contracts::whole! {
    /// How much goes back, in whole won.
    pub(crate) struct Refund(u64): [1, Won::MAX_PRICE.0], 3_000;
}

/// A refund that was granted.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub(crate) struct RefundAnswer {
    /// Names it.
    refund_id: Uuid,
    /// Of which order.
    order_id: OrderId,
    /// What people call that.
    order_no: OrderNo,
    /// How far that is.
    status: OrderStatus,
    /// How much goes back.
    amount_krw: Won,
    /// How much of the customer's money is still held, and could still go back.
    held_krw: Won,
}

/// A key that came with a refund, as it is remembered.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
struct SeenRefund {
    refund_id: Uuid,
    body_hash: String,
    at: Timestamp,
}

/// Everything that granting a refund needs, shared by the tries of one request.
struct Asking {
    caller: Caller,
    order_id: OrderId,
    key_id: String,
    body_hash: String,
    body: RefundOrder,
    remember_for: jiff::SignedDuration,
}

/// Give money back
///
/// An operator, at any time, also when the order has been completed or canceled: a part or all of what is
/// still held, as often as anything is. It goes back by itself from there; how far it is shows in the order.
///
/// The same `Idempotency-Key` with the same body gives back once, and answers the same.
#[utoipa::path(
    post,
    path = "/api/orders/{order_id}/refund",
    tag = "orders",
    params(
        ("order_id" = OrderId, Path, description = "Which order"),
        IdempotencyKey,
    ),
    request_body = RefundOrder,
    responses(
        (status = 200, description = "It goes back", body = RefundAnswer),
        (status = 422, description = "A field is wrong: `amount_krw` where it is more than is still held, with how much that is", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn refund_order(
    State(app): State<App>,
    caller: Caller,
    RequestOrigin(origin): RequestOrigin,
    Path(order_id): Path<OrderId>,
    IdempotencyKey(key): IdempotencyKey,
    Body(body): Body<RefundOrder>,
) -> Result<(Position, Json<RefundAnswer>), Problem> {
    if caller.role != Role::Operator {
        return Err(Refused::NoSuchOrder.into());
    }
    let asking = Arc::new(Asking {
        caller,
        order_id,
        key_id: format!("refund:{}:{key}", caller.account_id),
        body_hash: hash(order_id, &body)?,
        body,
        remember_for: app.settings.remember_keys_for,
    });
    let ask = || async {
        let granting = app.service.execute(&origin, |work| {
            let asking = Arc::clone(&asking);
            Box::pin(async move { asking.grant(work).await })
        });
        granting.await
    };
    match app.service.retry_after_catch_up(Refused::may_be_lag, ask).await {
        Ok((answer, position)) => Ok((Position::of(&app.service, position), Json(answer))),
        Err(Refused::Order(refusal @ Refusal::RefundTooLarge { .. })) => {
            Err(Problem::field("amount_krw", refusal.to_string()))
        }
        Err(refused) => Err(refused.into()),
    }
}

impl Asking {
    async fn grant(&self, work: &mut UnitOfWork) -> Result<RefundAnswer, Refused> {
        if let Some(seen) = work.document::<SeenRefund>(IDEMPOTENCY, &self.key_id).await? {
            let is_same = seen.body_hash == self.body_hash;
            return if is_same { self.answer(work, seen.refund_id).await } else { Err(Refused::KeyReused) };
        }
        let order = work.load::<Order>(&self.order_id).await?;
        let _ = own(&order, self.caller)?;
        drop(order);
        let refund_id = work.new_id();
        let RefundOrder { amount_krw, reason, fault } = self.body.clone();
        let amount_krw = Won(amount_krw.get());
        let command = Command::Refund { refund_id, amount_krw, reason: reason.into(), fault };
        work.decide::<Order>(&self.order_id, command).await?.map_err(Refused::Order)?;
        let seen = SeenRefund { refund_id, body_hash: self.body_hash.clone(), at: work.at() };
        work.put(IDEMPOTENCY, &self.key_id, &seen, [])?;
        work.schedule(Job::new(FORGET_KEY, &self.key_id, work.at() + self.remember_for));
        self.answer(work, refund_id).await
    }

    async fn answer(&self, work: &mut UnitOfWork, refund_id: Uuid) -> Result<RefundAnswer, Refused> {
        let order = work.load::<Order>(&self.order_id).await?;
        let placed = own(&order, self.caller)?;
        Ok(RefundAnswer {
            refund_id,
            order_id: self.order_id,
            order_no: placed.order_no.clone(),
            status: placed.status(),
            amount_krw: Won(self.body.amount_krw.get()),
            held_krw: placed.held_krw(),
        })
    }
}

/// SHA-256 of what was asked of which order, in hexadecimal.
fn hash(order_id: OrderId, body: &RefundOrder) -> Result<String, Failure> {
    let canonical =
        serde_json::to_vec(&(order_id, body)).map_err(|error| Failure::broken_by("a refund's body", error))?;
    Ok(Sha256::digest(canonical).iter().map(|byte| format!("{byte:02x}")).collect())
}
