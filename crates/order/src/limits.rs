//! What one customer may do: how many orders may wait to be paid, and how often may be tried to pay.
//!
//! Each customer has a document, which changes in the same commit as the orders and the attempts that it counts: of
//! requests that race, at whichever replica, one alone finds it as it read it, and the others look again.

use baedal_contracts::{AccountId, AttemptId, ChangeId, OrderId};
use baedal_kit::Failure;
use baedal_kit_runtime::UnitOfWork;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Settings;
use crate::domain::{Command, Event, Order, OrderStatus};
use crate::http::refused::Refused;

/// The view of what is counted of customers, by customer.
const CUSTOMERS: &str = "customers";

/// What is counted of a customer.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
struct Tally {
    /// Orders that waited to be paid when they were last looked at.
    unpaid: Vec<OrderId>,
    /// The latest attempts to pay, oldest first; those that were put off are taken out again.
    attempts: Vec<(AttemptId, Timestamp)>,
}

/// Counts an order that is placed and its first attempt to pay.
///
/// # Errors
/// Why the customer may not place another now; a failure of the database.
pub(crate) async fn count_order(
    work: &mut UnitOfWork,
    settings: &Settings,
    customer_id: AccountId,
    order_id: OrderId,
    attempt_id: AttemptId,
) -> Result<(), Refused> {
    let mut tally = read(work, customer_id).await?;
    if settings.unpaid_orders > 0 && tally.unpaid.len() >= settings.unpaid_orders {
        let pay_by = tally.forget_paid(work).await?;
        if tally.unpaid.len() >= settings.unpaid_orders {
            return Err(Refused::TooManyUnpaid { until: pay_by.unwrap_or_else(|| work.at()), now: work.at() });
        }
    }
    if settings.unpaid_orders > 0 {
        tally.unpaid.push(order_id);
    }
    tally.count(attempt_id, settings, work.at())?;
    Ok(keep(work, customer_id, &tally)?)
}

/// Counts the attempts to pay that a command began: for the order, or for what a change of it costs more.
///
/// # Errors
/// Why the customer may not try again now; a failure of the database.
pub(crate) async fn count_attempts(
    work: &mut UnitOfWork,
    settings: &Settings,
    customer_id: AccountId,
    events: &[Event],
) -> Result<(), Refused> {
    for event in events {
        let attempt_id = if let Event::PaymentAttempted { attempt_id } = event {
            *attempt_id
        } else if let Event::OrderChangeRequested { change_id, extra_krw, .. } = event
            && !extra_krw.is_zero()
        {
            attempt_of(*change_id)
        } else {
            continue;
        };
        let mut tally = read(work, customer_id).await?;
        tally.count(attempt_id, settings, work.at())?;
        keep(work, customer_id, &tally)?;
    }
    Ok(())
}

/// Tells an order what came of an attempt, or something else that is answered in every state. What was put off is no
/// attempt of the customer's: nobody was asked for money, or who was asked could not answer.
///
/// # Errors
/// A failure of the database; broken, where the order refuses it.
pub(crate) async fn tell(work: &mut UnitOfWork, order_id: OrderId, command: Command) -> Result<(), Failure> {
    for event in work.command::<Order>(&order_id, command).await? {
        let attempt_id = if let Event::PaymentPutOff { attempt_id } = event {
            attempt_id
        } else if let Event::OrderChangeRefused { change_id, put_off: true, .. } = event {
            attempt_of(change_id)
        } else {
            continue;
        };
        let order = work.load::<Order>(&order_id).await?;
        let Some(customer_id) = order.placed().map(|placed| placed.customer_id) else { continue };
        let mut tally = read(work, customer_id).await?;
        tally.attempts.retain(|(counted, _)| *counted != attempt_id);
        keep(work, customer_id, &tally)?;
    }
    Ok(())
}

/// The attempt to pay what a change costs more has the change's id, as with payment.
fn attempt_of(change_id: ChangeId) -> AttemptId {
    AttemptId(change_id.0)
}

impl Tally {
    /// Takes out the orders that are paid, or have ended. The first moment at which one of those that are left is
    /// canceled by itself.
    async fn forget_paid(&mut self, work: &mut UnitOfWork) -> Result<Option<Timestamp>, Failure> {
        let mut unpaid = Vec::new();
        let mut first: Option<Timestamp> = None;
        for order_id in std::mem::take(&mut self.unpaid) {
            let order = work.load::<Order>(&order_id).await?;
            if let Some(placed) = order.placed().filter(|placed| placed.status() == OrderStatus::AwaitingPayment) {
                unpaid.push(order_id);
                first = Some(first.map_or(placed.pay_by, |first| first.min(placed.pay_by)));
            }
        }
        self.unpaid = unpaid;
        Ok(first)
    }

    fn count(&mut self, attempt_id: AttemptId, settings: &Settings, now: Timestamp) -> Result<(), Refused> {
        if settings.attempts == 0 {
            return Ok(());
        }
        let end = |at: Timestamp| at.saturating_add(settings.attempts_within).unwrap_or(Timestamp::MAX);
        self.attempts.retain(|(_, at)| now < end(*at));
        if self.attempts.len() >= settings.attempts {
            // Where a clock was set they may stand in any order; the first that is over makes room.
            let until = self.attempts.iter().map(|(_, at)| end(*at)).min().unwrap_or(now);
            return Err(Refused::PayingTooOften { until, now });
        }
        self.attempts.push((attempt_id, now));
        Ok(())
    }
}

async fn read(work: &mut UnitOfWork, customer_id: AccountId) -> Result<Tally, Failure> {
    Ok(work.document(CUSTOMERS, &customer_id.to_string()).await?.unwrap_or_default())
}

fn keep(work: &mut UnitOfWork, customer_id: AccountId, tally: &Tally) -> Result<(), Failure> {
    work.put(CUSTOMERS, &customer_id.to_string(), tally, [])
}
