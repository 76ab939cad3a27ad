//! The ledger: double entry, written in the same commit as the events that cause it.
//!
//! ```text
//!   the provider took money   provider_clearing ── Dr    Cr ── customer_deposits
//!   a refund became due       customer_deposits ── Dr    Cr ── refunds_owed
//!   money went back           refunds_owed      ── Dr    Cr ── provider_clearing
//!   the order has ended       customer_deposits ── Dr    Cr ── store_payable, rider_payable, platform_fees
//!   somebody is at fault      store_payable, …  ── Dr    Cr ── customer_deposits, from where it goes back
//! ```
//!
//! So `provider_clearing` is what the provider holds for us, `refunds_owed` what still goes back, and
//! `customer_deposits` belongs to customers whose orders go on: of an order that has ended nothing is left in
//! it. [`Division`](crate::domain::Division) says whose it is then.

use baedal_contracts::{OrderId, Won};
use baedal_kit::database::{Direction, Document, Query, Select};
use baedal_kit::{Database, Failure};
use baedal_kit_runtime::UnitOfWork;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::Event;

/// The view the postings are kept in. Their ids sort by order, then by birth: for show, nothing is decided by it.
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
    /// What customers have paid for orders that have not ended: a liability.
    CustomerDeposits,
    /// What goes back to customers and has not arrived: a liability.
    RefundsOwed,
    /// What stores have earned, less what they have to bear: a liability.
    StorePayable,
    /// What riders have earned, less what they have to bear: a liability.
    RiderPayable,
    /// What we have earned.
    PlatformFees,
    /// What we bear of what went back, by our fault or by goodwill.
    PlatformExpense,
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

/// What an event moves: the debited account, the credited one, and how much.
pub(crate) fn moves(event: &Event) -> Vec<(Account, Account, Won)> {
    use Account::{
        CustomerDeposits, PlatformExpense, PlatformFees, ProviderClearing, RefundsOwed, RiderPayable, StorePayable,
    };
    let moves = match event {
        Event::PaymentApproved { amount_krw, .. } | Event::PaymentAdjusted { extra_krw: amount_krw, .. } => {
            vec![(ProviderClearing, CustomerDeposits, *amount_krw)]
        }
        Event::RefundDue { amount_krw, .. } => vec![(CustomerDeposits, RefundsOwed, *amount_krw)],
        Event::Refunded { amount_krw, .. } => vec![(RefundsOwed, ProviderClearing, *amount_krw)],
        Event::DepositDivided(more) => vec![
            out_of_deposits(StorePayable, more.store_krw),
            out_of_deposits(RiderPayable, more.rider_krw),
            out_of_deposits(PlatformFees, more.platform_krw),
            out_of_deposits(PlatformExpense, -more.expense_krw),
        ],
        Event::AttemptBegun { .. }
        | Event::AttemptGivenUp { .. }
        | Event::PaymentDeclined { .. }
        | Event::PaymentFailed { .. }
        | Event::PaymentAdjustmentDeclined { .. }
        | Event::OwedChanged { .. }
        | Event::OrderEnded { .. }
        | Event::RefundGranted { .. } => Vec::new(),
    };
    moves.into_iter().filter(|(_, _, amount)| !amount.is_zero()).collect()
}

/// So much from the deposits to an account; less than nothing: back into them.
fn out_of_deposits(account: Account, amount: i64) -> (Account, Account, Won) {
    let (debit, credit) =
        if amount < 0 { (account, Account::CustomerDeposits) } else { (Account::CustomerDeposits, account) };
    (debit, credit, Won(amount.unsigned_abs()))
}

/// Writes what these events cause.
pub(crate) fn post(work: &mut UnitOfWork, order_id: OrderId, events: &[Event]) -> Result<(), Failure> {
    let at = work.at();
    for event in events {
        let cause: &'static str = event.into();
        for (debit, credit, amount_krw) in moves(event) {
            let (posting_id, cause) = (work.new_id(), cause.to_owned());
            let posting = Posting { posting_id, order_id, at, debit, credit, amount_krw, cause };
            work.put(LEDGER, &format!("{order_id}/{posting_id}"), &posting, [])?;
        }
    }
    Ok(())
}

/// The postings of the orders behind `after`, by order, so many at the most.
pub(crate) async fn page_of_postings(
    database: &dyn Database,
    after: Option<OrderId>,
    limit: usize,
) -> Result<Vec<Posting>, Failure> {
    // Behind all postings of that order, whose ids are hexadecimal.
    let after = after.map(|order_id| format!("{order_id}/g"));
    let query = Query { select: Select::Prefix(String::new()), direction: Direction::Ascending, after, limit };
    database.list(LEDGER, query).await?.iter().map(read).collect()
}

fn read(document: &Document) -> Result<Posting, Failure> {
    serde_json::from_slice(&document.body)
        .map_err(|error| Failure::broken_by(format!("posting {} cannot be read", document.id), error))
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
            see(read(&document)?);
        }
        if is_last {
            return Ok(());
        }
    }
}
