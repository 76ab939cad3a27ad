//! Each store, in three documents by how often they change: what it is, what it sells, what is left.
//!
//! Every paid order changes what is left; a menu is large and changes seldom; a search reads many stores
//! and no menus.

pub(crate) mod reach;
pub(crate) mod search;

use std::collections::BTreeMap;

use async_trait::async_trait;
use baedal_contracts::store::{Event, MenuItem, StoreProfile};
use baedal_contracts::{AccountId, ItemId, StoreId, source};
use baedal_kit::{Envelope, Failure};
use baedal_kit_runtime::{Consumer, Projection, UnitOfWork};
use serde::{Deserialize, Serialize};

/// The view of the stores, and the projection that writes all three.
pub(crate) const STORES: &str = "stores";
/// The view of the menus.
pub(crate) const MENUS: &str = "menus";
/// The view of what is left.
pub(crate) const STOCKS: &str = "stocks";

/// Keeps [`STORES`], [`MENUS`] and [`STOCKS`].
pub(crate) struct Stores;

/// What a store is.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct StoreDocument {
    pub(crate) store_id: StoreId,
    pub(crate) owner_id: AccountId,
    pub(crate) profile: StoreProfile,
    pub(crate) open: bool,
}

/// What a store sells, in the order in which the items came.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Menu(pub(crate) Vec<MenuItem>);

/// How many are left of the items that are counted.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Stock {
    left: BTreeMap<ItemId, u32>,
    /// The version of the last change, as store counts them.
    pub(crate) version: u64,
}

/// The stores of an owner.
pub(crate) fn owner_tag(owner: AccountId) -> String {
    format!("owner:{owner}")
}

impl StoreDocument {
    /// An open store is found in every cell that it delivers to; any store by its owner.
    fn tags(&self) -> Vec<String> {
        let mut tags = vec![owner_tag(self.owner_id)];
        if self.open {
            tags.extend(reach::tags(self.profile.location, self.profile.delivery_radius_m));
        }
        tags
    }
}

impl Menu {
    fn put(&mut self, item_id: ItemId, item: Option<MenuItem>) {
        match (self.0.iter().position(|known| known.item_id == item_id), item) {
            (Some(place), Some(item)) => self.0[place] = item,
            (None, Some(item)) => self.0.push(item),
            (Some(place), None) => drop(self.0.remove(place)),
            (None, None) => {}
        }
    }
}

impl Stock {
    fn put(&mut self, item_id: ItemId, left: Option<u32>, version: u64) {
        match left {
            Some(left) => self.left.insert(item_id, left),
            None => self.left.remove(&item_id),
        };
        self.version = version;
    }

    /// How many are left of it; nothing where it is not counted.
    pub(crate) fn left(&self, item_id: ItemId) -> Option<u32> {
        self.left.get(&item_id).copied()
    }

    /// Whether there is any of it: always, where it is not counted.
    pub(crate) fn has(&self, item_id: ItemId) -> bool {
        self.left(item_id) != Some(0)
    }
}

#[async_trait]
impl Consumer for Stores {
    fn name(&self) -> &'static str {
        STORES
    }

    fn sources(&self) -> &'static [&'static str] {
        &[source::STORE]
    }

    async fn handle(&self, envelope: &Envelope, work: &mut UnitOfWork) -> Result<(), Failure> {
        match envelope.kind.as_str() {
            "StoreRegistered" | "StoreChanged" | "StoreOpened" | "StoreClosed" | "MenuChanged" | "StockChanged" => {}
            _ => return Ok(()),
        }
        match envelope.read()? {
            Event::StoreRegistered { store_id, owner_id, profile } => {
                put(work, &StoreDocument { store_id, owner_id, profile, open: false })
            }
            Event::StoreChanged { store_id, profile } => change(work, store_id, |store| store.profile = profile).await,
            Event::StoreOpened { store_id } => change(work, store_id, |store| store.open = true).await,
            Event::StoreClosed { store_id } => change(work, store_id, |store| store.open = false).await,
            Event::MenuChanged { store_id, item_id, item } => {
                let id = store_id.to_string();
                let mut menu: Menu = work.document(MENUS, &id).await?.unwrap_or_default();
                menu.put(item_id, item);
                work.put(MENUS, &id, &menu, [])
            }
            Event::StockChanged { store_id, item_id, stock: left, version } => {
                let id = store_id.to_string();
                let mut stock: Stock = work.document(STOCKS, &id).await?.unwrap_or_default();
                stock.put(item_id, left, version);
                work.put(STOCKS, &id, &stock, [])
            }
            _ => Ok(()),
        }
    }
}

impl Projection for Stores {
    fn views(&self) -> &'static [&'static str] {
        &[STORES, MENUS, STOCKS]
    }

    fn remembers(&self) -> bool {
        true
    }
}

async fn change(
    work: &mut UnitOfWork,
    id: StoreId,
    change: impl FnOnce(&mut StoreDocument) + Send,
) -> Result<(), Failure> {
    let found: Option<StoreDocument> = work.document(STORES, &id.to_string()).await?;
    let mut store = found.ok_or_else(|| Failure::broken(format!("store {id} was never registered")))?;
    change(&mut store);
    put(work, &store)
}

fn put(work: &mut UnitOfWork, store: &StoreDocument) -> Result<(), Failure> {
    work.put(STORES, &store.store_id.to_string(), store, store.tags())
}
