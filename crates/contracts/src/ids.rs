//! Identifiers: UUIDv7, so that sorting by id is sorting by time of birth.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

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
                Uuid::parse_str(text).map(Self)
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
