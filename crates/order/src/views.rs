//! What order reads while it takes orders: the stores it knows, and the keys it remembers.

use async_trait::async_trait;
use baedal_contracts::source::STORE;
use baedal_contracts::store::Event;
use baedal_contracts::{AccountId, OrderId, StoreId};
use baedal_kit::{Envelope, Failure};
use baedal_kit_runtime::{Consumer, Projection, UnitOfWork};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::{KnownStore, Scarce};

/// The view of the stores order knows, by store.
pub(crate) const CATALOG: &str = "catalog";
/// The view of what little is left of stores' items, by store. It is apart from the menus, which are long and change
/// seldom.
pub(crate) const SCARCE: &str = "scarce";
/// The view of the `Idempotency-Key`s seen lately, by customer and key.
pub(crate) const IDEMPOTENCY: &str = "idempotency";

/// Order's own copy of stores and menus.
pub(crate) struct Catalog;

#[async_trait]
impl Consumer for Catalog {
    fn name(&self) -> &'static str {
        CATALOG
    }

    fn sources(&self) -> &'static [&'static str] {
        &[STORE]
    }

    async fn handle(&self, event: &Envelope, work: &mut UnitOfWork) -> Result<(), Failure> {
        match event.kind.as_str() {
            "StoreRegistered" | "StoreChanged" | "StoreOpened" | "StoreClosed" | "MenuChanged" | "StockChanged" => {}
            _ => return Ok(()),
        }
        match event.read()? {
            Event::StoreRegistered { store_id, owner_id, profile } => {
                put(work, &KnownStore::new(store_id, owner_id, profile))
            }
            Event::StoreChanged { store_id, profile } => change(work, store_id, |store| store.profile = profile).await,
            Event::StoreOpened { store_id } => change(work, store_id, |store| store.open = true).await,
            Event::StoreClosed { store_id } => change(work, store_id, |store| store.open = false).await,
            Event::MenuChanged { store_id, item_id, item } => {
                change(work, store_id, |store| store.change_item(item_id, item)).await
            }
            Event::StockChanged { store_id, item_id, stock, version: _ } => {
                let store_id = store_id.to_string();
                let mut scarce: Scarce = work.document(SCARCE, &store_id).await?.unwrap_or_default();
                if scarce.record_stock(item_id, stock) { work.put(SCARCE, &store_id, &scarce, []) } else { Ok(()) }
            }
            _ => Ok(()),
        }
    }
}

impl Projection for Catalog {
    fn views(&self) -> &'static [&'static str] {
        &[CATALOG, SCARCE]
    }

    /// The streams `store/<id>` and `stock/<id>` are of one shard, because they are named by one id.
    fn remembers(&self) -> bool {
        true
    }
}

/// A store, and what little is left of its items, where order knows of the store.
///
/// # Errors
/// A failure of the database.
pub(crate) async fn known_store(
    work: &mut UnitOfWork,
    store_id: StoreId,
) -> Result<Option<(KnownStore, Scarce)>, Failure> {
    let store_id = store_id.to_string();
    let Some(store) = work.document(CATALOG, &store_id).await? else { return Ok(None) };
    Ok(Some((store, work.document(SCARCE, &store_id).await?.unwrap_or_default())))
}

async fn change(
    work: &mut UnitOfWork,
    store_id: StoreId,
    how: impl FnOnce(&mut KnownStore) + Send,
) -> Result<(), Failure> {
    let known: Option<KnownStore> = work.document(CATALOG, &store_id.to_string()).await?;
    let mut store =
        known.ok_or_else(|| Failure::broken(format!("store {store_id} changed before it was registered")))?;
    how(&mut store);
    put(work, &store)
}

fn put(work: &mut UnitOfWork, store: &KnownStore) -> Result<(), Failure> {
    work.put(CATALOG, &store.store_id.to_string(), store, [])
}

/// An `Idempotency-Key` that was seen, and the order it led to. Written in the same commit as the order,
/// and only where there is none, so that of requests that carry the same key one alone places an order.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct SeenKey {
    /// The order.
    pub(crate) order_id: OrderId,
    /// SHA-256 of the request's body in canonical form, in hexadecimal.
    pub(crate) body_hash: String,
    /// When it was seen first.
    pub(crate) at: Timestamp,
}

impl SeenKey {
    /// What names it in the view.
    pub(crate) fn id(customer: AccountId, key: &str) -> String {
        format!("{customer}:{key}")
    }
}
