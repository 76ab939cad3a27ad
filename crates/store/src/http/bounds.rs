//! The bounds of the numbers and lists that owners send, as rules for bodies.

use std::collections::HashSet;

use baedal_contracts::Won;
use serde::{Deserialize, Deserializer};

use crate::domain::stock::LARGEST_STOCK;

/// An amount that a price may be.
pub(super) fn price(amount: &Won, (): &()) -> garde::Result {
    if *amount > Won::MAX_PRICE {
        return Err(garde::Error::new(format!("must be at most {}", Won::MAX_PRICE.0)));
    }
    Ok(())
}

/// A number that a stock may be.
pub(super) fn stock_level(stock: &Option<Option<u32>>, (): &()) -> garde::Result {
    if stock.flatten().is_some_and(|count| count > LARGEST_STOCK) {
        return Err(garde::Error::new(format!("must be at most {LARGEST_STOCK}, or null where it is not counted")));
    }
    Ok(())
}

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
