//! How long cooking takes.

use serde::{Deserialize, Serialize};

/// Minutes of cooking, 5 to 90.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub(crate) struct CookMinutes(u32);

/// No kitchen promises that.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("must be 5 to 90")]
pub(crate) struct NotCookMinutes;

impl TryFrom<u32> for CookMinutes {
    type Error = NotCookMinutes;

    fn try_from(minutes: u32) -> Result<Self, NotCookMinutes> {
        if (5..=90).contains(&minutes) { Ok(Self(minutes)) } else { Err(NotCookMinutes) }
    }
}

impl From<CookMinutes> for u32 {
    fn from(minutes: CookMinutes) -> Self {
        minutes.0
    }
}
