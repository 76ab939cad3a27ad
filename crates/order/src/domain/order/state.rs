//! How far an order is.

use std::collections::BTreeSet;

use baedal_contracts::order::{Basket, Bill, CancelReason, ChangeRefusal, Fault, OrderStore};
use baedal_contracts::store::RejectReason;
use baedal_contracts::{AccountId, AttemptId, ChangeId, OrderNo, Won};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// An order that was placed.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Placed {
    /// What people call it.
    pub order_no: OrderNo,
    /// Who ordered.
    pub customer_id: AccountId,
    /// From which store.
    pub store: OrderStore,
    /// What, and what it costs.
    pub basket: Basket,
    /// When it is canceled if nobody has paid.
    pub pay_by: Timestamp,
    /// When it was paid.
    pub paid_at: Option<Timestamp>,
    /// How far the food has come.
    pub food: Food,
    /// Whether it was to be delivered by now, and a rider who has it is given more time.
    pub is_overdue: bool,
    /// When the deadline comes that runs now; once the order has ended, none does.
    pub deadline: Timestamp,
    /// How far it is.
    pub state: State,
    /// How often it was tried to pay for it, or for what a change of it costs more; what was put off does not count.
    #[serde(default)]
    pub attempts: u32,
    /// The change refused last, and why, for whoever waits for the answer.
    pub refused_change: Option<(ChangeId, ChangeRefusal)>,
    /// What operators have given back of what it costs now.
    pub given_back_krw: Won,
    /// By which refunds.
    pub refunds: BTreeSet<Uuid>,
    /// How much has happened to it: its events, counted. What it says to payment is ordered by this, never
    /// by a clock.
    pub version: u64,
}

/// How far a placed order is.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum State {
    /// Nobody has paid yet.
    AwaitingPayment {
        /// What became of the last attempt to pay.
        attempt: Attempt,
    },
    /// The money is here; kitchen and rider are at it.
    Paid {
        /// What the kitchen has not answered yet.
        pending: Option<Pending>,
    },
    /// The customer has the food, says the rider.
    Delivered {
        /// What the kitchen has answered, or will, but we have not heard: the store's word may come
        /// later than the rider's.
        pending: Option<Pending>,
    },
    /// The deal is done.
    Completed,
    /// It ended without the food.
    Canceled {
        /// Why.
        reason: CancelReason,
        /// In somebody's words; may be empty.
        text: String,
        /// What was to go back when it ended.
        refund_krw: Won,
        /// Whether that was all of it.
        in_full: bool,
        /// What the customer still owes.
        owed_krw: Won,
        /// Whose fault it is.
        fault: Option<Fault>,
    },
    /// The store said no.
    Rejected {
        /// Why.
        reason: RejectReason,
    },
}

/// How far the food has come, as far as it matters to whose fault it is that nobody brings it. In the order in
/// which it comes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum Food {
    /// The kitchen has not finished, as far as was heard.
    NotCooked,
    /// The kitchen has finished, and no rider has kept it waiting.
    Cooked,
    /// A rider has claimed it, and has not fetched it in time.
    NotFetched,
    /// A rider has it.
    PickedUp,
}

impl Food {
    /// Whose fault it is where it comes no further: of whoever is to do the next thing. No rider came for what
    /// is ready: it is ours to have riders.
    #[must_use]
    pub fn fault(self) -> Fault {
        match self {
            Self::NotCooked => Fault::Store,
            Self::Cooked => Fault::Platform,
            Self::NotFetched | Self::PickedUp => Fault::Rider,
        }
    }
}

/// What became of the last attempt to pay.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Attempt {
    /// Its outcome is open; until it is known no other begins.
    Open {
        /// Which.
        attempt_id: AttemptId,
        /// Whether a second request took it up, so that what one of them says about not having sent
        /// it is not true of both.
        shared: bool,
    },
    /// The provider said no.
    Declined {
        /// Why.
        reason: String,
    },
    /// Nothing was taken, and the customer was told to pay a little later.
    PutOff,
}

/// What a customer wishes of a paid order, while the kitchen has not answered.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Pending {
    /// That it be canceled.
    Cancel {
        /// In the customer's words.
        text: String,
    },
    /// That it be another one.
    Change {
        /// Which change.
        change_id: ChangeId,
        /// What it would be.
        basket: Basket,
        /// What it would cost more.
        extra_krw: Won,
        /// Whether the kitchen holds still and payment has been told to take the extra.
        charging: bool,
    },
    /// It is another one, paid for, and the kitchen has yet to seal it. Its word is final: it may have
    /// gone on without the change just before it heard of it. Nothing else may be asked until then, or
    /// what a next change costs more would be reckoned from the wrong basket.
    Seal {
        /// Which change.
        change_id: ChangeId,
        /// What the order was before, and is again if the kitchen says no.
        before: Basket,
    },
}

/// How far an order is, as the order itself knows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[schema(as = OrderOwnStatus)]
pub enum OrderStatus {
    /// Nobody has paid yet.
    AwaitingPayment,
    /// The money is here.
    Paid,
    /// The customer has the food, says the rider.
    Delivered,
    /// The deal is done.
    Completed,
    /// It ended without the food.
    Canceled,
    /// The store said no.
    Rejected,
}

impl OrderStatus {
    /// Whether nothing more can happen to it.
    #[must_use]
    pub fn is_final(self) -> bool {
        match self {
            Self::AwaitingPayment | Self::Paid | Self::Delivered => false,
            Self::Completed | Self::Canceled | Self::Rejected => true,
        }
    }
}

impl Placed {
    /// The version of an order that was just placed.
    pub const FIRST_VERSION: u64 = 1;

    /// How far it is.
    #[must_use]
    pub fn status(&self) -> OrderStatus {
        match self.state {
            State::AwaitingPayment { .. } => OrderStatus::AwaitingPayment,
            State::Paid { .. } => OrderStatus::Paid,
            State::Delivered { .. } => OrderStatus::Delivered,
            State::Completed => OrderStatus::Completed,
            State::Canceled { .. } => OrderStatus::Canceled,
            State::Rejected { .. } => OrderStatus::Rejected,
        }
    }

    /// What is held of the customer's money once all that is under way has arrived: what is owed for it.
    #[must_use]
    pub fn held_krw(&self) -> Won {
        match self.state {
            State::AwaitingPayment { .. } | State::Rejected { .. } => Won::ZERO,
            State::Paid { .. } | State::Delivered { .. } | State::Completed => self.bill().owed_krw,
            State::Canceled { owed_krw, .. } => owed_krw,
        }
    }

    /// What it costs and what is owed for it, unless it ends otherwise.
    #[must_use]
    pub fn bill(&self) -> Bill {
        self.bill_for(&self.basket)
    }

    /// The same, if it were this.
    #[must_use]
    pub fn bill_for(&self, basket: &Basket) -> Bill {
        Bill {
            total_krw: basket.total_krw,
            delivery_fee_krw: basket.delivery_fee_krw,
            given_back_krw: self.given_back_krw.min(basket.total_krw),
            owed_krw: basket.total_krw.less(self.given_back_krw),
        }
    }

    /// What it costs, with this much owed for it.
    #[must_use]
    pub fn bill_owing(&self, owed_krw: Won) -> Bill {
        Bill { owed_krw, ..self.bill() }
    }

    /// What the kitchen has not answered yet.
    #[must_use]
    pub fn pending(&self) -> Option<&Pending> {
        match &self.state {
            State::Paid { pending } | State::Delivered { pending } => pending.as_ref(),
            State::AwaitingPayment { .. } | State::Completed | State::Canceled { .. } | State::Rejected { .. } => None,
        }
    }

    /// What became of the last attempt to pay, while it is not paid.
    #[must_use]
    pub fn attempt(&self) -> Option<&Attempt> {
        match &self.state {
            State::AwaitingPayment { attempt } => Some(attempt),
            State::Paid { .. }
            | State::Delivered { .. }
            | State::Completed
            | State::Canceled { .. }
            | State::Rejected { .. } => None,
        }
    }

    /// The attempt to pay whose outcome is open, where there is one.
    #[must_use]
    pub fn open_attempt(&self) -> Option<AttemptId> {
        match self.attempt() {
            Some(Attempt::Open { attempt_id, .. }) => Some(*attempt_id),
            Some(Attempt::Declined { .. } | Attempt::PutOff) | None => None,
        }
    }
}
