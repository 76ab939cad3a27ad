//! Whether an order is stuck: past a deadline that somebody should have kept.

use jiff::Timestamp;

use super::document::OrderDocument;
use super::tags::WaitsFor;
use crate::settings::Settings;

impl OrderDocument {
    /// What should have happened, and by when, where that is past.
    pub(crate) fn overdue(&self, now: Timestamp, settings: &Settings) -> Option<(WaitsFor, Timestamp)> {
        let order = self.order.as_ref()?;
        let waits = self.waits(order)?;
        let paid = order.paid_at.and_then(|at| at.checked_add(settings.undelivered_after).ok());
        let by = match waits {
            WaitsFor::Payment => Some(order.pay_by),
            WaitsFor::Kitchen => {
                let opened = self.ticket.as_ref().and_then(|ticket| ticket.opened.as_ref());
                [opened.map(|opened| opened.answer_by), paid].into_iter().flatten().min()
            }
            WaitsFor::Delivery => paid,
            WaitsFor::Completion => {
                let delivered = self.delivery.as_ref().and_then(|delivery| delivery.delivered_at);
                delivered.and_then(|at| at.checked_add(settings.uncompleted_after).ok())
            }
        }?;
        let late = now.duration_since(by);
        (late >= settings.grace).then_some((waits, by))
    }
}
