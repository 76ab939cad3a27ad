//! What is sent and what comes back. Fields that a client here has no use for are left out.

use baedal_contracts::identity::Role;
use baedal_contracts::order::{Fault, Line};
use baedal_contracts::payment::PaymentMeans;
use baedal_contracts::store::{MenuOption, RejectReason};
use baedal_contracts::{AccountId, ItemId, Location, OrderId, Place, StoreId, Won};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Opens an account.
#[derive(Clone, Debug, Serialize)]
pub struct NewAccount<'a> {
    /// What it may do.
    pub role: Role,
    /// How to address the person.
    pub name: &'a str,
    /// Where to reach the person.
    pub phone: &'a str,
    /// What only the person knows.
    pub password: &'a str,
}

/// An account that was opened.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct OpenedAccount {
    /// Which.
    pub account_id: AccountId,
}

/// A new account, with the code that proves its phone number.
#[derive(Serialize)]
pub(crate) struct ProvenAccount<'a> {
    #[serde(flatten)]
    pub(crate) account: &'a NewAccount<'a>,
    pub(crate) code: &'a str,
}

#[derive(Serialize)]
pub(crate) struct AskForCode<'a> {
    pub(crate) phone: &'a str,
    pub(crate) purpose: &'static str,
}

/// A code that was sent to a phone.
#[derive(Clone, Deserialize)]
pub struct PhoneCode {
    /// Until when it is good.
    pub expires_at: Timestamp,
    /// The code, while the message provider reaches no phone.
    #[serde(default)]
    pub code: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct Credentials<'a> {
    pub(crate) phone: &'a str,
    pub(crate) password: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) device_token: Option<&'a str>,
}

#[derive(Serialize)]
pub(crate) struct RefreshToken<'a> {
    pub(crate) refresh_token: &'a str,
}

#[derive(Deserialize)]
pub(crate) struct NewTokens {
    pub(crate) access_token: String,
    pub(crate) refresh_token: String,
    pub(crate) expires_in: Option<u64>,
    #[serde(default)]
    pub(crate) device_token: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct Opening {
    pub(crate) open: bool,
}

#[derive(Serialize)]
pub(crate) struct Reason<'a> {
    pub(crate) reason: &'a str,
}

#[derive(Serialize)]
pub(crate) struct CookMinutes {
    pub(crate) cook_minutes: u32,
}

/// A signed-in person.
#[derive(Clone, Debug, Deserialize)]
pub struct Me {
    /// Which account.
    pub account_id: AccountId,
    /// What it may do.
    pub role: Role,
    /// What the person is called.
    pub name: String,
    /// Where to reach the person.
    pub phone: String,
}

/// A page of a list.
#[derive(Clone, Debug, Deserialize)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// What `after` is for the next page; nothing where this is the last.
    pub next: Option<String>,
}

/// Registers a store.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NewStore {
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
    /// What a delivery costs.
    pub delivery_fee_krw: Won,
    /// What it says when an order is completed.
    pub thanks_message: String,
}

/// Changes what is said of a store; what is `None` stays.
#[derive(Clone, Debug, Default, Serialize)]
pub struct StoreChange {
    /// What it is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where it is, as written on a parcel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Where that is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
    /// What the items of an order must cost at the least.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_order_krw: Option<Won>,
    /// How far it delivers, in metres.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery_radius_m: Option<u32>,
    /// What a delivery costs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery_fee_krw: Option<Won>,
    /// What it says when an order is completed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thanks_message: Option<String>,
    /// Whether it takes orders.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open: Option<bool>,
}

/// A store that was registered.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct RegisteredStore {
    /// Which.
    pub store_id: StoreId,
}

/// An item for a menu.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NewItem {
    /// What it is called.
    pub name: String,
    /// What it is.
    pub description: String,
    /// What one costs.
    pub price_krw: Won,
    /// How many there are; `None`: not counted.
    pub stock: Option<u32>,
    /// Whether it is sold now.
    pub available: bool,
    /// What may be chosen.
    pub options: Vec<MenuOption>,
}

#[derive(Serialize)]
pub(crate) struct AddStock {
    pub(crate) add: i64,
}

/// What is left of an item.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct StockLeft {
    /// How many.
    pub stock: u32,
}

/// A store as everyone sees it.
#[derive(Clone, Debug, Deserialize)]
pub struct Store {
    /// Which.
    pub store_id: StoreId,
    /// What it is called.
    pub name: String,
    /// Where it is.
    pub location: Location,
    /// What the items of an order must cost at the least.
    pub min_order_krw: Won,
    /// Whether it takes orders.
    pub open: bool,
    /// What it sells. Lists leave it out.
    #[serde(default)]
    pub menu: Vec<Item>,
}

/// An item of a menu.
#[derive(Clone, Debug, Deserialize)]
pub struct Item {
    /// Which.
    pub item_id: ItemId,
    /// What it is called.
    pub name: String,
    /// What one costs.
    pub price_krw: Won,
    /// Whether it is sold now.
    pub available: bool,
    /// What may be chosen.
    #[serde(default)]
    pub options: Vec<MenuOption>,
    /// How many are left, where it is counted. Only the owner sees it.
    #[serde(default)]
    pub stock: Option<u32>,
}

/// An item among the most ordered ones of a store.
#[derive(Clone, Debug, Deserialize)]
pub struct RankedItem {
    /// Which.
    pub item_id: ItemId,
    /// What it is called.
    pub name: String,
    /// How many were ordered.
    pub times: u64,
}

/// Places an order.
#[derive(Clone, Debug, Serialize)]
pub struct NewOrder {
    /// From which store.
    pub store_id: StoreId,
    /// What.
    pub items: Vec<NewLine>,
    /// Where it goes.
    pub deliver_to: Place,
    /// To the store and the rider.
    pub note: String,
    /// How it is paid for.
    pub payment: PaymentMeans,
    /// What it must cost, or nothing happens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected_total_krw: Option<Won>,
}

/// One line of an order.
#[derive(Clone, Debug, Serialize)]
pub struct NewLine {
    /// Which item.
    pub item_id: ItemId,
    /// How many.
    pub quantity: u32,
    /// The choices made.
    pub options: Vec<NewChoice>,
}

/// One choice made.
#[derive(Clone, Debug, Serialize)]
pub struct NewChoice {
    /// The option.
    pub name: String,
    /// What was chosen.
    pub choice: String,
}

/// Changes an order.
#[derive(Clone, Debug, Serialize)]
pub struct ChangedOrder {
    /// What it is to be.
    pub items: Vec<NewLine>,
    /// Where it is to go.
    pub deliver_to: Place,
    /// To the store and the rider.
    pub note: String,
    /// What it must cost, or nothing happens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected_total_krw: Option<Won>,
}

/// Cancels an order as an operator.
#[derive(Clone, Debug, Serialize)]
pub struct OperatorCancel {
    /// Why, in words.
    pub reason: String,
    /// What goes back; `None`: all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refund_krw: Option<Won>,
    /// Whose fault it is.
    pub fault: Fault,
}

/// Takes a delivery back from its rider, as an operator.
#[derive(Clone, Debug, Serialize)]
pub struct TakeClaimBack {
    /// From which rider.
    pub rider_id: AccountId,
    /// Why, in words.
    pub reason: String,
}

/// Gives money back, by an operator.
#[derive(Clone, Debug, Serialize)]
pub struct OperatorRefund {
    /// How much.
    pub amount_krw: Won,
    /// Why, in words.
    pub reason: String,
    /// Whose fault it is.
    pub fault: Fault,
}

/// A refund that was granted.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct GrantedRefund {
    /// Names it.
    pub refund_id: Uuid,
    /// How much goes back.
    pub amount_krw: Won,
    /// How much of the customer's money is still held.
    pub held_krw: Won,
}

/// What a command about an order answers.
#[derive(Clone, Debug, Deserialize)]
pub struct OrderAnswer {
    /// Which.
    pub order_id: OrderId,
    /// What people call it.
    #[serde(default)]
    pub order_no: String,
    /// How far it is.
    pub status: String,
    /// What it costs.
    #[serde(default)]
    pub total_krw: Won,
    /// What is asked of the kitchen.
    #[serde(default)]
    pub pending: Option<String>,
    /// When it is canceled if nobody has paid.
    #[serde(default)]
    pub pay_by: Option<Timestamp>,
    /// What became of the last attempt to pay, while it is not paid.
    #[serde(default)]
    pub payment: Option<PaymentNote>,
}

/// What became of an attempt to pay.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct PaymentNote {
    /// `declined`, `verifying` or `put_off`.
    pub outcome: String,
    /// Why, where it was declined.
    #[serde(default)]
    pub reason: Option<String>,
}

/// An order as its customer sees it.
#[derive(Clone, Debug, Deserialize)]
pub struct Order {
    /// Which.
    pub order_id: OrderId,
    /// What people call it.
    pub order_no: String,
    /// How far it is.
    pub status: String,
    /// What is asked of the kitchen.
    pub pending: Option<String>,
    /// What it costs.
    pub total_krw: Won,
    /// What goes back of it.
    #[serde(default)]
    pub refund: Refund,
    /// Why it was canceled or rejected.
    #[serde(default)]
    pub reason: Option<String>,
    /// The last request that was refused.
    #[serde(default)]
    pub refusal: Option<RefusedRequest>,
    /// Everything that happened, oldest first.
    #[serde(default)]
    pub timeline: Vec<Moment>,
}

/// What goes back of an order's money.
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize)]
pub struct Refund {
    /// `none`, `pending` or `done`.
    pub status: String,
    /// What is still to go back.
    pub due_krw: Won,
    /// What has gone back.
    pub done_krw: Won,
}

/// A request to cancel or change that was refused.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct RefusedRequest {
    /// `cancel` or `change`.
    pub request: String,
    /// Why not.
    pub reason: String,
}

/// Something that happened to an order.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct Moment {
    /// When.
    pub at: Timestamp,
    /// The event's name, as `OrderPaid`.
    pub what: String,
    /// Which context tells it.
    pub from: String,
}

/// A ticket on a kitchen's board.
#[derive(Clone, Debug, Deserialize)]
pub struct Ticket {
    /// Which order.
    pub order_id: OrderId,
    /// What people call it.
    pub order_no: String,
    /// How far it is.
    pub status: String,
    /// What to cook.
    #[serde(default)]
    pub items: Vec<Line>,
}

/// Rejects a ticket.
#[derive(Clone, Debug, Serialize)]
pub struct Rejection {
    /// Why.
    pub reason: RejectReason,
    /// In words.
    pub text: String,
}

/// A rider's place and duty.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct RiderNow {
    /// Whether the rider takes deliveries.
    pub on_duty: bool,
    /// Where the rider is.
    pub location: Location,
}

/// A delivery that waits near a rider.
#[derive(Clone, Debug, Deserialize)]
pub struct NearbyDelivery {
    /// Which order.
    pub order_id: OrderId,
    /// What the rider compares with the bag.
    pub order_no: String,
    /// What the store is called.
    pub store_name: String,
    /// How far the store is from the rider, in metres.
    pub distance_m: f64,
}

/// A delivery of a rider.
#[derive(Clone, Debug, Deserialize)]
pub struct Delivery {
    /// Which order.
    pub order_id: OrderId,
    /// What the rider compares with the bag.
    pub order_no: String,
    /// How far it is.
    pub status: String,
    /// Where to fetch it.
    pub pickup: Place,
    /// Where to bring it.
    pub deliver_to: Place,
}

/// A message that was sent.
#[derive(Clone, Debug, Deserialize)]
pub struct Notice {
    /// About which order.
    pub order_id: OrderId,
    /// Which way.
    pub channel: String,
    /// What it says.
    pub text: String,
    /// What became of it.
    pub outcome: String,
    /// Which template.
    #[serde(default)]
    pub template: String,
}
