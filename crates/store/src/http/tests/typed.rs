//! Text that people type, field by field.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::testing::{Answer, CHICKEN, OWNER, STORE, World, order, tells};

/// What is typed or pasted into a field: what is answered afterwards, or how it is refused.
type Typed = (&'static str, &'static str, &'static str, Result<&'static str, &'static str>);

const REGISTER: &str = "POST /api/stores";
const CHANGE: &str = "PATCH /api/stores/{store_id}";
const PUT: &str = "PUT /api/stores/{store_id}/menu/{item_id}";
const REJECT: &str = "POST /api/tickets/{order_id}/reject";

const INVISIBLE: Result<&str, &str> = Err("must hold something that can be seen");
const CONTROL: Result<&str, &str> = Err("must not hold control characters, as U+0000");

const TYPED: [Typed; 28] = [
    (REGISTER, "name", " 봉구네\u{200B}\u{3000} 통닭 ", Ok("봉구네 통닭")),
    (REGISTER, "name", "\u{3164}", INVISIBLE),
    (REGISTER, "name", "봉구네\u{0}", CONTROL),
    (REGISTER, "address", "서울 마포구\n포은로\u{A0}95", Ok("서울 마포구 포은로 95")),
    (REGISTER, "address", "\u{200B}\u{2800}", INVISIBLE),
    (REGISTER, "thanks_message", "고맙습니다!\r\n\r\n또 오세요 ❤️ ", Ok("고맙습니다!\n\n또 오세요 ❤️")),
    (REGISTER, "thanks_message", "\u{FFA0}\n", INVISIBLE),
    (CHANGE, "name", "\u{1107}\u{1169}\u{11BC}구네", Ok("봉구네")),
    (CHANGE, "name", "\u{115F}\u{1160}", INVISIBLE),
    (CHANGE, "address", "서울\t마포구 \u{202E}포은로 95", Ok("서울 마포구 포은로 95")),
    (CHANGE, "address", "서울\u{0}", CONTROL),
    (CHANGE, "thanks_message", "\u{FEFF}또 오세요\u{2028}봉구", Ok("또 오세요\n봉구")),
    (CHANGE, "thanks_message", " \u{3164} ", INVISIBLE),
    (PUT, "name", "후라이드\u{AD} \u{2009}치킨 🍗\u{FE0F}", Ok("후라이드 치킨 🍗")),
    (PUT, "name", "\u{2800}", INVISIBLE),
    (PUT, "description", "바삭해요\r\n👨\u{200D}👩\u{200D}👧 3~4인분", Ok("바삭해요\n👨\u{200D}👩\u{200D}👧 3~4인분")),
    (PUT, "description", "\u{3164}", Ok("")),
    (PUT, "description", "바삭\u{0}", CONTROL),
    (PUT, "options[].name", "\u{1106}\u{1161}\u{11BA}\u{A0}선택", Ok("맛 선택")),
    (PUT, "options[].name", "\u{200B}", INVISIBLE),
    (PUT, "options[].choices[].name", " 매운맛\u{200D} 🌶️", Ok("매운맛 🌶️")),
    (PUT, "options[].choices[].name", "\u{3164}", INVISIBLE),
    (REJECT, "text", "기름이\u{200B} 떨어졌어요\r\n죄송합니다\u{A0}", Ok("기름이 떨어졌어요\n죄송합니다")),
    (REJECT, "text", "기\u{8}름이 떨어졌어요", Ok("기름이 떨어졌어요")),
    (REJECT, "text", "\u{3164}", Err("must say why, where the reason is `other`")),
    (REJECT, "text", "\u{200B}\u{2800}", Err("must say why, where the reason is `other`")),
    (REJECT, "text", "기름\u{0}", CONTROL),
    (REJECT, "text", "\u{1B}[2J", Err("must not hold control characters, as U+001B")),
];

fn register() -> Value {
    json!({
        "name": "봉구네", "address": "서울 마포구 포은로 95", "location": {"lat": 37.5555, "lng": 126.9049},
        "min_order_krw": 17_000, "delivery_radius_m": 3_000, "delivery_fee_krw": 2_000, "thanks_message": "고맙습니다!",
    })
}

/// The field at a path, in which `[]` is the first of a list.
fn pointer(field: &str) -> String {
    format!("/{}", field.replace("[]", "/0").replace('.', "/"))
}

/// Sends a body in which a field is as it was typed. Gives back the answer, and what holds that field then.
async fn send(operation: &str, field: &str, typed: &str) -> (Answer, Value) {
    let world = World::with_a_store().await;
    let (method, path, mut body) = match operation {
        REGISTER => (Method::POST, "/api/stores".to_owned(), register()),
        CHANGE => (Method::PATCH, format!("/api/stores/{STORE}"), json!({(field): ""})),
        PUT => {
            let choice = json!({"name": "순한맛", "price_krw": 0});
            let option = json!({"name": "맛", "choices": [choice], "min": 0, "max": 1});
            let body = json!({"name": "치킨", "description": "", "price_krw": 1, "options": [option]});
            (Method::PUT, format!("/api/stores/{STORE}/menu/{CHICKEN}"), body)
        }
        REJECT => {
            world.handle(&tells::paid(order(1), &[(CHICKEN, 2)])).await;
            let body = json!({"reason": "other", "text": ""});
            (Method::POST, format!("/api/tickets/{}/reject", order(1)), body)
        }
        other => panic!("no such operation: {other}"),
    };
    *body.pointer_mut(&pointer(field)).expect("the field") = json!(typed);
    let answer = world.ask(OWNER, method, &path, Some(body)).await;
    let shown = match operation {
        REGISTER if answer.status == StatusCode::CREATED => {
            let path = format!("/api/stores/{}", answer.body["store_id"].as_str().expect("an id"));
            world.ask(OWNER, Method::PATCH, &path, Some(json!({}))).await.body
        }
        REJECT => answer.body["rejected"].clone(),
        _ => answer.body.clone(),
    };
    (answer, shown)
}

#[tokio::test]
async fn text_that_owners_type_is_normalized_in_every_field() {
    for (operation, field, typed, wished) in TYPED {
        let (answer, shown) = send(operation, field, typed).await;
        match wished {
            Ok(wished) => {
                assert!(answer.status.is_success(), "{operation} {field} {typed:?}: {:?}", answer.body);
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
    let document = serde_json::to_value(crate::described().document).expect("a document");
    let rows = TYPED.iter().map(|(operation, field, ..)| (*operation, *field));
    baedal_text::testing::assert_every_field_has_a_row(&document, rows);
}

#[tokio::test]
async fn what_looks_the_same_is_the_same_name() {
    let choice = |name: &str| json!({"name": name, "price_krw": 0});
    let choices = json!([choice("\u{1106}\u{1161}\u{11BA}있는 맛"), choice("맛있는\u{A0}맛\u{200B}")]);
    let world = World::with_a_store().await;
    let body =
        json!({"name": "치킨", "price_krw": 1, "options": [{"name": "맛", "choices": choices, "min": 0, "max": 1}]});
    let answer = world.ask(OWNER, Method::PUT, &format!("/api/stores/{STORE}/menu/{CHICKEN}"), Some(body)).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(answer.wrong_fields(), ["options[0].choices"]);
}
