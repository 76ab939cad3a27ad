//! What payment tells: what became of the money. And what order asks of it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;
use utoipa::ToSchema;

use crate::{AccountId, AttemptId, ChangeId, OrderId, Won};

/// How a customer pays: chosen by the customer, understood by the provider.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema, garde::Validate)]
#[serde(deny_unknown_fields)]
pub struct PaymentMeans {
    /// The kind, as `card`, `transfer` or `kakaopay`.
    #[garde(length(chars, min = 1, max = 40))]
    #[schema(min_length = 1, max_length = 40, example = "card")]
    pub method: String,
    /// What the provider knows the customer's means by.
    #[garde(length(chars, min = 1, max = 200))]
    #[schema(min_length = 1, max_length = 200, example = "sim_approve")]
    pub token: String,
}

/// Asks payment to take money for an order: `POST /internal/payments/{order_id}/attempts`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, garde::Validate)]
pub struct TakePayment {
    /// Names the attempt; the same one asked twice takes money once.
    #[garde(skip)]
    pub attempt_id: AttemptId,
    /// Who pays.
    #[garde(skip)]
    pub customer_id: AccountId,
    /// How much.
    #[garde(skip)]
    pub amount_krw: Won,
    /// The order's own version when it asked: what order says with a lower one was said before, and is in
    /// the amount.
    #[garde(skip)]
    #[serde(default)]
    pub version: u64,
    /// How.
    #[garde(dive)]
    pub means: PaymentMeans,
}

/// What payment answers.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum TakePaymentAnswer {
    /// The money is here.
    Approved,
    /// The provider said no; nothing was taken.
    Declined {
        /// The provider's reason, as `insufficient_funds`.
        reason: String,
    },
    /// The provider failed, and nothing was taken: another attempt may begin.
    Failed {
        /// What the provider said.
        reason: String,
    },
    /// Nobody knows yet whether this attempt, or one before it, took money; it is being looked up,
    /// and no other attempt begins until that is known.
    Verifying,
}

/// An attempt to take money whose outcome nobody knows, and that an operator should look at: because its order has
/// ended, or because it is open for long. `GET /internal/unsettled/attempts`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct OpenAttempt {
    /// Of which order.
    pub order_id: OrderId,
    /// Which attempt.
    pub attempt_id: AttemptId,
    /// How much it means to take.
    pub amount_krw: Won,
    /// Whether for a change, not for the order.
    pub for_change: bool,
    /// When it began.
    pub begun_at: Timestamp,
    /// Whether the order has ended.
    pub order_ended: bool,
}

/// What was moved for an order, by somebody's book.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct Booked {
    /// How much was taken.
    pub captured_krw: Won,
    /// How much went back.
    pub refunded_krw: Won,
}

/// An order of which the provider's book says something else than ours, though nothing is under way.
/// `GET /internal/unsettled/differences`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Difference {
    /// Which order.
    pub order_id: OrderId,
    /// What our book says.
    pub ours: Booked,
    /// What the provider's says.
    pub providers: Booked,
    /// When it was seen first.
    pub seen_at: Timestamp,
}

/// A public event of payment. Every one is about one order.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, IntoStaticStr, ToSchema)]
pub enum Event {
    /// Money was taken for the order.
    PaymentApproved {
        /// Which order.
        order_id: OrderId,
        /// Which attempt.
        attempt_id: AttemptId,
        /// How much.
        amount_krw: Won,
    },
    /// The provider declined or failed; nothing was taken.
    PaymentDeclined {
        /// Which order.
        order_id: OrderId,
        /// Which attempt.
        attempt_id: AttemptId,
        /// Why, as `insufficient_funds`.
        reason: String,
        /// Whether the provider failed, and did not decline: the same means may work a little later.
        #[serde(default)]
        failed: bool,
    },
    /// The extra that a change costs was taken.
    PaymentAdjusted {
        /// Which order.
        order_id: OrderId,
        /// Which change.
        change_id: ChangeId,
        /// How much more was taken.
        extra_krw: Won,
    },
    /// The extra that a change costs was not taken.
    PaymentAdjustmentDeclined {
        /// Which order.
        order_id: OrderId,
        /// Which change.
        change_id: ChangeId,
        /// Why.
        reason: String,
        /// Whether the provider was not asked, or failed, and did not decline.
        #[serde(default)]
        failed: bool,
    },
    /// Money goes back to the customer; it is owed until [`Event::PaymentRefunded`].
    PaymentRefundDue {
        /// Which order.
        order_id: OrderId,
        /// How much goes back this time.
        amount_krw: Won,
    },
    /// Money went back to the customer.
    PaymentRefunded {
        /// Which order.
        order_id: OrderId,
        /// How much went back this time.
        amount_krw: Won,
        /// How much has gone back in all.
        refunded_krw: Won,
        /// How much was taken in all.
        captured_krw: Won,
    },
}

impl Event {
    /// The order that it is about.
    #[must_use]
    pub fn order_id(&self) -> OrderId {
        match self {
            Self::PaymentApproved { order_id, .. }
            | Self::PaymentDeclined { order_id, .. }
            | Self::PaymentAdjusted { order_id, .. }
            | Self::PaymentAdjustmentDeclined { order_id, .. }
            | Self::PaymentRefundDue { order_id, .. }
            | Self::PaymentRefunded { order_id, .. } => *order_id,
        }
    }
}
