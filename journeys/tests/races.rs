//! Rules that are easy to get wrong: two people act at the same moment, and one of them is told no.

#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

use baedal_client::types::{ChangedOrder, OrderAnswer};
use baedal_client::{Error, Session};
use baedal_contracts::OrderId;
use baedal_contracts::identity::Role;
use baedal_journeys::{Dish, Shop, World, order_of};
use jiff::SignedDuration;
use serde_json::Value;

/// How often each race is run: the machine decides who wins.
const ROUNDS: usize = 12;

async fn accepted(world: &World, shop: &Shop, customer: &Session, round: usize) -> OrderId {
    let placed = customer.place(&format!("race {round}"), &shop.one_chicken("sim_approve")).await.expect("an order");
    shop.owner.accept(placed.order_id, 15).await.expect("accepted");
    world.order_is(customer, placed.order_id, "accepted").await;
    placed.order_id
}

fn refused_as(error: &Error, names: &[&str]) -> bool {
    names.iter().any(|name| error.is(name))
}

#[tokio::test(flavor = "multi_thread")]
async fn cancel_meets_start_cooking() {
    let world = World::start().await;
    let shop = Shop::open(&world).await;
    let customer = world.somebody(Role::Customer, "김하늘").await;
    for round in 0..ROUNDS {
        let order = accepted(&world, &shop, &customer, round).await;
        let (canceled, started) = tokio::join!(customer.cancel(order, "마음이 바뀌었어요"), shop.owner.start(order));
        let view = world
            .order_until(&customer, order, "the kitchen's word", |view| {
                view["pending"].is_null() && (view["status"] == "canceled" || view["status"] == "cooking")
            })
            .await;
        if started.is_ok() {
            assert_eq!(view["status"], "cooking", "what cooks is not canceled: {canceled:?}");
            assert!(!matches!(&canceled, Ok(answer) if answer.status == "canceled"), "{canceled:?}");
            assert_eq!(view["refund"]["status"], "none");
        } else {
            assert_eq!(view["status"], "canceled");
            world.order_until(&customer, order, "the money back", |view| view["refund"]["status"] == "done").await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn change_meets_start_cooking() {
    let world = World::start().await;
    let shop = Shop::open(&world).await;
    let customer = world.somebody(Role::Customer, "김하늘").await;
    for round in 0..ROUNDS {
        let order = accepted(&world, &shop, &customer, round).await;
        let wanted = order_of(&shop, &[Dish(shop.chicken, 2)], "sim_approve");
        let (items, deliver_to) = (wanted.items, wanted.deliver_to);
        let change = ChangedOrder { items, deliver_to, note: String::new(), expected_total_krw: None };
        let (changed, started) = tokio::join!(customer.change(order, &change), start_as_soon_as_allowed(&shop, order));
        started.expect("a kitchen that may start in the end");
        let view = world
            .order_until(&customer, order, "one of both", |view| {
                view["pending"].is_null() && view["status"] == "cooking"
            })
            .await;
        let took: u64 = view["payment"]["captured_krw"].as_u64().expect("captured")
            - view["payment"]["refunded_krw"].as_u64().expect("refunded");
        assert_eq!(Value::from(took), view["total_krw"], "what was paid is what is cooked: {changed:?}");
        match changed {
            Ok(OrderAnswer { pending: None, .. }) => assert_eq!(view["total_krw"], 39_000),
            Err(error) => {
                assert!(refused_as(&error, &["cooking_started"]), "{error}");
                assert_eq!(view["total_krw"], 21_000);
            }
            Ok(_) => {}
        }
    }
}

/// Starts cooking; where a change holds the kitchen still, as soon as it does not any more.
async fn start_as_soon_as_allowed(shop: &Shop, order: OrderId) -> Result<(), Error> {
    loop {
        match shop.owner.start(order).await {
            Err(error) if error.is("change_pending") => tokio::task::yield_now().await,
            done => return done.map(|_| ()),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_riders_claim_one_delivery() {
    let world = World::start().await;
    let shop = Shop::open(&world).await;
    let customer = world.somebody(Role::Customer, "김하늘").await;
    for round in 0..ROUNDS {
        let (one, other) = (shop.rider(&world).await, shop.rider(&world).await);
        let order = accepted(&world, &shop, &customer, round).await;
        shop.owner.start(order).await.expect("cooking");
        shop.owner.finish(order).await.expect("cooked");
        let claims = tokio::join!(one.claim(order), other.claim(order));
        let (won, lost) = match claims {
            (Ok(won), Err(lost)) | (Err(lost), Ok(won)) => (won, lost),
            both => panic!("exactly one wins: {both:?}"),
        };
        assert_eq!(won.status, "claimed");
        assert!(refused_as(&lost, &["already_claimed"]), "{lost}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn accept_meets_the_stores_timeout() {
    let world = World::start().await;
    let shop = Shop::open(&world).await;
    let customer = world.somebody(Role::Customer, "김하늘").await;
    for round in 0..ROUNDS {
        let placed =
            customer.place(&format!("slow {round}"), &shop.one_chicken("sim_approve")).await.expect("an order");
        let order = placed.order_id;
        world
            .order_until(&customer, order, "a ticket", |view| view["timeline"].to_string().contains("TicketOpened"))
            .await;
        world.advance(SignedDuration::from_secs(5 * 60) - SignedDuration::from_millis(1));
        let late = async { world.advance(SignedDuration::from_millis(2)) };
        let (accepted, ()) = tokio::join!(shop.owner.accept(order, 15), late);
        match accepted {
            Ok(_) => {
                let view = world.order_is(&customer, order, "accepted").await;
                assert_eq!(view["refund"]["status"], "none");
            }
            Err(_) => {
                let view = world
                    .order_until(&customer, order, "the end, and the money back", |view| {
                        view["refund"]["status"] == "done" && view["status"] == "rejected"
                    })
                    .await;
                assert_eq!(view["reason"], "store_timeout");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stock_runs_out_under_concurrent_orders() {
    let world = World::start().await;
    let shop = Shop::open_with_chicken(&world, Some(3)).await;
    let mut orders = tokio::task::JoinSet::new();
    for number in 0..8 {
        let customer = world.somebody(Role::Customer, &format!("손님 {number}")).await;
        let order = shop.one_chicken("sim_approve");
        orders.spawn(async move {
            match customer.place("last chicken", &order).await {
                Ok(placed) => Some((customer, placed.order_id)),
                // Order had heard that there are none before it took this one.
                Err(refused) if refused.is("sold_out") => None,
                Err(other) => panic!("neither an order nor sold out: {other}"),
            }
        });
    }
    let mut turned_away = 0;
    while let Some(placed) = orders.join_next().await {
        let Some((customer, order)) = placed.expect("an order") else {
            turned_away += 1;
            continue;
        };
        let view = world
            .order_until(&customer, order, "the kitchen's word", |view| {
                view["refund"]["status"] == "done" || view["timeline"].to_string().contains("TicketOpened")
            })
            .await;
        if view["status"] == "rejected" {
            assert_eq!(view["reason"], "out_of_stock");
            assert_eq!(view["payment"]["refunded_krw"], 21_000);
            turned_away += 1;
        }
    }
    assert_eq!(turned_away, 5, "three chickens, eight orders");
    let path = format!("/api/stores/{}", shop.store_id);
    world
        .until("nothing left", || async {
            let store: Value = shop.owner.get(&path).await.expect("a store");
            let menu = store["menu"].as_array().expect("a menu").clone();
            menu.into_iter().find(|item| item["item_id"] == shop.chicken.to_string()).filter(|item| item["stock"] == 0)
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rider_claims_more_than_can_be_carried() {
    let world = World::start().await;
    let shop = Shop::open(&world).await;
    let rider = shop.rider(&world).await;
    let customer = world.somebody(Role::Customer, "김하늘").await;
    let mut claims = tokio::task::JoinSet::new();
    let mut orders = Vec::new();
    for round in 0..5 {
        let order = accepted(&world, &shop, &customer, round).await;
        shop.owner.start(order).await.expect("cooking");
        shop.owner.finish(order).await.expect("cooked");
        orders.push(order);
    }
    for order in orders {
        let rider = rider.clone();
        claims.spawn(async move { rider.claim(order).await });
    }
    let mut carried = 0;
    while let Some(claim) = claims.join_next().await {
        match claim.expect("an answer") {
            Ok(_) => carried += 1,
            Err(error) => assert!(refused_as(&error, &["carrying_too_many"]), "{error}"),
        }
    }
    assert_eq!(carried, 3);
}
