//! Text that people type, field by field.

use baedal_contracts::AccountId;
use baedal_contracts::identity::Role;
use http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::given::*;
use crate::placing::{body, place};
use crate::world::{Answer, World};

/// What is typed or pasted into a field: what the order holds afterwards, or how it is refused.
type Typed = (&'static str, &'static str, &'static str, Result<&'static str, &'static str>);

const PLACE: &str = "POST /api/orders";
const CHANGE: &str = "PUT /api/orders/{order_id}";
const CANCEL: &str = "POST /api/orders/{order_id}/cancel";
const REFUND: &str = "POST /api/orders/{order_id}/refund";

const OPTION: &str = "items[].options[].name";
const CHOICE: &str = "items[].options[].choice";
const ADDRESS: &str = "deliver_to.address";

const INVISIBLE: Result<&str, &str> = Err("must hold something that can be seen");
const CONTROL: Result<&str, &str> = Err("must not hold control characters, as U+0000");

const TYPED: [Typed; 29] = [
    // The menu has `맛 선택` and `매운맛`.
    (PLACE, OPTION, "\u{1106}\u{1161}\u{11BA} 선택", Ok("맛 선택")),
    (PLACE, OPTION, " 맛\u{A0}선택\u{200B}", Ok("맛 선택")),
    (PLACE, OPTION, "\u{3164}", INVISIBLE),
    (PLACE, CHOICE, "\u{1106}\u{1162}운\u{1106}\u{1161}\u{11BA}", Ok("매운맛")),
    (PLACE, CHOICE, "매운맛\u{FEFF}\n", Ok("매운맛")),
    (PLACE, CHOICE, "매운맛\u{0}", CONTROL),
    (PLACE, ADDRESS, "서울 마포구\r\n양화로\u{3000}160\u{202C}", Ok("서울 마포구 양화로 160")),
    (PLACE, ADDRESS, "\u{1109}\u{1165}\u{110B}\u{116E}\u{11AF} 마포구", Ok("서울 마포구")),
    (PLACE, ADDRESS, "\u{200B}\u{3164}", INVISIBLE),
    (
        PLACE,
        "note",
        " 문 앞에\r\n👨\u{200D}👩\u{200D}👧 벨 \u{202E}누르지 마세요❤️\n",
        Ok("문 앞에\n👨\u{200D}👩\u{200D}👧 벨 누르지 마세요❤️"),
    ),
    (PLACE, "note", "\u{3164}", Ok("")),
    (PLACE, "note", "문\u{0}", CONTROL),
    (CHANGE, OPTION, "맛\u{2009}\u{200D}선택", Ok("맛 선택")),
    (CHANGE, OPTION, "\u{2800}", INVISIBLE),
    (CHANGE, CHOICE, "매\u{AD}운맛", Ok("매운맛")),
    (CHANGE, CHOICE, "\u{115F}\u{1160}", INVISIBLE),
    (CHANGE, ADDRESS, "\u{2067}서울\t마포구\u{2069}", Ok("서울 마포구")),
    (CHANGE, ADDRESS, "서울\u{0}", CONTROL),
    (CHANGE, "note", "1층\n\n\n\n2층", Ok("1층\n\n2층")),
    (CHANGE, "note", "\u{1B}[31m", Err("must not hold control characters, as U+001B")),
    (CANCEL, "reason", " 주소를\u{200B} 잘못\r\n적었어요\u{A0}", Ok("주소를 잘못\n적었어요")),
    (CANCEL, "reason", "\u{110C}\u{116E}소", Ok("주소")),
    (CANCEL, "reason", "\u{3164}", Ok("")),
    (CANCEL, "reason", "주소\u{0}", CONTROL),
    (REFUND, "reason", " 콜라가\u{200B}\r\n빠졌어요 ", Ok("콜라가\n빠졌어요")),
    (REFUND, "reason", "\u{3164}", INVISIBLE),
    (REFUND, "reason", "콜라\u{0}", CONTROL),
    (PLACE, ADDRESS, "\u{301}", INVISIBLE),
    (CHANGE, "note", "\u{8}문 앞", Ok("문 앞")),
];

/// The field at a path, in which `[]` is the first of a list.
fn pointer(field: &str) -> String {
    format!("/{}", field.replace("[]", "/0").replace('.', "/"))
}

/// Sends a body in which a field is as it was typed. Gives back the answer, and what the order holds then.
async fn send(operation: &str, field: &str, typed: &str) -> (Answer, Value) {
    let world = World::begin().await;
    // Declined, so that it can be changed and canceled at once.
    let mut body = body(2, "decline");
    if operation == PLACE {
        *body.pointer_mut(&pointer(field)).unwrap() = json!(typed);
        let answer = place(&world, "a", body).await;
        let shown = if answer.status.is_success() { held(&world, &answer).await } else { Value::Null };
        return (answer, shown);
    }
    if operation == REFUND {
        let placed = place(&world, "a", self::body(2, "approve")).await;
        let path = format!("/api/orders/{}/refund", placed.order_id());
        let asked = json!({"amount_krw": 1_000, "fault": "store", (field): typed});
        let answer = world.ask((Role::Operator, AccountId(Uuid::nil())), ("POST", &path), Some("b"), Some(asked)).await;
        let history = serde_json::to_value(world.history(placed.order_id()).await).unwrap();
        let shown = history.as_array().unwrap().last().unwrap()["RefundGranted"]["reason"].clone();
        return (answer, json!({"reason": shown}));
    }
    let placed = place(&world, "a", body.clone()).await;
    let path = format!("/api/orders/{}", placed.order_id());
    if operation == CANCEL {
        let answer = world.customer("POST", &format!("{path}/cancel"), Some(json!({(field): typed}))).await;
        let history = serde_json::to_value(world.history(placed.order_id()).await).unwrap();
        let shown = history.as_array().unwrap().last().unwrap()["OrderCanceled"]["text"].clone();
        return (answer, json!({"reason": shown}));
    }
    assert_eq!(operation, CHANGE);
    let mut wish = json!({"items": body["items"].take(), "deliver_to": body["deliver_to"].take(), "note": ""});
    wish["items"][0]["quantity"] = json!(3);
    *wish.pointer_mut(&pointer(field)).unwrap() = json!(typed);
    let answer = world.customer("PUT", &path, Some(wish)).await;
    let shown = held(&world, &placed).await;
    (answer, shown)
}

/// What an order holds.
async fn held(world: &World, answer: &Answer) -> Value {
    let order = world.service.look::<baedal_order::domain::Order>(&answer.order_id()).await.unwrap();
    serde_json::to_value(&order.placed().unwrap().basket).unwrap()
}

#[tokio::test]
async fn text_that_customers_type_is_normalized_in_every_field() {
    for (operation, field, typed, wished) in TYPED {
        let (answer, shown) = send(operation, field, typed).await;
        match wished {
            Ok(wished) => {
                assert!(answer.status.is_success(), "{operation} {field} {typed:?}: {answer:?}");
                assert_eq!(shown.pointer(&pointer(field)), Some(&json!(wished)), "{operation} {field} {typed:?}");
            }
            Err(message) => {
                assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{operation} {field} {typed:?}");
                let errors = json!([{"field": field.replace("[]", "[0]"), "message": message}]);
                assert_eq!(answer.body["errors"], errors, "{operation} {field} {typed:?}");
            }
        }
    }
}

#[test]
fn every_field_that_people_type_into_is_among_those() {
    let document = serde_json::to_value(baedal_order::described().document).unwrap();
    let rows = TYPED.iter().map(|(operation, field, ..)| (*operation, *field));
    baedal_text::testing::assert_every_field_has_a_row(&document, rows);
}

#[tokio::test]
async fn the_same_wish_typed_otherwise_is_the_same_request() {
    let world = World::begin().await;
    let mut typed = body(2, "approve");
    typed["note"] = json!("문 앞");
    let mut otherwise = typed.clone();
    otherwise["note"] = json!("\u{1106}\u{116E}\u{11AB}\u{A0}앞\u{200B} ");
    otherwise["items"][0]["options"][0]["choice"] = json!("매운\u{1106}\u{1161}\u{11BA}");
    let first = place(&world, "a", typed).await;
    let again = place(&world, "a", otherwise).await;
    assert_eq!((again.status, again.order_id()), (StatusCode::CREATED, first.order_id()));
}

#[tokio::test]
async fn an_operator_must_say_why_in_words_that_can_be_seen() {
    let world = World::begin().await;
    let path = format!("/api/orders/{}/cancel", place(&world, "a", body(2, "approve")).await.order_id());
    let reason = json!({"reason": "\u{3164}\u{200B}", "fault": "platform"});
    let answer = world.ask((Role::Operator, STRANGER), ("POST", &path), None, Some(reason)).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(answer.body["errors"], json!([{"field": "reason", "message": "an operator must say why"}]));
}
