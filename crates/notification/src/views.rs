//! What is kept of other contexts to write a notice, and the notices as they were sent.

use async_trait::async_trait;
use baedal_contracts::notification::Channel;
use baedal_contracts::{AccountId, ChangeId, OrderId, Won, identity, order, source};
use baedal_kit::{Envelope, Failure};
use baedal_kit_runtime::{Consumer, Projection, UnitOfWork};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::Variables;

/// Where to reach whom, by account.
pub(crate) const CONTACTS: &str = "contacts";
/// What is to be known of an order, by order.
pub(crate) const ORDER_FACTS: &str = "order_facts";
/// Every notice, by its id; tagged with [`recipient_tag`]. Written together with the notice's own events.
pub(crate) const NOTICES: &str = "notices";

/// The tag of a recipient's notices.
pub(crate) fn recipient_tag(recipient_id: AccountId) -> String {
    format!("to:{recipient_id}")
}

/// Where to reach somebody: no more of a person than a message needs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Contact {
    /// Digits only.
    pub(crate) phone: String,
}

/// What a notice may need to know of an order.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct OrderFacts {
    pub(crate) customer_id: AccountId,
    pub(crate) owner_id: AccountId,
    pub(crate) store_name: String,
    pub(crate) pay_by: Timestamp,
    pub(crate) total_krw: Won,
    pub(crate) changes: Vec<Change>,
}

/// What a change did to the price.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Change {
    pub(crate) change_id: ChangeId,
    pub(crate) from_krw: Won,
    pub(crate) to_krw: Won,
}

impl OrderFacts {
    /// One of its changes.
    pub(crate) fn change(&self, change_id: ChangeId) -> Option<&Change> {
        self.changes.iter().find(|change| change.change_id == change_id)
    }
}

/// What became of a notice.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    /// Its channel took it.
    Sent,
    /// It reached nobody.
    Failed,
}

/// A notice, exactly as it was sent.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Notice)]
pub(crate) struct NoticeDocument {
    /// Which.
    pub(crate) notice_id: Uuid,
    /// About which order.
    pub(crate) order_id: OrderId,
    /// To whom.
    pub(crate) recipient_id: AccountId,
    /// The template's code, as `order_paid`.
    pub(crate) template: String,
    /// The channel that took it, or the last that did not.
    pub(crate) channel: Channel,
    /// What it says.
    pub(crate) text: String,
    /// What stands in the template's places, by name.
    #[schema(value_type = std::collections::HashMap<String, String>)]
    pub(crate) variables: Variables,
    /// What became of it.
    pub(crate) outcome: Outcome,
    /// Why it failed, where it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    /// When that was.
    pub(crate) at: Timestamp,
}

/// Keeps [`CONTACTS`] and [`ORDER_FACTS`].
pub(crate) struct Facts;

impl Projection for Facts {
    fn views(&self) -> &'static [&'static str] {
        &[CONTACTS, ORDER_FACTS]
    }

    fn remembers(&self) -> bool {
        true
    }
}

#[async_trait]
impl Consumer for Facts {
    fn name(&self) -> &'static str {
        "notice_facts"
    }

    fn sources(&self) -> &'static [&'static str] {
        &[source::IDENTITY, source::ORDER]
    }

    async fn handle(&self, event: &Envelope, work: &mut UnitOfWork) -> Result<(), Failure> {
        match event.kind.as_str() {
            "AccountOpened" => {
                let identity::Event::AccountOpened { account_id, phone, .. } = event.read()?;
                work.put(CONTACTS, &account_id.to_string(), &Contact { phone }, [])
            }
            "OrderPlaced" | "PaymentWindowExtended" | "OrderChanged" | "OrderChangeRefused" => {
                when_order_tells(event.read()?, work).await
            }
            _ => Ok(()),
        }
    }
}

async fn when_order_tells(event: order::Event, work: &mut UnitOfWork) -> Result<(), Failure> {
    let id = event.order_id().to_string();
    let known: Option<OrderFacts> = work.document(ORDER_FACTS, &id).await?;
    let facts = match (event, known) {
        (order::Event::OrderPlaced { customer_id, store, basket, pay_by, .. }, None) => OrderFacts {
            customer_id,
            owner_id: store.owner_id,
            store_name: store.name,
            pay_by,
            total_krw: basket.total_krw,
            changes: Vec::new(),
        },
        (order::Event::PaymentWindowExtended { pay_by, .. }, Some(facts)) => OrderFacts { pay_by, ..facts },
        (order::Event::OrderChanged { change_id, basket, .. }, Some(mut facts)) => {
            if facts.change(change_id).is_some() {
                return Ok(());
            }
            let (from_krw, to_krw) = (facts.total_krw, basket.total_krw);
            facts.changes.push(Change { change_id, from_krw, to_krw });
            facts.total_krw = to_krw;
            facts
        }
        (order::Event::OrderChangeRefused { basket, .. }, Some(mut facts)) => {
            facts.total_krw = basket.total_krw;
            facts
        }
        // Nothing else says more of an order than is known; and an order's events come in order.
        _ => return Ok(()),
    };
    work.put(ORDER_FACTS, &id, &facts, [])
}
