//! What is not settled is shown, and a provider that hangs in one kind of call holds up no other.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use axum::body::Body;
use axum::http::{Method, StatusCode};
use baedal_contracts::order::Event as Order;
use baedal_contracts::payment::{Booked, Difference, OpenAttempt, TakePaymentAnswer};
use baedal_contracts::{AttemptId, ChangeId, OrderId, Won};
use baedal_kit::time::Clock;
use baedal_payment::SimulatedProvider;
use baedal_payment::provider::{Charge, ChargeOutcome, LookUp, Provider, ProviderError, Refund};
use jiff::SignedDuration;
use serde::Deserialize;
use uuid::Uuid;

use super::world::{World, canceled, new_attempt, new_order};

#[derive(Deserialize)]
struct Page<T> {
    items: Vec<T>,
    next: Option<String>,
}

async fn page<T: serde::de::DeserializeOwned>(world: &World, what: &str, query: &str) -> Page<T> {
    let path = format!("/internal/unsettled/{what}{query}");
    let (status, page) = world.send(Method::GET, &path, Body::empty()).await;
    assert_eq!(status, StatusCode::OK);
    page
}

async fn open_attempts(world: &World) -> Vec<OrderId> {
    let page: Page<OpenAttempt> = page(world, "attempts", "").await;
    page.items.iter().map(|open| open.order_id).collect()
}

async fn differences(world: &World) -> Vec<Difference> {
    page(world, "differences", "").await.items
}

/// The simulated provider, in some calls of which nobody gets an answer; and one that has forgotten charges, or made
/// them after it said that it had not.
#[derive(Clone)]
struct Odd {
    simulated: SimulatedProvider,
    hangs_in_refunds: bool,
    knows_nothing: Arc<AtomicBool>,
}

impl Odd {
    fn new(simulated: SimulatedProvider) -> Self {
        Self { simulated, hangs_in_refunds: false, knows_nothing: Arc::default() }
    }
}

#[async_trait]
impl Provider for Odd {
    async fn charge(&self, charge: &Charge) -> Result<ChargeOutcome, ProviderError> {
        self.simulated.charge(charge).await
    }

    async fn look_up(&self, key: AttemptId) -> Result<LookUp, ProviderError> {
        if self.knows_nothing.load(Ordering::Relaxed) { Ok(LookUp::Unknown) } else { self.simulated.look_up(key).await }
    }

    async fn refund(&self, refund: &Refund) -> Result<(), ProviderError> {
        if self.hangs_in_refunds {
            std::future::pending::<()>().await;
        }
        self.simulated.refund(refund).await
    }

    async fn booked(&self, order_id: OrderId) -> Result<Booked, ProviderError> {
        self.simulated.booked(order_id).await
    }

    async fn book(&self, after: Option<OrderId>, limit: usize) -> Result<Vec<(OrderId, Booked)>, ProviderError> {
        self.simulated.book(after, limit).await
    }

    fn routes(&self) -> axum::Router {
        self.simulated.routes()
    }
}

/// Takes money that is not booked: the provider takes it, says nothing, and knows nothing when it is asked.
async fn taken_and_forgotten(world: &World, knows_nothing: &AtomicBool) -> OrderId {
    let order_id = new_order();
    knows_nothing.store(true, Ordering::Relaxed);
    let asking = world.take_meanwhile(order_id, new_attempt(), 18_500, "sim_silence");
    world.until_charged(order_id).await;
    world.pass(2);
    assert_eq!(asking.await.unwrap(), TakePaymentAnswer::Verifying);
    order_id
}

#[tokio::test]
async fn an_attempt_that_is_open_on_an_order_that_has_ended_is_shown_until_it_is_settled() {
    let odd = Arc::new(AtomicBool::new(true));
    let knows_nothing = Arc::clone(&odd);
    let world = World::with(move |simulated| Odd { knows_nothing, ..Odd::new(simulated) }).await;
    let order_id = taken_and_forgotten(&world, &odd).await;
    assert_eq!(open_attempts(&world).await, [], "it may be settled any moment");
    world.hears(canceled(order_id, 0)).await;
    assert_eq!(open_attempts(&world).await, [order_id]);
    odd.store(false, Ordering::Relaxed);
    let refunded = || async { world.payment(order_id).await.refunded_krw == Won(18_500) };
    world.in_time("the money went back", refunded).await;
    assert_eq!(open_attempts(&world).await, []);
    world.check_quiet(order_id, 0).await;
}

#[tokio::test]
async fn an_attempt_that_is_open_for_long_is_shown_page_by_page() {
    let odd = Arc::new(AtomicBool::new(true));
    let settings = baedal_payment::Settings {
        unknown_after: SignedDuration::from_hours(1),
        ..baedal_payment::Settings::default()
    };
    let knows_nothing = Arc::clone(&odd);
    let wrap = move |simulated| Odd { knows_nothing, ..Odd::new(simulated) };
    let world = World::with_settings(wrap, settings).await;
    let mut orders = Vec::new();
    for _ in 0..3 {
        orders.push(taken_and_forgotten(&world, &odd).await);
    }
    orders.sort();
    world.pass(300);
    assert_eq!(open_attempts(&world).await, orders);
    let first: Page<OpenAttempt> = page(&world, "attempts", "?limit=2").await;
    let next = first.next.unwrap();
    let second: Page<OpenAttempt> = page(&world, "attempts", &format!("?limit=2&after={next}")).await;
    assert_eq!((first.items.len(), second.items.len(), second.next), (2, 1, None));
}

#[tokio::test]
async fn what_the_provider_took_though_it_said_that_it_had_not_is_found_and_booked() {
    let odd = Arc::new(AtomicBool::new(true));
    let knows_nothing = Arc::clone(&odd);
    let world = World::with(move |simulated| Odd { knows_nothing, ..Odd::new(simulated) }).await;
    let order_id = taken_and_forgotten(&world, &odd).await;
    world.hears(canceled(order_id, 0)).await;
    let is_over =
        || async { world.payment(order_id).await.attempts[0].outcome != baedal_payment::domain::Outcome::Open };
    world.in_time("it was taken for not made", is_over).await;
    assert_eq!(world.payment(order_id).await.captured_krw, Won::ZERO);

    // While the provider does not know its own charge, nobody can book it: the operator sees the difference.
    let differs = || async { differences(&world).await.len() == 1 };
    minute_by_minute(&world, "the difference was seen", differs).await;
    let providers = Booked { captured_krw: Won(18_500), refunded_krw: Won::ZERO };
    let seen = differences(&world).await.remove(0);
    assert_eq!((seen.order_id, seen.ours, seen.providers), (order_id, Booked::default(), providers));

    odd.store(false, Ordering::Relaxed);
    let is_over = || async { differences(&world).await.is_empty() };
    minute_by_minute(&world, "the difference was over", is_over).await;
    world.check_quiet(order_id, 0).await;
}

#[tokio::test]
async fn all_pages_of_both_books_are_compared() {
    let world = World::new().await;
    let mut orders = Vec::new();
    for _ in 0..230 {
        let order_id = new_order();
        world.take(order_id, new_attempt(), 10_000, "sim_approve").await;
        orders.push(order_id);
    }
    // Somebody took something out of the last one, and put in one that we do not know.
    let (spoiled, unknown) = (orders[229], new_order());
    world.spoil_the_providers_book(spoiled, unknown).await;
    let seen = || async { differences(&world).await.len() == 2 };
    minute_by_minute(&world, "the differences were seen", seen).await;
    let mut seen: Vec<_> = differences(&world).await.iter().map(|difference| difference.order_id).collect();
    seen.sort();
    let mut spoiled = vec![spoiled, unknown];
    spoiled.sort();
    assert_eq!(seen, spoiled);
}

/// Lets time pass, minute by minute, until it is so.
async fn minute_by_minute<C: Future<Output = bool>>(world: &World, what: &str, condition: impl Fn() -> C) {
    let wait = async {
        while !condition().await {
            world.pass(60);
            for _ in 0..300 {
                tokio::task::yield_now().await;
            }
        }
    };
    let waited = tokio::time::timeout(std::time::Duration::from_secs(20), wait).await;
    assert!(waited.is_ok(), "it never came to pass that {what}");
}

#[tokio::test]
async fn a_provider_that_hangs_in_refunds_does_not_keep_a_change_from_being_charged() {
    let world = World::with(|simulated| Odd { hangs_in_refunds: true, ..Odd::new(simulated) }).await;
    let changed = new_order();
    world.take(changed, new_attempt(), 18_500, "sim_approve").await;
    for _ in 0..200 {
        let order_id = new_order();
        world.take(order_id, new_attempt(), 18_500, "sim_approve").await;
        world.hears(canceled(order_id, 0)).await;
    }
    let (change_id, until) = (ChangeId(Uuid::now_v7()), world.clock.now() + SignedDuration::from_secs(30));
    let extra_krw = Won(3_000);
    world.hears(Order::OrderChangeChargeDue { order_id: changed, change_id, extra_krw, until, version: 5 }).await;
    world.until_captured(changed, 21_500).await;
}
