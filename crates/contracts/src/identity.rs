//! What identity tells: who has an account.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::AccountId;

/// Who issues access tokens: their `iss`.
pub const TOKEN_ISSUER: &str = "baedal";
/// Whom access tokens are for: their `aud`.
pub const TOKEN_AUDIENCE: &str = "baedal-api";

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

/// What an access token says; identity signs it, the gateway checks it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Claims {
    /// Who issued it: [`TOKEN_ISSUER`].
    pub iss: String,
    /// Whom it is for: [`TOKEN_AUDIENCE`].
    pub aud: String,
    /// Whose it is.
    pub sub: AccountId,
    /// What the account may do.
    pub role: Role,
    /// When it was issued, in seconds since 1970.
    pub iat: i64,
    /// From when on it is no longer valid, in seconds since 1970.
    pub exp: i64,
    /// Names this token.
    pub jti: Uuid,
}

/// A public event of identity.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, IntoStaticStr, ToSchema)]
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
