//! Money: whole won.

use std::fmt;
use std::iter::Sum;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An amount of money in whole Korean won, never negative.
///
/// Sums saturate at the type's limit, far above the [`Won::MAX_PRICE`] that input is held to, so that
/// no arithmetic on valid amounts can overflow.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct Won(pub u64);

impl Won {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The largest amount that input may name: one hundred million won.
    pub const MAX_PRICE: Self = Self(100_000_000);

    /// This much, as many times.
    #[must_use]
    pub fn times(self, quantity: u32) -> Self {
        Self(self.0.saturating_mul(u64::from(quantity)))
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// What is left after taking `other` away; zero where `other` is more.
    #[must_use]
    pub fn less(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// Whether it is nothing.
    #[must_use]
    pub fn is_zero(self) -> bool {
        self.0 == 0
    }
}

crate::whole! {
    /// An amount of money in whole won, as a request may name it.
    pub struct Price(u64): [0, Won::MAX_PRICE.0], 20_000;
}

impl From<Price> for Won {
    fn from(price: Price) -> Self {
        Self(price.get())
    }
}

impl Sum for Won {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Self::plus)
    }
}

impl fmt::Display for Won {
    /// With thousands separated, as Koreans write it: `18,500`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        for (place, digit) in digits.chars().enumerate() {
            if place > 0 && (digits.len() - place).is_multiple_of(3) {
                f.write_str(",")?;
            }
            write!(f, "{digit}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Won;

    #[test]
    fn thousands_are_separated() {
        assert_eq!(Won(0).to_string(), "0");
        assert_eq!(Won(999).to_string(), "999");
        assert_eq!(Won(18_500).to_string(), "18,500");
        assert_eq!(Won(1_234_567).to_string(), "1,234,567");
    }

    #[test]
    fn nothing_is_below_zero() {
        assert_eq!(Won(3).less(Won(5)), Won::ZERO);
    }
}
