//! What payment does about what order tells.

use async_trait::async_trait;
use baedal_contracts::order::{Basket, Bill, Event as Heard};
use baedal_contracts::{OrderId, Won, source};
use baedal_kit::{Envelope, Failure};
use baedal_kit_runtime::{Consumer, UnitOfWork};
use uuid::Uuid;

use crate::Settings;
use crate::deciding::tell;
use crate::domain::{Command, Ending, Grant, Payment};

/// Hears order.
pub(crate) struct Policy {
    settings: Settings,
}

impl Policy {
    pub(crate) fn new(settings: Settings) -> Self {
        Self { settings }
    }
}

#[async_trait]
impl Consumer for Policy {
    fn name(&self) -> &'static str {
        "payment_policy"
    }

    fn sources(&self) -> &'static [&'static str] {
        &[source::ORDER]
    }

    async fn handle(&self, event: &Envelope, work: &mut UnitOfWork) -> Result<(), Failure> {
        match event.kind.as_str() {
            "OrderChangeChargeDue"
            | "OrderChanged"
            | "OrderChangeRefused"
            | "OrderCanceled"
            | "OrderRejected"
            | "OrderCompleted"
            | "OrderRefundGranted" => {}
            _ => return Ok(()),
        }
        match event.read()? {
            Heard::OrderChangeChargeDue { order_id, change_id, extra_krw, until, version } => {
                let look_up_at = work.at() + self.settings.look_up_after;
                let begin = Command::BeginExtra { change_id, extra_krw, version, until, look_up_at };
                when_change_charge_due(work, order_id, begin).await
            }
            Heard::OrderChanged { order_id, basket, bill, version, .. }
            | Heard::OrderChangeRefused { order_id, basket, bill, version, .. } => {
                when_changed(work, order_id, owed(&basket, bill), version).await
            }
            Heard::OrderCanceled { order_id, owed_krw, fault, bill, version, .. } => {
                let bill = bill.unwrap_or(Bill { total_krw: owed_krw, owed_krw, ..Bill::default() });
                let ending = Ending::without_the_food(&bill, fault, self.settings.platform_fee_percent);
                when_ended(work, order_id, owed_krw, ending, version).await
            }
            Heard::OrderRejected { order_id, version, .. } => {
                when_ended(work, order_id, Won::ZERO, Ending::Undone, version).await
            }
            Heard::OrderCompleted { order_id, bill, version, .. } => {
                self.when_completed(work, order_id, bill, version).await
            }
            Heard::OrderRefundGranted { order_id, refund_id, amount_krw, fault, bill, version, .. } => {
                let grant = Grant { amount_krw, fault };
                when_refund_granted(work, order_id, refund_id, grant, bill.owed_krw, version).await
            }
            Heard::OrderPlaced { .. }
            | Heard::PaymentWindowExtended { .. }
            | Heard::OrderPaid { .. }
            | Heard::OrderChangeRequested { .. }
            | Heard::OrderCancelRequested { .. }
            | Heard::OrderCancelRefused { .. }
            | Heard::OrderOverdue { .. } => Ok(()),
        }
    }
}

impl Policy {
    /// The customer has the food. The bill says what is owed, so that the money is right also where a change
    /// before was not heard.
    async fn when_completed(
        &self,
        work: &mut UnitOfWork,
        order_id: OrderId,
        bill: Option<Bill>,
        version: u64,
    ) -> Result<(), Failure> {
        let bill = match bill {
            Some(bill) => bill,
            None => {
                let owed_krw = work.load::<Payment>(&order_id).await?.owed_krw().unwrap_or(Won::ZERO);
                Bill { total_krw: owed_krw, owed_krw, ..Bill::default() }
            }
        };
        let ending = Ending::with_the_food(&bill, self.settings.platform_fee_percent);
        when_ended(work, order_id, bill.owed_krw, ending, version).await
    }
}

/// The order ended.
async fn when_ended(
    work: &mut UnitOfWork,
    order_id: OrderId,
    owed_krw: Won,
    ending: Ending,
    version: u64,
) -> Result<(), Failure> {
    let refund_id = work.new_id();
    tell(work, order_id, Command::End { owed_krw, version, ending, refund_id }).await?;
    Ok(())
}

/// The kitchen holds still: take the extra.
async fn when_change_charge_due(work: &mut UnitOfWork, order_id: OrderId, begin: Command) -> Result<(), Failure> {
    tell(work, order_id, begin).await?;
    Ok(())
}

/// A change was done or refused: order says what is owed now.
async fn when_changed(work: &mut UnitOfWork, order_id: OrderId, owed_krw: Won, version: u64) -> Result<(), Failure> {
    let refund_id = work.new_id();
    tell(work, order_id, Command::Owe { owed_krw, version, refund_id }).await?;
    Ok(())
}

/// An operator gives something back.
async fn when_refund_granted(
    work: &mut UnitOfWork,
    order_id: OrderId,
    grant_id: Uuid,
    grant: Grant,
    owed_krw: Won,
    version: u64,
) -> Result<(), Failure> {
    let refund_id = work.new_id();
    tell(work, order_id, Command::Grant { grant_id, grant, owed_krw, version, refund_id }).await?;
    Ok(())
}

fn owed(basket: &Basket, bill: Option<Bill>) -> Won {
    bill.map_or(basket.total_krw, |bill| bill.owed_krw)
}
