//! Every call of the interface that people of a role make, by its name.

use baedal_contracts::payment::PaymentMeans;
use baedal_contracts::{ItemId, Location, OrderId, StoreId};
use http::{HeaderName, HeaderValue, Method};

use crate::error::Error;
use crate::following::Following;
use crate::session::Session;
use crate::transport::{Client, to_json};
use crate::types::{
    AddStock, AskForCode, ChangedOrder, CookMinutes, Delivery, GrantedRefund, NearbyDelivery, NewAccount, NewItem,
    NewOrder, NewStore, Notice, OpenedAccount, Opening, OperatorCancel, OperatorRefund, Order, OrderAnswer, Page,
    PhoneCode, ProvenAccount, RankedItem, Reason, RegisteredStore, Rejection, RiderNow, StockLeft, Store, StoreChange,
    TakeClaimBack, Ticket,
};

type Result<T> = std::result::Result<T, Error>;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

fn idempotency_key(key: &str) -> Result<(HeaderName, HeaderValue)> {
    let unreadable = |error: http::header::InvalidHeaderValue| Error::Unreadable {
        what: "an idempotency key".to_owned(),
        story: error.to_string(),
    };
    Ok((IDEMPOTENCY_KEY, HeaderValue::from_str(key).map_err(unreadable)?))
}

/// What needs no account. Every call fails with a problem, or with no answer.
#[expect(clippy::missing_errors_doc, reason = "said once for all, above")]
impl Client {
    /// Has a code sent to a phone.
    pub async fn ask_for_code(&self, phone: &str) -> Result<PhoneCode> {
        self.call(Method::POST, "/api/phone-codes", Some(&AskForCode { phone, purpose: "register" })).await
    }

    /// Opens an account with the code that was sent to its phone.
    pub async fn open_account_with_code(&self, account: &NewAccount<'_>, code: &str) -> Result<OpenedAccount> {
        self.call(Method::POST, "/api/accounts", Some(&ProvenAccount { account, code })).await
    }

    /// Opens an account where codes are shown to whoever asks for them, as long as the built-in message provider is in
    /// use. Where they are not, the answer is unreadable: a person has to read the code.
    pub async fn open_account(&self, account: &NewAccount<'_>) -> Result<OpenedAccount> {
        let sent = self.ask_for_code(account.phone).await?;
        let code = sent.code.ok_or_else(|| Error::Unreadable {
            what: "the code for a phone".to_owned(),
            story: "it was sent to the phone; use `open_account_with_code`".to_owned(),
        })?;
        self.open_account_with_code(account, &code).await
    }

    /// Open stores that deliver there, nearest first.
    pub async fn stores_near(&self, location: Location) -> Result<Page<Store>> {
        let path = format!("/api/stores?lat={}&lng={}&limit=100", location.lat(), location.lng());
        self.call(Method::GET, &path, None::<&()>).await
    }

    /// A store and its menu.
    pub async fn store(&self, store: StoreId) -> Result<Store> {
        self.call(Method::GET, &format!("/api/stores/{store}"), None::<&()>).await
    }

    /// A store's most ordered items.
    pub async fn ranking(&self, store: StoreId) -> Result<Page<RankedItem>> {
        self.call(Method::GET, &format!("/api/stores/{store}/ranking"), None::<&()>).await
    }
}

/// What a signed-in account may do. Every call fails with a problem, or with no answer.
#[expect(clippy::missing_errors_doc, reason = "said once for all, above")]
impl Session {
    /// Registers a store; it is closed.
    pub async fn register_store(&self, store: &NewStore) -> Result<RegisteredStore> {
        self.post("/api/stores", store).await
    }

    /// Opens an operator's account, as an operator.
    pub async fn open_account(&self, account: &NewAccount<'_>) -> Result<OpenedAccount> {
        self.post("/api/accounts", account).await
    }

    /// Opens a store, or closes it.
    pub async fn open_store(&self, store: StoreId, open: bool) -> Result<()> {
        self.tell(Method::PATCH, &format!("/api/stores/{store}"), Some(&Opening { open })).await
    }

    /// Changes what is said of a store.
    pub async fn change_store(&self, store: StoreId, change: &StoreChange) -> Result<()> {
        self.tell(Method::PATCH, &format!("/api/stores/{store}"), Some(change)).await
    }

    /// Puts an item on a menu.
    pub async fn put_item(&self, store: StoreId, item: ItemId, content: &NewItem) -> Result<()> {
        self.tell(Method::PUT, &format!("/api/stores/{store}/menu/{item}"), Some(content)).await
    }

    /// Adds to what is left of an item, or, below zero, takes off it.
    pub async fn add_stock(&self, store: StoreId, item: ItemId, add: i64) -> Result<StockLeft> {
        self.post(&format!("/api/stores/{store}/menu/{item}/stock"), &AddStock { add }).await
    }

    /// Takes an item off a menu.
    pub async fn remove_item(&self, store: StoreId, item: ItemId) -> Result<()> {
        self.tell(Method::DELETE, &format!("/api/stores/{store}/menu/{item}"), None::<&()>).await
    }

    /// A store as this account sees it; its owner sees what is left of each item.
    pub async fn store(&self, store: StoreId) -> Result<Store> {
        self.get(&format!("/api/stores/{store}")).await
    }

    /// Places an order. The same key places it once, however often it is sent.
    pub async fn place(&self, key: &str, order: &NewOrder) -> Result<OrderAnswer> {
        self.send_bytes(Method::POST, "/api/orders", Some(idempotency_key(key)?), Some(to_json(order)?)).await?.read()
    }

    /// Pays for an order, again or later.
    pub async fn pay(&self, order: OrderId, means: &PaymentMeans) -> Result<OrderAnswer> {
        self.post(&format!("/api/orders/{order}/payment"), means).await
    }

    /// Asks for an order to be another one.
    pub async fn change(&self, order: OrderId, change: &ChangedOrder) -> Result<OrderAnswer> {
        self.call(Method::PUT, &format!("/api/orders/{order}"), Some(change)).await
    }

    /// Asks for an order to be canceled.
    pub async fn cancel(&self, order: OrderId, reason: &str) -> Result<OrderAnswer> {
        self.post(&format!("/api/orders/{order}/cancel"), &Reason { reason }).await
    }

    /// Cancels an order as an operator.
    pub async fn cancel_as_operator(&self, order: OrderId, cancel: &OperatorCancel) -> Result<OrderAnswer> {
        self.post(&format!("/api/orders/{order}/cancel"), cancel).await
    }

    /// Gives money back as an operator. The same key gives back once, however often it is sent.
    pub async fn refund(&self, key: &str, order: OrderId, refund: &OperatorRefund) -> Result<GrantedRefund> {
        let path = format!("/api/orders/{order}/refund");
        self.send_bytes(Method::POST, &path, Some(idempotency_key(key)?), Some(to_json(refund)?)).await?.read()
    }

    /// Says that the food has come.
    pub async fn confirm(&self, order: OrderId) -> Result<OrderAnswer> {
        self.command(&format!("/api/orders/{order}/confirm")).await
    }

    /// An order.
    pub async fn order(&self, order: OrderId) -> Result<Order> {
        self.get(&format!("/api/orders/{order}")).await
    }

    /// An order at every change.
    #[must_use]
    pub fn follow_order(&self, order: OrderId) -> Following {
        self.follow(format!("/api/orders/{order}/live"))
    }

    /// This account's orders, newest first: the first page, or the one behind `after`.
    pub async fn orders(&self, after: Option<&str>) -> Result<Page<Order>> {
        let after = after.map(|after| format!("&after={after}")).unwrap_or_default();
        self.get(&format!("/api/orders?limit=100{after}")).await
    }

    /// A kitchen's board, oldest first.
    pub async fn tickets(&self, store: StoreId) -> Result<Page<Ticket>> {
        self.get(&format!("/api/stores/{store}/tickets?limit=100")).await
    }

    /// A kitchen's board at every change.
    #[must_use]
    pub fn follow_tickets(&self, store: StoreId) -> Following {
        self.follow(format!("/api/stores/{store}/tickets/live"))
    }

    /// Takes a ticket.
    pub async fn accept(&self, order: OrderId, cook_minutes: u32) -> Result<Ticket> {
        self.post(&format!("/api/tickets/{order}/accept"), &CookMinutes { cook_minutes }).await
    }

    /// Does not take a ticket.
    pub async fn reject(&self, order: OrderId, rejection: &Rejection) -> Result<Ticket> {
        self.post(&format!("/api/tickets/{order}/reject"), rejection).await
    }

    /// Starts cooking.
    pub async fn start(&self, order: OrderId) -> Result<Ticket> {
        self.command(&format!("/api/tickets/{order}/start")).await
    }

    /// Has cooked.
    pub async fn finish(&self, order: OrderId) -> Result<Ticket> {
        self.command(&format!("/api/tickets/{order}/finish")).await
    }

    /// Says where the rider is, and whether on duty.
    pub async fn ride(&self, now: RiderNow) -> Result<()> {
        self.tell(Method::PUT, "/api/riders/me", Some(&now)).await
    }

    /// Deliveries that wait near the rider, nearest first.
    pub async fn nearby(&self) -> Result<Page<NearbyDelivery>> {
        self.get("/api/deliveries/nearby").await
    }

    /// The rider's own deliveries: what is to be brought first, then what is over.
    pub async fn deliveries(&self) -> Result<Page<Delivery>> {
        self.get("/api/deliveries/mine?limit=100").await
    }

    /// What waits near the rider and what the rider has, at every change.
    #[must_use]
    pub fn follow_deliveries(&self) -> Following {
        self.follow("/api/deliveries/live")
    }

    /// Takes a delivery.
    pub async fn claim(&self, order: OrderId) -> Result<Delivery> {
        self.command(&format!("/api/deliveries/{order}/claim")).await
    }

    /// Gives a delivery back.
    pub async fn release(&self, order: OrderId) -> Result<()> {
        self.tell(Method::POST, &format!("/api/deliveries/{order}/release"), None::<&()>).await
    }

    /// Takes a delivery back from a rider who does not fetch it, as an operator.
    pub async fn take_claim_back(&self, order: OrderId, from: &TakeClaimBack) -> Result<()> {
        self.tell(Method::POST, &format!("/api/deliveries/{order}/release"), Some(from)).await
    }

    /// Has the food.
    pub async fn pick_up(&self, order: OrderId) -> Result<Delivery> {
        self.command(&format!("/api/deliveries/{order}/pickup")).await
    }

    /// Has brought the food.
    pub async fn deliver(&self, order: OrderId) -> Result<Delivery> {
        self.command(&format!("/api/deliveries/{order}/deliver")).await
    }

    /// What was sent to this account, newest first.
    pub async fn notices(&self) -> Result<Page<Notice>> {
        self.get("/api/notices?limit=100").await
    }

    async fn command<T: serde::de::DeserializeOwned>(&self, path: &str) -> Result<T> {
        self.call(Method::POST, path, None::<&()>).await
    }
}
