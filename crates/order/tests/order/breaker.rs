//! The client to payment: its time limit, its circuit breaker, and what it says of each.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use baedal_contracts::payment::{PaymentMeans, TakePayment, TakePaymentAnswer};
use baedal_contracts::{OrderId, Won};
use baedal_kit::scenario::NOON;
use baedal_kit::time::ManualClock;
use baedal_kit::{Cause, CauseKind, Origin};
use baedal_kit_http::breaker::{BreakerSettings, State as BreakerState, Window};
use baedal_kit_http::operations::Serving;
use baedal_kit_http::peers::PeerSecret;
use baedal_kit_http::upstream::{Upstream, not_begun};
use baedal_kit_runtime::lifecycle::Lifecycle;
use baedal_order::{PaymentClient, Payments, PutOff, Settings};
use jiff::SignedDuration;
use uuid::Uuid;

use crate::given::*;

const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

#[derive(Clone)]
struct FakePayment {
    calls: Arc<AtomicU32>,
    clock: ManualClock,
    /// For how long it says that it has been there; nothing where it cannot say.
    serving: Arc<Mutex<Option<Serving>>>,
}

async fn serving(State(fake): State<FakePayment>) -> Response {
    match *fake.serving.lock().unwrap() {
        Some(serving) => Json(serving).into_response(),
        None => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

/// Answers as the token says.
async fn answer(
    State(fake): State<FakePayment>,
    Path(order_id): Path<OrderId>,
    headers: HeaderMap,
    Json(request): Json<TakePayment>,
) -> Response {
    fake.calls.fetch_add(1, Ordering::Relaxed);
    assert_eq!(order_id, ORDER);
    assert_eq!(headers["traceparent"], TRACEPARENT);
    assert!(!headers.contains_key("baedal-caller"), "order speaks for nobody");
    assert_eq!(request.customer_id, CUSTOMER);
    match request.means.token.as_str() {
        "approve" => Json(TakePaymentAnswer::Approved).into_response(),
        "decline" => Json(TakePaymentAnswer::Declined { reason: "no".to_owned() }).into_response(),
        "fail" => Json(TakePaymentAnswer::Failed { reason: "error".to_owned() }).into_response(),
        "verify" => Json(TakePaymentAnswer::Verifying).into_response(),
        "verify_late" => {
            fake.clock.advance(SignedDuration::from_millis(1_500));
            Json(TakePaymentAnswer::Verifying).into_response()
        }
        "nonsense" => "yes".into_response(),
        "hang" => std::future::pending().await,
        "starting" => not_begun(StatusCode::SERVICE_UNAVAILABLE.into_response()),
        _ => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

struct Client {
    client: PaymentClient,
    fake: FakePayment,
}

impl Client {
    fn new() -> Self {
        let clock = ManualClock::at(NOON);
        let serving_long = Arc::new(Mutex::new(Some(Serving { for_ms: 3_600_000 })));
        let fake = FakePayment { calls: Arc::default(), clock: clock.clone(), serving: serving_long };
        let router = Router::new()
            .route("/internal/payments/{order_id}/attempts", post(answer))
            .route("/internal/serving", get(serving))
            .with_state(fake.clone());
        let settings = Settings {
            payment_time_limit: SignedDuration::from_millis(30),
            payment_breaker: BreakerSettings {
                window: Window::Count(4),
                minimum_calls: 4,
                half_open_calls: 1,
                ..BreakerSettings::default()
            },
            ..Settings::default()
        };
        Self { client: PaymentClient::new(Upstream::local(router), &settings, Arc::new(clock)), fake }
    }

    /// Payment is at an address where nobody is.
    async fn of_nobody() -> Self {
        let settings = Settings::default();
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let (secret, lifecycle) = (PeerSecret::default(), Lifecycle::default());
        let nobody = Upstream::remote("payment", &[format!("http://{closed}")], &secret, None, &lifecycle).unwrap();
        let Self { fake, .. } = Self::new();
        Self { client: PaymentClient::new(nobody, &settings, Arc::new(fake.clock.clone())), fake }
    }

    async fn take(&self, token: &str) -> Result<TakePaymentAnswer, PutOff> {
        let means = PaymentMeans { method: "card".to_owned(), token: token.to_owned() };
        let request =
            TakePayment { attempt_id: attempt(1), customer_id: CUSTOMER, amount_krw: Won(40_000), version: 1, means };
        let origin = Origin {
            cause: Cause { kind: CauseKind::Request, id: Uuid::nil(), name: "POST /api/orders".to_owned() },
            actor: Some(CUSTOMER.0),
            traceparent: Some(TRACEPARENT.to_owned()),
        };
        self.client.take(ORDER, request, &origin).await
    }

    fn failures(&self) -> u32 {
        self.client.breakers()[0].failures
    }
}

#[tokio::test]
async fn what_payment_says_is_said_and_counted() {
    let client = Client::new();
    assert_eq!(client.take("approve").await, Ok(TakePaymentAnswer::Approved));
    assert_eq!(client.take("decline").await, Ok(TakePaymentAnswer::Declined { reason: "no".to_owned() }));
    assert_eq!(client.take("verify").await, Ok(TakePaymentAnswer::Verifying));
    assert_eq!(client.failures(), 0, "a decline, or an answer that is still looked for, is payment at work");
    assert_eq!(client.take("verify_late").await, Ok(TakePaymentAnswer::Verifying));
    assert_eq!(client.failures(), 1, "a provider that did not answer in time");
}

#[tokio::test]
async fn failures_errors_nonsense_and_silence_open_the_breaker_and_then_payment_is_not_asked() {
    let client = Client::new();
    assert_eq!(client.take("fail").await, Ok(TakePaymentAnswer::Failed { reason: "error".to_owned() }));
    assert_eq!(client.take("error").await, Err(PutOff::NoAnswer));
    assert_eq!(client.take("nonsense").await, Err(PutOff::NoAnswer));
    assert_eq!(client.take("hang").await, Err(PutOff::NoAnswer));
    assert_eq!(client.client.breakers()[0].state, BreakerState::Open);
    assert_eq!(client.take("approve").await, Err(PutOff::NotAsked { retry_after: Duration::from_secs(5) }));
    assert_eq!(client.fake.calls.load(Ordering::Relaxed), 4);
    assert_eq!(client.client.askable_since().await, None);

    client.fake.clock.advance(SignedDuration::from_secs(5));
    let since = client.client.askable_since().await;
    assert_eq!(since, Some(NOON + SignedDuration::from_secs(5)), "also where nobody has asked since");
    assert_eq!(client.take("approve").await, Ok(TakePaymentAnswer::Approved), "it recovers by itself");
    assert_eq!(client.client.breakers()[0].state, BreakerState::Closed);
}

#[tokio::test]
async fn where_nobody_is_there_to_ask_nothing_was_asked() {
    let away = Err(PutOff::NotAsked { retry_after: Duration::from_secs(3) });
    let client = Client::of_nobody().await;
    assert_eq!(client.take("approve").await, away, "no connection");
    assert_eq!(client.take("approve").await, away, "known not to be ready");
    assert_eq!(client.failures(), 2);
    let client = Client::new();
    assert_eq!(client.take("starting").await, away, "it has not looked at the request");
    assert_eq!(client.take("error").await, Err(PutOff::NoAnswer), "the same status says nothing");
}

#[tokio::test]
async fn since_when_payment_can_be_asked_counts_from_the_end_of_the_last_break() {
    let client = Client::new();
    let askable_since = async || client.client.askable_since().await;
    assert!(askable_since().await.expect("nothing is known against it") <= NOON);
    for _ in 0..4 {
        let _ = client.take("error").await;
    }
    assert_eq!(askable_since().await, None, "the breaker is open");
    client.fake.clock.advance(SignedDuration::from_secs(5));
    let back = NOON + SignedDuration::from_secs(5);
    assert_eq!(askable_since().await, Some(back), "it lets the next one through");
    assert_eq!(client.take("approve").await, Ok(TakePaymentAnswer::Approved));
    client.fake.clock.advance(SignedDuration::from_secs(60));
    assert_eq!(askable_since().await, Some(back));
}

#[tokio::test]
async fn a_break_that_only_payment_knows_of_counts_too() {
    let client = Client::new();
    *client.fake.serving.lock().unwrap() = Some(Serving { for_ms: 90_000 });
    assert_eq!(client.client.askable_since().await, Some(NOON - SignedDuration::from_secs(90)));
    *client.fake.serving.lock().unwrap() = None;
    assert_eq!(client.client.askable_since().await, None, "who cannot say since when is not there yet");
}
