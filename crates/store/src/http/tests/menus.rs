//! Putting items on menus and taking them off.

use baedal_contracts::AccountId;
use baedal_contracts::store::Event as Told;
use baedal_kit::Origin;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::domain::{Stock, stock};
use crate::testing::{Answer, CHICKEN, OWNER, STORE, STRANGER, World, order, tells};

fn chicken() -> Value {
    json!({
        "name": "가마솥 후라이드",
        "description": "바삭하게 튀겼어요.",
        "price_krw": 20_000,
        "stock": 5,
        "available": true,
        "options": [{
            "name": "부위 선택",
            "choices": [{"name": "뼈 한 마리", "price_krw": 0}, {"name": "순살로 변경", "price_krw": 2_000}],
            "min": 1,
            "max": 1,
        }],
    })
}

fn path() -> String {
    format!("/api/stores/{STORE}/menu/{CHICKEN}")
}

async fn put(world: &World, who: AccountId, body: Value) -> Answer {
    world.ask(who, Method::PUT, &path(), Some(body)).await
}

#[tokio::test]
async fn an_item_is_told_and_answered_with_its_stock() {
    let world = World::with_a_store().await;
    let before = world.told().await.len();
    let answer = put(&world, OWNER, chicken()).await;
    assert_eq!(answer.status, StatusCode::OK);
    let mut wished = chicken();
    wished["item_id"] = json!(CHICKEN);
    assert_eq!(answer.body, wished);

    let told = world.told().await;
    let [Told::MenuChanged { item: Some(item), .. }, Told::StockChanged { stock, .. }] = &told[before..] else {
        panic!("{told:?}")
    };
    assert_eq!((item.item_id, item.price_krw.0, *stock), (CHICKEN, 20_000, Some(5)));

    assert_eq!(put(&world, OWNER, chicken()).await.body, wished);
    assert_eq!(world.told().await.len(), told.len());

    let answer = world.ask(OWNER, Method::PATCH, &format!("/api/stores/{STORE}"), Some(json!({}))).await;
    assert_eq!(answer.body["menu"], json!([wished]));
}

#[tokio::test]
async fn a_stock_is_set_unlimited_or_left_as_it_is() {
    let world = World::with_a_store().await;
    put(&world, OWNER, chicken()).await;
    world.handle(&tells::paid(order(1), &[(CHICKEN, 2)])).await;

    let mut dearer = chicken();
    dearer["price_krw"] = json!(21_000);
    dearer.as_object_mut().expect("an object").remove("stock");
    assert_eq!(put(&world, OWNER, dearer).await.body["stock"], json!(3));

    let mut unlimited = chicken();
    unlimited["stock"] = json!(null);
    assert_eq!(put(&world, OWNER, unlimited).await.body["stock"], json!(null));
    assert_eq!(world.left(CHICKEN).await, None);
}

#[tokio::test]
async fn more_is_added_and_told() {
    let world = World::with_a_store().await;
    put(&world, OWNER, chicken()).await;
    world.handle(&tells::paid(order(1), &[(CHICKEN, 2)])).await;
    let path = format!("{}/stock", path());
    let add = async |who, add: i64| world.ask(who, Method::POST, &path, Some(json!({"add": add}))).await;
    let answer = add(OWNER, 10).await;
    assert_eq!((answer.status, answer.body), (StatusCode::OK, json!({"stock": 13})));
    assert!(answer.position.is_some());
    let told = world.told().await;
    assert!(
        matches!(told.last(), Some(Told::StockChanged { stock: Some(13), version: 3, .. })),
        "counted, taken, added: {told:?}"
    );
    assert_eq!(add(OWNER, -13).await.body, json!({"stock": 0}));

    let answer = add(OWNER, -1).await;
    assert_eq!((answer.status, answer.problem()), (StatusCode::CONFLICT, "stock_below_zero"));
    assert_eq!(answer.body["stock"], 0);
    assert_eq!(world.left(CHICKEN).await, Some(0), "nothing has happened");
    let answer = add(OWNER, 1_000_001).await;
    assert_eq!((answer.status, answer.wrong_fields()), (StatusCode::UNPROCESSABLE_ENTITY, vec!["add"]));
    assert_eq!(add(STRANGER, 1).await.status, StatusCode::NOT_FOUND);

    let mut unlimited = chicken();
    unlimited["stock"] = json!(null);
    put(&world, OWNER, unlimited).await;
    let answer = add(OWNER, 1).await;
    assert_eq!((answer.status, answer.problem()), (StatusCode::CONFLICT, "stock_not_counted"));
    world.ask(OWNER, Method::DELETE, &self::path(), None).await;
    assert_eq!(add(OWNER, 1).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_was_sold_meanwhile_is_not_written_over() {
    let world = World::with_a_store().await;
    let put_seen = async |tag: &str, body: Value| world.ask_if(OWNER, Method::PUT, &path(), tag, Some(body)).await;
    let first = put(&world, OWNER, chicken()).await;
    let tag = first.tag.expect("a tag");
    world.handle(&tells::paid(order(1), &[(CHICKEN, 2)])).await;

    let mut more = chicken();
    more["stock"] = json!(20);
    let mut dearer = chicken();
    dearer["price_krw"] = json!(21_000);
    dearer.as_object_mut().expect("an object").remove("stock");
    let journal = world.told().await.len();
    for body in [more.clone(), dearer] {
        let answer = put_seen(&tag, body).await;
        assert_eq!((answer.status, answer.problem()), (StatusCode::PRECONDITION_FAILED, "stock_changed"));
        assert_eq!(answer.body["stock"], 3);
        assert_eq!(world.told().await.len(), journal, "nothing was written, of the menu neither");
    }
    let today = put_seen(&tag, more.clone()).await.tag.expect("today's tag");
    let answer = put_seen(&today, more.clone()).await;
    assert_eq!((answer.status, &answer.body["stock"]), (StatusCode::OK, &json!(20)));
    assert_eq!(put_seen("*", more.clone()).await.status, StatusCode::OK);
    assert_eq!(put_seen("\"something else\"", more.clone()).await.status, StatusCode::PRECONDITION_FAILED);
    assert_eq!(put(&world, OWNER, more).await.status, StatusCode::OK, "without a tag as ever");

    // Sent again because its answer was lost, it is not added twice.
    let tag = answer.tag.expect("a tag");
    let add = async || {
        let path = format!("{}/stock", path());
        world.ask_if(OWNER, Method::POST, &path, &tag, Some(json!({"add": 5}))).await
    };
    assert_eq!(add().await.body, json!({"stock": 25}));
    assert_eq!(add().await.status, StatusCode::PRECONDITION_FAILED);
    assert_eq!(world.left(CHICKEN).await, Some(25));
}

#[tokio::test]
async fn what_another_replica_sold_is_not_written_over() {
    let world = World::with_a_store().await;
    let tag = put(&world, OWNER, chicken()).await.tag.expect("a tag");
    // The first replica remembers the stock as it was before.
    let portions = crate::testing::portions(&[(CHICKEN, 2)]);
    let take = stock::Command::TakeStock { order_id: order(1), portions };
    world.replica().command::<Stock>(&Origin::none(), &STORE, take).await.expect("taken");
    for body in [json!({"name": "치킨", "price_krw": 1, "stock": 5}), json!({"name": "치킨", "price_krw": 1})] {
        let answer = world.ask_if(OWNER, Method::PUT, &path(), &tag, Some(body)).await;
        assert_eq!((answer.status, answer.problem()), (StatusCode::PRECONDITION_FAILED, "stock_changed"));
    }
    assert_eq!(world.left(CHICKEN).await, Some(3));
}

#[tokio::test]
async fn little_is_needed_for_an_item() {
    let world = World::with_a_store().await;
    let answer = put(&world, OWNER, json!({"name": "치킨무", "price_krw": 500})).await;
    let wished = json!({
        "item_id": CHICKEN, "name": "치킨무", "description": "", "price_krw": 500, "stock": null,
        "available": true, "options": [],
    });
    assert_eq!((answer.status, answer.body), (StatusCode::OK, wished));
}

#[tokio::test]
async fn an_item_goes_once() {
    let world = World::with_a_store().await;
    put(&world, OWNER, chicken()).await;
    let answer = world.ask(STRANGER, Method::DELETE, &path(), None).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    let answer = world.ask(OWNER, Method::DELETE, &path(), None).await;
    assert_eq!((answer.status, &answer.body), (StatusCode::NO_CONTENT, &Value::Null));
    assert!(answer.position.is_some());
    assert_eq!(world.left(CHICKEN).await, None);
    let answer = world.ask(OWNER, Method::DELETE, &path(), None).await;
    assert_eq!((answer.status, answer.problem()), (StatusCode::NOT_FOUND, "not_found"));
}

#[tokio::test]
async fn another_owners_menu_is_not_there() {
    let world = World::with_a_store().await;
    let answer = put(&world, STRANGER, chicken()).await;
    assert_eq!((answer.status, answer.problem()), (StatusCode::NOT_FOUND, "not_found"));
    let path = format!("/api/stores/{STORE}/menu/7");
    let answer = world.ask(OWNER, Method::PUT, &path, Some(chicken())).await;
    assert_eq!((answer.status, answer.problem()), (StatusCode::BAD_REQUEST, "malformed"));
}

#[tokio::test]
async fn a_full_menu_takes_no_more() {
    let world = World::with_a_store().await;
    for number in 0..200 {
        let path = format!("/api/stores/{STORE}/menu/00000000-0000-0000-0000-{number:012}");
        let answer = world.ask(OWNER, Method::PUT, &path, Some(json!({"name": "치킨무", "price_krw": 500}))).await;
        assert_eq!(answer.status, StatusCode::OK);
    }
    let answer = put(&world, OWNER, chicken()).await;
    assert_eq!((answer.status, answer.problem()), (StatusCode::CONFLICT, "menu_full"));
    assert_eq!(world.left(CHICKEN).await, None);
}

#[tokio::test]
async fn every_field_has_bounds() {
    let world = World::with_a_store().await;
    let choice = |name: &str| json!({"name": name, "price_krw": 0});
    let option =
        |choices: Value, min: u32, max: u32| json!([{"name": "맛", "choices": choices, "min": min, "max": max}]);
    let many = |count: usize| (0..count).map(|number| choice(&number.to_string())).collect::<Value>();
    let options = |count: usize| {
        let option = |number: usize| json!({"name": number.to_string(), "choices": many(1), "min": 0, "max": 1});
        (0..count).map(option).collect::<Value>()
    };
    let twice = json!([choice("매운맛"), choice(" 매운맛 ")]);
    let outside = [
        ("name", json!(""), "name"),
        ("name", json!("가".repeat(81)), "name"),
        ("description", json!("가".repeat(501)), "description"),
        ("price_krw", json!(100_000_001), "price_krw"),
        ("price_krw", json!(-1), "price_krw"),
        ("stock", json!(1_000_001), "stock"),
        ("stock", json!(-1), "stock"),
        ("stock", json!("many"), "stock"),
        ("available", json!(null), "available"),
        ("options", options(21), "options"),
        ("options", json!([option(many(1), 0, 1)[0], option(many(2), 0, 1)[0]]), "options"),
        ("options", option(json!([]), 0, 0), "options[0].choices"),
        ("options", option(many(51), 0, 1), "options[0].choices"),
        ("options", option(twice, 0, 1), "options[0].choices"),
        ("options", option(many(2), 2, 1), "options[0].min"),
        ("options", option(many(2), 0, 3), "options[0].max"),
        ("options", option(json!([choice("")]), 0, 1), "options[0].choices[0].name"),
        (
            "options",
            option(json!([{"name": "순살", "price_krw": 100_000_001}]), 0, 1),
            "options[0].choices[0].price_krw",
        ),
        ("options", json!([{"name": "맛", "choices": many(1), "min": 0}]), "options[0].max"),
    ];
    for (field, value, wrong) in outside {
        let mut body = chicken();
        body[field] = value.clone();
        let answer = put(&world, OWNER, body).await;
        assert_eq!((answer.status, answer.problem()), (StatusCode::UNPROCESSABLE_ENTITY, "invalid"), "{value}");
        assert!(answer.wrong_fields().contains(&wrong), "{wrong}: {:?}", answer.body);
    }
    let mut largest = chicken();
    (largest["options"], largest["stock"]) = (options(20), json!(1_000_000));
    assert_eq!(put(&world, OWNER, largest).await.status, StatusCode::OK);
}
