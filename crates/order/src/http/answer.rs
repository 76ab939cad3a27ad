//! An order as its commands answer it: what the order itself knows.

use std::time::Duration;

use axum::Json;
use axum::response::{AppendHeaders, IntoResponse, Response};
use baedal_contracts::{OrderId, OrderNo, Won};
use baedal_kit_http::Position;
use baedal_kit_http::problem::retry_after;
use http::{HeaderName, HeaderValue, StatusCode, header};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{Attempt, OrderStatus, Pending, Placed};

/// An order as its commands answer it. What the kitchen and the rider are doing is in
/// `GET /api/orders/{order_id}`.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub(crate) struct OrderAnswer {
    /// Which.
    order_id: OrderId,
    /// What people call it.
    order_no: OrderNo,
    /// How far it is, as the order itself knows: what kitchen and rider do shows as `paid`.
    status: OrderStatus,
    /// What it costs, delivery included.
    total_krw: Won,
    /// What the kitchen has not answered yet.
    #[schema(required)]
    pending: Option<PendingRequest>,
    /// When it is canceled if nobody has paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pay_by: Option<Timestamp>,
    /// What became of the last attempt to pay, while it is not paid; or of asking for what a change costs more.
    #[serde(skip_serializing_if = "Option::is_none")]
    payment: Option<PaymentNote>,
}

/// What was asked of the kitchen.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PendingRequest {
    /// To cancel.
    Cancel,
    /// To change.
    Change,
}

/// What became of an attempt to pay.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub(crate) struct PaymentNote {
    /// What became of it.
    outcome: PaymentOutcome,
    /// Why, where it was declined.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// What became of an attempt to pay.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PaymentOutcome {
    /// The provider said no; nothing was taken.
    Declined,
    /// Nobody knows yet whether money was taken; the order is paid by itself if it was.
    Verifying,
    /// Payment does not take payments now; nothing was taken. Pay a little later.
    PutOff,
}

impl OrderAnswer {
    pub(crate) fn of(order_id: OrderId, order: &Placed) -> Self {
        Self {
            order_id,
            order_no: order.order_no.clone(),
            status: order.status(),
            total_krw: order.basket.total_krw,
            pending: order.pending().map(|pending| match pending {
                Pending::Cancel { .. } => PendingRequest::Cancel,
                Pending::Change { .. } | Pending::Seal { .. } => PendingRequest::Change,
            }),
            pay_by: order.attempt().map(|_| order.pay_by),
            payment: order.attempt().map(|attempt| match attempt {
                Attempt::Open { .. } => PaymentNote { outcome: PaymentOutcome::Verifying, reason: None },
                Attempt::Declined { reason } => {
                    PaymentNote { outcome: PaymentOutcome::Declined, reason: Some(reason.clone()) }
                }
                Attempt::PutOff => PaymentNote { outcome: PaymentOutcome::PutOff, reason: None },
            }),
        }
    }

    /// The same, where payment cannot be asked for what was wished of it.
    pub(crate) fn put_off(self) -> Self {
        Self { payment: Some(PaymentNote { outcome: PaymentOutcome::PutOff, reason: None }), ..self }
    }

    /// Whether the customer is to pay, or to look, a little later.
    pub(crate) fn is_payment_open(&self) -> bool {
        match &self.payment {
            Some(PaymentNote { outcome: PaymentOutcome::Verifying | PaymentOutcome::PutOff, .. }) => true,
            Some(PaymentNote { outcome: PaymentOutcome::Declined, .. }) | None => false,
        }
    }

    /// 202 with `Retry-After` where the customer is to pay or look a little later; otherwise as given.
    pub(crate) fn after_paying(self, otherwise: StatusCode, position: Position, wait: Duration) -> Response {
        if self.is_payment_open() {
            (StatusCode::ACCEPTED, position, retry_after_header(wait), Json(self)).into_response()
        } else {
            (otherwise, position, Json(self)).into_response()
        }
    }

    /// 202 where the kitchen has not answered yet; otherwise 200.
    pub(crate) fn after_asking(self, position: Position) -> Response {
        match self.pending {
            Some(_) => {
                (StatusCode::ACCEPTED, position, retry_after_header(Duration::from_secs(1)), Json(self)).into_response()
            }
            None => (position, Json(self)).into_response(),
        }
    }
}

fn retry_after_header(wait: Duration) -> AppendHeaders<[(HeaderName, HeaderValue); 1]> {
    AppendHeaders([(header::RETRY_AFTER, retry_after(wait))])
}
