//! A notice's way through the whole context: from other contexts' journals to `GET /api/notices`.
#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use axum::body::Body;
use baedal_contracts::notification::Channel;
use baedal_contracts::{AccountId, OrderId, StoreId, delivery, identity, source, store};
use baedal_kit::bus::publish_with;
use baedal_kit::database::memory::MemoryDatabase;
use baedal_kit::database::{Append, Commit, NewEvent};
use baedal_kit::ids::SystemIds;
use baedal_kit::time::{Clock, SystemClock};
use baedal_kit::{Database, Origin};
use baedal_kit_runtime::JournalBus;
use baedal_kit_runtime::Service;
use baedal_kit_runtime::lifecycle::Lifecycle;
use baedal_notification::{CodeMessage, KeptProvider, Outages, ProviderSettings, SendError, Settings, module};
use http::{Request, StatusCode};
use serde::Serialize;
use tower::ServiceExt;
use uuid::Uuid;

const ORDER: OrderId = OrderId(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_1234_5678));
const CUSTOMER: AccountId = AccountId(Uuid::from_u128(0xc));
const RIDER: AccountId = AccountId(Uuid::from_u128(0xd));

/// A notification that runs, and the journals it hears.
struct World {
    identity: Arc<dyn Database>,
    store: Arc<dyn Database>,
    delivery: Arc<dyn Database>,
    kept: Arc<dyn Database>,
    router: axum::Router,
    lifecycle: Lifecycle,
}

impl World {
    async fn new() -> Self {
        Self::sending_by(KeptProvider::default()).await
    }

    async fn sending_by(provider: KeptProvider) -> Self {
        let [identity, store, delivery, kept] =
            [(); 4].map(|()| Arc::new(MemoryDatabase::default()) as Arc<dyn Database>);
        let bus = JournalBus::default()
            .with(source::IDENTITY, Arc::clone(&identity), |event| {
                publish_with(event, |event: identity::Event| Ok(Some(event)))
            })
            .with(source::STORE, Arc::clone(&store), |event| publish_with(event, |event: store::Event| Ok(Some(event))))
            .with(source::DELIVERY, Arc::clone(&delivery), |event| {
                publish_with(event, |event: delivery::Event| Ok(Some(event)))
            });
        let lifecycle = Lifecycle::default();
        let service = Service::new(
            source::NOTIFICATION,
            Arc::clone(&kept),
            Arc::new(bus),
            Arc::new(SystemClock),
            Arc::new(SystemIds),
            lifecycle.clone(),
        )
        .as_two_replicas();
        let module = module(service, Settings::default(), Arc::new(provider));
        let router = module.start().await.expect("started");
        Self { identity, store, delivery, kept, router, lifecycle }
    }

    async fn get(&self, address: &str, caller: Option<&str>) -> (StatusCode, serde_json::Value) {
        let mut request = Request::get(address);
        if let Some(caller) = caller {
            request = request.header("baedal-caller", caller);
        }
        let request = request.body(Body::empty()).expect("a request");
        let response = self.router.clone().oneshot(request).await.expect("an answer");
        let status = response.status();
        let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.expect("a body");
        (status, serde_json::from_slice(&body).expect("JSON"))
    }

    /// The notices of a caller, once there are so many.
    async fn notices(&self, caller: &str, wanted: usize) -> Vec<serde_json::Value> {
        let mut head = self.kept.head();
        loop {
            head.mark_unchanged();
            let (status, page) = self.get("/api/notices?limit=100", Some(caller)).await;
            assert_eq!(status, StatusCode::OK, "{page}");
            let items = page["items"].as_array().expect("items").clone();
            if items.len() >= wanted {
                return items;
            }
            head.changed().await.expect("a database");
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.lifecycle.drain();
    }
}

/// Puts events at the end of a journal, each in a stream and a millisecond of its own.
async fn tell<E: Serialize>(journal: &Arc<dyn Database>, events: impl IntoIterator<Item = E>)
where
    for<'e> &'e E: Into<&'static str>,
{
    for event in events {
        let millis = journal.head().borrow().wrapping_add(1);
        let id =
            uuid::Builder::from_unix_timestamp_millis(millis, Uuid::now_v7().as_bytes()[6..].try_into().expect("ten"))
                .into_uuid();
        let new = NewEvent {
            id,
            kind: (&event).into(),
            data: serde_json::to_vec(&event).expect("JSON"),
            at: SystemClock.now(),
            correlation: Some(ORDER.0),
            command: "",
            origin: Arc::new(Origin::none()),
        };
        let append = Append { stream: format!("any/{id}"), expected_version: 0, events: vec![new] };
        journal.commit(Commit { appends: vec![append], ..Commit::default() }).await.expect("committed");
    }
}

fn thanks(message: &str) -> store::Event {
    store::Event::ThanksSent {
        order_id: ORDER,
        store_id: StoreId(Uuid::from_u128(0xb)),
        store_name: "봉구네 가마솥통닭".to_owned(),
        customer_id: CUSTOMER,
        message: message.to_owned(),
    }
}

fn account() -> identity::Event {
    identity::Event::AccountOpened {
        account_id: CUSTOMER,
        role: identity::Role::Customer,
        name: "김하늘".to_owned(),
        phone: "01012345678".to_owned(),
    }
}

#[tokio::test]
async fn a_notice_is_shown_as_it_was_sent_even_if_its_phone_came_late() {
    let world = World::new().await;
    tell(&world.store, [thanks("맛있게 드세요!")]).await;
    tell(&world.identity, [account()]).await;
    let notices = world.notices(&format!("customer:{CUSTOMER}"), 1).await;
    let notice = &notices[0];
    assert_eq!(notice["order_id"], ORDER.to_string());
    assert_eq!(notice["recipient_id"], CUSTOMER.to_string());
    assert_eq!(notice["template"], "thanks_sent");
    assert_eq!(notice["channel"], "kakaotalk");
    assert_eq!(notice["outcome"], "sent");
    assert_eq!(notice["variables"]["메시지"], "맛있게 드세요!");
    let order_no = baedal_contracts::OrderNo::of(ORDER);
    assert_eq!(
        notice["text"],
        format!("[배달] 봉구네 가마솥통닭에서 감사 인사를 보냈어요\n\n“맛있게 드세요!”\n\n▶ 주문번호: {order_no}")
    );
    assert!(notice.get("reason").is_none());
}

#[tokio::test]
async fn notices_come_in_pages_newest_first_and_only_to_their_recipient() {
    let world = World::new().await;
    tell(&world.identity, [account()]).await;
    for number in 0..5 {
        tell(&world.store, [thanks(&format!("{number}번째 인사"))]).await;
    }
    let caller = format!("customer:{CUSTOMER}");
    world.notices(&caller, 5).await;
    let (_, first) = world.get("/api/notices?limit=3", Some(&caller)).await;
    let next = first["next"].as_str().expect("more").to_owned();
    let (_, second) = world.get(&format!("/api/notices?limit=3&after={next}"), Some(&caller)).await;
    let said = |page: &serde_json::Value| -> Vec<String> {
        let items = page["items"].as_array().expect("items");
        items.iter().map(|item| item["variables"]["메시지"].as_str().expect("words").to_owned()).collect()
    };
    assert_eq!(said(&first), ["4번째 인사", "3번째 인사", "2번째 인사"]);
    assert_eq!(said(&second), ["1번째 인사", "0번째 인사"]);
    assert!(second["next"].is_null());
    let (_, others) = world.get("/api/notices", Some(&format!("rider:{RIDER}"))).await;
    assert_eq!(others["items"], serde_json::json!([]));
    let (status, problem) = world.get("/api/notices?after=zzz", Some(&caller)).await;
    assert_eq!((status.as_u16(), &problem["type"]), (400, &"/problems/malformed".into()));
}

#[tokio::test]
async fn many_notices_at_once_each_arrive_once() {
    let world = World::new().await;
    let delivered = |number: u128| delivery::Event::DeliveryRequested {
        order_id: OrderId(Uuid::from_u128(number)),
        order_no: baedal_contracts::OrderNo::of(OrderId(Uuid::from_u128(number))),
        store_id: StoreId(Uuid::from_u128(0xb)),
        store_name: "봉구네 가마솥통닭".to_owned(),
        pickup: place(),
        deliver_to: place(),
        customer_id: CUSTOMER,
        riders: vec![RIDER],
    };
    tell(&world.identity, [account()]).await;
    tell(&world.delivery, (1..=30).map(delivered)).await;
    tell(&world.store, (1..=30).map(|number| thanks(&number.to_string()))).await;
    assert_eq!(world.notices(&format!("rider:{RIDER}"), 30).await.len(), 30);
    assert_eq!(world.notices(&format!("customer:{CUSTOMER}"), 30).await.len(), 30);
}

#[tokio::test]
async fn a_code_is_sent_at_once_and_kept_nowhere() {
    let reached =
        ProviderSettings { unreachable_phones: vec!["01000000000".to_owned()], ..ProviderSettings::default() };
    let outages = Outages::default();
    let world = World::sending_by(KeptProvider::new(reached, outages.clone())).await;
    tell(&world.identity, [account()]).await;
    let send = async |phone: &str| {
        let asked = serde_json::json!({"phone": phone, "code": "271828"});
        let request = Request::post("/internal/phone-codes").header("content-type", "application/json");
        let request = request.body(Body::from(asked.to_string())).expect("a request");
        let answer = world.router.clone().oneshot(request).await.expect("infallible");
        let status = answer.status();
        let body = axum::body::to_bytes(answer.into_body(), 10_000).await.expect("a body");
        (status, String::from_utf8_lossy(&body).into_owned())
    };
    let sent = (StatusCode::OK, r#"{"reaches_phones":false}"#.to_owned());
    assert_eq!(send("01012345678").await, sent);
    assert_eq!(send("01000000000").await, sent, "whether a phone can be reached is not told");
    outages.begin(Channel::Sms, SendError::Retryable("271828 did not work".to_owned()));
    let (status, problem) = send("01012345678").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(!problem.contains("271828"), "{problem}");
    assert_eq!(*world.kept.head().borrow(), 0, "nothing is in its journal");
    assert!(world.notices(&format!("customer:{CUSTOMER}"), 0).await.is_empty());
    let message = CodeMessage::new("01012345678".to_owned(), "271828".to_owned());
    assert_eq!(format!("{message:?}"), "CodeMessage(…)");
    assert!(message.reveal().contains("271828"));
}

#[tokio::test]
async fn who_is_not_signed_in_sees_nothing() {
    let world = World::new().await;
    let (status, problem) = world.get("/api/notices", None).await;
    assert_eq!((status, problem["type"].as_str()), (StatusCode::UNAUTHORIZED, Some("/problems/unauthenticated")));
    let caller = format!("customer:{CUSTOMER}");
    let (status, _) = world.get("/api/notices?limit=0", Some(&caller)).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
}

fn place() -> baedal_contracts::Place {
    baedal_contracts::Place {
        address: "서울 마포구 포은로 95".to_owned(),
        location: baedal_contracts::Location::new(37.55, 126.9).expect("a place"),
    }
}
