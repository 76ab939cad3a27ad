//! Why an order does not do what a person asks.

use baedal_contracts::Won;

use super::OrderStatus;

/// Why not.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refusal {
    /// There is no such order.
    #[error("there is no such order")]
    NotPlaced,
    /// There is one already.
    #[error("the order was placed before")]
    AlreadyPlaced,
    /// It ended.
    #[error("the order is {0} and nothing more can happen to it")]
    AlreadyFinal(OrderStatus),
    /// An attempt to pay may have taken money for what the order is now.
    #[error("a payment for the order is being verified")]
    PaymentInProgress,
    /// It was tried often enough.
    #[error("it was tried to pay for the order as often as may be")]
    TooManyAttempts,
    /// One thing at a time.
    #[error("something asked before has not been answered by the kitchen")]
    AnotherRequestPending,
    /// Too late to cancel or change.
    #[error("the kitchen has begun")]
    CookingStarted,
    /// Too early to confirm.
    #[error("no rider has delivered the order yet")]
    NotDelivered,
    /// More than is held, or than it costs where it is not paid, cannot go back.
    #[error("no more than {held_krw} won of the order can go back")]
    RefundTooLarge {
        /// How much can.
        held_krw: Won,
    },
}
