//! The ledger: double entry, written in the same commit as the events that cause it.
//!
//! ```text
//!   the provider took money   provider_clearing ── Dr    Cr ── customer_deposits
//!   a refund became due       customer_deposits ── Dr    Cr ── refunds_owed
//!   money went back           refunds_owed      ── Dr    Cr ── provider_clearing
//!   the order is completed    customer_deposits ── Dr    Cr ── store_payable
//! ```
//!
//! So `provider_clearing` is what the provider holds for us, `refunds_owed` what still goes back, and the
//! rest belongs to customers whose orders are open, or to stores. What an operator's partial refund
//! leaves stays in `customer_deposits`: who it belongs to depends on whose fault it was.

use baedal_contracts::{OrderId, Won};
use baedal_kit::database::{Direction, Query, Select};
use baedal_kit::{Database, Failure, Work};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::Event;

/// The view the postings are kept in. Their ids sort by order, then by time.
const LEDGER: &str = "ledger";
/// How many postings are read at once.
const PAGE: usize = 500;

/// What money can be in.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Debug,
    Serialize,
    Deserialize,
    ToSchema,
    strum::Display,
    strum::EnumIter,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Account {
    /// What the provider holds for us: an asset.
    ProviderClearing,
    /// What customers have paid for orders that are not completed: a liability.
    CustomerDeposits,
    /// What goes back to customers and has not arrived: a liability.
    RefundsOwed,
    /// What completed orders have earned for stores: a liability.
    StorePayable,
}

/// One entry: an amount that went from one account to another.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Posting {
    /// Names it; later ones sort after earlier ones.
    pub posting_id: Uuid,
    /// Of which order.
    pub order_id: OrderId,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// The account that is debited.
    pub debit: Account,
    /// The account that is credited.
    pub credit: Account,
    /// How much.
    pub amount_krw: Won,
    /// The event that caused it, as `RefundDue`.
    pub cause: String,
}

/// What an event moves: from the credited to the debited account, and how much.
fn moves(event: &Event) -> Option<(Account, Account, Won)> {
    use Account::{CustomerDeposits, ProviderClearing, RefundsOwed, StorePayable};
    match event {
        Event::PaymentApproved { amount_krw, .. } | Event::PaymentAdjusted { extra_krw: amount_krw, .. } => {
            Some((ProviderClearing, CustomerDeposits, *amount_krw))
        }
        Event::RefundDue { amount_krw, .. } => Some((CustomerDeposits, RefundsOwed, *amount_krw)),
        Event::Refunded { amount_krw, .. } => Some((RefundsOwed, ProviderClearing, *amount_krw)),
        Event::DepositEarned { amount_krw } => Some((CustomerDeposits, StorePayable, *amount_krw)),
        Event::AttemptBegun { .. }
        | Event::PaymentDeclined { .. }
        | Event::PaymentFailed { .. }
        | Event::PaymentAdjustmentDeclined { .. }
        | Event::OwedChanged { .. } => None,
    }
}

/// The posting that an event causes.
pub(crate) fn posting(order_id: OrderId, event: &Event, posting_id: Uuid, at: Timestamp) -> Option<Posting> {
    let (debit, credit, amount_krw) = moves(event).filter(|(_, _, amount)| !amount.is_zero())?;
    let cause = <&'static str>::from(event).to_owned();
    Some(Posting { posting_id, order_id, at, debit, credit, amount_krw, cause })
}

/// Writes what these events cause.
pub(crate) fn post(work: &mut Work, order_id: OrderId, events: &[Event]) -> Result<(), Failure> {
    for event in events {
        if let Some(posting) = posting(order_id, event, work.new_id(), work.at()) {
            work.put(LEDGER, &format!("{order_id}/{}", posting.posting_id), &posting, [])?;
        }
    }
    Ok(())
}

/// The postings of an order, or all of them, page by page.
pub(crate) async fn each_posting(
    database: &dyn Database,
    order_id: Option<OrderId>,
    mut see: impl FnMut(Posting) + Send,
) -> Result<(), Failure> {
    let prefix = order_id.map_or_else(String::new, |order_id| format!("{order_id}/"));
    let mut after = None;
    loop {
        let select = Select::Prefix(prefix.clone());
        let query = Query { select, direction: Direction::Ascending, after, limit: PAGE };
        let page = database.list(LEDGER, query).await?;
        let is_last = page.len() < PAGE;
        after = page.last().map(|document| document.id.clone());
        for document in page {
            let posting = serde_json::from_slice(&document.body)
                .map_err(|error| Failure::broken_by(format!("posting {} cannot be read", document.id), error))?;
            see(posting);
        }
        if is_last {
            return Ok(());
        }
    }
}
