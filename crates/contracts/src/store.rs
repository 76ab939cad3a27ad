//! What store tells: which stores there are and what they sell, and what the kitchen does with a ticket.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;
use utoipa::ToSchema;

use crate::order::{ChangeRefusal, Line};
use crate::{AccountId, ChangeId, ItemId, Location, OrderId, OrderNo, Place, StoreId, Won};

/// What everyone may know of a store.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct StoreProfile {
    /// What it is called.
    pub name: String,
    /// Where it is, as written on a parcel.
    pub address: String,
    /// Where that is.
    pub location: Location,
    /// What the items of an order must cost at the least.
    pub min_order_krw: Won,
    /// How far it delivers, in metres.
    pub delivery_radius_m: u32,
    /// What a delivery costs the customer.
    pub delivery_fee_krw: Won,
    /// What the store says when an order is completed.
    pub thanks_message: String,
}

/// An item of a store's menu.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct MenuItem {
    /// Which.
    pub item_id: ItemId,
    /// What it is called.
    pub name: String,
    /// What it is.
    pub description: String,
    /// What one costs, before options.
    pub price_krw: Won,
    /// Whether the store sells it now.
    pub available: bool,
    /// What may be chosen.
    pub options: Vec<MenuOption>,
}

/// Something to choose about an item, as `맛 선택`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct MenuOption {
    /// What it is called.
    pub name: String,
    /// What may be chosen.
    pub choices: Vec<MenuChoice>,
    /// How many choices must be made at the least.
    pub min: u32,
    /// How many choices may be made at the most.
    pub max: u32,
}

/// One thing to choose.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct MenuChoice {
    /// What it is called.
    pub name: String,
    /// What it adds to the price of one.
    pub price_krw: Won,
}

/// Why a kitchen does not take an order.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum RejectReason {
    /// Not enough of an item.
    OutOfStock,
    /// The kitchen is closed.
    Closed,
    /// Too many orders.
    TooBusy,
    /// It cannot be delivered there.
    CannotDeliver,
    /// Another reason, given in words.
    Other,
    /// The store never answered. Given by the platform, never by a store.
    StoreTimeout,
}

/// How far a ticket is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema, strum::Display, strum::EnumString)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum TicketStatus {
    /// The kitchen has not answered.
    Open,
    /// The kitchen will cook it.
    Accepted,
    /// On the stove.
    Cooking,
    /// Ready for the rider.
    Cooked,
    /// The kitchen said no, or never answered.
    Rejected,
    /// Withdrawn.
    Canceled,
}

/// A public event of store.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, IntoStaticStr, ToSchema)]
pub enum Event {
    /// There is a new store; it is closed until its owner opens it.
    StoreRegistered {
        /// Which.
        store_id: StoreId,
        /// Whose.
        owner_id: AccountId,
        /// What everyone may know.
        profile: StoreProfile,
    },
    /// The store is called, placed or priced otherwise now.
    StoreChanged {
        /// Which.
        store_id: StoreId,
        /// What everyone may know.
        profile: StoreProfile,
    },
    /// The store takes orders.
    StoreOpened {
        /// Which.
        store_id: StoreId,
    },
    /// The store takes no orders.
    StoreClosed {
        /// Which.
        store_id: StoreId,
    },
    /// An item came, changed or went.
    MenuChanged {
        /// Which store.
        store_id: StoreId,
        /// Which item.
        item_id: ItemId,
        /// What it is now; `None` where it went.
        item: Option<MenuItem>,
    },
    /// There is more or less of an item.
    StockChanged {
        /// Which store.
        store_id: StoreId,
        /// Which item.
        item_id: ItemId,
        /// How many are left; `None` where it is not counted.
        stock: Option<u32>,
        /// How often anything about the store's stock had changed by then, this time included: what its `ETag` says.
        /// 0 where it was told before that was counted.
        #[serde(default)]
        version: u64,
    },
    /// The kitchen has a paid order before it.
    TicketOpened {
        /// Which order.
        order_id: OrderId,
        /// What people call it.
        order_no: OrderNo,
        /// Which kitchen.
        store_id: StoreId,
        /// Whose kitchen.
        owner_id: AccountId,
        /// Who ordered.
        customer_id: AccountId,
        /// What to cook.
        items: Vec<Line>,
        /// Where it goes.
        deliver_to: Place,
        /// What the customer said.
        note: String,
        /// When it is rejected if the kitchen has not answered.
        answer_by: Timestamp,
    },
    /// The kitchen could not answer for a while, so that it has more time to.
    TicketAnswerExtended {
        /// Which order.
        order_id: OrderId,
        /// Which kitchen.
        store_id: StoreId,
        /// When it is rejected now if the kitchen has not answered.
        answer_by: Timestamp,
    },
    /// The kitchen will cook it.
    TicketAccepted {
        /// Which order.
        order_id: OrderId,
        /// Which kitchen.
        store_id: StoreId,
        /// How long cooking takes, from now.
        cook_minutes: u32,
    },
    /// The kitchen said no, or never answered. What was taken from the stock is back.
    TicketRejected {
        /// Which order.
        order_id: OrderId,
        /// Which kitchen.
        store_id: StoreId,
        /// Why.
        reason: RejectReason,
        /// In the store's words: what the owner wrote, or the name of the item that is out; may be empty.
        text: String,
    },
    /// The kitchen holds the new stock and will not start cooking: the extra may be charged.
    TicketChangeReserved {
        /// Which order.
        order_id: OrderId,
        /// Which change.
        change_id: ChangeId,
        /// When the kitchen goes on without the change.
        until: Timestamp,
    },
    /// The ticket shows the new items.
    TicketChanged {
        /// Which order.
        order_id: OrderId,
        /// Which kitchen.
        store_id: StoreId,
        /// Which change.
        change_id: ChangeId,
        /// What to cook.
        items: Vec<Line>,
        /// Where it goes.
        deliver_to: Place,
        /// What the customer said.
        note: String,
    },
    /// The ticket stays, or is again, as it was before the change. The kitchen's word is final.
    TicketChangeRefused {
        /// Which order.
        order_id: OrderId,
        /// Which change.
        change_id: ChangeId,
        /// Why.
        reason: ChangeRefusal,
    },
    /// The ticket is withdrawn. What was taken from the stock is back, unless cooking had started.
    TicketCanceled {
        /// Which order.
        order_id: OrderId,
        /// Which kitchen.
        store_id: StoreId,
    },
    /// Cooking had started: the ticket stays.
    TicketCancelRefused {
        /// Which order.
        order_id: OrderId,
    },
    /// On the stove.
    CookStarted {
        /// Which order.
        order_id: OrderId,
        /// Which kitchen.
        store_id: StoreId,
    },
    /// Ready for a rider. Carries all that a rider needs.
    CookFinished {
        /// Which order.
        order_id: OrderId,
        /// What the rider compares with the bag.
        order_no: OrderNo,
        /// Which kitchen.
        store_id: StoreId,
        /// What the store is called.
        store_name: String,
        /// Where to fetch it.
        pickup: Place,
        /// Where to bring it.
        deliver_to: Place,
        /// What the customer said.
        note: String,
        /// Who waits for it.
        customer_id: AccountId,
        /// What is in the bag, as `후라이드 치킨 ×2`.
        summary: String,
    },
    /// The store thanks for a completed order.
    ThanksSent {
        /// Which order.
        order_id: OrderId,
        /// Which store.
        store_id: StoreId,
        /// What the store is called.
        store_name: String,
        /// Whom it thanks.
        customer_id: AccountId,
        /// What it says.
        message: String,
    },
}

impl Event {
    /// The order that it is about, where it is about one.
    #[must_use]
    pub fn order_id(&self) -> Option<OrderId> {
        match self {
            Self::StoreRegistered { .. }
            | Self::StoreChanged { .. }
            | Self::StoreOpened { .. }
            | Self::StoreClosed { .. }
            | Self::MenuChanged { .. }
            | Self::StockChanged { .. } => None,
            Self::TicketOpened { order_id, .. }
            | Self::TicketAnswerExtended { order_id, .. }
            | Self::TicketAccepted { order_id, .. }
            | Self::TicketRejected { order_id, .. }
            | Self::TicketChangeReserved { order_id, .. }
            | Self::TicketChanged { order_id, .. }
            | Self::TicketChangeRefused { order_id, .. }
            | Self::TicketCanceled { order_id, .. }
            | Self::TicketCancelRefused { order_id }
            | Self::CookStarted { order_id, .. }
            | Self::CookFinished { order_id, .. }
            | Self::ThanksSent { order_id, .. } => Some(*order_id),
        }
    }
}
