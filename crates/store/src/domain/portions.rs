//! How many of which items.

use std::collections::BTreeMap;

use baedal_contracts::ItemId;
use baedal_contracts::order::Line;
use serde::{Deserialize, Serialize};

/// How many of which items: what an order needs, or what it has of the stock. Never zero of an item.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Portions(BTreeMap<ItemId, u32>);

impl Portions {
    /// What these lines need.
    pub(crate) fn of(lines: &[Line]) -> Self {
        lines.iter().map(|line| (line.item_id, line.quantity)).collect()
    }

    /// Both together.
    pub(crate) fn plus(&self, other: &Self) -> Self {
        self.iter().chain(other.iter()).collect()
    }

    /// What is here beyond what is in `other`.
    pub(crate) fn beyond(&self, other: &Self) -> Self {
        self.iter().map(|(item, count)| (item, count.saturating_sub(other.count(item)))).collect()
    }

    /// What is here, but no more than what is in `other`.
    pub(crate) fn within(&self, other: &Self) -> Self {
        self.iter().map(|(item, count)| (item, count.min(other.count(item)))).collect()
    }

    /// How many of an item.
    pub(crate) fn count(&self, item: ItemId) -> u32 {
        self.0.get(&item).copied().unwrap_or(0)
    }

    /// Whether there is nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each item and how many of it.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (ItemId, u32)> {
        self.0.iter().map(|(item, count)| (*item, *count))
    }
}

impl FromIterator<(ItemId, u32)> for Portions {
    /// The same item again adds up.
    fn from_iter<T: IntoIterator<Item = (ItemId, u32)>>(counts: T) -> Self {
        let mut portions = BTreeMap::<ItemId, u32>::new();
        for (item, count) in counts {
            if count > 0 {
                let sum = portions.entry(item).or_default();
                *sum = sum.saturating_add(count);
            }
        }
        Self(portions)
    }
}
