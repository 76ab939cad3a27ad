//! The front of a process without a gateway.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::{Json, Router};
use baedal_kit::database::memory::MemoryDatabase;
use baedal_kit::ids::SystemIds;
use baedal_kit::scenario::NOON;
use baedal_kit::time::ManualClock;
use baedal_kit_http::Module;
use baedal_kit_http::admin;
use baedal_kit_http::health::Check;
use baedal_kit_http::internal_api::InternalApi;
use baedal_kit_http::peers::{Fingerprint, GATEWAY, PeerSecret, Peers, Row, SECRET, Who};
use baedal_kit_http::upstream::Upstream;
use baedal_kit_runtime::JournalBus;
use baedal_kit_runtime::Service;
use baedal_kit_runtime::lifecycle::Lifecycle;
use futures::FutureExt;
use http::StatusCode;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::world::{Replica, post, send};

const ENTRY: &str = "sesame-sesame-sesame-sesame-sesame";
const STORE: &str = "store-store-store-store-store-store";
const STRANGER: &str = "stranger-stranger-stranger-stranger";
const TABLE: &[Row] = &[
    Row { who: Who::Is(GATEWAY), of: Who::Any, method: None, path: None },
    Row { who: Who::Any, of: Who::Any, method: None, path: Some("/internal/replica") },
];

fn peers() -> Peers {
    let known = [(GATEWAY, ENTRY), ("store", STORE)];
    let known = known.map(|(name, secret)| (name.to_owned(), vec![Fingerprint::of(secret).to_string()]));
    Peers::new(&known.into(), TABLE).expect("fingerprints")
}

/// A context that says who it is and which headers it got, started.
async fn context(name: &'static str, lifecycle: &Lifecycle) -> (Service, Router) {
    let routes = Router::new().route(
        "/api/orders",
        axum::routing::any(move |request: Request| async move {
            let headers: Vec<_> = request.headers().keys().map(ToString::to_string).collect();
            Json(json!({"context": name, "headers": headers}))
        }),
    );
    let database = Arc::new(MemoryDatabase::default());
    let clock = Arc::new(ManualClock::at(NOON));
    let bus = Arc::new(JournalBus::default());
    let service = Service::new(name, database, bus, clock, Arc::new(SystemIds), lifecycle.clone());
    let module =
        Module { service: service.clone(), routes, policies: Vec::new(), projections: Vec::new(), jobs: Vec::new() };
    match module.start().await {
        Ok(router) => (service, router),
        Err(failure) => panic!("{}", failure.report()),
    }
}

async fn front(names: &[&'static str], wrong: Option<(&'static str, bool)>) -> (Router, Lifecycle) {
    let (router, _, lifecycle) = opened(names, wrong).await;
    (router, lifecycle)
}

/// The front, and what operators see of it.
async fn opened(names: &[&'static str], wrong: Option<(&'static str, bool)>) -> (Router, Router, Lifecycle) {
    let lifecycle = Lifecycle::default();
    let mut contexts = Vec::new();
    for name in names {
        contexts.push(context(name, &lifecycle).await);
    }
    let checks = wrong.map(|(name, needed)| Check {
        name: name.to_owned(),
        needed,
        look: Arc::new(|| async { Err("it is on fire".to_owned()) }.boxed()),
    });
    let front =
        InternalApi { contexts, checks: checks.into_iter().collect(), peers: peers(), lifecycle: lifecycle.clone() };
    let (router, readiness) = front.open();
    (router, admin::router(readiness, Arc::new(|| "baedal_up 1\n".to_owned())), lifecycle)
}

async fn ask(router: &Router, path: &str, secret: Option<&str>) -> (StatusCode, Value) {
    let mut request = Request::get(path);
    if let Some(secret) = secret {
        request = request.header(SECRET, secret);
    }
    let request = request.body(Body::empty()).expect("a request");
    let response = router.clone().oneshot(request).await.expect("an answer");
    let status = response.status();
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

#[tokio::test]
async fn only_peers_are_let_in_and_the_context_does_not_see_how() {
    let (router, _) = front(&["order"], None).await;
    for wrong in [None, Some(STRANGER), Some("")] {
        let (status, body) = ask(&router, "/api/orders", wrong).await;
        assert_eq!((status, &body["type"]), (StatusCode::UNAUTHORIZED, &json!("/problems/not_a_peer")));
        assert_eq!(ask(&router, "/internal/health", wrong).await.0, StatusCode::UNAUTHORIZED);
        assert_eq!(ask(&router, "/nowhere", wrong).await.0, StatusCode::UNAUTHORIZED);
    }
    let (status, body) = ask(&router, "/api/orders", Some(ENTRY)).await;
    assert_eq!((status, body), (StatusCode::OK, json!({"context": "order", "headers": []})));
    assert_eq!(ask(&router, "/nowhere", Some(ENTRY)).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_known_process_asks_only_what_it_may() {
    let (router, _) = front(&["order"], None).await;
    let (status, body) = ask(&router, "/api/orders", Some(STORE)).await;
    assert_eq!((status, &body["type"]), (StatusCode::FORBIDDEN, &json!("/problems/not_for_this_peer")));
    assert_eq!(ask(&router, "/internal/health", Some(ENTRY)).await.0, StatusCode::FORBIDDEN, "not in the table");
}

#[tokio::test]
async fn everybody_is_told_a_status_and_operators_the_rest() {
    let (router, operators, lifecycle) = opened(&["order"], None).await;
    let status = |status: &str| json!({"status": status});
    assert_eq!(ask(&router, "/health/live", None).await.0, StatusCode::OK);
    assert_eq!(ask(&router, "/health/ready", None).await, (StatusCode::OK, status("ready")));
    assert_eq!(ask(&router, "/metrics", None).await.0, StatusCode::UNAUTHORIZED);
    for path in ["/health/live", "/health/ready", "/metrics"] {
        assert_eq!(ask(&operators, path, None).await.0, StatusCode::OK, "{path}");
    }
    assert_eq!(ask(&operators, "/health/ready", None).await.1["dependencies"]["order"]["ready"], true);
    lifecycle.drain();
    assert_eq!(ask(&router, "/health/ready", None).await, (StatusCode::SERVICE_UNAVAILABLE, status("draining")));
    assert_eq!(ask(&operators, "/health/ready", None).await.1["status"], "draining");
    assert_eq!(ask(&router, "/health/live", None).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_replica_tells_its_peers_alone_whether_it_wants_requests_and_what_it_hears() {
    let (router, lifecycle) = front(&["order"], None).await;
    assert_eq!(ask(&router, "/internal/replica", Some(STRANGER)).await.0, StatusCode::UNAUTHORIZED);
    let (status, body) = ask(&router, "/internal/replica", Some(STORE)).await;
    assert_eq!((status, &body["shards"]["of"]), (StatusCode::OK, &json!(1)));
    lifecycle.drain();
    assert_eq!(ask(&router, "/internal/replica", Some(STORE)).await.0, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn what_is_away_is_told_and_counts_where_it_is_needed() {
    for (needed, status) in [(false, StatusCode::OK), (true, StatusCode::SERVICE_UNAVAILABLE)] {
        let (router, operators, _) = opened(&["order", "payment"], Some(("bus", needed))).await;
        let (found, body) = ask(&operators, "/health/ready", None).await;
        assert_eq!(found, status);
        assert_eq!(ask(&router, "/health/ready", None).await.0, status);
        let bus = json!({"ready": false, "needed": needed, "wrong": "it is on fire"});
        assert_eq!(body["dependencies"]["bus"], bus);
        for context in ["order", "payment"] {
            assert_eq!(body["dependencies"][context]["ready"], true);
            assert_eq!(body["dependencies"][context]["database"], "ok");
        }
    }
}

#[tokio::test]
async fn a_peer_reaches_the_context_it_means_in_a_process_of_several() {
    let (router, lifecycle) = front(&["order", "payment"], None).await;
    let replica = Replica::serving(router.clone()).await;
    let remote = |context, secret: &str| {
        let secret = PeerSecret::new(&secret.into()).expect("a secret");
        Upstream::remote(context, &[format!("http://{}", replica.address)], &secret, None, &lifecycle)
            .expect("an address")
    };
    for context in ["order", "payment"] {
        let answer = send(&remote(context, ENTRY), post("")).await;
        assert!(answer.text.contains(&format!("{{\"context\":\"{context}\"")), "{}", answer.text);
        assert!(!answer.text.contains(SECRET));
    }
    assert_eq!(send(&remote("order", STRANGER), post("")).await.kind(), "not_a_peer");
    assert_eq!(send(&remote("store", ENTRY), post("")).await.kind(), "unavailable");
    // Who does not say which of them is meant is not understood.
    assert_eq!(ask(&router, "/api/orders", Some(ENTRY)).await.0, StatusCode::SERVICE_UNAVAILABLE);
}
