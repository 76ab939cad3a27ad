//! Finds a kitchen's tickets, oldest first.

use baedal_contracts::store::TicketStatus;
use baedal_contracts::{ID_FORM, OrderId, StoreId};
use baedal_kit::Failure;
use baedal_kit::database::{Direction, Query, Select};
use baedal_kit_http::{Cursor, page};
use baedal_kit_runtime::Service;
use jiff::Timestamp;

use super::document::OrderDocument;
use super::ticket::TicketView;
use super::{ORDERS, tags};
use crate::views;

/// How many tickets are looked at in one go.
const GO: usize = 500;

/// A ticket's turn: when it came, and for which order. Sorts as the board does.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Turn {
    pub(crate) opened_at: Timestamp,
    pub(crate) order_id: OrderId,
}

impl Turn {
    /// As it stands in a cursor.
    pub(crate) fn to_cursor(self) -> String {
        format!("{}:{}", self.opened_at.as_nanosecond(), self.order_id)
    }
}

/// The most digits of a time in a cursor, in nanoseconds since 1970: enough until the year 2286.
pub(crate) const TIME_DIGITS: usize = 19;

/// A time in a cursor.
pub(crate) fn time(digits: &str) -> Option<Timestamp> {
    Timestamp::from_nanosecond(page::digits(digits, TIME_DIGITS)?).ok()
}

impl Cursor for Turn {
    fn pattern() -> String {
        format!("^[0-9]{{1,{TIME_DIGITS}}}:{ID_FORM}$")
    }

    fn read(text: &str) -> Option<Self> {
        let (opened_at, order_id) = text.split_once(':')?;
        Some(Self { opened_at: time(opened_at)?, order_id: order_id.parse().ok()? })
    }
}

/// At the most `limit` of a store's tickets behind `after`: those of one status, or all that are to do.
///
/// What is to do is read whole, as the documents stand in the order in which the orders were placed, and one
/// that was paid late comes late; a kitchen has only so much to do. Rejected and canceled tickets become ever
/// more and wait for nobody: they stay in the order of their orders.
pub(crate) async fn tickets(
    service: &Service,
    store_id: StoreId,
    status: Option<TicketStatus>,
    after: Option<Turn>,
    limit: usize,
) -> Result<Vec<TicketView>, Failure> {
    let tag = status.map_or_else(|| tags::board(store_id), |status| tags::board_of(store_id, status));
    if matches!(status, Some(TicketStatus::Rejected | TicketStatus::Canceled)) {
        return list(service, tag, after.map(|turn| turn.order_id), limit).await;
    }
    let mut oldest: Vec<TicketView> = Vec::new();
    let mut looked_at = None;
    loop {
        let found = list(service, tag.clone(), looked_at, GO).await?;
        let is_last = found.len() < GO;
        looked_at = found.last().map(|ticket| ticket.turn().order_id);
        oldest.extend(found.into_iter().filter(|ticket| after.is_none_or(|after| ticket.turn() > after)));
        oldest.sort_by_key(TicketView::turn);
        oldest.truncate(limit);
        if is_last {
            return Ok(oldest);
        }
    }
}

/// Tickets in the order of their orders. Whatever has such a tag has a ticket.
async fn list(
    service: &Service,
    tag: String,
    after: Option<OrderId>,
    limit: usize,
) -> Result<Vec<TicketView>, Failure> {
    let after = after.map(|id| id.to_string());
    let query = Query { select: Select::Tag(tag), direction: Direction::Ascending, after, limit };
    let found: Vec<OrderDocument> = views::list(service, ORDERS, query).await?;
    Ok(found.into_iter().filter_map(OrderDocument::ticket_shown).collect())
}
