//! The published language: what the contexts tell each other, and the words they tell it in.
//!
//! Each context has a module here that holds its public events and, where another context calls it
//! for an answer, the request and the answer. Private events stay in the context; its `publish.rs`
//! decides which of them become one of these.
//!
//! A published event is a promise: fields are added, never renamed or removed, and an unknown field
//! is ignored by whoever reads it.

pub mod delivery;
pub mod identity;
mod ids;
mod money;
pub mod notification;
pub mod order;
pub mod payment;
mod place;
pub mod schemas;
pub mod store;
pub mod whole;

pub use ids::{AccountId, AttemptId, ChangeId, FORM as ID_FORM, ItemId, OrderId, OrderNo, StoreId};
pub use money::{Price, Won};
pub use place::{InvalidLocation, Location, Place, neighbourhood};

/// The names of the contexts, as they stand in an envelope's `source`, a position and a role.
pub mod source {
    /// Accounts, roles, credentials.
    pub const IDENTITY: &str = "identity";
    /// Orders.
    pub const ORDER: &str = "order";
    /// Payments and their ledger.
    pub const PAYMENT: &str = "payment";
    /// Stores, menus, stock and tickets.
    pub const STORE: &str = "store";
    /// Deliveries and riders.
    pub const DELIVERY: &str = "delivery";
    /// Notices.
    pub const NOTIFICATION: &str = "notification";
    /// The read models that cross contexts.
    pub const TRACKING: &str = "tracking";
}
