//! Decides what a store is, what it sells and whether it is open.

use std::collections::BTreeMap;

use baedal_contracts::store::{MenuItem, StoreProfile};
use baedal_contracts::{AccountId, ItemId, Location, StoreId, Won};
use baedal_kit::Aggregate;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;

#[cfg(test)]
mod tests;

/// The most items that a menu may hold.
pub(crate) const LARGEST_MENU: usize = 200;

/// A store.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub(crate) enum Store {
    /// There is none yet.
    #[default]
    Unregistered,
    /// There is one.
    Registered(Box<Registered>),
}

/// A store that there is.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Registered {
    /// Whose it is.
    pub(crate) owner_id: AccountId,
    /// What everyone may know.
    pub(crate) profile: StoreProfile,
    /// Whether it takes orders.
    pub(crate) open: bool,
    /// What it sells, oldest item first where the items' ids are UUIDv7.
    pub(crate) menu: BTreeMap<ItemId, MenuItem>,
}

/// What is to be otherwise about a store; what is `None` stays.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Changes {
    pub(crate) name: Option<String>,
    pub(crate) address: Option<String>,
    pub(crate) location: Option<Location>,
    pub(crate) min_order_krw: Option<Won>,
    pub(crate) delivery_radius_m: Option<u32>,
    pub(crate) delivery_fee_krw: Option<Won>,
    pub(crate) thanks_message: Option<String>,
    pub(crate) open: Option<bool>,
}

/// What may be asked. `by` is the account that asks: only the owner is answered.
#[derive(Clone, Debug, IntoStaticStr)]
pub(crate) enum Command {
    RegisterStore {
        owner_id: AccountId,
        profile: StoreProfile,
    },
    ChangeStore {
        by: AccountId,
        changes: Changes,
    },
    PutMenuItem {
        by: AccountId,
        item: MenuItem,
    },
    RemoveMenuItem {
        by: AccountId,
        item_id: ItemId,
    },
    /// Nothing is to happen, but the item must be on the menu.
    ExpectMenuItem {
        by: AccountId,
        item_id: ItemId,
    },
}

/// What may happen.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, IntoStaticStr)]
pub(crate) enum Event {
    /// There is a new store; it is closed.
    Registered { owner_id: AccountId, profile: StoreProfile },
    /// It is called, placed or priced otherwise.
    ProfileChanged { profile: StoreProfile },
    /// It takes orders.
    Opened,
    /// It takes no orders.
    Closed,
    /// An item came or changed.
    MenuItemPut { item: MenuItem },
    /// An item went.
    MenuItemRemoved { item_id: ItemId },
}

/// Why not.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum Refusal {
    /// There is none, or it is another's: who asks is not told which.
    #[error("there is no such store")]
    NoSuchStore,
    /// The menu does not have it.
    #[error("there is no such item")]
    NoSuchItem,
    /// The menu holds as many items as it may.
    #[error("the menu holds {LARGEST_MENU} items, and no more fit")]
    MenuFull,
}

impl Store {
    /// The store, where there is one.
    pub(crate) fn registered(&self) -> Option<&Registered> {
        match self {
            Self::Unregistered => None,
            Self::Registered(store) => Some(store),
        }
    }

    /// The store, where it is theirs who ask.
    fn of(&self, by: AccountId) -> Result<&Registered, Refusal> {
        self.registered().filter(|store| store.owner_id == by).ok_or(Refusal::NoSuchStore)
    }
}

impl Registered {
    fn change(&self, changes: Changes) -> Vec<Event> {
        let Changes { name, address, location, min_order_krw, delivery_radius_m, delivery_fee_krw, .. } = changes;
        let now = &self.profile;
        let profile = StoreProfile {
            name: name.unwrap_or_else(|| now.name.clone()),
            address: address.unwrap_or_else(|| now.address.clone()),
            location: location.unwrap_or(now.location),
            min_order_krw: min_order_krw.unwrap_or(now.min_order_krw),
            delivery_radius_m: delivery_radius_m.unwrap_or(now.delivery_radius_m),
            delivery_fee_krw: delivery_fee_krw.unwrap_or(now.delivery_fee_krw),
            thanks_message: changes.thanks_message.unwrap_or_else(|| now.thanks_message.clone()),
        };
        let profile = (profile != *now).then_some(Event::ProfileChanged { profile });
        let door = match (changes.open, self.open) {
            (Some(true), false) => Some(Event::Opened),
            (Some(false), true) => Some(Event::Closed),
            (Some(true), true) | (Some(false), false) | (None, _) => None,
        };
        profile.into_iter().chain(door).collect()
    }

    fn put(&self, item: MenuItem) -> Result<Vec<Event>, Refusal> {
        match self.menu.get(&item.item_id) {
            Some(now) if *now == item => Ok(Vec::new()),
            None if self.menu.len() >= LARGEST_MENU => Err(Refusal::MenuFull),
            Some(_) | None => Ok(vec![Event::MenuItemPut { item }]),
        }
    }

    fn expect(&self, item_id: ItemId) -> Result<(), Refusal> {
        if self.menu.contains_key(&item_id) { Ok(()) } else { Err(Refusal::NoSuchItem) }
    }

    fn remove(&self, item_id: ItemId) -> Result<Vec<Event>, Refusal> {
        self.expect(item_id)?;
        Ok(vec![Event::MenuItemRemoved { item_id }])
    }
}

impl Aggregate for Store {
    const CATEGORY: &'static str = "store";
    const SNAPSHOT_EVERY: Option<u64> = Some(100);
    type Id = StoreId;
    type Command = Command;
    type Event = Event;
    type Refusal = Refusal;

    fn decide(&self, command: Command, _at: Timestamp) -> Result<Vec<Event>, Refusal> {
        match command {
            Command::RegisterStore { owner_id, profile } => Ok(match self {
                Self::Unregistered => vec![Event::Registered { owner_id, profile }],
                Self::Registered(_) => Vec::new(),
            }),
            Command::ChangeStore { by, changes } => Ok(self.of(by)?.change(changes)),
            Command::PutMenuItem { by, item } => self.of(by)?.put(item),
            Command::RemoveMenuItem { by, item_id } => self.of(by)?.remove(item_id),
            Command::ExpectMenuItem { by, item_id } => self.of(by)?.expect(item_id).map(|()| Vec::new()),
        }
    }

    fn evolve(&mut self, event: &Event, _at: Timestamp) {
        match (self, event) {
            (store @ Self::Unregistered, Event::Registered { owner_id, profile }) => {
                let (owner_id, profile) = (*owner_id, profile.clone());
                *store =
                    Self::Registered(Box::new(Registered { owner_id, profile, open: false, menu: BTreeMap::new() }));
            }
            (Self::Registered(store), event) => store.evolve(event),
            // Nothing happens to a store that there is not.
            (Self::Unregistered, _) => {}
        }
    }
}

impl Registered {
    fn evolve(&mut self, event: &Event) {
        match event {
            Event::Registered { .. } => {}
            Event::ProfileChanged { profile } => self.profile = profile.clone(),
            Event::Opened => self.open = true,
            Event::Closed => self.open = false,
            Event::MenuItemPut { item } => {
                self.menu.insert(item.item_id, item.clone());
            }
            Event::MenuItemRemoved { item_id } => {
                self.menu.remove(item_id);
            }
        }
    }
}
