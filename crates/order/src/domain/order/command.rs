//! What may be asked of an order.

use baedal_contracts::order::{Basket, ChangeRefusal, Fault, OrderStore};
use baedal_contracts::store::RejectReason;
use baedal_contracts::{AccountId, AttemptId, ChangeId, OrderNo, Won};
use jiff::{SignedDuration, Timestamp};
use strum::IntoStaticStr;
use uuid::Uuid;

/// What may be asked of an order. People's commands may be refused; what events and deadlines ask is
/// answered in every state, with nothing where it has happened before or was overtaken.
#[derive(Clone, PartialEq, Debug, IntoStaticStr)]
pub enum Command {
    /// A customer places it; a first attempt to pay begins with it.
    Place {
        /// What people call it.
        order_no: OrderNo,
        /// Who orders.
        customer_id: AccountId,
        /// From which store.
        store: OrderStore,
        /// What, priced from the menu.
        basket: Basket,
        /// How long it waits to be paid.
        payment_window: SignedDuration,
        /// The first attempt.
        attempt_id: AttemptId,
    },
    /// Its customer pays, again or later. The outstanding attempt is taken up where there is one.
    Pay {
        /// A new attempt, in case there is none.
        attempt_id: AttemptId,
        /// How many attempts there may be, those not counted that were put off; 0 for any number.
        at_most: u32,
    },
    /// Its customer wishes it to be another one.
    Change {
        /// Names the change.
        change_id: ChangeId,
        /// What it would be, priced from the menu.
        basket: Basket,
        /// How many attempts to pay there may be, this one included where it costs more; 0 for any number.
        at_most: u32,
    },
    /// Its customer wishes it to be canceled.
    Cancel {
        /// In the customer's words; may be empty.
        text: String,
    },
    /// An operator cancels it.
    CancelByOperator {
        /// In the operator's words.
        text: String,
        /// What goes back; all of it unless said.
        refund_krw: Option<Won>,
        /// Whose fault it is.
        fault: Fault,
    },
    /// An operator gives back some of what is held, whether it has ended or not.
    Refund {
        /// Names it; the same one asked twice gives back once.
        refund_id: Uuid,
        /// How much.
        amount_krw: Won,
        /// Why, in the operator's words.
        reason: String,
        /// Whose fault it is.
        fault: Fault,
    },
    /// Its customer says that the food has come.
    Confirm,

    /// Payment took the money, by whichever attempt.
    Approve {
        /// How much.
        amount_krw: Won,
        /// How long until it must be delivered.
        abandon_after: SignedDuration,
    },
    /// The provider said no.
    Decline {
        /// To which attempt.
        attempt_id: AttemptId,
        /// Why.
        reason: String,
    },
    /// An attempt came to nothing by no fault of the customer's.
    PutOff {
        /// Which.
        attempt_id: AttemptId,
        /// Whether payment has said that nothing was taken; otherwise whoever asks never sent it.
        answered: bool,
    },

    /// The kitchen holds still: the extra of a change may be charged.
    ChargeForChange {
        /// Which change.
        change_id: ChangeId,
        /// When the kitchen goes on without it.
        until: Timestamp,
    },
    /// The extra of a change was taken.
    ChangeCharged {
        /// Which change.
        change_id: ChangeId,
    },
    /// The extra of a change was not taken.
    ChangeChargeDeclined {
        /// Which change.
        change_id: ChangeId,
        /// Whether nobody could say whether the customer's means are good: the provider failed, or was not asked.
        failed: bool,
    },
    /// The ticket shows a change.
    ChangeDone {
        /// Which.
        change_id: ChangeId,
    },
    /// The ticket stays, or is again, as it was before a change.
    RefuseChange {
        /// Which.
        change_id: ChangeId,
        /// Why.
        reason: ChangeRefusal,
    },
    /// The ticket is withdrawn.
    GrantCancel,
    /// Cooking had started.
    RefuseCancel,
    /// The kitchen does not take it.
    Reject {
        /// Why.
        reason: RejectReason,
        /// In the store's words.
        text: String,
    },
    /// The kitchen has finished.
    HearCooked,
    /// A rider has claimed it, and has not fetched it in time.
    HearNotFetched,
    /// That rider does not bring it after all.
    HearReleased,
    /// A rider has fetched it.
    HearPickedUp,
    /// A rider says that the customer has the food.
    HearDelivered {
        /// How long until it completes by itself.
        auto_complete_after: SignedDuration,
    },

    /// Nobody paid in time.
    Expire {
        /// Since when payment could be asked without a break; nothing where it cannot be asked now.
        askable_since: Option<Timestamp>,
        /// How long payment must have been there to be asked before nobody may pay any more.
        at_least: SignedDuration,
    },
    /// It was not delivered long after it was paid.
    Abandon {
        /// How much longer a rider who has it may take.
        carried_for: SignedDuration,
    },
    /// Nobody confirmed.
    CompleteByItself,
}
