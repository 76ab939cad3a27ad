//! What payment does about what order tells.

use async_trait::async_trait;
use baedal_contracts::order::Event as Heard;
use baedal_contracts::{ChangeId, OrderId, Won, source};
use baedal_kit::{Consumer, Envelope, Failure, Work};
use jiff::Timestamp;

use crate::Settings;
use crate::deciding::tell;
use crate::domain::{Command, Word};

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

    async fn hear(&self, event: &Envelope, work: &mut Work) -> Result<(), Failure> {
        match event.kind.as_str() {
            "OrderChangeChargeDue"
            | "OrderChanged"
            | "OrderChangeRefused"
            | "OrderCanceled"
            | "OrderRejected"
            | "OrderCompleted" => {}
            _ => return Ok(()),
        }
        match event.read()? {
            Heard::OrderChangeChargeDue { order_id, change_id, extra_krw, until } => {
                self.when_change_charge_due(work, order_id, change_id, extra_krw, until).await
            }
            Heard::OrderChanged { order_id, change_id, basket } => {
                when_changed(work, order_id, Word { change_id, refused: false }, basket.total_krw).await
            }
            Heard::OrderChangeRefused { order_id, change_id, basket, .. } => {
                when_changed(work, order_id, Word { change_id, refused: true }, basket.total_krw).await
            }
            Heard::OrderCanceled { order_id, owed_krw, .. } => when_ended(work, order_id, owed_krw).await,
            Heard::OrderRejected { order_id, .. } => when_ended(work, order_id, Won::ZERO).await,
            Heard::OrderCompleted { order_id, .. } => when_completed(work, order_id).await,
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
    /// The kitchen holds still: take the extra.
    async fn when_change_charge_due(
        &self,
        work: &mut Work,
        order_id: OrderId,
        change_id: ChangeId,
        extra_krw: Won,
        until: Timestamp,
    ) -> Result<(), Failure> {
        let look_up_at = work.at() + self.settings.look_up_after;
        tell(work, order_id, Command::BeginExtra { change_id, extra_krw, until, look_up_at }).await?;
        Ok(())
    }
}

/// A change was done or refused: order says what is owed now.
async fn when_changed(work: &mut Work, order_id: OrderId, word: Word, owed_krw: Won) -> Result<(), Failure> {
    let refund_id = work.new_id();
    tell(work, order_id, Command::Owe { owed_krw, word, refund_id }).await?;
    Ok(())
}

/// The order ended without the food.
async fn when_ended(work: &mut Work, order_id: OrderId, owed_krw: Won) -> Result<(), Failure> {
    let refund_id = work.new_id();
    tell(work, order_id, Command::End { owed_krw, refund_id }).await?;
    Ok(())
}

/// The customer has the food.
async fn when_completed(work: &mut Work, order_id: OrderId) -> Result<(), Failure> {
    tell(work, order_id, Command::Complete).await?;
    Ok(())
}
