//! Every route goes to its context, by its method, and nothing else goes anywhere.

use std::collections::HashMap;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use baedal_contracts::identity::Role;
use baedal_contracts::source::{ORDER, PAYMENT, TRACKING};
use baedal_gateway::routes::{Access, GATEWAY};
use baedal_gateway::table;
use baedal_kit_http::Caller;
use baedal_kit_http::trace::is_traceparent;
use baedal_kit_http::upstream::Upstream;
use http::{Method, StatusCode, header};
use serde_json::json;
use uuid::Uuid;

use super::world::{HERE, World, account_of, claims, request};

const ROLES: [Role; 4] = [Role::Customer, Role::Owner, Role::Rider, Role::Operator];

/// A path with something in the place of its parameters.
fn filled(template: &str) -> String {
    let parts = template
        .split('/')
        .map(|part| if part.starts_with('{') { "0198c1f2-7c1e-7000-8000-000000000000" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

#[tokio::test]
async fn the_whole_table_for_every_role() {
    let world = World::new();
    let tokens: HashMap<_, _> = ROLES.iter().map(|role| (role, world.key.token(*role))).collect();
    for route in table().iter().filter(|route| route.context != GATEWAY) {
        let path = filled(route.path);
        let told = format!("{} {path}", route.method);
        let anonymous = world.call(route.method.clone(), &path, None).await;
        let open = matches!(route.access, Access::Open | Access::Public);
        assert_eq!(anonymous.status, if open { StatusCode::OK } else { StatusCode::UNAUTHORIZED }, "{told}");
        for role in &ROLES {
            let answer = world.call(route.method.clone(), &path, Some(&tokens[role])).await;
            let allowed = match route.access {
                Access::Roles(roles) => roles.contains(role),
                Access::Open | Access::Public | Access::SignedIn => true,
            };
            assert_eq!(answer.status, if allowed { StatusCode::OK } else { StatusCode::FORBIDDEN }, "{told} as {role}");
            if allowed && answer.body.get("keys").is_none() {
                assert_eq!(answer.body["context"], route.context, "{told}");
                assert_eq!(answer.body["uri"], path);
            }
        }
    }
}

#[tokio::test]
async fn what_is_not_in_the_table_is_nowhere() {
    let world = World::new();
    for path in [
        "/api",
        "/api/nowhere",
        "/internal/health",
        "/internal/payments/x",
        "/api/orders/",
        "//",
        "/api/orders/%2e%2e/x/y",
    ] {
        let answer = world.get_as(Role::Operator, path).await;
        assert_eq!((answer.status, answer.kind()), (StatusCode::NOT_FOUND, "not_found"), "{path}");
        assert_eq!(answer.headers[header::CONTENT_TYPE], "application/problem+json");
    }
}

#[tokio::test]
async fn another_method_is_told_which_there_are() {
    let world = World::new();
    for (method, path, allowed) in [
        (Method::DELETE, "/api/orders", "POST, GET, HEAD"),
        (Method::GET, "/api/token", "POST"),
        (Method::OPTIONS, "/api/me", "GET, HEAD"),
        (Method::TRACE, "/", "GET, HEAD"),
        (Method::from_bytes(b"BREW").expect("a method"), "/api/me", "GET, HEAD"),
    ] {
        let answer = world.call(method, path, None).await;
        assert_eq!((answer.status, answer.kind()), (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"), "{path}");
        assert_eq!(answer.headers[header::ALLOW], allowed);
    }
    assert_eq!(world.call(Method::HEAD, "/api/stores?lat=1", None).await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_context_is_told_who_asks_by_the_gateway_alone() {
    let world = World::new();
    let claims = claims(Role::Customer);
    let caller = Caller { account_id: account_of(&claims), role: Role::Customer };
    let forged = format!("operator:{}", Uuid::nil());
    let mut asked = request(Method::GET, "/api/orders?limit=5&after=%2F", Some(&world.key.sign(&claims)));
    for (name, value) in
        [("baedal-caller", forged.as_str()), ("baedal-client", "127.0.0.1"), ("baedal-position", "order:7")]
    {
        asked.headers_mut().insert(name, value.parse().expect("a value"));
    }
    let echo = world.send(asked).await.body;
    assert_eq!(echo["headers"]["baedal-caller"], caller.to_header().to_str().expect("ASCII"));
    assert_eq!(echo["headers"]["baedal-client"], HERE);
    assert_eq!(echo["headers"]["baedal-position"], "order:7");
    assert!(echo["headers"].get("authorization").is_none());
    assert_eq!(echo["uri"], "/api/orders?limit=5&after=%2F");

    let mut anonymous = request(Method::GET, "/api/stores", None);
    anonymous.headers_mut().insert("baedal-caller", forged.parse().expect("a value"));
    assert!(world.send(anonymous).await.body["headers"].get("baedal-caller").is_none());

    let mut operator = request(Method::GET, "/api/operations/stuck", None);
    operator.headers_mut().insert("baedal-caller", forged.parse().expect("a value"));
    assert_eq!(world.send(operator).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn bodies_go_through_and_answers_come_back_as_they_are() {
    let answered = Router::new().fallback(async |body: String| {
        let headers = [
            ("baedal-position", "order:7"),
            ("retry-after", "9"),
            ("connection", "close"),
            ("cache-control", "private"),
        ];
        (StatusCode::ACCEPTED, headers, body.to_uppercase())
    });
    let world = World::with(|_| {}, |contexts| drop(contexts.insert(ORDER, Upstream::local(answered))));
    let token = world.key.token(Role::Customer);
    let mut asked = request(Method::POST, "/api/orders", Some(&token));
    *asked.body_mut() = Body::from("치킨 and beer");
    let answer = world.send(asked).await;
    assert_eq!((answer.status, answer.text.as_str()), (StatusCode::ACCEPTED, "치킨 AND BEER"));
    assert_eq!(answer.headers["baedal-position"], "order:7");
    assert_eq!(answer.headers["retry-after"], "9");
    assert_eq!(answer.headers["cache-control"], "private");
    assert!(!answer.headers.contains_key(header::CONNECTION));
}

#[tokio::test]
async fn every_answer_can_be_quoted() {
    let world = World::new();
    let made = world.get("/api/stores").await;
    let trace = made.headers["traceparent"].to_str().expect("ASCII");
    assert!(is_traceparent(trace));
    assert_eq!(made.body["headers"]["traceparent"], trace);
    assert_eq!(made.headers[header::CACHE_CONTROL], "no-store");
    assert_eq!(made.headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");

    let mine = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    for (sent, kept) in [(mine, true), ("00-nonsense", false)] {
        let asked = Request::get("/api/nowhere").header("traceparent", sent).body(Body::empty()).expect("a request");
        let answer = world.send(asked).await;
        assert_eq!(answer.headers["traceparent"] == sent, kept);
    }
}

#[tokio::test]
async fn a_panic_is_an_answer_too() {
    let panics = Router::new().fallback(async || -> StatusCode { panic!("a defect, made on purpose") });
    let world = World::with(|_| {}, |contexts| drop(contexts.insert(TRACKING, Upstream::local(panics))));
    let answer = world.get("/api/stores").await;
    assert_eq!((answer.status, answer.kind()), (StatusCode::INTERNAL_SERVER_ERROR, "internal"));
    assert!(answer.headers.contains_key("traceparent"));
    assert!(!answer.text.contains("purpose"), "what broke is not told outside");
}

#[tokio::test]
async fn a_context_that_is_not_here_is_away() {
    let world = World::with(|_| {}, |contexts| drop(contexts.remove(PAYMENT).and(contexts.remove(ORDER))));
    let answer = world.post_as(Role::Customer, "/api/orders").await;
    assert_eq!((answer.status, answer.kind()), (StatusCode::SERVICE_UNAVAILABLE, "unavailable"));
    assert!(answer.headers.contains_key(header::RETRY_AFTER));
    assert_eq!(answer.body["errors"], json!(null));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_does_not_come_is_not_waited_for() {
    let never = Router::new().fallback(async || -> StatusCode { std::future::pending().await });
    let world = World::with(|_| {}, |contexts| drop(contexts.insert(TRACKING, Upstream::local(never))));
    let answer = world.get("/api/stores").await;
    assert_eq!((answer.status, answer.kind()), (StatusCode::GATEWAY_TIMEOUT, "timed_out"));
}
