//! A store and its menu, as far as order has heard of them.

use std::collections::BTreeMap;

use baedal_contracts::order::OrderStore;
use baedal_contracts::store::{MenuItem, StoreProfile};
use baedal_contracts::{AccountId, ItemId, StoreId};
use serde::{Deserialize, Serialize};

use super::basket::MOST_OF_AN_ITEM;

/// Order's own copy of a store and its menu, so that orders are taken while the store service is down.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct KnownStore {
    /// Which.
    pub store_id: StoreId,
    /// Whose.
    pub owner_id: AccountId,
    /// What everyone may know of it.
    pub profile: StoreProfile,
    /// Whether it takes orders.
    pub open: bool,
    /// Its menu. How many are left of an item is in [`Scarce`], which changes with every order.
    pub items: Vec<MenuItem>,
}

impl KnownStore {
    /// A new store; it is closed.
    #[must_use]
    pub fn new(store_id: StoreId, owner_id: AccountId, profile: StoreProfile) -> Self {
        Self { store_id, owner_id, profile, open: false, items: Vec::new() }
    }

    /// An item of the menu.
    #[must_use]
    pub fn item(&self, item_id: ItemId) -> Option<&MenuItem> {
        self.items.iter().find(|item| item.item_id == item_id)
    }

    /// An item came, changed, or, with `None`, went.
    pub fn change_item(&mut self, item_id: ItemId, item: Option<MenuItem>) {
        let known = self.items.iter().position(|known| known.item_id == item_id);
        match (known, item) {
            (Some(place), Some(item)) => self.items[place] = item,
            (None, Some(item)) => self.items.push(item),
            (Some(place), None) => {
                self.items.remove(place);
            }
            (None, None) => {}
        }
    }

    /// The store as it stands in an order.
    #[must_use]
    pub fn in_order(&self) -> OrderStore {
        OrderStore {
            store_id: self.store_id,
            owner_id: self.owner_id,
            name: self.profile.name.clone(),
            address: self.profile.address.clone(),
            location: self.profile.location,
        }
    }
}

/// Of which items of a store less is left than one order may ask for. Whatever there is more of is as good as not
/// counted, so that this stays small and changes seldom. The kitchen decides about stock; what is here may be behind.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Scarce(BTreeMap<ItemId, u32>);

impl Scarce {
    /// How many are left of an item; `None` where there is enough for any order.
    #[must_use]
    pub fn left(&self, item_id: ItemId) -> Option<u32> {
        self.0.get(&item_id).copied()
    }

    /// There are so many of an item now; `None`: it is not counted. Whether that changes anything.
    pub fn record_stock(&mut self, item_id: ItemId, stock: Option<u32>) -> bool {
        match stock.filter(|left| *left < MOST_OF_AN_ITEM) {
            Some(left) => self.0.insert(item_id, left) != Some(left),
            None => self.0.remove(&item_id).is_some(),
        }
    }

    /// Whether there is enough of everything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
