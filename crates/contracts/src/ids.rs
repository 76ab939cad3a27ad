//! Identifiers: UUIDv7, so that sorting by id is sorting by time of birth.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use uuid::fmt::Hyphenated;

/// How an id is written (RFC 9562, section 4), as a regular expression without its ends: in this one form, in which the
/// description has it (`format: uuid`), so that two texts that differ are never the same id but for their case.
pub const FORM: &str = "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}";

fn hyphenated<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Uuid, D::Error> {
    Hyphenated::deserialize(deserializer).map(Hyphenated::into_uuid)
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
        #[serde(transparent)]
        pub struct $name(#[serde(deserialize_with = "hyphenated")] pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Hyphenated::from_str(text).map(|id| Self(id.into_uuid()))
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }
    };
}

id! {
    /// A person's account, whatever the role.
    AccountId
}
id! {
    /// An order, and with it its ticket, payment and delivery: the correlation key of everything
    /// that happens to it.
    OrderId
}
id! {
    /// A store.
    StoreId
}
id! {
    /// One item of a store's menu.
    ItemId
}
id! {
    /// One requested change of an order; also the payment attempt that charges what it costs more.
    ChangeId
}
id! {
    /// One attempt that means to take money; the provider's idempotency key.
    AttemptId
}

/// The number people read to each other: eight characters derived from the order's id.
///
/// Crockford's base 32 without look-alikes (no I, L, O, U), as `K7QM-42XD`. It helps a rider take the
/// right bag; it is not a key.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct OrderNo(String);

impl OrderNo {
    /// The number of this order: 40 of the id's random bits.
    #[must_use]
    pub fn of(order: OrderId) -> Self {
        const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
        let bits = order.0.as_u128();
        let mut text = String::with_capacity(9);
        for place in 0..8 {
            if place == 4 {
                text.push('-');
            }
            let digit = (bits >> (35 - place * 5)) & 31;
            text.push(char::from(ALPHABET[digit as usize]));
        }
        Self(text)
    }

    /// As people read it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OrderNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::OrderId;

    #[test]
    fn an_id_is_written_in_one_form() {
        let id = "0198c1f2-7c1e-7000-8000-00000000000a";
        for right in [id.to_owned(), id.to_uppercase()] {
            assert_eq!(right.parse::<OrderId>().map(|id| id.to_string()).as_deref(), Ok(id));
            assert!(serde_json::from_value::<OrderId>(right.into()).is_ok());
        }
        for wrong in [id.replace('-', ""), format!("{{{id}}}"), format!("urn:uuid:{id}"), id[1..].to_owned()] {
            assert!(wrong.parse::<OrderId>().is_err(), "{wrong}");
            assert!(serde_json::from_value::<OrderId>(wrong.into()).is_err());
        }
    }
}
