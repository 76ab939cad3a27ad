//! Turns what the other contexts tell into notices.
//!
//! Each `when_…` decides about every event of its context whether there is something to say, to whom,
//! by which template. What goes to a phone becomes a job; what is shown in the app is kept at once.

use std::time::Duration;

use async_trait::async_trait;
use baedal_contracts::{OrderId, delivery, order, payment, source, store};
use baedal_kit::database::JobChange;
use baedal_kit::{Envelope, Failure, Job};
use baedal_kit_runtime::{Consumer, UnitOfWork};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::ask::Ask;
use crate::jobs::REMIND;
use crate::templates::Template;
use crate::views::{ORDER_FACTS, OrderFacts};
use crate::{Settings, declines, record};

#[cfg(test)]
mod tests;
mod when_delivery;
mod when_order;
mod when_payment;
mod when_store;

use when_delivery::when_delivery_tells;
use when_order::{Reminder, reminder, when_order_tells};
use when_payment::when_payment_tells;
use when_store::when_store_tells;

/// Hears what there is to say.
pub(crate) struct Policy {
    /// How long an order may stay unpaid before the customer is reminded.
    pub(crate) reminder_after: SignedDuration,
    /// How often a customer is told of a declined payment at the most.
    pub(crate) declines_every: SignedDuration,
}

/// What the reminder's job needs to know.
#[derive(Serialize, Deserialize)]
pub(crate) struct Remind {
    /// What to send.
    pub(crate) ask: Ask,
    /// When there is no use in it any more.
    pub(crate) pay_by: Timestamp,
}

#[async_trait]
impl Consumer for Policy {
    fn name(&self) -> &'static str {
        "notices"
    }

    fn sources(&self) -> &'static [&'static str] {
        &[source::ORDER, source::PAYMENT, source::STORE, source::DELIVERY]
    }

    fn linger(&self) -> Duration {
        // The facts that a notice needs are projected meanwhile, and the notices of many orders are scheduled
        // together.
        Duration::from_millis(20)
    }

    async fn handle(&self, event: &Envelope, work: &mut UnitOfWork) -> Result<(), Failure> {
        let (order_id, drafts) = match event.source.as_str() {
            source::ORDER => {
                let told: order::Event = event.read()?;
                self.keep_reminder(event, &told, work);
                (told.order_id(), when_order_tells(told))
            }
            source::PAYMENT => {
                let told: payment::Event = event.read()?;
                (told.order_id(), when_payment_tells(told))
            }
            // Menus and stocks change all the time, and are nobody's news.
            source::STORE if matches!(event.kind.as_str(), "StockChanged" | "MenuChanged") => return Ok(()),
            source::STORE => {
                let told: store::Event = event.read()?;
                let Some(order_id) = told.order_id() else { return Ok(()) };
                (order_id, when_store_tells(told))
            }
            source::DELIVERY => {
                let told: delivery::Event = event.read()?;
                (told.order_id(), when_delivery_tells(told))
            }
            _ => return Ok(()),
        };
        for draft in drafts {
            let ask = Ask::new(event, order_id, draft, work.at());
            if ask.draft.template == Template::PaymentDeclined {
                declines::tell(ask, self.declines_every, work).await?;
            } else {
                say(ask, work).await?;
            }
        }
        Ok(())
    }
}

impl Policy {
    pub(crate) fn new(settings: &Settings) -> Self {
        let Settings { reminder_after, declines_every, .. } = *settings;
        Self { reminder_after, declines_every }
    }

    /// Begins or ends the wait for a payment.
    fn keep_reminder(&self, event: &Envelope, told: &order::Event, work: &mut UnitOfWork) {
        match reminder(told) {
            Some(Reminder::Begins { draft, pay_by }) => {
                let order_id: OrderId = told.order_id();
                let remind = Remind { ask: Ask::new(event, order_id, draft, work.at()), pay_by };
                work.schedule(
                    Job::new(REMIND, order_id, event.at + self.reminder_after).with(&remind).about(order_id.0),
                );
            }
            Some(Reminder::Ends) => {
                work.change_job(JobChange::unschedule(REMIND, told.order_id()));
                declines::forget(told.order_id(), work);
            }
            None => {}
        }
    }
}

/// In the app at once, where all is known; otherwise by the job that can wait and call a provider.
async fn say(ask: Ask, work: &mut UnitOfWork) -> Result<(), Failure> {
    if ask.draft.template.is_in_app() {
        let facts: Option<OrderFacts> = match ask.needs_facts() {
            true => work.document(ORDER_FACTS, &ask.order_id.to_string()).await?,
            false => None,
        };
        if facts.is_some() || !ask.needs_facts() {
            let Some(letter) = ask.letter(facts.as_ref()) else { return Ok(()) };
            return record::in_app(&letter, work).await;
        }
    }
    work.schedule(ask.job(work.at()));
    Ok(())
}
