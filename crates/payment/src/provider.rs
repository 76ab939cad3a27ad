//! The port to whoever moves the money, and how we call it.

mod calls;

use async_trait::async_trait;
use baedal_contracts::payment::{Booked, PaymentMeans};
use baedal_contracts::{AttemptId, OrderId, Won};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub(crate) use self::calls::Calls;

/// Takes money and gives it back. Every call may be made again with the same key, and then takes or gives
/// once.
#[async_trait]
pub trait Provider: Send + Sync + 'static {
    /// Takes money.
    async fn charge(&self, charge: &Charge) -> Result<ChargeOutcome, ProviderError>;

    /// What became of a charge.
    async fn look_up(&self, key: AttemptId) -> Result<LookUp, ProviderError>;

    /// Gives money back.
    async fn refund(&self, refund: &Refund) -> Result<(), ProviderError>;

    /// What it has taken and given back for an order, by its own book.
    async fn booked(&self, order_id: OrderId) -> Result<Booked, ProviderError>;

    /// The same of every order that it knows, by the order's id: those behind `after`, so many at the most. Fewer
    /// than that are the last.
    async fn book(&self, after: Option<OrderId>, limit: usize) -> Result<Vec<(OrderId, Booked)>, ProviderError>;

    /// Internal routes of its own, where it has any.
    fn routes(&self) -> axum::Router {
        axum::Router::new()
    }
}

/// Money to take.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Charge {
    /// The idempotency key.
    pub key: AttemptId,
    /// For which order.
    pub order_id: OrderId,
    /// How much.
    pub amount_krw: Won,
    /// How.
    pub means: PaymentMeans,
}

/// What a charge came to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum ChargeOutcome {
    /// The money was taken.
    Approved,
    /// It was not.
    Declined {
        /// Why, as `insufficient_funds`.
        reason: String,
    },
}

/// What the provider knows of a charge.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LookUp {
    /// It was decided.
    Decided(ChargeOutcome),
    /// It is being worked on.
    InProgress,
    /// There is no such charge.
    Unknown,
}

/// Money to give back.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Refund {
    /// The idempotency key.
    pub key: Uuid,
    /// Of which order.
    pub order_id: OrderId,
    /// How much.
    pub amount_krw: Won,
}

/// Why a call came to nothing.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ProviderError {
    /// The provider answered with an error.
    #[error("the provider failed: {0}")]
    Answered(String),
    /// The provider did not answer: nobody knows what it did.
    #[error("the provider did not answer: {0}")]
    NoAnswer(String),
}
