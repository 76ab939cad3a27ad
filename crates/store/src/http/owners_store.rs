//! A store and an item of its menu, as their owner is answered.

use baedal_contracts::StoreId;
use baedal_contracts::store::{MenuItem, StoreProfile};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::Stock;
use crate::domain::store::Registered;

/// A store as its owner sees it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OwnersStore {
    /// What names it.
    store_id: StoreId,
    /// Whether it takes orders.
    open: bool,
    #[serde(flatten)]
    profile: StoreProfile,
    /// What it sells.
    menu: Vec<OwnersItem>,
}

impl OwnersStore {
    pub(super) fn of(store_id: StoreId, store: &Registered, stock: &Stock) -> Self {
        Self {
            store_id,
            open: store.open,
            profile: store.profile.clone(),
            menu: store.menu.values().map(|item| OwnersItem::of(item, stock)).collect(),
        }
    }
}

/// An item of a menu as the store's owner sees it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OwnersItem {
    #[serde(flatten)]
    item: MenuItem,
    /// How many are left; `null` where it is not counted.
    #[schema(required)]
    stock: Option<u32>,
}

impl OwnersItem {
    pub(super) fn of(item: &MenuItem, stock: &Stock) -> Self {
        Self { item: item.clone(), stock: stock.left(item.item_id) }
    }
}
