//! Baskets that change while the owner changes the menu, and what is left of an item.

#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

use baedal_client::types::{ChangedOrder, NewItem, StoreChange};
use baedal_client::{Answer, Error, Session};
use baedal_contracts::identity::Role;
use baedal_contracts::store::{MenuChoice, MenuOption};
use baedal_contracts::{OrderId, Won};
use baedal_journeys::{Dish, Shop, World, order_of};
use http::{Method, header};
use serde_json::{Value, json};

async fn town(chickens: Option<u32>) -> (World, Shop, Session) {
    let world = World::start().await;
    let shop = Shop::open_with_chicken(&world, chickens).await;
    let customer = world.somebody(Role::Customer, "김하늘").await;
    (world, shop, customer)
}

/// So many chickens, with a note, at a total.
fn change_to(shop: &Shop, chickens: u32, note: &str, expected_total_krw: u64) -> ChangedOrder {
    let wanted = order_of(shop, &[Dish(shop.chicken, chickens)], "");
    let note = note.to_owned();
    let expected_total_krw = Some(Won(expected_total_krw));
    ChangedOrder { items: wanted.items, deliver_to: wanted.deliver_to, note, expected_total_krw }
}

/// The owner makes the chicken cost 20,000 won, renames its choices, and the delivery cost 5,000.
async fn everything_costs_more(world: &World, shop: &Shop, customer: &Session) {
    let chicken = NewItem {
        name: "황금 통닭".to_owned(),
        description: String::new(),
        price_krw: Won(20_000),
        stock: None,
        available: true,
        options: vec![MenuOption {
            name: "맛 선택".to_owned(),
            choices: vec![MenuChoice { name: "순한맛".to_owned(), price_krw: Won(0) }],
            min: 1,
            max: 1,
        }],
    };
    shop.owner.put_item(shop.store_id, shop.chicken, &chicken).await.expect("dearer chicken");
    let dearer = StoreChange { delivery_fee_krw: Some(Won(5_000)), ..StoreChange::default() };
    shop.owner.change_store(shop.store_id, &dearer).await.expect("a dearer delivery");
    asking_costs(world, shop, customer, 25_000).await;
}

/// Waits until a new order of one chicken would cost so much, without placing any.
async fn asking_costs(world: &World, shop: &Shop, customer: &Session, total_krw: u64) {
    let mut order = shop.one_chicken("sim_approve");
    order.expected_total_krw = Some(Won(1));
    world
        .until("the new price to be known", || async {
            let refused = customer.place("only asking", &order).await.expect_err("never at that total");
            assert!(refused.is("total_changed"), "{refused}");
            (refused.problem()?.total_krw()? == Won(total_krw)).then_some(())
        })
        .await;
}

async fn captured(world: &World, customer: &Session, order: OrderId, krw: u64) -> Value {
    let is_there = |view: &Value| {
        view["payment"]["captured_krw"]
            .as_u64()
            .zip(view["payment"]["refunded_krw"].as_u64())
            .is_some_and(|(captured, refunded)| captured - refunded == krw && view["pending"].is_null())
    };
    world.order_until(customer, order, "the money as it should be", is_there).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sold_keeps_its_price_and_what_is_added_costs_todays() {
    let (world, shop, customer) = town(None).await;
    let two = order_of(&shop, &[Dish(shop.chicken, 2)], "sim_approve");
    let order = customer.place("dinner", &two).await.expect("an order").order_id;
    captured(&world, &customer, order, 39_000).await;
    everything_costs_more(&world, &shop, &customer).await;

    let noted = customer.change(order, &change_to(&shop, 2, "벨을 누르지 마세요", 39_000)).await.expect("a note");
    assert_eq!((noted.pending, noted.total_krw), (None, Won(39_000)));
    let more = change_to(&shop, 3, "벨을 누르지 마세요", 57_000);
    let refused = customer.change(order, &more).await.expect_err("not at yesterday's price");
    assert!(refused.is("total_changed"), "{refused}");
    assert_eq!(refused.problem().and_then(baedal_client::Problem::total_krw), Some(Won(59_000)));
    captured(&world, &customer, order, 39_000).await;

    let more = change_to(&shop, 3, "벨을 누르지 마세요", 59_000);
    assert_eq!(customer.change(order, &more).await.expect("one more").total_krw, Won(59_000));
    captured(&world, &customer, order, 59_000).await;
    let board = shop.owner.tickets(shop.store_id).await.expect("a board").items;
    let lines: Vec<_> = board[0].items.iter().map(|line| (line.quantity, line.unit_price_krw.0)).collect();
    assert_eq!(lines, [(2, 18_000), (1, 20_000)]);

    // The owner takes it off the menu: it can still become less, and what was added last goes first.
    shop.owner.remove_item(shop.store_id, shop.chicken).await.expect("off the menu");
    let less = customer.change(order, &change_to(&shop, 2, "", 39_000)).await.expect("one less");
    assert_eq!(less.total_krw, Won(39_000));
    captured(&world, &customer, order, 39_000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sold_out_is_refused_until_it_comes_back() {
    let (world, shop, customer) = town(Some(1)).await;
    let first = customer.place("dinner", &shop.one_chicken("sim_approve")).await.expect("an order").order_id;
    let late = world.somebody(Role::Customer, "이슬").await;
    let mut asking = shop.one_chicken("sim_approve");
    asking.expected_total_krw = Some(Won(1));
    world
        .until("sold out", || async {
            let refused = late.place("only asking", &asking).await.expect_err("never at that total");
            refused
                .is("sold_out")
                .then(|| assert_eq!(refused.problem().and_then(baedal_client::Problem::left), Some(0)))
        })
        .await;
    // Its own chicken is no reason against a note.
    let noted = customer.change(first, &change_to(&shop, 1, "천천히 오세요", 21_000)).await.expect("a note");
    assert_eq!(noted.pending, None);

    customer.cancel(first, "").await.expect("canceled");
    asking_costs(&world, &shop, &late, 21_000).await;
    let placed = late.place("supper", &shop.one_chicken("sim_approve")).await.expect("an order");
    let is_opened = |view: &Value| view["timeline"].to_string().contains("TicketOpened");
    world.order_until(&late, placed.order_id, "the kitchen", is_opened).await;
}

async fn with_tag(owner: &Session, method: Method, path: &str, tag: &str, body: Value) -> Result<Answer, Error> {
    let tag = (header::IF_MATCH, tag.parse().expect("a header"));
    owner.send(method, path, Some(tag), Some(body.to_string().into_bytes())).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_does_not_write_over_what_was_sold_meanwhile() {
    let (world, shop, customer) = town(Some(5)).await;
    let store = format!("/api/stores/{}", shop.store_id);
    let item = format!("{store}/menu/{}", shop.chicken);
    let chicken = |stock: u32| {
        let taste = json!({"name": "맛 선택", "choices": [{"name": "순한맛", "price_krw": 0}], "min": 1, "max": 1});
        json!({"name": "후라이드 치킨", "price_krw": 18_000, "stock": stock, "options": [taste]})
    };
    let seen = async || {
        let answer = shop.owner.send(Method::GET, &store, None, None).await.expect("the store");
        let tag = answer.headers[header::ETAG].to_str().expect("text").to_owned();
        let menu = answer.read::<Value>().expect("a store")["menu"].clone();
        let menu = menu.as_array().expect("a menu").clone();
        let item = menu.into_iter().find(|item| item["item_id"] == shop.chicken.to_string()).expect("chicken");
        (tag, item["stock"].as_u64().expect("a number"))
    };
    let (before, left) = seen().await;
    assert_eq!(left, 5);
    let order = customer.place("dinner", &shop.one_chicken("sim_approve")).await.expect("an order").order_id;
    let is_opened = |view: &Value| view["timeline"].to_string().contains("TicketOpened");
    world.order_until(&customer, order, "the kitchen", is_opened).await;

    let refused = with_tag(&shop.owner, Method::PUT, &item, &before, chicken(10)).await.expect_err("too old");
    assert!(refused.is("stock_changed"), "{refused}");
    assert_eq!(refused.problem().map(|problem| problem.status), Some(412));
    let (tag, left) = world
        .until("the owner sees what was sold", || async { Some(seen().await).filter(|(tag, _)| *tag != before) })
        .await;
    assert_eq!(left, 4);
    with_tag(&shop.owner, Method::PUT, &item, &tag, chicken(10)).await.expect("as it was seen");

    assert_eq!(shop.owner.add_stock(shop.store_id, shop.chicken, -3).await.expect("three fewer").stock, 7);
    let refused = shop.owner.add_stock(shop.store_id, shop.chicken, -8).await.expect_err("below zero");
    assert!(refused.is("stock_below_zero"), "{refused}");
    let refused = shop.owner.add_stock(shop.store_id, shop.cola, 1).await.expect_err("not counted");
    assert!(refused.is("stock_not_counted"), "{refused}");
}
