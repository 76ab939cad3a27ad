//! Remembers the contacts and orders that were looked up last: a dozen notices of an order need the same.

use std::hash::Hash;
use std::num::NonZeroUsize;
use std::sync::Arc;

use baedal_contracts::{AccountId, ChangeId, OrderId};
use baedal_kit::Failure;
use baedal_kit_runtime::UnitOfWork;
use lru::LruCache;
use parking_lot::Mutex;

use crate::views::{CONTACTS, Contact, ORDER_FACTS, OrderFacts};

/// How many of each are remembered.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(4096).unwrap();

/// What is known of orders and accounts. Both only ever grow: what was read once stays true.
pub(crate) struct Known {
    orders: Shelf<OrderId, OrderFacts>,
    contacts: Shelf<AccountId, Contact>,
}

struct Shelf<K, V>(Mutex<LruCache<K, Arc<V>>>);

impl Known {
    pub(crate) fn new() -> Self {
        Self { orders: Shelf::new(), contacts: Shelf::new() }
    }

    /// What is known of an order, once the change is known too, where one is asked for.
    pub(crate) async fn order(
        &self,
        order_id: OrderId,
        change_id: Option<ChangeId>,
        work: &mut UnitOfWork,
    ) -> Result<Option<Arc<OrderFacts>>, Failure> {
        let tells = |facts: &OrderFacts| change_id.is_none_or(|change_id| facts.change(change_id).is_some());
        if let Some(facts) = self.orders.get(&order_id).filter(|facts| tells(facts)) {
            return Ok(Some(facts));
        }
        let found: Option<OrderFacts> = work.document(ORDER_FACTS, &order_id.to_string()).await?;
        Ok(found.map(|facts| self.orders.put(order_id, facts)).filter(|facts| tells(facts)))
    }

    /// Where to reach somebody.
    pub(crate) async fn contact(
        &self,
        account_id: AccountId,
        work: &mut UnitOfWork,
    ) -> Result<Option<Arc<Contact>>, Failure> {
        if let Some(contact) = self.contacts.get(&account_id) {
            return Ok(Some(contact));
        }
        let found: Option<Contact> = work.document(CONTACTS, &account_id.to_string()).await?;
        Ok(found.map(|contact| self.contacts.put(account_id, contact)))
    }
}

impl<K: Hash + Eq, V> Shelf<K, V> {
    fn new() -> Self {
        Self(Mutex::new(LruCache::new(REMEMBERED)))
    }

    fn get(&self, key: &K) -> Option<Arc<V>> {
        self.0.lock().get(key).cloned()
    }

    fn put(&self, key: K, value: V) -> Arc<V> {
        let value = Arc::new(value);
        self.0.lock().put(key, Arc::clone(&value));
        value
    }
}
