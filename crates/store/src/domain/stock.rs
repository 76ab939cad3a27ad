//! Decides how many of each counted item are left.
//!
//! Every change has a version, by which an owner can say what was seen: `ETag` and `If-Match`.
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
    levels: BTreeMap<ItemId, Level>,
    /// How often anything changed: the version of its stream.
    version: u64,
    /// When an item was last no longer counted. What is known of an item ends with its level, or it would grow for
    /// ever, so that this is what is known of all that are not counted.
    last_uncounted: u64,
}

/// What is left of an item.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Level {
    left: u32,
    /// The version that it was said in.
    version: u64,
}

/// What may be asked.
#[derive(Clone, Debug, IntoStaticStr)]
#[expect(clippy::enum_variant_names, reason = "the journal shows the names alone, beside those of stores and tickets")]
pub(crate) enum Command {
    /// There are this many now; `None`: it is not counted. Where `seen` is given, only if the item is as it was in
    /// that version.
    SetStock { item_id: ItemId, stock: Option<u32>, seen: Option<u64> },
    /// There are so many more, or fewer, than were left; `seen` as above.
    AddStock { item_id: ItemId, add: i64, seen: Option<u64> },
    /// Nothing is to happen, but the item must be as it was in this version.
    ExpectStock { item_id: ItemId, seen: u64 },
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
    #[error("{0}")]
    Short(Short),
    /// It is not counted, so that nothing can be added.
    #[error("the item is not counted")]
    NotCounted,
    /// Fewer than none cannot be left.
    #[error("only {left} are left")]
    BelowZero { left: u32 },
    /// More than a stock may hold.
    #[error("{left} are left, and no more than {LARGEST_STOCK} may be")]
    TooMany { left: u32 },
    /// The item's stock has changed since.
    #[error("the stock of the item has changed since it was read")]
    ChangedSince { left: Option<u32>, version: u64 },
}

/// There is not enough of an item.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not enough of item {item_id}")]
pub(crate) struct Short {
    pub(crate) item_id: ItemId,
}

/// The most that an owner may say is in stock.
pub(crate) const LARGEST_STOCK: u32 = 1_000_000;

impl Stock {
    /// How many are left of an item; `None` where it is not counted.
    pub(crate) fn left(&self, item: ItemId) -> Option<u32> {
        self.levels.get(&item).map(|level| level.left)
    }

    /// How often anything changed.
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    /// Refuses what was asked for on seeing an earlier state of the item, or one that there has never been.
    fn as_seen(&self, item_id: ItemId, seen: Option<u64>) -> Result<(), Refusal> {
        let changed = self.levels.get(&item_id).map_or(self.last_uncounted, |level| level.version);
        if seen.is_none_or(|seen| (changed..=self.version).contains(&seen)) {
            Ok(())
        } else {
            Err(Refusal::ChangedSince { left: self.left(item_id), version: self.version })
        }
    }

    fn set(&self, item_id: ItemId, stock: Option<u32>) -> Vec<Event> {
        if self.left(item_id) == stock { Vec::new() } else { vec![Event::StockSet { item_id, stock }] }
    }

    fn add(&self, item_id: ItemId, add: i64) -> Result<Vec<Event>, Refusal> {
        let left = self.left(item_id).ok_or(Refusal::NotCounted)?;
        let sum = i64::from(left).saturating_add(add);
        let stock = u32::try_from(sum).map_err(|_| match add {
            ..=0 => Refusal::BelowZero { left },
            1.. => Refusal::TooMany { left },
        })?;
        // What orders gave back may have made it more than an owner may say; less of that is still less.
        if stock > LARGEST_STOCK && add > 0 {
            return Err(Refusal::TooMany { left });
        }
        Ok(self.set(item_id, Some(stock)))
    }

    fn take(&self, order_id: OrderId, portions: &Portions) -> Result<Vec<Event>, Refusal> {
        let counted = portions.iter().filter_map(|(item, quantity)| Some((item, quantity, self.left(item)?)));
        counted
            .map(|(item_id, quantity, left)| {
                let left = left.checked_sub(quantity).ok_or(Refusal::Short(Short { item_id }))?;
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
            Command::SetStock { item_id, stock, seen } => {
                self.as_seen(item_id, seen)?;
                Ok(self.set(item_id, stock))
            }
            Command::AddStock { item_id, add, seen } => {
                self.as_seen(item_id, seen)?;
                self.add(item_id, add)
            }
            Command::ExpectStock { item_id, seen } => self.as_seen(item_id, Some(seen)).map(|()| Vec::new()),
            Command::TakeStock { order_id, portions } => self.take(order_id, &portions),
            Command::ReturnStock { order_id, portions } => Ok(self.put_back(order_id, &portions)),
        }
    }

    fn evolve(&mut self, event: &Event, _at: Timestamp) {
        self.version += 1;
        let version = self.version;
        match event {
            Event::StockSet { item_id, stock: None } => {
                self.levels.remove(item_id);
                self.last_uncounted = version;
            }
            Event::StockSet { item_id, stock: Some(left) }
            | Event::StockTaken { item_id, left, .. }
            | Event::StockReturned { item_id, left, .. } => {
                self.levels.insert(*item_id, Level { left: *left, version });
            }
        }
    }

    fn correlation(_store: &StoreId, event: &Event) -> Option<Uuid> {
        match event {
            Event::StockSet { .. } => None,
            Event::StockTaken { order_id, .. } | Event::StockReturned { order_id, .. } => Some(order_id.0),
        }
    }
}
