//! What order does about what payment, the store and the delivery tell.

use async_trait::async_trait;
use baedal_contracts::source::{DELIVERY, PAYMENT, STORE};
use baedal_contracts::{OrderId, delivery, payment, store};
use baedal_kit::{Envelope, Failure};
use baedal_kit_runtime::{Consumer, UnitOfWork};

use crate::domain::Command;
use crate::{Settings, limits};

/// Turns what others tell into commands for the order.
pub(crate) struct Policy {
    settings: Settings,
}

impl Policy {
    pub(crate) fn new(settings: Settings) -> Self {
        Self { settings }
    }

    fn when_payment_tells(&self, event: payment::Event) -> Option<(OrderId, Command)> {
        use payment::Event;
        match event {
            Event::PaymentApproved { order_id, amount_krw, .. } => {
                let abandon_after = self.settings.abandon_after;
                Some((order_id, Command::Approve { amount_krw, abandon_after }))
            }
            // As payment's answer would have said it, and this may be heard before it.
            Event::PaymentDeclined { order_id, attempt_id, failed: true, .. } => {
                Some((order_id, Command::PutOff { attempt_id, answered: true }))
            }
            Event::PaymentDeclined { order_id, attempt_id, reason, failed: false } => {
                Some((order_id, Command::Decline { attempt_id, reason }))
            }
            Event::PaymentAdjusted { order_id, change_id, .. } => {
                Some((order_id, Command::ChangeCharged { change_id }))
            }
            Event::PaymentAdjustmentDeclined { order_id, change_id, failed, .. } => {
                Some((order_id, Command::ChangeChargeDeclined { change_id, failed }))
            }
            Event::PaymentRefundDue { .. } | Event::PaymentRefunded { .. } => None,
        }
    }

    fn when_the_kitchen_tells(event: store::Event) -> Option<(OrderId, Command)> {
        use store::Event;
        match event {
            Event::TicketRejected { order_id, reason, text, .. } => Some((order_id, Command::Reject { reason, text })),
            Event::TicketCanceled { order_id, .. } => Some((order_id, Command::GrantCancel)),
            Event::TicketCancelRefused { order_id } => Some((order_id, Command::RefuseCancel)),
            Event::TicketChangeReserved { order_id, change_id, until } => {
                Some((order_id, Command::ChargeForChange { change_id, until }))
            }
            Event::TicketChanged { order_id, change_id, .. } => Some((order_id, Command::ChangeDone { change_id })),
            Event::TicketChangeRefused { order_id, change_id, reason } => {
                Some((order_id, Command::RefuseChange { change_id, reason }))
            }
            Event::CookFinished { order_id, .. } => Some((order_id, Command::HearCooked)),
            // The menu is the catalog's; that it cooks is the kitchen's.
            Event::StoreRegistered { .. }
            | Event::StoreChanged { .. }
            | Event::StoreOpened { .. }
            | Event::StoreClosed { .. }
            | Event::MenuChanged { .. }
            | Event::StockChanged { .. }
            | Event::TicketOpened { .. }
            | Event::TicketAnswerExtended { .. }
            | Event::TicketAccepted { .. }
            | Event::CookStarted { .. }
            | Event::ThanksSent { .. } => None,
        }
    }

    fn when_the_riders_tell(&self, event: delivery::Event) -> Option<(OrderId, Command)> {
        use delivery::Event;
        match event {
            Event::PickupOverdue { order_id, .. } => Some((order_id, Command::HearNotFetched)),
            Event::ClaimReleased { order_id, .. } => Some((order_id, Command::HearReleased)),
            Event::PickedUp { order_id, .. } => Some((order_id, Command::HearPickedUp)),
            Event::Delivered { order_id, .. } => {
                let auto_complete_after = self.settings.auto_complete_after;
                Some((order_id, Command::HearDelivered { auto_complete_after }))
            }
            // That food waits, the kitchen has told; that a rider is on his way changes nothing here.
            Event::DeliveryRequested { .. }
            | Event::DeliveryClaimed { .. }
            | Event::DeliveryEscalated { .. }
            | Event::DeliveryCanceled { .. } => None,
        }
    }
}

#[async_trait]
impl Consumer for Policy {
    fn name(&self) -> &'static str {
        "order_policy"
    }

    fn sources(&self) -> &'static [&'static str] {
        &[PAYMENT, STORE, DELIVERY]
    }

    async fn handle(&self, event: &Envelope, work: &mut UnitOfWork) -> Result<(), Failure> {
        let asked = match (event.source.as_str(), event.kind.as_str()) {
            (PAYMENT, _) => self.when_payment_tells(event.read()?),
            (STORE, kind) if kind.starts_with("Ticket") || kind == "CookFinished" => {
                Self::when_the_kitchen_tells(event.read()?)
            }
            (DELIVERY, "PickupOverdue" | "ClaimReleased" | "PickedUp" | "Delivered") => {
                self.when_the_riders_tell(event.read()?)
            }
            _ => None,
        };
        if let Some((order_id, command)) = asked {
            limits::tell(work, order_id, command).await?;
        }
        Ok(())
    }
}
