//! Every call of the interface that people of a role make, by its name.

use baedal_contracts::payment::PaymentMeans;
use baedal_contracts::{ItemId, Location, OrderId, StoreId};
use http::{HeaderName, HeaderValue, Method};
use serde_json::{Value, json};

use crate::error::Error;
use crate::session::Session;
use crate::transport::{Client, to_json};
use crate::types::{
    ChangedOrder, Delivery, NearbyDelivery, NewAccount, NewItem, NewOrder, NewStore, Notice, OpenedAccount, Order,
    OrderAnswer, Page, RegisteredStore, Rejection, RiderNow, Store, Ticket,
};

type Result<T> = std::result::Result<T, Error>;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// What needs no account. Every call fails with a problem, or with no answer.
#[expect(clippy::missing_errors_doc, reason = "said once for all, above")]
impl Client {
    /// Opens an account.
    pub async fn open_account(&self, account: &NewAccount<'_>) -> Result<OpenedAccount> {
        self.call(Method::POST, "/api/accounts", Some(account)).await
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
}

/// What a signed-in account may do. Every call fails with a problem, or with no answer.
#[expect(clippy::missing_errors_doc, reason = "said once for all, above")]
impl Session {
    /// Registers a store; it is closed.
    pub async fn register_store(&self, store: &NewStore) -> Result<RegisteredStore> {
        self.post("/api/stores", store).await
    }

    /// Opens a store, or closes it.
    pub async fn open_store(&self, store: StoreId, open: bool) -> Result<Value> {
        self.call(Method::PATCH, &format!("/api/stores/{store}"), Some(&json!({ "open": open }))).await
    }

    /// Puts an item on a menu.
    pub async fn put_item(&self, store: StoreId, item: ItemId, content: &NewItem) -> Result<Value> {
        self.call(Method::PUT, &format!("/api/stores/{store}/menu/{item}"), Some(content)).await
    }

    /// Places an order. The same key places it once, however often it is sent.
    pub async fn place(&self, key: &str, order: &NewOrder) -> Result<OrderAnswer> {
        let key = HeaderValue::from_str(key)
            .map_err(|error| Error::Unreadable { what: "an idempotency key".to_owned(), story: error.to_string() })?;
        self.send(Method::POST, "/api/orders", Some((IDEMPOTENCY_KEY, key)), Some(to_json(order)?)).await?.read()
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
        self.post(&format!("/api/orders/{order}/cancel"), &json!({ "reason": reason })).await
    }

    /// Says that the food has come.
    pub async fn confirm(&self, order: OrderId) -> Result<OrderAnswer> {
        self.command(&format!("/api/orders/{order}/confirm")).await
    }

    /// An order.
    pub async fn order(&self, order: OrderId) -> Result<Order> {
        self.get(&format!("/api/orders/{order}")).await
    }

    /// A kitchen's board, oldest first.
    pub async fn tickets(&self, store: StoreId) -> Result<Page<Ticket>> {
        self.get(&format!("/api/stores/{store}/tickets?limit=100")).await
    }

    /// Takes a ticket.
    pub async fn accept(&self, order: OrderId, cook_minutes: u32) -> Result<Ticket> {
        self.post(&format!("/api/tickets/{order}/accept"), &json!({ "cook_minutes": cook_minutes })).await
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
    pub async fn ride(&self, now: RiderNow) -> Result<Value> {
        self.call(Method::PUT, "/api/riders/me", Some(&now)).await
    }

    /// Deliveries that wait near the rider, nearest first.
    pub async fn nearby(&self) -> Result<Page<NearbyDelivery>> {
        self.get("/api/deliveries/nearby").await
    }

    /// Takes a delivery.
    pub async fn claim(&self, order: OrderId) -> Result<Delivery> {
        self.command(&format!("/api/deliveries/{order}/claim")).await
    }

    /// Gives a delivery back.
    pub async fn release(&self, order: OrderId) -> Result<Value> {
        self.command(&format!("/api/deliveries/{order}/release")).await
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
