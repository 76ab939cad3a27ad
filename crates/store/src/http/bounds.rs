//! The bounds of what owners write, as rules for bodies.

use std::collections::HashSet;

use baedal_contracts::Won;
use serde::{Deserialize, Deserializer};

use crate::domain::stock::LARGEST_STOCK;

/// A text with something in it, of so many characters at the most.
pub(super) fn words(most: usize) -> impl FnOnce(&str, &()) -> garde::Result {
    move |text, ()| {
        let count = text.trim().chars().count();
        if count == 0 || count > most {
            return Err(garde::Error::new(format!("must be 1 to {most} characters")));
        }
        plain(text)
    }
}

/// A text that may be empty, of so many characters at the most.
pub(super) fn words_or_none(most: usize) -> impl FnOnce(&str, &()) -> garde::Result {
    move |text, ()| {
        if text.trim().chars().count() > most {
            return Err(garde::Error::new(format!("must be at most {most} characters")));
        }
        plain(text)
    }
}

/// Control characters are no text, line breaks and tabs aside; not every database holds them.
fn plain(text: &str) -> garde::Result {
    if text.chars().any(|letter| letter.is_control() && !matches!(letter, '\n' | '\r' | '\t')) {
        return Err(garde::Error::new("must not hold control characters"));
    }
    Ok(())
}

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
        match things.iter().map(|thing| name(thing).trim()).find(|name| !seen.insert(*name)) {
            Some(name) => Err(garde::Error::new(format!("must not hold the name {name:?} twice"))),
            None => Ok(()),
        }
    }
}

/// Without the space around it.
pub(super) fn trimmed(text: String) -> String {
    if text.trim().len() == text.len() { text } else { text.trim().to_owned() }
}

/// A field that may be left out, but is not `null` where it is there (for a field that may be `null`, `T`
/// is an `Option`).
pub(super) fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(field: D) -> Result<Option<T>, D::Error> {
    T::deserialize(field).map(Some)
}
