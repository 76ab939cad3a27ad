//! Whole numbers within bounds, as requests hold them: one type that checks them and says in the description which they
//! are, so that the two cannot differ.

use std::fmt;

use serde::de::{Deserializer, Error, Unexpected, Visitor};
pub use utoipa;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, Type};

/// Types of whole numbers, each with the least and the most that it may be, and an example.
///
/// Such a number is read from JSON and from an address; `2.0` is a whole number too (JSON Schema, 6.1.1).
///
/// ```
/// baedal_contracts::whole! {
///     /// How many eggs.
///     pub struct Eggs(u32): [1, 12], 6;
/// }
/// # fn main() {
/// let eggs: Eggs = serde_json::from_str("12").expect("a dozen");
/// assert_eq!(eggs.get(), 12);
/// assert!(serde_json::from_str::<Eggs>("13").is_err());
/// # }
/// ```
#[macro_export]
macro_rules! whole {
    ($($(#[doc = $doc:literal])+ $visibility:vis struct $name:ident($inner:ty): [$least:expr, $most:expr], $example:expr;)+) => {$(
        $(#[doc = $doc])+
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        $visibility struct $name($inner);

        impl $name {
            /// The least that it may be.
            $visibility const LEAST: $inner = $least;
            /// The most that it may be.
            $visibility const MOST: $inner = $most;

            /// The number.
            #[must_use]
            $visibility fn get(self) -> $inner {
                self.0
            }
        }

        impl TryFrom<i128> for $name {
            type Error = $crate::whole::OutOfBounds;

            fn try_from(number: i128) -> Result<Self, Self::Error> {
                let wrong = $crate::whole::OutOfBounds { least: Self::LEAST as i128, most: Self::MOST as i128 };
                match <$inner>::try_from(number) {
                    Ok(number) if (Self::LEAST..=Self::MOST).contains(&number) => Ok(Self(number)),
                    Ok(_) | Err(_) => Err(wrong),
                }
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let number = $crate::whole::read(deserializer, Self::LEAST as i128, Self::MOST as i128)?;
                Self::try_from(number).map_err(serde::de::Error::custom)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.0.serialize(serializer)
            }
        }

        impl $crate::whole::utoipa::PartialSchema for $name {
            fn schema() -> $crate::whole::utoipa::openapi::RefOr<$crate::whole::utoipa::openapi::Schema> {
                let about = concat!($($doc),+).trim();
                $crate::whole::schema(about, Self::LEAST as i64, Self::MOST as i64, $example as i64)
            }
        }

        impl $crate::whole::utoipa::ToSchema for $name {
            fn name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
        }
    )+};
}

/// A number is not within its bounds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("must be {least} to {most}")]
pub struct OutOfBounds {
    /// The least allowed.
    pub least: i128,
    /// The most allowed.
    pub most: i128,
}

/// Reads a whole number.
///
/// # Errors
/// Where there is none, in words that say what would be right.
pub fn read<'de, D: Deserializer<'de>>(deserializer: D, least: i128, most: i128) -> Result<i128, D::Error> {
    deserializer.deserialize_i64(Whole { least, most })
}

/// How a number is described.
#[must_use]
pub fn schema(about: &str, least: i64, most: i64, example: i64) -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .description(Some(about))
        .minimum(Some(least))
        .maximum(Some(most))
        .examples([example])
        .into()
}

struct Whole {
    least: i128,
    most: i128,
}

impl Visitor<'_> for Whole {
    type Value = i128;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a whole number from {} to {}", self.least, self.most)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<i128, E> {
        let is_within = (self.least..=self.most).contains(&i128::from(number));
        if is_within { Ok(number.into()) } else { Err(E::invalid_value(Unexpected::Signed(number), &self)) }
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<i128, E> {
        let is_within = (self.least..=self.most).contains(&i128::from(number));
        if is_within { Ok(number.into()) } else { Err(E::invalid_value(Unexpected::Unsigned(number), &self)) }
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<i128, E> {
        if number.fract() != 0.0 {
            return Err(E::invalid_type(Unexpected::Float(number), &self));
        }
        // What is beyond i128 becomes the nearest there, which is beyond any bound.
        #[expect(clippy::cast_possible_truncation, reason = "it is whole, and casting saturates")]
        let whole = number as i128;
        let is_within = (self.least..=self.most).contains(&whole);
        if is_within { Ok(whole) } else { Err(E::invalid_value(Unexpected::Float(number), &self)) }
    }
}

#[cfg(test)]
mod tests {
    use utoipa::PartialSchema;

    crate::whole! {
        /// How many eggs.
        struct Eggs(u32): [1, 12], 6;
        /// How many come, or go.
        struct Change(i64): [-5, 5], 1;
    }

    #[test]
    fn what_is_within_the_bounds_is_read_and_nothing_else() {
        for (text, number) in [("1", 1), ("12", 12), ("2.0", 2), ("12.0", 12)] {
            assert_eq!(serde_json::from_str::<Eggs>(text).map(Eggs::get).ok(), Some(number), "{text}");
        }
        for text in
            ["0", "13", "-1", "1.5", "1e30", "-1e30", "9223372036854775807", "18446744073709551615", "\"1\"", "null"]
        {
            assert!(serde_json::from_str::<Eggs>(text).is_err(), "{text}");
        }
        assert_eq!(serde_json::from_str::<Change>("-5").map(Change::get).ok(), Some(-5));
        assert!(serde_json::from_str::<Change>("-6").is_err());
        let refused = serde_json::from_str::<Eggs>("13").map_err(|error| error.to_string()).expect_err("too many");
        assert!(refused.contains("expected a whole number from 1 to 12"), "{refused}");
    }

    #[test]
    fn the_description_says_the_same_bounds() {
        let schema = serde_json::to_value(Change::schema()).expect("a schema");
        let wished = serde_json::json!({
            "type": "integer", "description": "How many come, or go.", "minimum": -5, "maximum": 5, "examples": [1],
        });
        assert_eq!(schema, wished);
        assert_eq!(serde_json::to_string(&serde_json::from_str::<Eggs>("7").expect("eggs")).expect("JSON"), "7");
    }
}
