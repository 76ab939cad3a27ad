//! Bad input: each gets a clear problem of a documented type, never a 500, and nothing is lost.

use std::collections::BTreeSet;

use baedal_client::{Error, Problem};
use baedal_contracts::identity::Role;
use baedal_journeys::{Shop, World};
use http::{HeaderName, HeaderValue, Method, StatusCode};
use serde_json::{Value, json};

fn problem(answer: Result<baedal_client::Answer, Error>) -> Problem {
    match answer {
        Err(Error::Problem(problem)) => problem,
        other => panic!("not a problem: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_cannot_be() {
    let world = World::start().await;
    let shop = Shop::open(&world).await;
    let customer = world.somebody(Role::Customer, "김하늘").await;
    let good = serde_json::to_value(shop.one_chicken("sim_approve")).expect("JSON");
    let spoiled = |spoil: &dyn Fn(&mut Value)| {
        let mut order = good.clone();
        spoil(&mut order);
        order
    };
    let cases: Vec<(&str, Value, &[u16])> = vec![
        ("unknown field", spoiled(&|order| order["tip"] = json!(1)), &[400, 422]),
        ("no items", spoiled(&|order| order["items"] = json!([])), &[422]),
        ("quantity 0", spoiled(&|order| order["items"][0]["quantity"] = json!(0)), &[422]),
        ("quantity 1.5", spoiled(&|order| order["items"][0]["quantity"] = json!(1.5)), &[400, 422]),
        ("quantity 100", spoiled(&|order| order["items"][0]["quantity"] = json!(100)), &[422]),
        ("quantity as text", spoiled(&|order| order["items"][0]["quantity"] = json!("1")), &[400, 422]),
        ("required option missing", spoiled(&|order| order["items"][0]["options"] = json!([])), &[422]),
        ("unknown choice", spoiled(&|order| order["items"][0]["options"][0]["choice"] = json!("간장맛")), &[422]),
        (
            "unknown item",
            spoiled(&|order| order["items"][0]["item_id"] = json!("0192f0c1-0000-7000-8000-000000000009")),
            &[409, 422],
        ),
        ("item that is no id", spoiled(&|order| order["items"][0]["item_id"] = json!("chicken")), &[400, 422]),
        (
            "unknown store",
            spoiled(&|order| order["store_id"] = json!("0192f0c1-0000-7000-8000-000000000009")),
            &[404, 422],
        ),
        (
            "too far",
            spoiled(&|order| order["deliver_to"]["location"] = json!({ "lat": 37.0, "lng": 127.0 })),
            &[409, 422],
        ),
        (
            "off the globe",
            spoiled(&|order| order["deliver_to"]["location"] = json!({ "lat": 137.0, "lng": 127.0 })),
            &[400, 422],
        ),
        ("no address", spoiled(&|order| order["deliver_to"]["address"] = json!(" ")), &[422]),
        ("endless note", spoiled(&|order| order["note"] = json!("아".repeat(5_000))), &[422]),
        (
            "below the minimum",
            spoiled(&|order| order["items"] = json!([{ "item_id": shop.cola, "quantity": 1, "options": [] }])),
            &[409, 422],
        ),
        ("its own price", spoiled(&|order| order["items"][0]["unit_price_krw"] = json!(1)), &[400, 422]),
        (
            "no payment",
            spoiled(&|order| drop(order.as_object_mut().expect("an object").remove("payment"))),
            &[400, 422],
        ),
    ];
    for (name, body, statuses) in cases {
        let key = (
            HeaderName::from_static("idempotency-key"),
            HeaderValue::from_str(&name.replace(' ', "-")).expect("a key"),
        );
        let body = serde_json::to_vec(&body).expect("JSON");
        let problem = problem(customer.send(Method::POST, "/api/orders", Some(key), Some(body)).await);
        assert!(statuses.contains(&problem.status), "{name}: {problem}");
        assert!(problem.kind.starts_with("/problems/"), "{name}: {problem:?}");
    }
    let mine: Value = customer.get("/api/orders").await.expect("mine");
    assert_eq!(mine["items"], json!([]), "nothing was placed");
    let _: Value = shop
        .owner
        .call(Method::PATCH, &format!("/api/stores/{}", shop.store_id), Some(&json!({ "open": false })))
        .await
        .expect("closed");
    world
        .until("the store to be closed for orders", || async {
            customer
                .place(&uuid::Uuid::now_v7().to_string(), &shop.one_chicken("sim_approve"))
                .await
                .err()
                .filter(|error| error.is("store_closed"))
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_are_none() {
    let world = World::start().await;
    let client = world.client();
    let json = |body: &str| Some(body.as_bytes().to_vec());
    let cases = [
        ("broken JSON", Method::POST, "/api/token", json("{\"phone\":"), 400),
        ("JSON and more", Method::POST, "/api/token", json("{\"phone\":\"1\",\"password\":\"2\"} x"), 400),
        ("not UTF-8", Method::POST, "/api/token", Some(vec![0xff, 0xfe]), 400),
        ("another shape", Method::POST, "/api/token", json("[]"), 422),
        ("65 KiB", Method::POST, "/api/token", Some(vec![b' '; 65 * 1024]), 413),
        ("nowhere", Method::GET, "/api/nowhere", None, 404),
        ("another method", Method::DELETE, "/api/orders", None, 405),
        ("no token", Method::GET, "/api/orders", None, 401),
        ("no number", Method::GET, "/api/stores?lat=NaN&lng=127.0", None, 400),
        ("no place", Method::GET, "/api/stores", None, 400),
        ("inside", Method::GET, "/internal/health", None, 404),
    ];
    for (name, method, path, body, status) in cases {
        let problem = problem(client.send(method, path, [], body).await);
        let ok = problem.status == status || (status == 400 && problem.status == 422);
        assert!(ok, "{name}: {problem}");
        assert!(problem.kind.starts_with("/problems/"), "{name}: {problem:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_yours() {
    let world = World::start().await;
    let shop = Shop::open(&world).await;
    let rider = shop.rider(&world).await;
    let customer = world.somebody(Role::Customer, "김하늘").await;
    let order = customer.place("dinner", &shop.one_chicken("sim_approve")).await.expect("an order").order_id;
    world.order_is(&customer, order, "paid").await;
    let stranger = world.somebody(Role::Customer, "이웃").await;
    let other_owner = world.somebody(Role::Owner, "옆가게").await;
    let (store, item) = (shop.store_id, shop.chicken);
    let post = |path: String| (Method::POST, path);
    let forbidden: BTreeSet<u16> = [403, 404].into();
    let cases = [
        (&stranger, (Method::GET, format!("/api/orders/{order}")), 404),
        (&stranger, (Method::GET, format!("/api/orders/{order}/live")), 404),
        (&stranger, post(format!("/api/orders/{order}/confirm")), 404),
        (&other_owner, (Method::GET, format!("/api/orders/{order}")), 404),
        (&other_owner, (Method::GET, format!("/api/stores/{store}/tickets")), 404),
        (&other_owner, post(format!("/api/tickets/{order}/start")), 404),
        (&other_owner, (Method::DELETE, format!("/api/stores/{store}/menu/{item}")), 404),
        (&rider, (Method::GET, format!("/api/orders/{order}")), 404),
        (&rider, post(format!("/api/deliveries/{order}/deliver")), 404),
        (&stranger, (Method::GET, format!("/api/operations/orders/{order}/trace")), 403),
        (&stranger, post(format!("/api/tickets/{order}/start")), 403),
        (&rider, (Method::GET, "/api/operations/stuck".to_owned()), 403),
        (&shop.owner, post(format!("/api/deliveries/{order}/claim")), 403),
    ];
    for (session, (method, path), status) in cases {
        let told = format!("{} {method} {path}", session.me().name);
        let problem = problem(session.send(method, &path, None, None).await);
        assert_eq!(problem.status, status, "{told}: {problem}");
        assert!(forbidden.contains(&problem.status));
    }
    let view: Value = shop.owner.get(&format!("/api/orders/{order}")).await.expect("its store's owner");
    assert_eq!(view["order_id"], order.to_string());
    let forged = (
        HeaderName::from_static("baedal-caller"),
        HeaderValue::from_str(&format!("operator:{}", stranger.account_id())).expect("a header"),
    );
    let still = problem(stranger.send(Method::GET, "/api/operations/stuck", Some(forged), None).await);
    assert_eq!(still.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_problem_type_is_documented() {
    let world = World::start().await;
    let answer = world
        .client()
        .send(
            Method::GET,
            "/problems/store_closed",
            [(http::header::ACCEPT, HeaderValue::from_static("text/html"))],
            None,
        )
        .await
        .expect("a page");
    assert_eq!(answer.status, StatusCode::OK);
    assert!(String::from_utf8_lossy(&answer.body).contains("store_closed"));
    let document: Value = world.client().call(Method::GET, "/api/openapi.json", None::<&()>).await.expect("OpenAPI");
    assert_eq!(document["openapi"].as_str().map(|version| version.starts_with("3.1")), Some(true));
    for path in [
        "/api/orders",
        "/api/stores/{store_id}/menu/{item_id}",
        "/api/deliveries/{order_id}/claim",
        "/api/operations/stuck",
    ] {
        assert!(document["paths"][path].is_object(), "{path} is not described");
    }
}
