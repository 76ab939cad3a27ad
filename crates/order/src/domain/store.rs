//! A store and its menu, as far as order has heard of them.

use baedal_contracts::order::OrderStore;
use baedal_contracts::store::{MenuItem, StoreProfile};
use baedal_contracts::{AccountId, ItemId, StoreId};
use serde::{Deserialize, Serialize};

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
    /// Its menu. How many are left of an item is not here: the kitchen decides about stock.
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
