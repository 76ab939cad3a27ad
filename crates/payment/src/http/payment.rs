//! `GET /internal/payments/{order_id}`: the money of one order, with its postings.

use axum::Json;
use axum::extract::State;
use baedal_contracts::{AttemptId, OrderId, Won};
use baedal_kit_http::{Path, Problem};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::App;
use crate::domain::{Attempt, Outcome, Payment, Purpose, RefundUnderWay};
use crate::ledger::{Posting, each_posting};

/// The money of one order.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct PaymentView {
    /// Which order.
    pub order_id: OrderId,
    /// How much was taken.
    pub captured_krw: Won,
    /// How much went back.
    pub refunded_krw: Won,
    /// What is on its way back.
    pub refund_under_way: Option<RefundUnderWay>,
    /// What the customer owes, where anybody has said.
    pub owed_krw: Option<Won>,
    /// Whether the order has ended.
    pub closed: bool,
    /// Every attempt to take money.
    pub attempts: Vec<AttemptView>,
    /// What the ledger says of it, oldest first.
    pub postings: Vec<Posting>,
}

/// One attempt to take money. How the customer pays is not shown.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct AttemptView {
    /// Which.
    pub attempt_id: AttemptId,
    /// How much.
    pub amount_krw: Won,
    /// Whether for a change, not for the order.
    pub for_change: bool,
    /// When it began.
    #[schema(value_type = String, format = DateTime)]
    pub begun_at: Timestamp,
    /// What became of it.
    #[serde(flatten)]
    pub outcome: Outcome,
}

impl AttemptView {
    fn of(attempt_id: &AttemptId, attempt: &Attempt) -> Self {
        Self {
            attempt_id: *attempt_id,
            amount_krw: attempt.amount_krw,
            for_change: attempt.purpose != Purpose::Order,
            begun_at: attempt.begun_at,
            outcome: attempt.outcome.clone(),
        }
    }
}

/// The money of one order, as it is now.
pub(super) async fn look(State(app): State<App>, Path(order_id): Path<OrderId>) -> Result<Json<PaymentView>, Problem> {
    let payment = app.service.look::<Payment>(&order_id).await?;
    if *payment == Payment::default() {
        return Err(Problem::not_found("payment"));
    }
    let mut postings = Vec::new();
    each_posting(app.service.database().as_ref(), Some(order_id), |posting| postings.push(posting)).await?;
    Ok(Json(PaymentView {
        order_id,
        captured_krw: payment.captured_krw,
        refunded_krw: payment.refunded_krw,
        refund_under_way: payment.refund,
        owed_krw: payment.owed_krw(),
        closed: payment.is_closed(),
        attempts: payment.attempts.iter().map(|(id, attempt)| AttemptView::of(id, attempt)).collect(),
        postings,
    }))
}
