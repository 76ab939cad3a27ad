//! How often each store's items were ordered: orders that were paid for, and not canceled or rejected.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use baedal_contracts::order::{Basket, Event};
use baedal_contracts::{ItemId, OrderId, StoreId, source};
use baedal_kit::{Envelope, Failure};
use baedal_kit_runtime::{Consumer, Projection, UnitOfWork};
use serde::{Deserialize, Serialize};

/// The view of the counts, one document per store; and the projection that writes both.
pub(crate) const RANKING: &str = "ranking";
/// What was counted for each order that has not ended, so that it can be taken off again.
const COUNTED: &str = "ranking_orders";

/// Keeps [`RANKING`].
pub(crate) struct Ranking;

/// How often a store's items were ordered.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Counts(BTreeMap<ItemId, Count>);

/// How often an item was ordered.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Count {
    /// What it was called when it was ordered last.
    pub(crate) name: String,
    /// How often.
    pub(crate) times: u64,
}

/// What one order counts for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Counted {
    store_id: StoreId,
    items: Vec<(ItemId, u32)>,
}

impl Counts {
    fn add(&mut self, basket: &Basket) {
        for line in &basket.items {
            let count = self.0.entry(line.item_id).or_insert_with(|| Count { name: String::new(), times: 0 });
            count.name.clone_from(&line.name);
            count.times += u64::from(line.quantity);
        }
    }

    fn take_off(&mut self, items: &[(ItemId, u32)]) {
        for (item_id, quantity) in items {
            if let Some(count) = self.0.get_mut(item_id) {
                count.times = count.times.saturating_sub(u64::from(*quantity));
            }
        }
        self.0.retain(|_, count| count.times > 0);
    }

    /// The most ordered first.
    pub(crate) fn ranked(self) -> Vec<(ItemId, Count)> {
        let mut items: Vec<_> = self.0.into_iter().collect();
        items.sort_by_key(|(item_id, count)| (std::cmp::Reverse(count.times), *item_id));
        items
    }
}

#[async_trait]
impl Consumer for Ranking {
    fn name(&self) -> &'static str {
        RANKING
    }

    fn sources(&self) -> &'static [&'static str] {
        &[source::ORDER]
    }

    fn linger(&self) -> Duration {
        // Nobody watches a ranking change.
        Duration::from_millis(100)
    }

    async fn handle(&self, envelope: &Envelope, work: &mut UnitOfWork) -> Result<(), Failure> {
        match envelope.kind.as_str() {
            "OrderPaid" | "OrderChanged" | "OrderChangeRefused" | "OrderCanceled" | "OrderRejected"
            | "OrderCompleted" => {}
            _ => return Ok(()),
        }
        match envelope.read()? {
            Event::OrderPaid { order_id, store, basket, .. } => {
                let counted: Option<Counted> = work.document(COUNTED, &order_id.to_string()).await?;
                if counted.is_none() {
                    recount(work, order_id, store.store_id, &[], Some(&basket)).await?;
                }
            }
            // The basket is what the order is now, whether the change came about or not.
            Event::OrderChanged { order_id, basket, .. } | Event::OrderChangeRefused { order_id, basket, .. } => {
                let counted: Option<Counted> = work.document(COUNTED, &order_id.to_string()).await?;
                if let Some(counted) = counted {
                    recount(work, order_id, counted.store_id, &counted.items, Some(&basket)).await?;
                }
            }
            Event::OrderCanceled { order_id, .. } | Event::OrderRejected { order_id, .. } => {
                let counted: Option<Counted> = work.document(COUNTED, &order_id.to_string()).await?;
                if let Some(counted) = counted {
                    recount(work, order_id, counted.store_id, &counted.items, None).await?;
                }
            }
            // It counts for ever: nothing can take it off any more.
            Event::OrderCompleted { order_id, .. } => {
                let id = order_id.to_string();
                if work.document::<Counted>(COUNTED, &id).await?.is_some() {
                    work.delete(COUNTED, &id);
                }
            }
            _ => {}
        }
        Ok(())
    }
}

impl Projection for Ranking {
    fn views(&self) -> &'static [&'static str] {
        &[RANKING, COUNTED]
    }
}

/// Counts `after` for the order instead of `before`.
async fn recount(
    work: &mut UnitOfWork,
    order_id: OrderId,
    store_id: StoreId,
    before: &[(ItemId, u32)],
    after: Option<&Basket>,
) -> Result<(), Failure> {
    let (order, store) = (order_id.to_string(), store_id.to_string());
    let mut counts: Counts = work.document(RANKING, &store).await?.unwrap_or_default();
    match after {
        Some(basket) => {
            counts.add(basket);
            let items = basket.items.iter().map(|line| (line.item_id, line.quantity)).collect();
            work.put(COUNTED, &order, &Counted { store_id, items }, [])?;
        }
        None => work.delete(COUNTED, &order),
    }
    counts.take_off(before);
    work.put(RANKING, &store, &counts, [])
}
