//! The client against a platform that is no more than it has to be.
#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use baedal_client::{Client, Error, retrying};
use baedal_contracts::OrderId;
use futures::stream;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde_json::{Value, json};
use uuid::Uuid;

const ORDER: OrderId = OrderId(Uuid::from_u128(7));

/// What the platform counts, and how it is to behave.
#[derive(Default)]
struct Platform {
    /// The number in the token that is good now; every sign-in and refresh gives the next one.
    token: AtomicU64,
    sign_ins: AtomicU64,
    refreshes: AtomicU64,
    refusals: AtomicU64,
    /// How long it says that tokens live, in seconds.
    lives: AtomicU64,
    /// The access token of this number is no longer good, though it can be refreshed.
    forgotten: AtomicU64,
    /// So many requests are put off.
    put_off: AtomicU64,
    streams: AtomicU64,
    /// Position 42 is no more.
    restored: AtomicBool,
}

type Shared = State<Arc<Platform>>;

async fn serve(platform: Arc<Platform>) -> Client {
    let router = Router::new()
        .route("/api/token", post(sign_in))
        .route("/api/token/refresh", post(refresh))
        .route("/api/me", get(me))
        .route("/api/orders/{order}", get(order))
        .route("/api/orders/{order}/confirm", post(confirm))
        .route("/api/orders/{order}/live", get(live))
        .route("/api/riders/me", axum::routing::put(put_off))
        .route("/echo", post(echo))
        .with_state(platform);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, router).await });
    Client::new(format!("http://{address}/"))
}

fn problem(status: StatusCode, name: &str) -> Response {
    let body = json!({
        "type": format!("/problems/{name}"), "title": name, "status": status.as_u16(), "detail": "so it is",
        "errors": [{ "field": "items[0]", "message": "is wrong" }], "unknown": 1,
    });
    (status, [(header::CONTENT_TYPE, "application/problem+json")], Json(body)).into_response()
}

fn pair(platform: &Platform) -> Response {
    let token = platform.token.fetch_add(1, Ordering::SeqCst) + 1;
    let lives = platform.lives.load(Ordering::SeqCst);
    let pair = json!({ "access_token": format!("t{token}"), "token_type": "Bearer", "expires_in": lives, "refresh_token": format!("r{token}") });
    Json(pair).into_response()
}

async fn sign_in(State(platform): Shared, Json(body): Json<Value>) -> Response {
    if body["password"] != "correct horse" {
        return problem(StatusCode::UNAUTHORIZED, "wrong_credentials");
    }
    platform.sign_ins.fetch_add(1, Ordering::SeqCst);
    pair(&platform)
}

async fn refresh(State(platform): Shared, Json(body): Json<Value>) -> Response {
    platform.refreshes.fetch_add(1, Ordering::SeqCst);
    if body["refresh_token"] != format!("r{}", platform.token.load(Ordering::SeqCst)) {
        return problem(StatusCode::UNAUTHORIZED, "refresh_token_refused");
    }
    pair(&platform)
}

fn is_signed_in(platform: &Platform, headers: &HeaderMap) -> bool {
    let token = platform.token.load(Ordering::SeqCst);
    if token == platform.forgotten.load(Ordering::SeqCst) {
        return false;
    }
    let good = format!("Bearer t{token}");
    let is_good = headers.get(header::AUTHORIZATION).is_some_and(|value| *value == *good);
    platform.refusals.fetch_add(u64::from(!is_good), Ordering::SeqCst);
    is_good
}

async fn me(State(platform): Shared, headers: HeaderMap) -> Response {
    if !is_signed_in(&platform, &headers) {
        return problem(StatusCode::UNAUTHORIZED, "unauthenticated");
    }
    Json(json!({ "account_id": Uuid::nil(), "role": "customer", "name": "김하늘", "phone": "01012345678" }))
        .into_response()
}

/// Shows the position that was asked for as the order's number.
async fn order(State(platform): Shared, Path(order): Path<Uuid>, headers: HeaderMap) -> Response {
    if !is_signed_in(&platform, &headers) {
        return problem(StatusCode::UNAUTHORIZED, "unauthenticated");
    }
    if order != ORDER.0 {
        return problem(StatusCode::NOT_FOUND, "not_found");
    }
    let position = headers.get("baedal-position").map_or("", |value| value.to_str().expect("text"));
    if position == "order:42" && platform.restored.load(Ordering::SeqCst) {
        return problem(StatusCode::UNPROCESSABLE_ENTITY, "position_ahead");
    }
    Json(json!({
        "order_id": order, "order_no": position, "status": "paid", "pending": null, "total_krw": 18_500, "new": [1],
    }))
    .into_response()
}

async fn confirm(State(platform): Shared, headers: HeaderMap) -> Response {
    if !is_signed_in(&platform, &headers) {
        return problem(StatusCode::UNAUTHORIZED, "unauthenticated");
    }
    let answer = json!({ "order_id": ORDER, "order_no": "", "status": "completed", "total_krw": 18_500 });
    ([("baedal-position", "order:42")], Json(answer)).into_response()
}

/// Every stream shows one frame more than was seen and then ends, as servers do that are replaced.
async fn live(State(platform): Shared, headers: HeaderMap) -> Response {
    if !is_signed_in(&platform, &headers) {
        return problem(StatusCode::UNAUTHORIZED, "unauthenticated");
    }
    if platform.streams.fetch_add(1, Ordering::SeqCst) == 1 {
        return problem(StatusCode::SERVICE_UNAVAILABLE, "unavailable");
    }
    let seen: u64 = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok()).unwrap_or(0);
    let frame = Event::default().id((seen + 1).to_string()).data(format!("{{\"n\":{}}}", seen + 1));
    let goodbye = Event::default().event("reconnect").data("{}");
    Sse::new(stream::iter([frame, goodbye].map(Ok::<_, Infallible>))).into_response()
}

async fn put_off(State(platform): Shared) -> Response {
    let left = platform.put_off.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
    match left {
        Ok(_) => {
            let mut response = problem(StatusCode::SERVICE_UNAVAILABLE, "unavailable");
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("0"));
            response
        }
        Err(_) => Json(json!({})).into_response(),
    }
}

async fn echo(headers: HeaderMap, body: String) -> Response {
    (StatusCode::IM_A_TEAPOT, [("baedal-position", "order:3")], format!("{:?} {body}", headers.get("x-more")))
        .into_response()
}

async fn signed_in(platform: &Arc<Platform>) -> baedal_client::Session {
    serve(Arc::clone(platform)).await.sign_in("01012345678", "correct horse").await.expect("a session")
}

fn platform(lives: u64) -> Arc<Platform> {
    Arc::new(Platform { lives: AtomicU64::new(lives), ..Platform::default() })
}

#[tokio::test]
async fn a_session_knows_whose_it_is_and_a_wrong_password_is_a_problem() {
    let platform = platform(600);
    let session = signed_in(&platform).await;
    assert_eq!((session.me().name.as_str(), session.account_id().0), ("김하늘", Uuid::nil()));
    let wrong = session.client().sign_in("01012345678", "wrong").await.expect_err("a problem");
    assert!(wrong.is("wrong_credentials"), "{wrong}");
    assert!(!format!("{session:?}").contains("correct horse"));
}

#[tokio::test]
async fn a_token_that_is_refused_is_renewed_once_however_many_find_out() {
    let platform = platform(600);
    let session = signed_in(&platform).await;
    platform.forgotten.store(1, Ordering::SeqCst);
    let refused = session.request(Method::GET, "/api/me", [], None).await.expect("an answer");
    assert_eq!(refused.0, StatusCode::UNAUTHORIZED);
    for outcome in futures::future::join_all((0..8).map(|_| session.order(ORDER))).await {
        assert_eq!(outcome.expect("an order").status, "paid");
    }
    let count = |counter: &AtomicU64| counter.load(Ordering::SeqCst);
    assert_eq!((count(&platform.refreshes), count(&platform.sign_ins)), (1, 1));
}

#[tokio::test]
async fn a_refused_refresh_token_leads_to_signing_in_anew() {
    let platform = platform(600);
    let session = signed_in(&platform).await;
    platform.token.fetch_add(1, Ordering::SeqCst);
    let calls = (0..8).map(|_| session.order(ORDER));
    for outcome in futures::future::join_all(calls).await {
        assert_eq!(outcome.expect("an order").status, "paid");
    }
    let count = |counter: &AtomicU64| counter.load(Ordering::SeqCst);
    assert_eq!((count(&platform.refreshes), count(&platform.sign_ins)), (1, 2));
}

#[tokio::test]
async fn a_token_is_renewed_before_it_runs_out() {
    let platform = platform(1);
    let session = signed_in(&platform).await;
    platform.lives.store(600, Ordering::SeqCst);
    while platform.refreshes.load(Ordering::SeqCst) == 0 {
        session.order(ORDER).await.expect("an order, and never a refusal");
        assert_eq!(platform.refusals.load(Ordering::SeqCst), 0);
    }
}

#[tokio::test]
async fn reads_ask_for_what_was_written() {
    let session = signed_in(&platform(600)).await;
    assert_eq!(session.order(ORDER).await.expect("an order").order_no, "");
    session.confirm(ORDER).await.expect("completed");
    assert_eq!(session.order(ORDER).await.expect("an order").order_no, "order:42");
    let (_, _, shown) = session.request(Method::POST, "/echo", [], None).await.expect("an answer");
    assert!(shown.is_string());
    assert_eq!(session.order(ORDER).await.expect("an order").order_no, "order:42");
}

#[tokio::test]
async fn a_position_that_is_no_more_is_forgotten() {
    let platform = platform(600);
    let session = signed_in(&platform).await;
    session.confirm(ORDER).await.expect("completed");
    platform.restored.store(true, Ordering::SeqCst);
    assert_eq!(session.order(ORDER).await.expect("an order").order_no, "", "it was asked for again, without");
}

#[tokio::test]
async fn a_problem_says_what_it_is() {
    let session = signed_in(&platform(600)).await;
    let error = session.order(OrderId(Uuid::nil())).await.expect_err("a problem");
    let problem = error.problem().expect("a problem");
    assert_eq!((problem.status, problem.name(), problem.detail.as_str()), (404, "not_found", "so it is"));
    assert_eq!(problem.errors[0].field, "items[0]");
    assert!(!error.is_transient());
    // One that axum wrote, and no problem document.
    let error = session.get::<Value>("/nothing").await.expect_err("a problem");
    assert_eq!(error.problem().expect("a problem").status, 404);
}

#[tokio::test]
async fn any_request_may_be_sent_and_any_answer_seen() {
    let client = serve(platform(600)).await;
    let more = [("x-more".parse().expect("a name"), HeaderValue::from_static("yes"))];
    let (status, headers, body) =
        client.request(Method::POST, "/echo", more, Some(&json!({ "a": 1 }))).await.expect("an answer");
    assert_eq!(status, StatusCode::IM_A_TEAPOT);
    assert_eq!(headers["baedal-position"], "order:3");
    assert_eq!(body, r#"Some("yes") {"a":1}"#);
}

#[tokio::test]
async fn what_is_put_off_is_asked_again_and_what_is_refused_is_not() {
    let platform = platform(600);
    let session = signed_in(&platform).await;
    let off_duty = baedal_client::types::RiderNow {
        on_duty: false,
        location: baedal_contracts::Location::new(37.5, 126.9).expect("a place"),
    };
    platform.put_off.store(3, Ordering::SeqCst);
    retrying(Duration::from_secs(5), || session.ride(off_duty)).await.expect("at last");
    assert_eq!(platform.put_off.load(Ordering::SeqCst), 0);
    let mut asked = 0;
    let refused = retrying(Duration::from_secs(5), || {
        asked += 1;
        session.order(OrderId(Uuid::nil()))
    });
    assert!(refused.await.expect_err("a problem").is("not_found"));
    assert_eq!(asked, 1);
}

#[tokio::test]
async fn nobody_there_is_no_answer() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let error = Client::new(format!("http://{address}")).sign_in("01012345678", "x").await.expect_err("nobody");
    assert!(matches!(error, Error::NoAnswer { .. }) && error.is_transient(), "{error}");
    let gone = retrying(Duration::from_millis(50), || async {
        Err::<(), _>(Error::NoAnswer { address: String::new(), story: String::new() })
    });
    assert!(gone.await.is_err());
}

#[tokio::test]
async fn a_stream_goes_on_where_it_ended() {
    let platform = platform(600);
    let session = signed_in(&platform).await;
    let mut following = session.follow_order(ORDER);
    for n in 1..=3 {
        let frame = following.next().await.expect("a frame");
        assert_eq!(frame.read::<Value>().expect("JSON"), json!({ "n": n }));
    }
    // The second of them was not available.
    assert_eq!(platform.streams.load(Ordering::SeqCst), 4);
}

#[tokio::test]
async fn a_stream_that_is_not_there_is_a_problem() {
    let session = signed_in(&platform(600)).await;
    let error = session.follow("/nothing/live").next().await.expect_err("a problem");
    assert_eq!(error.problem().expect("a problem").status, 404);
}

#[tokio::test]
async fn one_stream_shows_its_frames_and_then_ends() {
    let session = signed_in(&platform(600)).await;
    let mut live = session.live(&format!("/api/orders/{ORDER}/live"), Some("4")).await.expect("a stream");
    let frame = live.next().await.expect("open").expect("a frame");
    assert_eq!((frame.id.as_str(), frame.data.as_str()), ("5", "{\"n\":5}"));
    assert_eq!(live.next().await.expect("open").expect("a frame").event, "reconnect");
    assert_eq!(live.next().await.expect("ended"), None);
}
