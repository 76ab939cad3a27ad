//! Reading: what one wrote, live, after a restart, and from views that were built anew.

use baedal_contracts::identity::Role;
use baedal_journeys::{Shop, World, everything_of};
use http::{HeaderName, Method};
use serde_json::Value;

#[tokio::test(flavor = "multi_thread")]
async fn a_session_reads_what_it_wrote() {
    let world = World::start().await;
    let shop = Shop::open(&world).await;
    let customer = world.somebody(Role::Customer, "김하늘").await;
    for number in 0..10 {
        let placed =
            customer.place(&format!("order {number}"), &shop.one_chicken("sim_approve")).await.expect("an order");
        assert_eq!(customer.order(placed.order_id).await.expect("its view").status, "paid");
        let ticket = shop.owner.accept(placed.order_id, 15).await.expect("accepted");
        let board = shop.owner.tickets(shop.store_id).await.expect("a board").items;
        let on_board = board.iter().find(|other| other.order_id == ticket.order_id).expect("on the board");
        assert_eq!(on_board.status, "accepted");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_position_that_was_never_reached_is_refused_by_every_read_that_takes_one() {
    let world = World::start().await;
    let shop = Shop::open(&world).await;
    let customer = world.somebody(Role::Customer, "김하늘").await;
    let order = customer.place("dinner", &shop.one_chicken("sim_approve")).await.expect("an order").order_id;
    let position = |position: String| (HeaderName::from_static("baedal-position"), position.parse().expect("a header"));
    let paths = ["/api/orders".to_owned(), format!("/api/orders/{order}"), format!("/api/orders/{order}/live")];
    for path in &paths {
        for source in ["order", "payment", "store", "delivery"] {
            let beyond = [position(format!("{source}:1000000000"))];
            let (status, _, problem) = customer.request(Method::GET, path, beyond, None).await.expect("an answer");
            assert_eq!(
                (status.as_u16(), &problem["type"]),
                (422, &"/problems/position_ahead".into()),
                "{path} {source}"
            );
        }
    }
    let (status, ..) =
        customer.request(Method::GET, &paths[1], [position("order:1".to_owned())], None).await.expect("it");
    assert_eq!(status.as_u16(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_stream_goes_on_where_it_ended() {
    let mut world = World::start().await;
    let shop = Shop::open(&world).await;
    let customer = world.somebody(Role::Customer, "김하늘").await;
    let order = customer.place("dinner", &shop.one_chicken("sim_approve")).await.expect("an order").order_id;
    world.order_is(&customer, order, "paid").await;
    let path = format!("/api/orders/{order}/live");
    world.order_until(&customer, order, "a ticket", |view| view["timeline"].to_string().contains("TicketOpened")).await;
    let mut live = customer.live(&path, None).await.expect("a stream");
    let first = live.next().await.expect("a frame").expect("the view now");
    world.stop().await;
    let mut ended = live.next().await;
    while let Ok(Some(frame)) = &ended {
        assert_eq!(frame.event, "reconnect", "the stream says goodbye");
        ended = live.next().await;
    }
    world.start_again().await;
    let mut live = customer.live(&path, Some(&first.id)).await.expect("the stream again");
    shop.owner.accept(order, 15).await.expect("accepted");
    let next = live.next().await.expect("a frame").expect("the change alone");
    assert_ne!(next.id, first.id);
    assert_eq!(next.read::<Value>().expect("a view")["status"], "accepted");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_built_anew_is_the_same_view() {
    let mut world = World::start().await;
    let shop = Shop::open(&world).await;
    let customer = world.somebody(Role::Customer, "김하늘").await;
    for number in 0..12 {
        let order = customer
            .place(&format!("order {number}"), &shop.one_chicken("sim_approve"))
            .await
            .expect("an order")
            .order_id;
        match number % 3 {
            0 => drop(customer.cancel(order, "").await.expect("canceled")),
            1 => drop(shop.owner.accept(order, 15).await.expect("accepted")),
            _ => {}
        }
    }
    let operator = world.operator().await;
    // Everything that will happen to them has happened, and has been heard.
    let is_settled = |order: &Value| {
        let happened = order["timeline"].to_string();
        match order["status"].as_str() {
            Some("paid") => happened.contains("TicketOpened"),
            Some("accepted") => true,
            Some("canceled") => order["refund"]["status"] == "done",
            _ => false,
        }
    };
    let settled = |orders: &Vec<Value>| orders.iter().all(is_settled);
    let before = world
        .until("all refunds", || async {
            let orders = everything_of(&customer, "/api/orders").await;
            settled(&orders).then_some(orders)
        })
        .await;
    for view in ["orders", "stores", "ranking", "trace"] {
        let answer = operator
            .send(Method::POST, &format!("/api/operations/views/{view}/rebuild"), None, None)
            .await
            .expect("asked");
        assert!(answer.status.is_success(), "{view}");
    }
    let placed = customer.place("while rebuilding", &shop.one_chicken("sim_approve")).await.expect("an order");
    world.order_is(&customer, placed.order_id, "paid").await;
    let unchanged = |orders: Vec<Value>| -> Vec<Value> {
        orders.into_iter().filter(|order| order["order_id"] != placed.order_id.to_string()).collect()
    };
    assert_eq!(unchanged(everything_of(&customer, "/api/orders").await), before);
    world.stop().await;
    world.start_again().await;
    assert_eq!(unchanged(everything_of(&customer, "/api/orders").await), before);
    let unknown = operator.send(Method::POST, "/api/operations/views/dreams/rebuild", None, None).await;
    assert_eq!(unknown.expect_err("no such view").problem().map(|problem| problem.status), Some(404));
}
