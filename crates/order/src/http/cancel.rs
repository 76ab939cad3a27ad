//! `POST /api/orders/{order_id}/cancel`: ends an order, until cooking starts; an operator, at any time.

use axum::extract::State;
use axum::response::Response;
use baedal_contracts::identity::Role;
use baedal_contracts::order::Fault;
use baedal_contracts::{OrderId, Price};
use baedal_kit_http::problem::FieldError;
use baedal_kit_http::{Body, Caller, Path, Position, Problem, ProblemBody, RequestOrigin};
use baedal_text::Reason;
use garde::Validate;
use serde::Deserialize;
use utoipa::ToSchema;

use super::answer::OrderAnswer;
use super::change::PATIENCE;
use super::refused::Refused;
use super::{App, own};
use crate::domain::{Command, Order, OrderStatus, Pending, Refusal};

/// Cancels an order.
#[derive(Clone, PartialEq, Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CancelOrder {
    /// Why, in words. An operator must say.
    #[garde(skip)]
    reason: Option<Reason>,
    /// What goes back; all of it unless said. Only an operator may say.
    #[garde(skip)]
    refund_krw: Option<Price>,
    /// Whose fault it is. An operator must say, and nobody else may.
    #[garde(skip)]
    fault: Option<Fault>,
}

impl CancelOrder {
    /// The command it is, which depends on who asks.
    fn command(self, role: Role) -> Result<Command, Problem> {
        let text = String::from(self.reason.unwrap_or_default());
        let mut errors = Vec::new();
        let mut wrong = |is_wrong: bool, field: &str, message: &str| {
            if is_wrong {
                errors.push(FieldError { field: field.to_owned(), message: message.to_owned() });
            }
        };
        if role != Role::Operator {
            wrong(self.refund_krw.is_some(), "refund_krw", "only an operator may say what goes back");
            wrong(self.fault.is_some(), "fault", "only an operator may say whose fault it is");
            return if errors.is_empty() { Ok(Command::Cancel { text }) } else { Err(Problem::fields(errors)) };
        }
        wrong(text.is_empty(), "reason", "an operator must say why");
        wrong(self.fault.is_none(), "fault", "an operator must say whose fault it is");
        match self.fault {
            Some(fault) if errors.is_empty() => {
                Ok(Command::CancelByOperator { text, refund_krw: self.refund_krw.map(Into::into), fault })
            }
            _ => Err(Problem::fields(errors)),
        }
    }
}

/// Cancel an order
///
/// Its customer: at once while it is not paid; afterwards the kitchen decides, because it knows whether
/// cooking has begun. 202 where it has not answered within a second. An operator: any order that has not
/// ended, at once, with a full or a partial refund.
#[utoipa::path(
    post,
    path = "/api/orders/{order_id}/cancel",
    tag = "orders",
    params(("order_id" = OrderId, Path, description = "Which order")),
    request_body = CancelOrder,
    responses(
        (status = 200, description = "The order, canceled", body = OrderAnswer),
        (status = 202, description = "The order; the kitchen has not answered yet", body = OrderAnswer),
        (status = 409, description = "Refused: the order goes on", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn cancel_order(
    State(app): State<App>,
    caller: Caller,
    RequestOrigin(origin): RequestOrigin,
    Path(order_id): Path<OrderId>,
    Body(body): Body<CancelOrder>,
) -> Result<Response, Problem> {
    let command = body.command(caller.role)?;
    app.ask(&origin, caller, order_id, command).await?;
    let order = app.service.look_until::<Order>(&order_id, PATIENCE, |order| !is_cancel_pending(order)).await?;
    let placed = own(&order, caller)?;
    match placed.status() {
        OrderStatus::Canceled => {}
        OrderStatus::AwaitingPayment | OrderStatus::Paid | OrderStatus::Delivered if is_cancel_pending(&order) => {}
        OrderStatus::AwaitingPayment | OrderStatus::Paid | OrderStatus::Delivered => {
            return Err(Refused::Order(Refusal::CookingStarted).into());
        }
        ended @ (OrderStatus::Completed | OrderStatus::Rejected) => {
            return Err(Refused::Order(Refusal::AlreadyFinal(ended)).into());
        }
    }
    Ok(OrderAnswer::of(order_id, placed).after_asking(Position::of(&app.service, app.position())))
}

fn is_cancel_pending(order: &Order) -> bool {
    matches!(order.placed().and_then(|placed| placed.pending()), Some(Pending::Cancel { .. }))
}
