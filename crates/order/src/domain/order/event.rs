//! What may happen to an order. `publish.rs` says which of these others hear of.

use baedal_contracts::order::{Basket, Bill, CancelReason, ChangeRefusal, Fault, OrderStore};
use baedal_contracts::store::RejectReason;
use baedal_contracts::{AccountId, AttemptId, ChangeId, OrderNo, StoreId, Won};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;
use uuid::Uuid;

use super::Food;

/// What may happen to an order.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, IntoStaticStr)]
pub enum Event {
    /// A customer placed it, and a first attempt to pay began.
    OrderPlaced {
        /// What people call it.
        order_no: OrderNo,
        /// Who ordered.
        customer_id: AccountId,
        /// From which store.
        store: OrderStore,
        /// What.
        basket: Basket,
        /// When it is canceled if nobody has paid.
        pay_by: Timestamp,
        /// The first attempt.
        attempt_id: AttemptId,
    },
    /// Another attempt to pay began.
    PaymentAttempted {
        /// Which.
        attempt_id: AttemptId,
    },
    /// A second request took up the attempt whose outcome is open.
    PaymentAttemptShared {
        /// Which.
        attempt_id: AttemptId,
    },
    /// The provider said no; nothing was taken.
    PaymentDeclined {
        /// To which attempt.
        attempt_id: AttemptId,
        /// Why.
        reason: String,
    },
    /// The attempt is over and nothing was taken: it was never sent, or the provider failed.
    PaymentPutOff {
        /// Which.
        attempt_id: AttemptId,
    },
    /// Nobody could pay for a while: there is more time to.
    PaymentWindowExtended {
        /// When it is canceled now if nobody has paid.
        pay_by: Timestamp,
    },
    /// The money is here.
    OrderPaid {
        /// What people call it.
        order_no: OrderNo,
        /// Who ordered.
        customer_id: AccountId,
        /// From which store.
        store: OrderStore,
        /// What.
        basket: Basket,
        /// When it is canceled if it is not delivered.
        abandon_at: Timestamp,
    },
    /// The customer wishes it to be another one.
    OrderChangeRequested {
        /// Which change.
        change_id: ChangeId,
        /// What it would be.
        basket: Basket,
        /// What it would cost more.
        extra_krw: Won,
    },
    /// The kitchen holds still: payment is to take the extra.
    OrderChangeChargeDue {
        /// Which change.
        change_id: ChangeId,
        /// What to take.
        extra_krw: Won,
        /// When the kitchen goes on without the change.
        until: Timestamp,
    },
    /// It is another one.
    OrderChanged {
        /// Which change.
        change_id: ChangeId,
        /// What it is now.
        basket: Basket,
        /// What the customer owes now.
        bill: Bill,
    },
    /// The kitchen has the change, too: it can no longer be taken back.
    OrderChangeSealed {
        /// Which change.
        change_id: ChangeId,
    },
    /// It stays, or is again, what it was before the change.
    OrderChangeRefused {
        /// Which change.
        change_id: ChangeId,
        /// Why.
        reason: ChangeRefusal,
        /// What it is.
        basket: Basket,
        /// What the customer owes now.
        bill: Bill,
        /// Whether it would have cost more, and nobody has answered whether the customer can pay that: it was no
        /// attempt to pay.
        put_off: bool,
    },
    /// The customer wishes it to be canceled.
    OrderCancelRequested {
        /// In the customer's words.
        text: String,
    },
    /// Cooking had started.
    OrderCancelRefused,
    /// It ended without the food.
    OrderCanceled {
        /// Why.
        reason: CancelReason,
        /// In somebody's words; may be empty.
        text: String,
        /// What goes back; where an operator ended it before it was paid, what was to go back.
        refund_krw: Won,
        /// What it cost, and what the customer still owes.
        bill: Bill,
        /// Whose fault it is.
        fault: Option<Fault>,
        /// Whether it had been paid.
        paid: bool,
    },
    /// The store said no.
    OrderRejected {
        /// Why.
        reason: RejectReason,
        /// In the store's words; may be empty.
        text: String,
    },
    /// The food has come so far, say kitchen and rider.
    FoodHeard {
        /// How far.
        food: Food,
    },
    /// A rider has it, and has not brought it in time: an operator is to look.
    OrderOverdue {
        /// When it is canceled if it is not delivered.
        abandon_at: Timestamp,
    },
    /// A rider says that the customer has the food.
    DeliveredHeard {
        /// When it completes by itself.
        complete_at: Timestamp,
    },
    /// The deal is done.
    OrderCompleted {
        /// Whose.
        customer_id: AccountId,
        /// From which store.
        store_id: StoreId,
        /// Whether nobody confirmed.
        by_itself: bool,
        /// What it cost, and what the customer owes.
        bill: Bill,
    },
    /// An operator gives back some of what is held.
    RefundGranted {
        /// Names it.
        refund_id: Uuid,
        /// How much.
        amount_krw: Won,
        /// Why, in the operator's words.
        reason: String,
        /// Whose fault it is.
        fault: Fault,
        /// What the customer owes now.
        bill: Bill,
    },
}
