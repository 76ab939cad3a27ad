//! `POST /api/tickets/{order_id}/reject`: the kitchen will not cook it.

use axum::Json;
use axum::extract::State;
use baedal_contracts::OrderId;
use baedal_contracts::store::RejectReason;
use baedal_kit_http::{Body, Caller, Path, Position, Problem, ProblemBody, RequestOrigin};
use baedal_text::RejectText;
use garde::Validate;
use serde::Deserialize;
use utoipa::ToSchema;

use super::App;
use super::kitchen_ticket::{self, KitchenTicket};
use crate::domain::ticket::Command;

/// Why the kitchen does not cook it.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RejectTicket {
    /// Why.
    #[garde(skip)]
    reason: StoreReason,
    /// In words, for the customer; `other` needs them.
    #[serde(default)]
    #[garde(custom(explains(self.reason)))]
    text: RejectText,
}

/// Why a kitchen may say no. That it never answered only the platform says.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StoreReason {
    /// Not enough of an item.
    OutOfStock,
    /// The kitchen is closed.
    Closed,
    /// Too many orders.
    TooBusy,
    /// It cannot be delivered there.
    CannotDeliver,
    /// Another reason, given in words.
    Other,
}

impl From<StoreReason> for RejectReason {
    fn from(reason: StoreReason) -> Self {
        match reason {
            StoreReason::OutOfStock => Self::OutOfStock,
            StoreReason::Closed => Self::Closed,
            StoreReason::TooBusy => Self::TooBusy,
            StoreReason::CannotDeliver => Self::CannotDeliver,
            StoreReason::Other => Self::Other,
        }
    }
}

fn explains(reason: StoreReason) -> impl FnOnce(&RejectText, &()) -> garde::Result {
    move |text, ()| {
        if reason == StoreReason::Other && text.is_empty() {
            return Err(garde::Error::new("must say why, where the reason is `other`"));
        }
        Ok(())
    }
}

/// Rejects a ticket.
///
/// The customer's money and what was taken from the stock go back.
#[utoipa::path(
    post, path = "/api/tickets/{order_id}/reject", tag = "kitchen",
    params(("order_id" = OrderId, Path, description = "The order's ticket.")),
    request_body = RejectTicket,
    responses(
        (status = 200, description = "The ticket as it is now. Rejecting again for the same reason answers the same.", body = KitchenTicket),
        (status = 404, description = "There is no such ticket, or it is another's.", body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, description = "`ticket_closed` or `already_accepted`.", body = ProblemBody, content_type = "application/problem+json"),
        (status = "default", description = "Why not.", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn reject_ticket(
    State(app): State<App>,
    caller: Caller,
    RequestOrigin(origin): RequestOrigin,
    Path(order_id): Path<OrderId>,
    Body(body): Body<RejectTicket>,
) -> Result<(Position, Json<KitchenTicket>), Problem> {
    let (reason, text) = (body.reason.into(), body.text.into());
    let command = Command::Reject { by: caller.account_id, reason, text };
    kitchen_ticket::command(app, &origin, order_id, command).await
}
