//! Money: paid once, given back when it must be, whatever the provider does.

use baedal_client::Session;
use baedal_client::types::{ChangedOrder, OperatorRefund};
use baedal_contracts::identity::Role;
use baedal_contracts::order::Fault;
use baedal_contracts::payment::PaymentMeans;
use baedal_contracts::{OrderId, Won};
use baedal_journeys::{Dish, Shop, World, order_of};
use http::Method;
use jiff::SignedDuration;
use serde_json::{Value, json};

fn change_to(shop: &Shop, dishes: &[Dish]) -> ChangedOrder {
    let wanted = order_of(shop, dishes, "");
    ChangedOrder { items: wanted.items, deliver_to: wanted.deliver_to, note: wanted.note, expected_total_krw: None }
}

fn card(token: &str) -> PaymentMeans {
    PaymentMeans { method: "card".to_owned(), token: token.to_owned() }
}

async fn town() -> (World, Shop, Session) {
    let world = World::start().await;
    let shop = Shop::open(&world).await;
    let customer = world.somebody(Role::Customer, "김하늘").await;
    (world, shop, customer)
}

async fn refunded(world: &World, customer: &Session, order: OrderId) -> Value {
    world.order_until(customer, order, "the money back", |view| view["refund"]["status"] == "done").await
}

#[tokio::test(flavor = "multi_thread")]
async fn declined_then_paid_another_way() {
    let (world, shop, customer) = town().await;
    let placed = customer.place("dinner", &shop.one_chicken("sim_decline")).await.expect("an order");
    assert_eq!(placed.status, "awaiting_payment");
    let again = customer.pay(placed.order_id, &card("sim_decline")).await.expect_err("declined again");
    assert_eq!(again.problem().map(|problem| problem.status), Some(402));
    assert_eq!(customer.pay(placed.order_id, &card("sim_approve")).await.expect("paid").status, "paid");
    let view = world.order_is(&customer, placed.order_id, "paid").await;
    assert_eq!(view["payment"]["captured_krw"], 21_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_provider_is_not_waited_for_and_pays_by_itself() {
    let (world, shop, customer) = town().await;
    let placed = customer.place("dinner", &shop.one_chicken("sim_slow")).await.expect("an order");
    assert_eq!(placed.status, "awaiting_payment");
    let again = customer.pay(placed.order_id, &card("sim_approve")).await.expect("being verified");
    assert_eq!(again.status, "awaiting_payment", "no other attempt begins while one is open");
    world.advance(SignedDuration::from_secs(30));
    let view = world.order_is(&customer, placed.order_id, "paid").await;
    assert_eq!(view["payment"]["captured_krw"], 21_000, "once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_takes_the_money_and_never_answers() {
    let (world, shop, customer) = town().await;
    let placed = customer.place("dinner", &shop.one_chicken("sim_silence")).await.expect("an order");
    assert_eq!(placed.status, "awaiting_payment");
    world.advance(SignedDuration::from_secs(30));
    let view = world.order_is(&customer, placed.order_id, "paid").await;
    assert_eq!(view["payment"]["captured_krw"], 21_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_after_the_cancel_is_refunded_by_itself() {
    let (world, shop, customer) = town().await;
    let placed = customer.place("dinner", &shop.one_chicken("sim_slow")).await.expect("an order");
    assert_eq!(customer.cancel(placed.order_id, "너무 오래 걸려요").await.expect("canceled").status, "canceled");
    world.advance(SignedDuration::from_secs(30));
    let view = refunded(&world, &customer, placed.order_id).await;
    assert_eq!((view["status"].as_str(), view["payment"]["refunded_krw"].as_u64()), (Some("canceled"), Some(21_000)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_that_fails_is_tried_until_it_works() {
    let (world, shop, customer) = town().await;
    let placed = customer.place("dinner", &shop.one_chicken("sim_refund_fails_once")).await.expect("an order");
    customer.cancel(placed.order_id, "").await.expect("canceled");
    let operator = world.operator().await;
    world
        .until("the refund owed", || async {
            let stuck: Value = operator.get("/api/operations/stuck").await.expect("stuck");
            stuck["refunds_owed"].to_string().contains(&placed.order_id.to_string()).then_some(())
        })
        .await;
    world
        .until("the next try", || async {
            world.advance(SignedDuration::from_secs(10));
            let view: Value = customer.get(&format!("/api/orders/{}", placed.order_id)).await.expect("a view");
            (view["refund"]["status"] == "done").then_some(())
        })
        .await;
    let view = refunded(&world, &customer, placed.order_id).await;
    assert_eq!(view["payment"]["refunded_krw"], 21_000, "once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_costs_more_is_charged_and_one_that_costs_less_given_back() {
    let (world, shop, customer) = town().await;
    let order = customer.place("dinner", &shop.one_chicken("sim_approve")).await.expect("an order").order_id;
    let more = customer.change(order, &change_to(&shop, &[Dish(shop.chicken, 2)])).await.expect("changed");
    assert_eq!((more.pending, more.total_krw.0), (None, 39_000));
    let view =
        world.order_until(&customer, order, "the difference", |view| view["payment"]["captured_krw"] == 39_000).await;
    assert_eq!(view["total_krw"], 39_000);
    let less =
        customer.change(order, &change_to(&shop, &[Dish(shop.chicken, 1), Dish(shop.cola, 1)])).await.expect("changed");
    assert_eq!((less.pending, less.total_krw.0), (None, 23_000));
    let view = refunded(&world, &customer, order).await;
    assert_eq!(view["payment"]["refunded_krw"], 16_000);
    let board = shop.owner.tickets(shop.store_id).await.expect("a board").items;
    assert_eq!(board[0].items.len(), 2, "the ticket shows the new items");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_whose_extra_is_declined_leaves_everything_as_it_was() {
    let world = World::start().await;
    let shop = Shop::open_with_chicken(&world, Some(5)).await;
    let customer = world.somebody(Role::Customer, "김하늘").await;
    let order = customer.place("dinner", &shop.one_chicken("sim_decline_extra")).await.expect("an order").order_id;
    let refused = customer.change(order, &change_to(&shop, &[Dish(shop.chicken, 3)])).await.expect_err("declined");
    assert!(refused.is("extra_payment_declined"), "{refused}");
    let view = world.order_until(&customer, order, "nothing pending", |view| view["pending"].is_null()).await;
    assert_eq!((view["total_krw"].as_u64(), view["payment"]["captured_krw"].as_u64()), (Some(21_000), Some(21_000)));
    world
        .until("the stock back", || async {
            let store: Value = shop.owner.get(&format!("/api/stores/{}", shop.store_id)).await.expect("a store");
            let menu = store["menu"].as_array().expect("a menu").clone();
            menu.into_iter().find(|item| item["stock"] == 4)
        })
        .await;
    shop.owner.accept(order, 10).await.expect("life goes on");
    shop.owner.start(order).await.expect("cooking");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_gives_part_of_it_back() {
    let (world, shop, customer) = town().await;
    let order = customer.place("dinner", &shop.one_chicken("sim_approve")).await.expect("an order").order_id;
    shop.owner.accept(order, 10).await.expect("accepted");
    shop.owner.start(order).await.expect("cooking");
    let operator = world.operator().await;
    let body = json!({ "reason": "가게 정전", "refund_krw": 15_000, "fault": "store" });
    let _: Value = operator.post(&format!("/api/orders/{order}/cancel"), &body).await.expect("canceled");
    let view = refunded(&world, &customer, order).await;
    assert_eq!((view["status"].as_str(), view["payment"]["refunded_krw"].as_u64()), (Some("canceled"), Some(15_000)));
    shop.owner.finish(order).await.expect_err("the ticket is withdrawn");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_cancels_once_and_the_same_again_answers_the_same() {
    let (world, shop, customer) = town().await;
    let order = customer.place("dinner", &shop.one_chicken("sim_approve")).await.expect("an order").order_id;
    let operator = world.operator().await;
    let path = format!("/api/orders/{order}/cancel");
    let body = json!({ "reason": "가게 정전", "refund_krw": 15_000, "fault": "store" });
    let first: Value = operator.post(&path, &body).await.expect("canceled");
    let again: Value = operator.post(&path, &body).await.expect("canceled before");
    assert_eq!(first, again);
    let other = json!({ "reason": "가게 정전", "refund_krw": 21_000, "fault": "store" });
    let refused = operator.post::<Value>(&path, &other).await.expect_err("canceled otherwise");
    assert!(refused.is("already_canceled"), "{refused}");
    let view = refunded(&world, &customer, order).await;
    assert_eq!(view["payment"]["refunded_krw"], 15_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_gives_back_what_was_missing_when_all_is_over() {
    let (world, shop, customer) = town().await;
    let rider = shop.rider(&world).await;
    let order = customer.place("dinner", &shop.one_chicken("sim_approve")).await.expect("an order").order_id;
    shop.owner.accept(order, 10).await.expect("accepted");
    shop.owner.start(order).await.expect("cooking");
    shop.owner.finish(order).await.expect("cooked");
    world.until("a delivery to claim", async || rider.claim(order).await.ok()).await;
    rider.pick_up(order).await.expect("picked up");
    rider.deliver(order).await.expect("delivered");
    world.order_is(&customer, order, "delivered").await;
    customer.confirm(order).await.expect("completed");

    let operator = world.operator().await;
    let refund =
        |amount| OperatorRefund {
            amount_krw: Won(amount), reason: "콜라가 빠졌어요".to_owned(), fault: Fault::Store
        };
    let granted = operator.refund("cola", order, &refund(2_000)).await.expect("granted");
    assert_eq!(granted.held_krw, Won(19_000));
    assert_eq!(operator.refund("cola", order, &refund(2_000)).await.expect("the same"), granted);
    let view = refunded(&world, &customer, order).await;
    assert_eq!((view["status"].as_str(), view["payment"]["refunded_krw"].as_u64()), (Some("completed"), Some(2_000)));
    assert_eq!(view["refund"]["granted"][0]["reason"], "콜라가 빠졌어요");
    let much = operator.refund("all", order, &refund(19_001)).await.expect_err("more than is held");
    assert_eq!(much.problem().map(|problem| problem.status), Some(422));
    operator.refund("rest", order, &refund(19_000)).await.expect("granted");
    world.order_until(&customer, order, "all of it back", |view| view["payment"]["refunded_krw"] == 21_000).await;
    let told = async || {
        world.advance(SignedDuration::from_millis(100));
        let notices = customer.notices().await.expect("notices").items;
        let of = |template| notices.iter().filter(|notice| notice.template == template).count();
        (of("order_refund_granted") == 2 && of("payment_refunded") == 2).then_some(())
    };
    world.until("what the customer is told", told).await;
    let denied = customer.refund("mine", order, &refund(1)).await.expect_err("not a customer's");
    assert_eq!(denied.problem().map(|problem| problem.status), Some(403));
    let stuck = operator.stuck().await.expect("stuck");
    assert!(
        stuck.differences.is_empty() && stuck.open_attempts.is_empty() && stuck.unreachable.is_empty(),
        "{stuck:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn payment_overloaded_is_told_at_once_and_recovers_by_itself() {
    let (world, shop, customer) = town().await;
    let operator = world.operator().await;
    // Every replica of order has a breaker of its own.
    let all_are = async |state: &str| {
        let breakers = operator.breakers().await.expect("breakers").items;
        !breakers.is_empty() && breakers.iter().all(|breaker| breaker.state == state)
    };
    let mut put_off = Vec::new();
    while !all_are("open").await {
        let number = put_off.len();
        assert!(number < 120, "{:?}", operator.breakers().await);
        let placed = customer.place(&format!("bad day {number}"), &shop.one_chicken("sim_fail")).await.expect("kept");
        assert_eq!(placed.status, "awaiting_payment");
        put_off.push(placed.order_id);
    }
    let kept = customer.place("while open", &shop.one_chicken("sim_approve")).await.expect("kept");
    assert_eq!(kept.status, "awaiting_payment", "nobody is asked to wait for a payment that does not work");
    world.advance(SignedDuration::from_secs(6));
    put_off.push(kept.order_id);
    while !all_are("closed").await {
        let order = put_off.pop().expect("a breaker that closes before all is paid");
        assert_eq!(customer.pay(order, &card("sim_approve")).await.expect("paid later").status, "paid");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_key_is_one_order() {
    let (_world, shop, customer) = town().await;
    let order = shop.one_chicken("sim_approve");
    let mut sent = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (customer, order) = (customer.clone(), order.clone());
        sent.spawn(async move { customer.place("one key", &order).await.expect("an order") });
    }
    let answers = sent.join_all().await;
    assert!(
        answers.iter().all(|answer| answer.order_id == answers[0].order_id && answer.status == "paid"),
        "{answers:?}"
    );
    let again = customer.place("one key", &order).await.expect("the same order");
    assert_eq!(again.order_id, answers[0].order_id);
    let mine: Value = customer.get("/api/orders").await.expect("mine");
    assert_eq!(mine["items"].as_array().map(Vec::len), Some(1));
    let other = order_of(&shop, &[Dish(shop.chicken, 2)], "sim_approve");
    let refused = customer.place("one key", &other).await.expect_err("another body");
    assert!(refused.is("idempotency_key_reused"), "{refused}");
    let without =
        customer.send(Method::POST, "/api/orders", None, Some(serde_json::to_vec(&order).expect("JSON"))).await;
    assert_eq!(without.expect_err("no key").problem().map(|problem| problem.status), Some(400));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_repeated_answers_the_same_and_happens_once() {
    let (world, shop, customer) = town().await;
    let rider = shop.rider(&world).await;
    let order = customer.place("dinner", &shop.one_chicken("sim_approve")).await.expect("an order").order_id;
    for _ in 0..2 {
        assert_eq!(shop.owner.accept(order, 15).await.expect("accepted").status, "accepted");
    }
    for _ in 0..2 {
        assert_eq!(shop.owner.start(order).await.expect("cooking").status, "cooking");
    }
    for _ in 0..2 {
        assert_eq!(shop.owner.finish(order).await.expect("cooked").status, "cooked");
    }
    rider.claim(order).await.expect("claimed");
    rider.release(order).await.expect("released");
    world.order_is(&customer, order, "cooked").await;
    for _ in 0..2 {
        assert_eq!(rider.claim(order).await.expect("claimed").status, "claimed");
    }
    for _ in 0..2 {
        assert_eq!(rider.pick_up(order).await.expect("picked up").status, "picked_up");
    }
    assert!(rider.release(order).await.is_err(), "not with the food in hand");
    for _ in 0..2 {
        assert_eq!(rider.deliver(order).await.expect("delivered").status, "delivered");
    }
    for _ in 0..2 {
        assert_eq!(customer.confirm(order).await.expect("confirmed").status, "completed");
    }
    let view = world.order_is(&customer, order, "completed").await;
    let happened = view["timeline"].to_string();
    for once in ["TicketAccepted", "CookStarted", "CookFinished", "PickedUp", "OrderCompleted"] {
        assert_eq!(happened.matches(&format!("\"{once}\"")).count(), 1, "{once} in {happened}");
    }
}
