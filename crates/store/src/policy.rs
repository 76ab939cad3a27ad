//! Hears order: what becomes of it in the kitchen.

use async_trait::async_trait;
use baedal_contracts::order::{Basket, Event, OrderStore};
use baedal_contracts::{AccountId, ChangeId, OrderId, OrderNo, StoreId, Won, source};
use baedal_kit::{Envelope, Failure};
use baedal_kit_runtime::{Consumer, UnitOfWork};

use crate::Settings;
use crate::domain::Store;
use crate::domain::ticket::{Change, Command, Slip};
use crate::kitchen;

#[cfg(test)]
mod tests;

/// The kinds of events that mean something to a kitchen.
const HEARD: [&str; 7] = [
    "OrderPaid",
    "OrderChangeRequested",
    "OrderChanged",
    "OrderChangeRefused",
    "OrderCancelRequested",
    "OrderCanceled",
    "OrderCompleted",
];

/// Turns what happens to orders into what happens to their tickets.
pub(crate) struct KitchenPolicy {
    settings: Settings,
}

#[async_trait]
impl Consumer for KitchenPolicy {
    fn name(&self) -> &'static str {
        "kitchen"
    }

    fn sources(&self) -> &'static [&'static str] {
        &[source::ORDER]
    }

    async fn handle(&self, event: &Envelope, work: &mut UnitOfWork) -> Result<(), Failure> {
        if !HEARD.contains(&event.kind.as_str()) {
            return Ok(());
        }
        match event.read::<Event>()? {
            Event::OrderPaid { order_id, order_no, customer_id, store, basket } => {
                self.when_order_paid(work, order_id, slip(order_no, customer_id, store, basket)).await
            }
            Event::OrderChangeRequested { order_id, change_id, basket, extra_krw } => {
                self.when_change_requested(work, order_id, change(change_id, basket), extra_krw).await
            }
            Event::OrderChanged { order_id, change_id, .. } => when_changed(work, order_id, change_id).await,
            Event::OrderChangeRefused { order_id, change_id, .. } => {
                when_change_refused(work, order_id, change_id).await
            }
            Event::OrderCancelRequested { order_id, .. } => {
                kitchen::tell(work, order_id, Command::CancelTicket { request: event.id }).await
            }
            Event::OrderCanceled { order_id, paid, .. } => when_order_canceled(work, order_id, paid).await,
            Event::OrderCompleted { order_id, store_id, .. } => when_order_completed(work, order_id, store_id).await,
            Event::OrderPlaced { .. }
            | Event::PaymentWindowExtended { .. }
            | Event::OrderChangeChargeDue { .. }
            | Event::OrderCancelRefused { .. }
            | Event::OrderOverdue { .. }
            | Event::OrderRejected { .. }
            | Event::OrderRefundGranted { .. } => Ok(()),
        }
    }
}

impl KitchenPolicy {
    pub(crate) fn new(settings: Settings) -> Self {
        Self { settings }
    }

    async fn when_order_paid(&self, work: &mut UnitOfWork, order_id: OrderId, slip: Slip) -> Result<(), Failure> {
        let answer_by = work.at() + self.settings.answer_within;
        kitchen::open(work, order_id, slip, answer_by).await
    }

    /// A change that costs no more is made at once. For one that does, the kitchen holds still while the
    /// difference is charged.
    async fn when_change_requested(
        &self,
        work: &mut UnitOfWork,
        order_id: OrderId,
        change: Change,
        extra_krw: Won,
    ) -> Result<(), Failure> {
        let hold_until = (!extra_krw.is_zero()).then(|| work.at() + self.settings.change_lock);
        kitchen::change(work, order_id, change, hold_until).await
    }
}

async fn when_changed(work: &mut UnitOfWork, order_id: OrderId, change_id: ChangeId) -> Result<(), Failure> {
    kitchen::tell(work, order_id, Command::SealChange { change_id }).await
}

async fn when_change_refused(work: &mut UnitOfWork, order_id: OrderId, change_id: ChangeId) -> Result<(), Failure> {
    kitchen::tell(work, order_id, Command::PutChangeBack { change_id }).await
}

async fn when_order_canceled(work: &mut UnitOfWork, order_id: OrderId, paid: bool) -> Result<(), Failure> {
    kitchen::tell(work, order_id, Command::WithdrawTicket { paid }).await
}

/// The store thanks as it is called and speaks now; whether it is open does not matter.
async fn when_order_completed(work: &mut UnitOfWork, order_id: OrderId, store_id: StoreId) -> Result<(), Failure> {
    // Looked up, not remembered: the owner may have changed the words through another replica.
    let store = work.service().look::<Store>(&store_id).await?;
    let Some(store) = store.registered() else {
        return Err(Failure::broken(format!("order {order_id} is of store {store_id}, which there is not")));
    };
    let (store_name, message) = (store.profile.name.clone(), store.profile.thanks_message.clone());
    kitchen::tell(work, order_id, Command::Thank { store_name, message }).await
}

fn slip(order_no: OrderNo, customer_id: AccountId, store: OrderStore, basket: Basket) -> Slip {
    let Basket { items, deliver_to, note, .. } = basket;
    Slip { order_no, customer_id, store, items, deliver_to, note }
}

fn change(change_id: ChangeId, basket: Basket) -> Change {
    let Basket { items, deliver_to, note, .. } = basket;
    Change { change_id, items, deliver_to, note }
}
