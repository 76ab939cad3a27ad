//! The bounds of the numbers and lists that owners send, as types and rules for bodies.

use std::collections::HashSet;

use serde::{Deserialize, Deserializer};

use crate::domain::stock::LARGEST_STOCK;

baedal_contracts::whole! {
    /// How far a store delivers, in metres.
    pub(super) struct DeliveryRadius(u32): [100, 20_000], 3_000;
    /// How many there are of an item.
    pub(super) struct StockLevel(u32): [0, LARGEST_STOCK], 30;
    /// How many come to what is left of an item; below zero, how many go.
    pub(super) struct StockChange(i64): [-(LARGEST_STOCK as i64), LARGEST_STOCK as i64], 10;
    /// How many choices of an option are made.
    pub(super) struct ChoiceCount(u32): [0, MOST_CHOICES as u32], 1;
}

/// The most choices that an option may offer.
pub(super) const MOST_CHOICES: usize = 50;

/// Things of which no two have the same name.
pub(super) fn unique<T>(name: impl Fn(&T) -> &str) -> impl FnOnce(&[T], &()) -> garde::Result {
    move |things, ()| {
        let mut seen = HashSet::new();
        match things.iter().map(&name).find(|name| !seen.insert(*name)) {
            Some(name) => Err(garde::Error::new(format!("must not hold the name {name:?} twice"))),
            None => Ok(()),
        }
    }
}

/// A field that may be left out, but is not `null` where it is there (for a field that may be `null`, `T`
/// is an `Option`).
pub(super) fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(field: D) -> Result<Option<T>, D::Error> {
    T::deserialize(field).map(Some)
}
