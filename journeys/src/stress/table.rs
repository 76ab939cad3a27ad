//! The customer of an order, and the operator who looks at it; what everybody around it shares.

use std::sync::Arc;
use std::time::Duration;

use baedal_client::types::{OperatorCancel, OperatorRefund};
use baedal_client::{Error, Session};
use baedal_contracts::order::Fault;
use baedal_contracts::payment::PaymentMeans;
use baedal_contracts::{OrderId, Won};
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::Instant;
use uuid::Uuid;

use super::people::{People, Store};
use super::phone::Phone;
use super::script::{Operator, Plate, Script, Wish};

/// How often people look at an order.
const GLANCE: Duration = Duration::from_millis(400);
/// How soon somebody asks again after a no that may be a yes later.
pub(super) const AGAIN: Duration = Duration::from_millis(300);
/// How long a customer thinks before paying another way.
const SECOND_THOUGHT: Duration = Duration::from_millis(900);

/// How an order is, as people see it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub(super) enum Seen {
    #[default]
    AwaitingPayment,
    Paid,
    Accepted,
    Cooking,
    Cooked,
    RiderAssigned,
    PickedUp,
    Delivered,
    /// Completed, canceled, rejected.
    Ended,
}

impl Seen {
    fn read(view: &Value) -> Option<Self> {
        Some(match view["status"].as_str()? {
            "awaiting_payment" => Self::AwaitingPayment,
            "paid" => Self::Paid,
            "accepted" => Self::Accepted,
            "cooking" => Self::Cooking,
            "cooked" => Self::Cooked,
            "rider_assigned" => Self::RiderAssigned,
            "picked_up" => Self::PickedUp,
            "delivered" => Self::Delivered,
            _ => Self::Ended,
        })
    }
}

/// What everybody around an order shares.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) people: Arc<People>,
    pub(super) script: Arc<Script>,
    pub(super) order: OrderId,
    pub(super) seen: watch::Receiver<Seen>,
    /// When everybody goes home.
    pub(super) over: Instant,
}

impl Table {
    fn customer(&self) -> &Phone {
        &self.people.customers[self.script.customer]
    }

    pub(super) fn store(&self) -> &Store {
        &self.people.stores[self.script.store]
    }

    pub(super) fn now(&self) -> Seen {
        *self.seen.borrow()
    }

    /// Waits until the order is seen so far, or further. Whether it is so far exactly; nobody waits longer than
    /// the day.
    pub(super) async fn comes_to(&self, wanted: Seen) -> bool {
        let mut seen = self.seen.clone();
        let waited = tokio::time::timeout_at(self.over, seen.wait_for(|seen| *seen >= wanted)).await;
        matches!(waited, Ok(Ok(seen)) if *seen == wanted)
    }

    /// Once the order is so far, and so long after that: asks again and again until it is done, or the order is
    /// seen elsewhere. Whether it was done.
    pub(super) async fn at<Asked: Future<Output = Result<(), Error>>>(
        &self,
        wanted: Seen,
        after: Duration,
        mut phone: impl FnMut() -> usize,
        phones: &[Phone],
        call: impl Fn(Session) -> Asked,
    ) -> Option<usize> {
        if !self.comes_to(wanted).await {
            return None;
        }
        tokio::time::sleep(after).await;
        while self.now() == wanted && Instant::now() < self.over {
            let who = phone() % phones.len();
            if phones[who].ask(self.over, &call).await.is_ok() {
                return Some(who);
            }
            tokio::time::sleep(AGAIN).await;
        }
        None
    }
}

/// Looks at an order every now and then, until it has ended or the day has.
pub(super) async fn watch(people: Arc<People>, order: OrderId, tell: watch::Sender<Seen>, over: Instant) {
    while Instant::now() < over {
        let view: Result<Value, _> = people
            .operator
            .ask(over, |session| async move { session.get(&format!("/api/orders/{order}")).await })
            .await;
        let seen = view.ok().and_then(|view| Seen::read(&view));
        if let Some(seen) = seen {
            tell.send_if_modified(|before| std::mem::replace(before, seen) != seen);
            if seen == Seen::Ended {
                return;
            }
        }
        tokio::time::sleep(GLANCE).await;
    }
}

/// Places the order; nothing where it was refused, or nobody answered.
pub(super) async fn place(people: &People, script: &Script, over: Instant) -> Option<OrderId> {
    let key = Uuid::now_v7().to_string();
    let order = people.stores[script.store].order(script.plate, script.token);
    let placed = people.customers[script.customer].ask(over, |session| {
        let (key, order) = (key.clone(), order.clone());
        async move { session.place(&key, &order).await }
    });
    placed.await.ok().map(|placed| placed.order_id)
}

/// Pays where that has come to nothing so far, each time another way.
pub(super) async fn pay_again(table: Table) {
    for token in &table.script.pays_again {
        tokio::time::sleep(SECOND_THOUGHT).await;
        if table.now() != Seen::AwaitingPayment {
            return;
        }
        let means = PaymentMeans { method: "card".to_owned(), token: (*token).to_owned() };
        let order = table.order;
        // A no is as good as a yes: what must be is looked at in the end.
        let _ = table
            .customer()
            .ask(table.over, |session| {
                let means = means.clone();
                async move { session.pay(order, &means).await.map(drop) }
            })
            .await;
    }
}

/// Wishes one thing after the other.
pub(super) async fn wish(table: Table) {
    let mut plate = table.script.plate;
    for (after, wish) in &table.script.wishes {
        tokio::time::sleep(*after).await;
        match plate.after(*wish) {
            Some(wished) if wished != plate => {
                if change(&table, wished).await {
                    plate = wished;
                }
            }
            Some(_) => {}
            None => cancel(&table).await,
        }
        if *wish == Wish::Cancel {
            return;
        }
    }
}

async fn change(table: &Table, plate: Plate) -> bool {
    let (order, change) = (table.order, table.store().change(plate));
    let changed = table.customer().ask(table.over, |session| {
        let change = change.clone();
        async move { session.change(order, &change).await.map(drop) }
    });
    changed.await.is_ok()
}

async fn cancel(table: &Table) {
    let order = table.order;
    let canceled =
        table.customer().ask(table.over, |session| async move { session.cancel(order, "마음이 바뀌었어요").await });
    // A no is as good as a yes.
    let _ = canceled.await;
}

/// Says that the food has come.
pub(super) async fn confirm(table: Table) {
    if table.script.confirms && table.comes_to(Seen::Delivered).await {
        let order = table.order;
        let _ = table.customer().ask(table.over, |session| async move { session.confirm(order).await }).await;
    }
}

/// An operator does what is to be done.
pub(super) async fn oversee(table: Table) {
    let Some((after, operator)) = table.script.operator else { return };
    tokio::time::sleep(after).await;
    let (order, phone) = (table.order, &table.people.operator);
    let path = format!("/api/orders/{order}");
    let view: Result<Value, _> = phone
        .ask(table.over, |session| {
            let path = path.clone();
            async move { session.get(&path).await }
        })
        .await;
    let total = view.ok().and_then(|view| view["total_krw"].as_u64()).unwrap_or_default();
    let refund_krw = match operator {
        Operator::CancelsInFull => None,
        Operator::CancelsInPart(hundredths) => Some(Won(total * hundredths / 100)),
        Operator::Refunds(amount) => return refund(&table, amount).await,
    };
    let cancel = OperatorCancel { reason: "신고를 받았습니다".to_owned(), refund_krw, fault: Fault::Platform };
    let _ = phone
        .ask(table.over, |session| {
            let cancel = cancel.clone();
            async move { session.cancel_as_operator(order, &cancel).await }
        })
        .await;
}

async fn refund(table: &Table, amount_krw: u64) {
    let (order, key) = (table.order, Uuid::now_v7().to_string());
    let refund =
        OperatorRefund {
            amount_krw: Won(amount_krw), reason: "콜라가 빠졌어요".to_owned(), fault: Fault::Store
        };
    let _ = table
        .people
        .operator
        .ask(table.over, |session| {
            let (key, refund) = (key.clone(), refund.clone());
            async move { session.refund(&key, order, &refund).await }
        })
        .await;
}
