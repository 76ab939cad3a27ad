//! A ticket as its kitchen is answered, after each of the kitchen's commands.

use axum::Json;
use baedal_contracts::order::Line;
use baedal_contracts::store::{RejectReason, TicketStatus};
use baedal_contracts::{OrderId, OrderNo, Place, StoreId};
use baedal_kit::{Failure, Origin};
use baedal_kit_http::{Position, Problem};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::{App, undone};
use crate::domain::ticket::{Command, Sheet};
use crate::kitchen;

/// A ticket as its kitchen sees it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct KitchenTicket {
    /// Which order.
    order_id: OrderId,
    /// What people call it.
    order_no: OrderNo,
    /// How far it is.
    status: TicketStatus,
    /// Which kitchen.
    store_id: StoreId,
    /// What to cook.
    items: Vec<Line>,
    /// Where it goes.
    deliver_to: Place,
    /// What the customer said; may be empty.
    note: String,
    /// How long cooking takes, once it is accepted.
    #[schema(required)]
    cook_minutes: Option<u32>,
    /// When the kitchen got it.
    opened_at: Timestamp,
    /// When it is rejected if the kitchen has not answered.
    #[schema(required)]
    answer_by: Option<Timestamp>,
    /// Until when cooking cannot start at the longest, because the customer is changing the order.
    #[schema(required)]
    change_until: Option<Timestamp>,
    /// Why it was rejected, where it was.
    #[schema(required)]
    rejected: Option<TicketRejection>,
}

/// Why a ticket was rejected.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TicketRejection {
    /// Why.
    reason: RejectReason,
    /// In words; may be empty.
    text: String,
}

impl KitchenTicket {
    fn of(order_id: OrderId, sheet: &Sheet) -> Self {
        let slip = &sheet.slip;
        let rejected =
            sheet.rejection.as_ref().map(|why| TicketRejection { reason: why.reason, text: why.text.clone() });
        Self {
            order_id,
            order_no: slip.order_no.clone(),
            status: sheet.status,
            store_id: slip.store.store_id,
            items: slip.items.clone(),
            deliver_to: slip.deliver_to.clone(),
            note: slip.note.clone(),
            cook_minutes: sheet.cook_minutes.map(u32::from),
            opened_at: sheet.opened_at,
            answer_by: sheet.answer_by,
            change_until: sheet.held.as_ref().map(|held| held.until),
            rejected,
        }
    }
}

/// Decides a command of the kitchen and answers with the ticket.
pub(super) async fn command(
    App { service }: App,
    origin: &Origin,
    order_id: OrderId,
    command: Command,
) -> Result<(Position, Json<KitchenTicket>), Problem> {
    let done = kitchen::command(&service, origin, order_id, command).await.map_err(undone)?;
    let Some(sheet) = done.state.sheet() else {
        return Err(Failure::broken(format!("ticket {order_id} did as told without being there")).into());
    };
    Ok((Position::of(&service, done.position), Json(KitchenTicket::of(order_id, sheet))))
}
