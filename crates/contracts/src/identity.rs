//! What identity tells: who has an account.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr};
use utoipa::ToSchema;

use crate::AccountId;

/// What a person may do here.
#[derive(
    Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, ToSchema, Display, EnumString, IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Role {
    /// Orders and pays.
    Customer,
    /// Runs a store.
    Owner,
    /// Delivers.
    Rider,
    /// Keeps the platform running.
    Operator,
}

/// A public event of identity.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, IntoStaticStr)]
pub enum Event {
    /// Somebody has an account now.
    AccountOpened {
        /// Whose.
        account_id: AccountId,
        /// What it may do.
        role: Role,
        /// How to address the person.
        name: String,
        /// Where to reach the person: digits only, as `01012345678`.
        phone: String,
    },
}
