//! What order tells: an order's life as the customer and the money see it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{AccountId, ChangeId, ItemId, Location, OrderId, OrderNo, Place, StoreId, Won};

/// The store an order is for, as it was when the order was placed.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct OrderStore {
    /// Which store.
    pub store_id: StoreId,
    /// Whose it is.
    pub owner_id: AccountId,
    /// What it is called.
    pub name: String,
    /// Where the food is fetched.
    pub address: String,
    /// Where that is.
    pub location: Location,
}

/// One line of an order, priced from the menu.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Line {
    /// Which item of the menu.
    pub item_id: ItemId,
    /// Its name when it was ordered.
    pub name: String,
    /// How many.
    pub quantity: u32,
    /// What one costs, options included.
    pub unit_price_krw: Won,
    /// The choices made.
    pub options: Vec<Choice>,
}

impl Line {
    /// What the line costs.
    #[must_use]
    pub fn price_krw(&self) -> Won {
        self.unit_price_krw.times(self.quantity)
    }
}

/// One choice made of an item's options.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Choice {
    /// The option, as `맛 선택`.
    pub name: String,
    /// What was chosen, as `매운맛`.
    pub choice: String,
    /// What it adds to the price of one.
    pub price_krw: Won,
}

/// What is ordered, where it goes and what it costs: the part of an order that a change replaces.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Basket {
    /// The items.
    pub items: Vec<Line>,
    /// Where it goes.
    pub deliver_to: Place,
    /// To the store and the rider; may be empty.
    pub note: String,
    /// What the delivery costs.
    pub delivery_fee_krw: Won,
    /// All of it: the items and the delivery.
    pub total_krw: Won,
}

/// What an order costs, and what its customer owes for it.
///
/// Every event that changes what is owed carries the whole bill, so that whoever has missed one of them is
/// right again with the next.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct Bill {
    /// All of it: the items and the delivery.
    pub total_krw: Won,
    /// What the delivery costs of it.
    pub delivery_fee_krw: Won,
    /// What operators gave back of it, as far as it goes, before it ended.
    pub given_back_krw: Won,
    /// What the customer owes. What was taken beyond it goes back.
    pub owed_krw: Won,
}

/// Why an order ended as `canceled`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema, strum::Display, strum::EnumString)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum CancelReason {
    /// The customer wished it.
    Customer,
    /// Nobody paid in time.
    PaymentExpired,
    /// Not delivered long after it was paid.
    Abandoned,
    /// An operator did it.
    Operator,
}

/// Whose fault it is that money goes back, or that food did not come.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Fault {
    /// The customer.
    Customer,
    /// The store.
    Store,
    /// The rider.
    Rider,
    /// We.
    Platform,
}

/// Why a requested change did not happen.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum ChangeRefusal {
    /// The kitchen has begun.
    CookingStarted,
    /// The kitchen has not enough of it.
    OutOfStock,
    /// The extra charge was declined.
    PaymentDeclined,
    /// The extra charge was not settled while the kitchen held still.
    PaymentTimeout,
    /// The ticket is no longer open.
    TicketClosed,
}

/// A public event of order. Every one is about one order, named by `order_id`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, IntoStaticStr, ToSchema)]
pub enum Event {
    /// A customer placed an order; it is not paid yet.
    OrderPlaced {
        /// Which.
        order_id: OrderId,
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
    },
    /// Nobody could pay for a while, so that there is more time to.
    PaymentWindowExtended {
        /// Which.
        order_id: OrderId,
        /// When it is canceled now if nobody has paid.
        pay_by: Timestamp,
    },
    /// The money is here: the kitchen may have it. Carries the whole order, so that nobody has to ask.
    OrderPaid {
        /// Which.
        order_id: OrderId,
        /// What people call it.
        order_no: OrderNo,
        /// Who ordered.
        customer_id: AccountId,
        /// From which store.
        store: OrderStore,
        /// What.
        basket: Basket,
    },
    /// The customer wishes a paid order to be another one; the kitchen decides.
    OrderChangeRequested {
        /// Which.
        order_id: OrderId,
        /// Which change.
        change_id: ChangeId,
        /// What it would be.
        basket: Basket,
        /// What it would cost more than what is owed now; zero where it costs the same or less.
        extra_krw: Won,
    },
    /// The kitchen holds still for a change that costs more: payment is to take the difference.
    OrderChangeChargeDue {
        /// Which.
        order_id: OrderId,
        /// Which change.
        change_id: ChangeId,
        /// What to take.
        extra_krw: Won,
        /// When the kitchen goes on without the change.
        until: Timestamp,
        /// The order's own version with it, which grows with everything that happens to the order: of two
        /// events the one with the greater version was later, whatever any clock says.
        #[serde(default)]
        version: u64,
    },
    /// The order is another one now.
    OrderChanged {
        /// Which.
        order_id: OrderId,
        /// Which change.
        change_id: ChangeId,
        /// What it is now.
        basket: Basket,
        /// What the customer owes now; `basket.total_krw` where it is not said.
        #[serde(default)]
        bill: Option<Bill>,
        /// The order's own version with it, as in [`Event::OrderChangeChargeDue`].
        #[serde(default)]
        version: u64,
    },
    /// The order stays, or is again, what it was before the change.
    OrderChangeRefused {
        /// Which.
        order_id: OrderId,
        /// Which change.
        change_id: ChangeId,
        /// Why.
        reason: ChangeRefusal,
        /// What it is.
        basket: Basket,
        /// What the customer owes now; `basket.total_krw` where it is not said.
        #[serde(default)]
        bill: Option<Bill>,
        /// The order's own version with it, as in [`Event::OrderChangeChargeDue`].
        #[serde(default)]
        version: u64,
    },
    /// The customer wishes a paid order to be canceled; the kitchen decides.
    OrderCancelRequested {
        /// Which.
        order_id: OrderId,
        /// In the customer's words; may be empty.
        text: String,
    },
    /// Cooking had started: the order goes on.
    OrderCancelRefused {
        /// Which.
        order_id: OrderId,
    },
    /// A rider has it, and has not brought it long after it was paid: an operator is to look.
    OrderOverdue {
        /// Which.
        order_id: OrderId,
        /// When it is canceled if it is not delivered.
        abandon_at: Timestamp,
    },
    /// The order ended without the food. What was taken beyond `owed_krw` goes back.
    OrderCanceled {
        /// Which.
        order_id: OrderId,
        /// Why.
        reason: CancelReason,
        /// In somebody's words; may be empty.
        text: String,
        /// What the customer still owes: nothing, but for an operator's partial refund.
        owed_krw: Won,
        /// Whose fault it is: as an operator found, or, where it was abandoned, as what kitchen and rider did
        /// tells.
        fault: Option<Fault>,
        /// Whether it had been paid.
        paid: bool,
        /// What it cost, and what the customer owes for it now that it has ended.
        #[serde(default)]
        bill: Option<Bill>,
        /// The order's own version with it, as in [`Event::OrderChangeChargeDue`].
        #[serde(default)]
        version: u64,
    },
    /// The store said no. All that was taken goes back.
    OrderRejected {
        /// Which.
        order_id: OrderId,
        /// Why.
        reason: crate::store::RejectReason,
        /// In the store's words: what the owner wrote, or the name of the item that is out; may be empty.
        text: String,
        /// The order's own version with it, as in [`Event::OrderChangeChargeDue`].
        #[serde(default)]
        version: u64,
    },
    /// The customer has the food: the deal is done.
    OrderCompleted {
        /// Which.
        order_id: OrderId,
        /// Whose.
        customer_id: AccountId,
        /// From which store.
        store_id: StoreId,
        /// Whether it completed by itself, because nobody confirmed.
        by_itself: bool,
        /// What it cost, and what the customer owes for it now that it has ended.
        #[serde(default)]
        bill: Option<Bill>,
        /// The order's own version with it, as in [`Event::OrderChangeChargeDue`].
        #[serde(default)]
        version: u64,
    },
    /// An operator gives back some of what is still held, while the order goes on or after its end.
    OrderRefundGranted {
        /// Which.
        order_id: OrderId,
        /// Names what is given back.
        refund_id: Uuid,
        /// How much it is.
        amount_krw: Won,
        /// Why, in the operator's words.
        reason: String,
        /// Whose fault it is: who bears it.
        fault: Fault,
        /// What the customer owes now.
        bill: Bill,
        /// The order's own version with it, as in [`Event::OrderChangeChargeDue`].
        version: u64,
    },
}

impl Event {
    /// The order that it is about.
    #[must_use]
    pub fn order_id(&self) -> OrderId {
        match self {
            Self::OrderPlaced { order_id, .. }
            | Self::PaymentWindowExtended { order_id, .. }
            | Self::OrderOverdue { order_id, .. }
            | Self::OrderPaid { order_id, .. }
            | Self::OrderChangeRequested { order_id, .. }
            | Self::OrderChangeChargeDue { order_id, .. }
            | Self::OrderChanged { order_id, .. }
            | Self::OrderChangeRefused { order_id, .. }
            | Self::OrderCancelRequested { order_id, .. }
            | Self::OrderCancelRefused { order_id }
            | Self::OrderCanceled { order_id, .. }
            | Self::OrderRejected { order_id, .. }
            | Self::OrderCompleted { order_id, .. }
            | Self::OrderRefundGranted { order_id, .. } => *order_id,
        }
    }
}
