//! What other contexts' events mean here.

use std::sync::Arc;

use async_trait::async_trait;
use baedal_contracts::{OrderId, order, source, store};
use baedal_kit::{Envelope, Failure};
use baedal_kit_runtime::{Consumer, UnitOfWork};

use crate::changes::{tell, whom_to_tell};
use crate::domain::{Command, Parcel};
use crate::settings::Settings;

/// The policy's name; a read that waits for what was heard waits for it.
pub(crate) const NAME: &str = "delivery_policy";

/// Hears the kitchen finish and orders end.
pub(crate) struct Policy {
    /// As they are set.
    pub(crate) settings: Arc<Settings>,
}

#[async_trait]
impl Consumer for Policy {
    fn name(&self) -> &'static str {
        NAME
    }

    fn sources(&self) -> &'static [&'static str] {
        &[source::STORE, source::ORDER]
    }

    async fn handle(&self, envelope: &Envelope, work: &mut UnitOfWork) -> Result<(), Failure> {
        match (envelope.source.as_str(), envelope.kind.as_str()) {
            (source::STORE, "CookFinished") => self.when_cook_finished(envelope.read::<store::Event>()?, work).await,
            (source::ORDER, "OrderCanceled" | "OrderRejected") => {
                when_order_ended(envelope.read::<order::Event>()?.order_id(), &self.settings, work).await
            }
            _ => Ok(()),
        }
    }
}

impl Policy {
    /// The food is ready: it waits for a rider, and the nearest are told.
    async fn when_cook_finished(&self, event: store::Event, work: &mut UnitOfWork) -> Result<(), Failure> {
        let store::Event::CookFinished {
            order_id,
            order_no,
            store_id,
            store_name,
            pickup,
            deliver_to,
            note,
            customer_id,
            summary,
        } = event
        else {
            return Ok(());
        };
        let parcel = Parcel { order_no, store_id, store_name, pickup, deliver_to, note, customer_id, summary };
        let reach = self.settings.reach();
        let riders = whom_to_tell(work, &self.settings, &parcel, reach.radius_m, &[]).await?;
        tell(work, &self.settings, order_id, Command::Request { parcel, riders, reach }).await
    }
}

/// The order ended: nobody brings it, whether or not the kitchen's word has come yet.
async fn when_order_ended(order_id: OrderId, settings: &Settings, work: &mut UnitOfWork) -> Result<(), Failure> {
    tell(work, settings, order_id, Command::Withdraw).await
}
