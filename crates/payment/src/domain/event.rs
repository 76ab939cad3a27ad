//! What may happen to a payment, and the jobs that follow from it. `publish.rs` says which of these
//! others hear of.

use baedal_contracts::order::Fault;
use baedal_contracts::payment::PaymentMeans;
use baedal_contracts::{AccountId, AttemptId, ChangeId, OrderId, Won};
use baedal_kit::Job;
use baedal_kit::database::JobChange;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;
use uuid::Uuid;

use super::division::Division;

/// The job that asks the provider what became of an attempt. Its key is the attempt.
pub const LOOK_UP: &str = "look_up";
/// The job that takes the extra of a change. Its key is the change.
pub const CHARGE_EXTRA: &str = "charge_extra";
/// The job that gives money back. Its key is the refund.
pub const REFUND: &str = "refund";

/// Who pays, and how.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Payer {
    /// Who.
    pub customer_id: AccountId,
    /// How.
    pub means: PaymentMeans,
}

/// What an attempt means to take money for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Purpose {
    /// The order.
    Order,
    /// What a change costs more; the attempt has the change's id.
    Change {
        /// When the provider is called.
        charge_at: Timestamp,
        /// When it is too late to call.
        until: Timestamp,
        /// The order's version when it asked: what order says of the change comes with a greater one.
        version: u64,
    },
}

/// How an order ended, for its money.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Ending {
    /// Nothing is owed: the deal is undone, and nobody has earned anything.
    Undone,
    /// The customer owes something: the deal is done.
    Done(Earned),
}

/// What others than the customer have earned with a deal, before anything more goes back.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Earned {
    /// The store; less than nothing where it has to pay.
    pub store_krw: i64,
    /// The rider; less than nothing where he has to pay.
    pub rider_krw: i64,
    /// We.
    pub platform_krw: i64,
}

/// What an operator gives back.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Grant {
    /// How much.
    pub amount_krw: Won,
    /// Whose fault it is, who therefore bears it.
    pub fault: Fault,
}

/// What may happen to a payment.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, IntoStaticStr)]
pub enum Event {
    /// An attempt that means to take money began; the provider is called next.
    AttemptBegun {
        /// Which: the provider's idempotency key.
        attempt_id: AttemptId,
        /// How much.
        amount_krw: Won,
        /// The order's version when it asked.
        version: u64,
        /// What for.
        purpose: Purpose,
        /// Who pays, and how.
        payer: Payer,
        /// When it is looked up, if there is no answer.
        look_up_at: Timestamp,
    },
    /// Order had no answer to an attempt that has not begun: now it never does.
    AttemptGivenUp {
        /// Which.
        attempt_id: AttemptId,
    },
    /// The provider took the money for the order.
    PaymentApproved {
        /// By which attempt.
        attempt_id: AttemptId,
        /// How much.
        amount_krw: Won,
    },
    /// The provider said no, and took nothing.
    PaymentDeclined {
        /// To which attempt.
        attempt_id: AttemptId,
        /// Why.
        reason: String,
    },
    /// The provider failed, and took nothing.
    PaymentFailed {
        /// At which attempt.
        attempt_id: AttemptId,
        /// What it said.
        reason: String,
    },
    /// The provider took the extra of a change.
    PaymentAdjusted {
        /// Which change.
        change_id: ChangeId,
        /// How much.
        extra_krw: Won,
    },
    /// The extra of a change was not taken.
    PaymentAdjustmentDeclined {
        /// Which change.
        change_id: ChangeId,
        /// Why.
        reason: String,
        /// Whether the provider was not asked, or failed, and did not decline.
        failed: bool,
    },
    /// Order said what the customer owes.
    OwedChanged {
        /// How much.
        owed_krw: Won,
        /// The order's version when it said so.
        version: u64,
    },
    /// Order said that it has ended.
    OrderEnded {
        /// What the customer still owes.
        owed_krw: Won,
        /// The order's version when it said so.
        version: u64,
        /// How.
        ending: Ending,
    },
    /// Order said that an operator gives some of it back.
    RefundGranted {
        /// Names it.
        grant_id: Uuid,
        /// How much, and who bears it.
        grant: Grant,
        /// What the customer owes now.
        owed_krw: Won,
        /// The order's version when it said so.
        version: u64,
    },
    /// The deposit of an order that has ended was divided, anew or for the first time: by how much each share
    /// is more than before, or less.
    DepositDivided(Division),
    /// More was taken than is owed: it goes back.
    RefundDue {
        /// Which refund: the provider's idempotency key.
        refund_id: Uuid,
        /// How much.
        amount_krw: Won,
        /// When the provider is asked first.
        try_at: Timestamp,
    },
    /// Money went back to the customer.
    Refunded {
        /// Which refund.
        refund_id: Uuid,
        /// How much.
        amount_krw: Won,
        /// How much has gone back in all.
        refunded_krw: Won,
        /// How much was taken in all.
        captured_krw: Won,
    },
}

/// What the job `look_up` needs to know.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LookUpAttempt {
    /// Of which order.
    pub order_id: OrderId,
    /// Which attempt.
    pub attempt_id: AttemptId,
}

/// What the job `charge_extra` needs to know.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ChargeExtra {
    /// Of which order.
    pub order_id: OrderId,
    /// Which attempt; it has the change's id.
    pub attempt_id: AttemptId,
    /// When it is too late to call.
    pub until: Timestamp,
}

impl Event {
    /// The calls to the provider that begin or end with it.
    pub(super) fn jobs(&self, order_id: OrderId) -> Vec<JobChange> {
        match self {
            Self::AttemptBegun { attempt_id, purpose, look_up_at, .. } => {
                let attempt_id = *attempt_id;
                let look_up = Job::new(LOOK_UP, attempt_id, *look_up_at).with(&LookUpAttempt { order_id, attempt_id });
                let mut jobs = vec![look_up.about(order_id.0).into()];
                if let Purpose::Change { charge_at, until, .. } = *purpose {
                    let charge = ChargeExtra { order_id, attempt_id, until };
                    jobs.push(Job::new(CHARGE_EXTRA, attempt_id, charge_at).with(&charge).about(order_id.0).into());
                }
                jobs
            }
            Self::PaymentApproved { attempt_id, .. }
            | Self::PaymentDeclined { attempt_id, .. }
            | Self::PaymentFailed { attempt_id, .. } => vec![JobChange::unschedule(LOOK_UP, attempt_id)],
            Self::PaymentAdjusted { change_id, .. } | Self::PaymentAdjustmentDeclined { change_id, .. } => {
                vec![JobChange::unschedule(LOOK_UP, change_id)]
            }
            Self::RefundDue { refund_id, amount_krw, try_at } => {
                let refund = crate::provider::Refund { key: *refund_id, order_id, amount_krw: *amount_krw };
                vec![Job::new(REFUND, refund_id, *try_at).with(&refund).about(order_id.0).into()]
            }
            Self::AttemptGivenUp { .. }
            | Self::OwedChanged { .. }
            | Self::OrderEnded { .. }
            | Self::RefundGranted { .. }
            | Self::DepositDivided(_)
            | Self::Refunded { .. } => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ending_is_kept_under_the_word_of_the_domain() {
        assert_eq!(serde_json::to_string(&Ending::Undone).expect("JSON"), "\"Undone\"");
    }
}
