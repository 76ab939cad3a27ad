//! Decides how many of each counted item are left.
//!
//! An item that is not counted is never short and makes no events, so that orders of it do not compete
//! for the stream of their store's stock.

use std::collections::BTreeMap;

use baedal_contracts::{ItemId, OrderId, StoreId};
use baedal_kit::Aggregate;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;
use uuid::Uuid;

use super::Portions;

#[cfg(test)]
mod tests;

/// How many are left of each item that is counted.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Stock {
    levels: BTreeMap<ItemId, u32>,
}

/// What may be asked.
#[derive(Clone, Debug, IntoStaticStr)]
#[expect(clippy::enum_variant_names, reason = "the journal shows the names alone, beside those of stores and tickets")]
pub(crate) enum Command {
    /// There are this many now; `None`: it is not counted.
    SetStock { item_id: ItemId, stock: Option<u32> },
    /// An order needs these: all of them, or none is taken.
    TakeStock { order_id: OrderId, portions: Portions },
    /// An order does not need these any more.
    ReturnStock { order_id: OrderId, portions: Portions },
}

/// What may happen, to one item each, because that is how it is told.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, IntoStaticStr)]
#[expect(clippy::enum_variant_names, reason = "the journal shows the names alone, beside those of stores and tickets")]
pub(crate) enum Event {
    /// The owner said how many there are.
    StockSet { item_id: ItemId, stock: Option<u32> },
    /// An order took some.
    StockTaken { order_id: OrderId, item_id: ItemId, quantity: u32, left: u32 },
    /// An order gave some back.
    StockReturned { order_id: OrderId, item_id: ItemId, quantity: u32, left: u32 },
}

/// Why not.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum Refusal {
    /// There is not enough of an item.
    #[error("not enough of item {item_id}")]
    Short { item_id: ItemId },
}

impl Stock {
    /// How many are left of an item; `None` where it is not counted.
    pub(crate) fn left(&self, item: ItemId) -> Option<u32> {
        self.levels.get(&item).copied()
    }

    fn take(&self, order_id: OrderId, portions: &Portions) -> Result<Vec<Event>, Refusal> {
        let counted = portions.iter().filter_map(|(item, quantity)| Some((item, quantity, self.left(item)?)));
        counted
            .map(|(item_id, quantity, left)| {
                let left = left.checked_sub(quantity).ok_or(Refusal::Short { item_id })?;
                Ok(Event::StockTaken { order_id, item_id, quantity, left })
            })
            .collect()
    }

    fn put_back(&self, order_id: OrderId, portions: &Portions) -> Vec<Event> {
        let counted = portions.iter().filter_map(|(item, quantity)| Some((item, quantity, self.left(item)?)));
        counted
            .map(|(item_id, quantity, left)| {
                let left = left.saturating_add(quantity);
                Event::StockReturned { order_id, item_id, quantity, left }
            })
            .collect()
    }
}

/// What an order has taken by these events.
pub(crate) fn taken(events: &[Event]) -> Portions {
    let taken = events.iter().filter_map(|event| match event {
        Event::StockTaken { item_id, quantity, .. } => Some((*item_id, *quantity)),
        Event::StockSet { .. } | Event::StockReturned { .. } => None,
    });
    taken.collect()
}

impl Aggregate for Stock {
    const CATEGORY: &'static str = "stock";
    const SNAPSHOT_EVERY: Option<u64> = Some(200);
    type Id = StoreId;
    type Command = Command;
    type Event = Event;
    type Refusal = Refusal;

    fn decide(&self, command: Command, _at: Timestamp) -> Result<Vec<Event>, Refusal> {
        match command {
            Command::SetStock { item_id, stock } if self.left(item_id) == stock => Ok(Vec::new()),
            Command::SetStock { item_id, stock } => Ok(vec![Event::StockSet { item_id, stock }]),
            Command::TakeStock { order_id, portions } => self.take(order_id, &portions),
            Command::ReturnStock { order_id, portions } => Ok(self.put_back(order_id, &portions)),
        }
    }

    fn evolve(&mut self, event: &Event, _at: Timestamp) {
        match event {
            Event::StockSet { item_id, stock: None } => {
                self.levels.remove(item_id);
            }
            Event::StockSet { item_id, stock: Some(left) }
            | Event::StockTaken { item_id, left, .. }
            | Event::StockReturned { item_id, left, .. } => {
                self.levels.insert(*item_id, *left);
            }
        }
    }

    fn command_name(command: &Command) -> &'static str {
        command.into()
    }

    fn event_name(event: &Event) -> &'static str {
        event.into()
    }

    fn correlation(_store: &StoreId, event: &Event) -> Option<Uuid> {
        match event {
            Event::StockSet { .. } => None,
            Event::StockTaken { order_id, .. } | Event::StockReturned { order_id, .. } => Some(order_id.0),
        }
    }
}
