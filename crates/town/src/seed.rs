//! The stores, menus and people of a real part of Seoul, and how they get their accounts.
//!
//! Settling is done over the public interface and can be repeated: who has an account signs in, and a
//! store that is there stays as it is.

use anyhow::{Context, Result};
use baedal_client::types::{NewAccount, NewItem, NewStore, RiderNow};
use baedal_client::{Client, Session};
use baedal_contracts::identity::Role;
use baedal_contracts::{ItemId, Location, Place, StoreId};
use serde::Deserialize;
use uuid::Uuid;

use crate::show::Show;

/// The password of everybody in the town.
pub const PASSWORD: &str = "baedal-demo";

/// The town as it is written down.
#[derive(Debug, Deserialize)]
pub struct Seed {
    area: Area,
    stores: Vec<SeedStore>,
    pub(crate) places: Vec<Place>,
    customers: Vec<Person>,
    riders: Vec<SeedRider>,
    pub(crate) notes: Vec<String>,
    pub(crate) cancel_reasons: Vec<String>,
    reject_texts: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Area {
    name: String,
    center: Location,
}

#[derive(Debug, Deserialize)]
struct Person {
    name: String,
    phone: String,
}

#[derive(Debug, Deserialize)]
struct SeedStore {
    owner: Person,
    store: NewStore,
    cook_minutes: u32,
    menu: Vec<NewItem>,
}

#[derive(Debug, Deserialize)]
struct SeedRider {
    #[serde(flatten)]
    person: Person,
    home: Location,
}

/// The town with everybody signed in.
pub(crate) struct Settled {
    pub(crate) area: String,
    pub(crate) kitchens: Vec<Kitchen>,
    pub(crate) riders: Vec<Rider>,
    pub(crate) customers: Vec<Session>,
}

/// A kitchen and its owner.
pub(crate) struct Kitchen {
    pub(crate) owner: Session,
    pub(crate) store_id: StoreId,
    pub(crate) cook_minutes: u32,
    pub(crate) reject_texts: Vec<String>,
}

/// A rider, at home.
pub(crate) struct Rider {
    pub(crate) session: Session,
    pub(crate) home: Location,
    pub(crate) center: Location,
}

impl Seed {
    /// The town that is built in.
    ///
    /// # Errors
    /// Never, for the file that is checked in.
    pub fn built_in() -> Result<Self> {
        serde_json::from_str(include_str!("../town.json")).context("the built-in town cannot be read")
    }

    /// Gives everybody an account and every owner a store.
    pub(crate) async fn settle(&self, client: &Client, show: &Show) -> Result<Settled> {
        let all = self.stores.len() + self.riders.len() + self.customers.len();
        let arrived = show.arrivals(all as u64);
        let mut kitchens = Vec::new();
        for seed in &self.stores {
            let owner = sign_in_or_up(client, Role::Owner, &seed.owner).await?;
            let store_id = open(&owner, seed).await.with_context(|| format!("{} cannot open", seed.store.name))?;
            let reject_texts = self.reject_texts.clone();
            kitchens.push(Kitchen { owner, store_id, cook_minutes: seed.cook_minutes, reject_texts });
            arrived.inc(1);
        }
        let mut riders = Vec::new();
        for rider in &self.riders {
            let session = sign_in_or_up(client, Role::Rider, &rider.person).await?;
            session.ride(RiderNow { on_duty: true, location: rider.home }).await?;
            riders.push(Rider { session, home: rider.home, center: self.area.center });
            arrived.inc(1);
        }
        let mut customers = Vec::new();
        for person in &self.customers {
            customers.push(sign_in_or_up(client, Role::Customer, person).await?);
            arrived.inc(1);
        }
        arrived.finish_and_clear();
        Ok(Settled { area: self.area.name.clone(), kitchens, riders, customers })
    }
}

/// Signs in who has an account, as everybody has whom an earlier demo has left behind, and opens one for the others:
/// for those alone a code has to be asked for, of which a phone number gets few.
async fn sign_in_or_up(client: &Client, role: Role, person: &Person) -> Result<Session> {
    match client.sign_in(&person.phone, PASSWORD).await {
        Err(error) if error.is("wrong_credentials") => {}
        signed_in => return signed_in.with_context(|| format!("{} cannot sign in", person.name)),
    }
    let account = NewAccount { role, name: &person.name, phone: &person.phone, password: PASSWORD };
    client.open_account(&account).await.with_context(|| format!("{} gets no account", person.name))?;
    client.sign_in(&person.phone, PASSWORD).await.with_context(|| format!("{} cannot sign in", person.name))
}

async fn open(owner: &Session, seed: &SeedStore) -> Result<StoreId> {
    let near = owner.client().stores_near(seed.store.location).await?;
    if let Some(there) = near.items.iter().find(|store| store.name == seed.store.name) {
        return Ok(there.store_id);
    }
    let store_id = owner.register_store(&seed.store).await?.store_id;
    for item in &seed.menu {
        owner.put_item(store_id, ItemId(Uuid::now_v7()), item).await.with_context(|| item.name.clone())?;
    }
    owner.open_store(store_id, true).await?;
    Ok(store_id)
}

/// What to tell a person who wants to look around.
pub(crate) fn sign_ins(town: &Settled, base_url: &str, admin_url: Option<&str>) -> String {
    let first = |session: Option<&Session>| {
        session.map_or_else(String::new, |session| format!("{} ({})", session.me().phone, session.me().name))
    };
    let machine = admin_url
        .map_or_else(String::new, |admin| format!("\x20 metrics, health     {admin}/metrics   {admin}/health/ready\n"));
    format!(
        "{area}: {stores} stores, {riders} riders, {customers} customers\n\
         \n\
         \x20 try the interface   {base_url}/api/docs\n\
         {machine}\
         \n\
         \x20 sign in with the password {PASSWORD} as\n\
         \x20 a customer          {customer}\n\
         \x20 an owner            {owner}\n\
         \x20 a rider             {rider}\n\
         \x20 the operator        {OPERATOR_PHONE}\n",
        area = town.area,
        stores = town.kitchens.len(),
        riders = town.riders.len(),
        customers = town.customers.len(),
        customer = first(town.customers.first()),
        owner = first(town.kitchens.first().map(|kitchen| &kitchen.owner)),
        rider = first(town.riders.first().map(|rider| &rider.session)),
    )
}

/// The phone of the demo's operator, who signs in with [`PASSWORD`] too.
pub const OPERATOR_PHONE: &str = "01090000001";

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

    use axum::extract::State;
    use axum::http::StatusCode;
    use axum::response::{IntoResponse, Response};
    use axum::routing::{get, post};
    use axum::{Json, Router};
    use baedal_client::Client;
    use baedal_contracts::AccountId;
    use baedal_contracts::identity::Role;
    use serde_json::json;
    use uuid::Uuid;

    use super::{Person, Seed, sign_in_or_up};

    /// Where one account can be opened.
    #[derive(Default)]
    struct Platform {
        has_account: AtomicBool,
        codes: AtomicU32,
    }

    async fn serve(platform: Arc<Platform>) -> Client {
        async fn sign_in(State(platform): State<Arc<Platform>>) -> Response {
            if platform.has_account.load(Ordering::SeqCst) {
                return Json(json!({"access_token": "a", "refresh_token": "r"})).into_response();
            }
            let kind = [("content-type", "application/problem+json")];
            let problem = json!({"type": "/problems/wrong_credentials", "status": 401});
            (StatusCode::UNAUTHORIZED, kind, problem.to_string()).into_response()
        }
        async fn send_code(State(platform): State<Arc<Platform>>) -> impl IntoResponse {
            platform.codes.fetch_add(1, Ordering::SeqCst);
            (StatusCode::ACCEPTED, Json(json!({"expires_at": "2026-11-21T03:00:00Z", "code": "123456"})))
        }
        async fn open(State(platform): State<Arc<Platform>>) -> impl IntoResponse {
            platform.has_account.store(true, Ordering::SeqCst);
            (StatusCode::CREATED, Json(json!({"account_id": AccountId(Uuid::nil())})))
        }
        async fn me() -> impl IntoResponse {
            let (account_id, phone) = (AccountId(Uuid::nil()), "01012345678");
            Json(json!({"account_id": account_id, "role": "customer", "name": "김서연", "phone": phone}))
        }
        let router = Router::new()
            .route("/api/token", post(sign_in))
            .route("/api/phone-codes", post(send_code))
            .route("/api/accounts", post(open))
            .route("/api/me", get(me))
            .with_state(platform);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move { axum::serve(listener, router).await });
        Client::new(format!("http://{address}"))
    }

    #[tokio::test]
    async fn whoever_comes_back_signs_in_and_asks_for_no_code() {
        let platform = Arc::new(Platform::default());
        let client = serve(Arc::clone(&platform)).await;
        let person = Person { name: "김서연".to_owned(), phone: "010-1234-5678".to_owned() };
        for _ in 0..12 {
            sign_in_or_up(&client, Role::Customer, &person).await.expect("somebody who is signed in");
        }
        assert_eq!(platform.codes.load(Ordering::SeqCst), 1, "a phone number is sent three in ten minutes");
    }

    #[test]
    fn the_built_in_town_is_complete_and_every_store_reaches_its_centre() {
        let seed = Seed::built_in().expect("a town");
        assert_eq!(seed.stores.len(), 10);
        for seed_store in &seed.stores {
            let store = &seed_store.store;
            assert!(
                store.location.distance_m(seed.area.center) <= f64::from(store.delivery_radius_m),
                "{}",
                store.name
            );
            assert!(seed_store.menu.len() >= 7, "{}", store.name);
        }
        assert!(seed.customers.len() >= 20 && seed.riders.len() >= 10 && seed.places.len() >= 30);
    }
}
