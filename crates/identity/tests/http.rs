//! Identity as it is seen over HTTP: accounts, signing in, refreshing, guessing.

#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use axum::response::IntoResponse;
use axum::routing::post;
use axum::{Json, Router};
use baedal_contracts::AccountId;
use baedal_contracts::identity::{Claims, Role, TOKEN_AUDIENCE, TOKEN_ISSUER};
use baedal_contracts::notification::{PhoneCodeSent, SendPhoneCode};
use baedal_identity::{HashCost, Keys, Settings};
use baedal_kit::Database;
use baedal_kit::database::memory::MemoryDatabase;
use baedal_kit::database::{Direction, Query, Select};
use baedal_kit::ids::SystemIds;
use baedal_kit::scenario::NOON;
use baedal_kit::time::ManualClock;
use baedal_kit_http::Caller;
use baedal_kit_http::caller::{CALLER, CLIENT};
use baedal_kit_http::upstream::{Upstream, not_begun};
use baedal_kit_runtime::JournalBus;
use baedal_kit_runtime::Service;
use baedal_kit_runtime::lifecycle::Lifecycle;
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use jiff::SignedDuration;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};
use tower::ServiceExt;

struct World {
    router: Router,
    service: Service,
    database: Arc<MemoryDatabase>,
    clock: ManualClock,
    notification: Notification,
}

/// A notification that reaches phones or does not, is there or away, and remembers what it was to send.
#[derive(Clone, Default)]
struct Notification {
    reaches_phones: Arc<AtomicBool>,
    is_away: Arc<AtomicBool>,
    sent: Arc<Mutex<Vec<SendPhoneCode>>>,
}

impl Notification {
    fn upstream(&self) -> Upstream {
        let notification = self.clone();
        let route = post(move |Json(asked): Json<SendPhoneCode>| async move {
            if notification.is_away.load(Ordering::Relaxed) {
                return not_begun(StatusCode::SERVICE_UNAVAILABLE.into_response());
            }
            notification.sent.lock().expect("no panic").push(asked);
            Json(PhoneCodeSent { reaches_phones: notification.reaches_phones.load(Ordering::Relaxed) }).into_response()
        });
        Upstream::local(Router::new().route("/internal/phone-codes", route))
    }

    fn last(&self) -> SendPhoneCode {
        self.sent.lock().expect("no panic").last().cloned().expect("a code")
    }
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

fn settings() -> Settings {
    Settings { hash_cost: HashCost::lowest(), ..Settings::default() }
}

impl World {
    async fn new() -> Self {
        Self::set(settings()).await
    }

    async fn set(settings: Settings) -> Self {
        Self::on(Arc::new(MemoryDatabase::default()), ManualClock::at(NOON), settings).await
    }

    /// Another replica, whose wall clock is ahead by so much.
    async fn beside(&self, ahead: SignedDuration) -> Self {
        Self::on(Arc::clone(&self.database), self.clock.ahead_by(ahead), settings()).await
    }

    async fn on(database: Arc<MemoryDatabase>, clock: ManualClock, settings: Settings) -> Self {
        Self::before(database, clock, settings, Notification::default(), Keys::ephemeral().expect("a key")).await
    }

    async fn before(
        database: Arc<MemoryDatabase>,
        clock: ManualClock,
        settings: Settings,
        notification: Notification,
        keys: Keys,
    ) -> Self {
        let service = Service::new(
            "identity",
            Arc::clone(&database) as Arc<dyn Database>,
            Arc::new(JournalBus::default()),
            Arc::new(clock.clone()),
            Arc::new(SystemIds),
            Lifecycle::default(),
        )
        .as_two_replicas();
        let module = baedal_identity::module(service.clone(), settings, keys, notification.upstream());
        let router = module.start().await.expect("it starts");
        Self { router, service, database, clock, notification }
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.expect("infallible");
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.expect("a body").to_bytes();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Answer { status: parts.status, headers: parts.headers, body }
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(request(Method::POST, path, body)).await
    }

    async fn post_as(&self, role: Role, path: &str, body: Value) -> Answer {
        let mut request = request(Method::POST, path, body);
        let caller = Caller { account_id: AccountId(uuid::Uuid::now_v7()), role };
        request.headers_mut().insert(CALLER, caller.to_header());
        self.send(request).await
    }

    async fn ask_for_code(&self, phone: &str) -> Answer {
        self.post("/api/phone-codes", json!({"phone": phone, "purpose": "register"})).await
    }

    /// What is sent to open an account, with a code for its phone.
    async fn proven(&self, role: &str, phone: &str) -> Value {
        let code = self.ask_for_code(phone).await;
        assert_eq!(code.status, StatusCode::ACCEPTED, "{}", code.body);
        let mut account = account(role, phone);
        account["code"] = code.body["code"].clone();
        account
    }

    async fn open(&self, phone: &str) -> String {
        let answer = self.post("/api/accounts", self.proven("customer", phone).await).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
        answer.body["account_id"].as_str().expect("an id").to_owned()
    }

    async fn sign_in_on(&self, phone: &str, password: &str, device_token: &Value) -> Answer {
        let body = json!({"phone": phone, "password": password, "device_token": device_token});
        self.post("/api/token", body).await
    }

    async fn sign_in(&self, phone: &str, password: &str) -> Answer {
        self.post("/api/token", json!({"phone": phone, "password": password})).await
    }

    /// What an account is told of itself.
    async fn me(&self, account_id: &Value) -> Value {
        let account_id = serde_json::from_value(account_id.clone()).expect("an id");
        let mut request = request(Method::GET, "/api/me", Value::Null);
        let caller = Caller { account_id, role: Role::Customer };
        request.headers_mut().insert(CALLER, caller.to_header());
        self.send(request).await.body
    }

    async fn refresh(&self, token: &Value) -> Answer {
        self.post("/api/token/refresh", json!({"refresh_token": token})).await
    }

    /// Waits until so many refresh tokens are kept.
    async fn until_tokens_are(&self, count: usize) {
        let waiting = async {
            while self.documents("refresh_tokens").await != count {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), waiting).await.expect("the job is done in time");
    }

    async fn documents(&self, view: &str) -> usize {
        let query =
            Query { select: Select::Prefix(String::new()), direction: Direction::Ascending, after: None, limit: 1000 };
        self.database.list(view, query).await.expect("a list").len()
    }
}

fn request(method: Method, path: &str, body: Value) -> Request<Body> {
    Request::builder()
        .method(method)
        .uri(path)
        .header(header::CONTENT_TYPE, "application/json")
        .header(CLIENT, "203.0.113.7")
        .body(Body::from(body.to_string()))
        .expect("a request")
}

fn account(role: &str, phone: &str) -> Value {
    json!({"role": role, "name": "김지우", "phone": phone, "password": PASSWORD})
}

const PASSWORD: &str = "correct horse";

#[tokio::test]
async fn an_account_is_opened_signed_in_with_and_looked_at() {
    let world = World::new().await;
    let opened = world.post("/api/accounts", world.proven("rider", "+82 10-1234-5678").await).await;
    assert_eq!(opened.status, StatusCode::CREATED, "{}", opened.body);
    assert_eq!(opened.headers["baedal-position"], "identity:1");

    let pair = world.sign_in("010 1234 5678", PASSWORD).await;
    assert_eq!(pair.status, StatusCode::OK, "{}", pair.body);
    assert_eq!(pair.body["token_type"], "Bearer");
    assert_eq!(pair.body["expires_in"], 15 * 60);

    let jwks = world.send(request(Method::GET, "/.well-known/jwks.json", Value::Null)).await.body;
    assert_eq!(jwks["keys"][0]["kty"], "OKP");
    assert_eq!(jwks["keys"][0]["use"], "sig");
    assert!(jwks["keys"][0].get("d").is_none(), "the private part stays private");
    let jwk: jsonwebtoken::jwk::Jwk = serde_json::from_value(jwks["keys"][0].clone()).expect("a key");
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_issuer(&[TOKEN_ISSUER]);
    validation.set_audience(&[TOKEN_AUDIENCE]);
    validation.validate_exp = false; // the clock of this world is not the machine's
    let token = pair.body["access_token"].as_str().expect("a token");
    let key = DecodingKey::from_jwk(&jwk).expect("a key");
    let token = jsonwebtoken::decode::<Claims>(token, &key, &validation).expect("a good token");
    assert_eq!(token.header.kid, jwk.common.key_id);
    assert_eq!(token.claims.role, Role::Rider);
    assert_eq!(token.claims.iat, NOON.as_second());
    assert_eq!(token.claims.exp, NOON.as_second() + 15 * 60);
    assert_eq!(opened.body["account_id"], token.claims.sub.to_string());

    let mut me = request(Method::GET, "/api/me", Value::Null);
    let caller = Caller { account_id: token.claims.sub, role: token.claims.role };
    me.headers_mut().insert(CALLER, caller.to_header());
    let me = world.send(me).await;
    assert_eq!(
        me.body,
        json!({"account_id": caller.account_id, "role": "rider", "name": "김지우", "phone": "01012345678"})
    );
    assert_eq!(world.send(request(Method::GET, "/api/me", Value::Null)).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn what_is_told_others_holds_no_password() {
    let world = World::new().await;
    let account_id = world.open("010-1234-5678").await;
    let recorded = world.database.published(0, 10).await.expect("the journal");
    assert_eq!(recorded.len(), 1);
    assert!(!String::from_utf8_lossy(&recorded[0].data).contains("argon2"), "nor does the journal");
    let bus = JournalBus::default().with("identity", world.database.clone(), baedal_identity::publish);
    let heard = baedal_kit::Bus::read(&bus, "identity", 0, 0, 10).await.expect("the bus").envelopes;
    let expected = json!({"AccountOpened": {
        "account_id": account_id, "role": "customer", "name": "김지우", "phone": "01012345678",
    }});
    assert_eq!(heard[0].kind, "AccountOpened");
    assert_eq!(heard[0].read::<Value>().expect("the event"), expected);
}

#[tokio::test]
async fn a_phone_number_has_one_account_even_if_many_ask_at_once() {
    let world = World::new().await;
    let wished = world.proven("customer", "010-1234-5678").await;
    let asked = (0..16).map(|_| world.post("/api/accounts", wished.clone()));
    let mut statuses: Vec<_> = futures::future::join_all(asked).await.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses[0], StatusCode::CREATED);
    assert!(statuses[1..].iter().all(|status| *status == StatusCode::CONFLICT), "{statuses:?}");
    let again = world.post("/api/accounts", world.proven("owner", "+821012345678").await).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    assert_eq!(again.body["type"], "/problems/phone_taken");
}

#[tokio::test]
async fn only_an_operator_opens_an_operators_account() {
    let world = World::new().await;
    let wished = || account("operator", "010-1234-5678");
    assert_eq!(world.post("/api/accounts", wished()).await.status, StatusCode::FORBIDDEN);
    for role in [Role::Customer, Role::Owner, Role::Rider] {
        assert_eq!(world.post_as(role, "/api/accounts", wished()).await.status, StatusCode::FORBIDDEN);
    }
    assert_eq!(world.post_as(Role::Operator, "/api/accounts", wished()).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn the_first_operator_is_made_on_the_machine_once() {
    let world = World::new().await;
    let create = |phone, name, password| {
        let service = world.service.clone();
        async move { baedal_identity::create_operator(&service, &settings(), phone, name, password).await }
    };
    let made = create("010-0000-0001", "관제", PASSWORD).await.expect("an operator");
    let refused = create("01000000001", "관제", PASSWORD).await.expect_err("taken");
    assert_eq!(refused.to_string(), "the phone number 01000000001 already has an account");
    for (phone, name, password, field) in [
        ("02-123-4567", "관제", PASSWORD, "phone"),
        ("010-0000-0002", "  ", PASSWORD, "name"),
        ("010-0000-0002", "관제", "short", "password"),
    ] {
        let refused = create(phone, name, password).await.expect_err("wrong").to_string();
        assert!(refused.contains(field), "{refused}");
    }
    let pair = world.sign_in("01000000001", PASSWORD).await;
    assert_eq!(pair.status, StatusCode::OK);
    let account = world.service.look::<baedal_identity::domain::Account>(&made).await.expect("the account");
    assert_eq!(account.profile().map(|profile| profile.role), Some(Role::Operator));
}

#[tokio::test]
async fn wrong_fields_are_named() {
    let world = World::new().await;
    let good = || account("customer", "010-1234-5678");
    for (field, value) in [
        ("role", json!("king")),
        ("name", json!("")),
        ("name", json!(" \t")),
        ("name", json!("이름\u{0}")),
        ("name", json!("가".repeat(61))),
        ("phone", json!("010-1234")),
        ("phone", json!(1_012_345_678)),
        ("password", json!("1234567")),
        ("password", json!("x".repeat(129))),
        ("code", json!("12345")),
        ("code", json!(123_456)),
        ("admin", json!(true)),
    ] {
        let mut body = good();
        body[field] = value;
        let answer = world.post("/api/accounts", body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{field}");
        assert_eq!(answer.headers[header::CONTENT_TYPE], "application/problem+json");
        assert_eq!(answer.body["errors"][0]["field"], field, "{}", answer.body);
    }
}

#[tokio::test]
async fn wrong_password_and_unknown_phone_look_the_same() {
    let world = World::new().await;
    world.open("010-1234-5678").await;
    let wrong = world.sign_in("010-1234-5678", "battery staple").await;
    let unknown = world.sign_in("010-9999-9999", "battery staple").await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    assert_eq!(wrong.headers[header::WWW_AUTHENTICATE], "Bearer realm=\"baedal\"");
    assert_eq!((wrong.status, &wrong.body), (unknown.status, &unknown.body));
}

#[tokio::test]
async fn guessing_is_slowed_down_and_the_right_password_ends_that() {
    let world = World::new().await;
    world.open("010-1234-5678").await;
    let guess = || world.sign_in("010-1234-5678", "battery staple");
    for _ in 0..5 {
        assert_eq!(guess().await.status, StatusCode::UNAUTHORIZED);
    }
    let slowed = guess().await;
    assert_eq!(slowed.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(slowed.headers[header::RETRY_AFTER], "1");
    assert_eq!(world.sign_in("010-1234-5678", PASSWORD).await.status, StatusCode::TOO_MANY_REQUESTS);
    world.open("010-2222-2222").await;
    assert_eq!(world.sign_in("010-2222-2222", PASSWORD).await.status, StatusCode::OK, "others are not slowed");

    world.clock.advance(SignedDuration::from_secs(1));
    assert_eq!(guess().await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(guess().await.headers[header::RETRY_AFTER], "2");
    world.clock.advance(SignedDuration::from_secs(2));
    assert_eq!(world.sign_in("010-1234-5678", PASSWORD).await.status, StatusCode::OK);
    for _ in 0..5 {
        assert_eq!(guess().await.status, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn a_clock_that_is_set_makes_no_guess_wait_longer_or_shorter() {
    for hours in [-9, 9] {
        let world = World::new().await;
        world.open("010-1234-5678").await;
        let guess = || world.sign_in("010-1234-5678", "battery staple");
        for _ in 0..5 {
            assert_eq!(guess().await.status, StatusCode::UNAUTHORIZED);
        }
        world.clock.step(SignedDuration::from_hours(hours));
        let slowed = guess().await;
        assert_eq!(slowed.status, StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(slowed.headers[header::RETRY_AFTER], "1");
        world.clock.advance(SignedDuration::from_secs(1));
        assert_eq!(world.sign_in("010-1234-5678", PASSWORD).await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn guesses_at_once_are_counted_as_surely_as_one_after_the_other() {
    let world = World::new().await;
    world.open("010-1234-5678").await;
    let guesses = (0..20).map(|_| world.sign_in("010-1234-5678", "battery staple"));
    let answers = futures::future::join_all(guesses).await;
    let tried = answers.iter().filter(|answer| answer.status == StatusCode::UNAUTHORIZED).count();
    assert_eq!(tried, 5);
}

#[tokio::test]
async fn two_hundred_guesses_at_once_from_one_address_are_at_most_as_many_as_it_is_forgiven() {
    let world = World::set(Settings { hash_queue_per_address: 256, ..settings() }).await;
    let phones: Vec<_> = (0..200).map(|number| format!("0104444{number:04}")).collect();
    let guesses = phones.iter().map(|phone| world.sign_in(phone, "battery staple"));
    let answers = futures::future::join_all(guesses).await;
    let with = |status| answers.iter().filter(|answer| answer.status == status).count();
    assert_eq!((with(StatusCode::UNAUTHORIZED), with(StatusCode::TOO_MANY_REQUESTS)), (100, 100));
    let slowed = answers.iter().find(|answer| answer.status == StatusCode::TOO_MANY_REQUESTS).expect("one");
    assert_eq!(slowed.headers[header::RETRY_AFTER], "6");
    assert!(
        slowed.body["detail"].as_str().is_some_and(|detail| detail.contains("from this address")),
        "{}",
        slowed.body
    );
}

#[tokio::test]
async fn fifty_mistyped_numbers_behind_one_address_do_not_shut_it() {
    let world = World::new().await;
    world.open("010-1234-5678").await;
    for number in 0..50 {
        let mistyped = world.sign_in(&format!("0104444{number:04}"), PASSWORD).await;
        assert_eq!(mistyped.status, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(world.sign_in("010-1234-5678", PASSWORD).await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_attack_from_elsewhere_keeps_nobody_out_of_a_device_they_have_signed_in_on() {
    let world = World::new().await;
    world.open("010-1234-5678").await;
    let operator = "010-0000-0001";
    baedal_identity::create_operator(&world.service, &settings(), operator, "관제", PASSWORD).await.expect("one");
    for phone in ["010-1234-5678", operator] {
        let device = world.sign_in(phone, PASSWORD).await.body["device_token"].clone();
        let other = world.sign_in(phone, PASSWORD).await.body["device_token"].clone();
        for _ in 0..100 {
            let guess = world.sign_in(phone, "battery staple").await.status;
            assert!([StatusCode::UNAUTHORIZED, StatusCode::TOO_MANY_REQUESTS].contains(&guess), "{guess}");
        }
        assert_eq!(world.sign_in(phone, PASSWORD).await.status, StatusCode::TOO_MANY_REQUESTS, "a new device waits");
        let signed_in = world.sign_in_on(phone, PASSWORD, &device).await;
        assert_eq!(signed_in.status, StatusCode::OK, "{}", signed_in.body);
        // Its own wrong passwords are counted all the same, whatever token of its it shows, and nobody else waits.
        for token in [&device, &signed_in.body["device_token"]].into_iter().cycle().take(5) {
            assert_eq!(world.sign_in_on(phone, "battery staple", token).await.status, StatusCode::UNAUTHORIZED);
        }
        let slowed = world.sign_in_on(phone, PASSWORD, &device).await;
        assert_eq!(slowed.status, StatusCode::TOO_MANY_REQUESTS);
        assert!(slowed.body["detail"].as_str().is_some_and(|detail| detail.contains("this device")), "{}", slowed.body);
        assert_eq!(world.sign_in_on(phone, PASSWORD, &other).await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn a_device_is_known_to_every_replica_to_its_own_account_and_for_as_long_as_its_token_lasts() {
    let folder = tempfile::tempdir().expect("a folder");
    let keys = || Keys::open(folder.path()).expect("a key");
    let on = |world: &World| {
        World::before(Arc::clone(&world.database), world.clock.clone(), settings(), Notification::default(), keys())
    };
    let world = on(&World::new().await).await;
    for phone in ["010-1234-5678", "010-2222-2222"] {
        world.open(phone).await;
    }
    let [mine, other] =
        [world.sign_in("010-1234-5678", PASSWORD).await, world.sign_in("010-2222-2222", PASSWORD).await]
            .map(|pair| pair.body["device_token"].clone());
    let beside = on(&world).await;
    for _ in 0..5 {
        beside.sign_in("010-1234-5678", "battery staple").await;
    }
    let status = async |token: &Value| beside.sign_in_on("010-1234-5678", PASSWORD, token).await.status;
    assert_eq!(status(&other).await, StatusCode::TOO_MANY_REQUESTS, "it is another account's");
    assert_eq!(status(&json!("nonsense")).await, StatusCode::TOO_MANY_REQUESTS);
    let access = world.sign_in("010-1234-5678", PASSWORD).await.body["access_token"].clone();
    assert_eq!(status(&access).await, StatusCode::TOO_MANY_REQUESTS, "an access token names no device");
    assert_eq!(status(&mine).await, StatusCode::OK);
    beside.clock.advance(SignedDuration::from_hours(400 * 24));
    for _ in 0..5 {
        beside.sign_in("010-1234-5678", "battery staple").await;
    }
    assert_eq!(status(&mine).await, StatusCode::TOO_MANY_REQUESTS, "it is too old");
}

#[tokio::test]
async fn two_hundred_sign_ins_from_one_address_turn_only_that_address_away() {
    let world = World::set(Settings { hash_queue: 16, hash_queue_per_address: 16, ..settings() }).await;
    world.open("010-1234-5678").await;
    let stranger = || {
        let body = json!({"phone": "010-1234-5678", "password": PASSWORD});
        let mut request = request(Method::POST, "/api/token", body);
        request.headers_mut().insert(CLIENT, "198.51.100.9".parse().expect("an address"));
        world.send(request)
    };
    let phones: Vec<_> = (0..200).map(|number| format!("0104444{number:04}")).collect();
    let crowd = futures::future::join_all(phones.iter().map(|phone| world.sign_in(phone, "battery staple")));
    let (crowd, stranger) = futures::future::join(crowd, stranger()).await;
    assert_eq!(stranger.status, StatusCode::OK, "{}", stranger.body);
    let away: Vec<_> = crowd.iter().filter(|answer| answer.status == StatusCode::SERVICE_UNAVAILABLE).collect();
    assert!(!away.is_empty());
    assert!(away.iter().all(|answer| answer.headers.contains_key(header::RETRY_AFTER)));
}

/// Everything that is written down here, as text.
async fn written_down(world: &World) -> String {
    let mut all = String::new();
    for recorded in world.database.published(0, 1000).await.expect("the journal") {
        all += &String::from_utf8_lossy(&recorded.data);
    }
    for view in ["phones", "phone_codes", "refresh_tokens", "refresh_families"] {
        let query =
            Query { select: Select::Prefix(String::new()), direction: Direction::Ascending, after: None, limit: 1000 };
        for document in world.database.list(view, query).await.expect("a list") {
            all += &String::from_utf8_lossy(&document.body);
        }
    }
    all
}

#[tokio::test]
async fn an_account_is_opened_with_the_code_that_was_sent_to_its_phone() {
    let world = World::new().await;
    world.notification.reaches_phones.store(true, Ordering::Relaxed);
    let asked = world.ask_for_code("010-1234-5678").await;
    assert_eq!(asked.status, StatusCode::ACCEPTED, "{}", asked.body);
    assert_eq!(asked.body, json!({"expires_at": NOON + SignedDuration::from_mins(3)}), "the code is on the phone only");
    let SendPhoneCode { phone, code } = world.notification.last();
    assert_eq!((phone.as_str(), code.len()), ("01012345678", 6));
    assert!(!format!("{:?}", world.notification.last()).contains(&code));

    let mut wished = account("customer", "010-1234-5678");
    let without = world.post("/api/accounts", wished.clone()).await;
    assert_eq!(
        (without.status, &without.body["errors"][0]["field"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("code"))
    );
    wished["code"] = json!(code);
    assert_eq!(world.post("/api/accounts", wished.clone()).await.status, StatusCode::CREATED);
    assert!(!written_down(&world).await.contains(&code), "only its hash is kept");
    let again = world.post("/api/accounts", wished).await;
    assert_eq!((again.status, &again.body["type"]), (StatusCode::CONFLICT, &json!("/problems/phone_taken")));
}

#[tokio::test]
async fn while_no_phone_is_reached_the_code_is_shown() {
    let world = World::new().await;
    let asked = world.ask_for_code("010-1234-5678").await;
    assert_eq!(asked.body["code"], world.notification.last().code);
}

#[tokio::test]
async fn whoever_has_not_proven_a_number_does_not_learn_whether_it_is_taken() {
    let world = World::new().await;
    world.open("010-1234-5678").await;
    world.notification.reaches_phones.store(true, Ordering::Relaxed);
    let [taken, free] = ["010-1234-5678", "010-9999-9999"];
    let asked = [world.ask_for_code(taken).await, world.ask_for_code(free).await];
    assert_eq!((asked[0].status, &asked[0].body), (asked[1].status, &asked[1].body));
    assert_eq!(world.notification.sent.lock().expect("no panic").len(), 3, "both were sent one");
    for code in [None, Some("000000")] {
        let mut answers = Vec::new();
        for phone in [taken, free] {
            let mut wished = account("customer", phone);
            wished["code"] = json!(code);
            let answer = world.post("/api/accounts", wished).await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
            answers.push(answer.body);
        }
        assert_eq!(answers[0], answers[1]);
    }
    let mut squatted = account("customer", free);
    let sent = world.notification.sent.lock().expect("no panic")[1].code.clone();
    squatted["code"] = json!(sent);
    assert_eq!(
        world.post("/api/accounts", squatted).await.body["type"],
        "/problems/wrong_code",
        "a code holds for its phone only"
    );
}

#[tokio::test]
async fn a_code_is_good_for_three_minutes_and_five_tries_also_when_they_come_at_once() {
    let world = World::new().await;
    let wrong = |body: &Value| {
        let mut body = body.clone();
        let code: u32 = body["code"].as_str().expect("a code").parse().expect("digits");
        body["code"] = json!(format!("{:06}", (code + 1) % 1_000_000));
        body
    };
    let good = world.proven("customer", "010-1234-5678").await;
    for _ in 0..4 {
        let refused = world.post("/api/accounts", wrong(&good)).await;
        assert_eq!(
            (refused.status, &refused.body["type"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!("/problems/wrong_code"))
        );
    }
    assert_eq!(world.post("/api/accounts", good).await.status, StatusCode::CREATED, "the fifth");

    let good = world.proven("customer", "010-2222-2222").await;
    futures::future::join_all((0..20).map(|_| world.post("/api/accounts", wrong(&good)))).await;
    assert_eq!(world.post("/api/accounts", good).await.body["type"], "/problems/wrong_code", "it was tried too often");

    let good = world.proven("customer", "010-3333-3333").await;
    world.clock.advance(SignedDuration::from_mins(3));
    assert_eq!(world.post("/api/accounts", good).await.body["type"], "/problems/wrong_code", "it is old");

    let first = world.proven("customer", "010-4444-4444").await;
    let second = world.proven("customer", "010-4444-4444").await;
    if first["code"] != second["code"] {
        assert_eq!(world.post("/api/accounts", first).await.body["type"], "/problems/wrong_code", "another was sent");
    }
    assert_eq!(world.post("/api/accounts", second).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn codes_are_limited_for_a_phone_an_address_and_a_day() {
    let world = World::new().await;
    let phone = "010-1234-5678";
    let mut sent = 0;
    for _ in 0..24 * 6 + 1 {
        for _ in 0..5 {
            let asked = world.ask_for_code(phone).await;
            match asked.status {
                StatusCode::ACCEPTED => sent += 1,
                status => {
                    assert_eq!(
                        (status, &asked.body["type"]),
                        (StatusCode::TOO_MANY_REQUESTS, &json!("/problems/too_many_codes"))
                    );
                    assert!(asked.headers.contains_key(header::RETRY_AFTER));
                }
            }
        }
        if sent <= 5 {
            assert_eq!(sent, 3, "in ten minutes");
            assert_eq!(world.ask_for_code(phone).await.headers[header::RETRY_AFTER], "600");
        }
        world.clock.advance(SignedDuration::from_mins(10));
        if sent == 10 {
            break;
        }
    }
    assert_eq!(sent, 10, "in a day");
    world.clock.advance(SignedDuration::from_hours(24));
    assert_eq!(world.ask_for_code(phone).await.status, StatusCode::ACCEPTED, "the next day");

    let world = World::new().await;
    let mut asked = Vec::new();
    for number in 0..30 {
        asked.push(world.ask_for_code(&format!("0105555{number:04}")).await.status);
    }
    assert_eq!(asked.iter().filter(|status| **status == StatusCode::ACCEPTED).count(), 20, "of an address");
    assert_eq!(world.notification.sent.lock().expect("no panic").len(), 20);

    // An address is granted one more a minute, and no more than so many a day.
    let mut few = settings();
    few.phone_codes.per_address_and_day = 24;
    let world = World::set(few).await;
    let mut sent = 0;
    for number in 0..60 {
        sent += usize::from(world.ask_for_code(&format!("0105555{number:04}")).await.status == StatusCode::ACCEPTED);
        if number >= 25 {
            world.clock.advance(SignedDuration::from_mins(1));
        }
    }
    assert_eq!(sent, 24, "of an address, in a day");
    world.clock.advance(SignedDuration::from_hours(1));
    assert_eq!(world.ask_for_code("010-6666-6666").await.status, StatusCode::ACCEPTED, "a day's share of it later");
}

#[tokio::test]
async fn while_notification_is_away_no_code_is_sent_and_none_is_counted() {
    let world = World::new().await;
    world.notification.is_away.store(true, Ordering::Relaxed);
    for _ in 0..5 {
        let asked = world.ask_for_code("010-1234-5678").await;
        assert_eq!(asked.status, StatusCode::SERVICE_UNAVAILABLE, "{}", asked.body);
        assert!(asked.headers.contains_key(header::RETRY_AFTER));
    }
    world.notification.is_away.store(false, Ordering::Relaxed);
    world.open("010-1234-5678").await;
}

#[tokio::test]
async fn what_is_kept_of_codes_is_forgotten() {
    let world = World::new().await;
    world.ask_for_code("010-1234-5678").await;
    assert_eq!(world.documents("phone_codes").await, 1);
    world.clock.advance(SignedDuration::from_hours(48));
    let waiting = async {
        while world.documents("phone_codes").await > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), waiting).await.expect("the job is done in time");
}

#[tokio::test]
async fn the_right_password_many_times_at_once_is_nobodys_guess() {
    let world = World::new().await;
    world.open("010-1234-5678").await;
    let attempts = (0..20).map(|_| world.sign_in("010-1234-5678", PASSWORD));
    let answers = futures::future::join_all(attempts).await;
    assert!(answers.iter().all(|answer| answer.status == StatusCode::OK));
}

#[tokio::test]
async fn a_refresh_token_works_once_and_its_reuse_ends_the_family() {
    let world = World::new().await;
    world.open("010-1234-5678").await;
    let first = world.sign_in("010-1234-5678", PASSWORD).await.body["refresh_token"].clone();
    let elsewhere = world.sign_in("010-1234-5678", PASSWORD).await.body["refresh_token"].clone();
    let second = world.refresh(&first).await;
    assert_eq!(second.status, StatusCode::OK, "{}", second.body);
    let second = second.body["refresh_token"].clone();
    let third = world.refresh(&second).await.body["refresh_token"].clone();

    let stolen = world.refresh(&first).await;
    assert_eq!(stolen.status, StatusCode::UNAUTHORIZED);
    assert_eq!(stolen.body["type"], "/problems/refresh_token_refused");
    assert_eq!(world.refresh(&third).await.status, StatusCode::UNAUTHORIZED, "the family is revoked");
    assert_eq!(world.refresh(&elsewhere).await.status, StatusCode::OK, "another sign-in is not");
    assert_eq!(world.refresh(&json!("nonsense")).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn all_who_send_a_refresh_token_at_once_are_given_the_same_next_one() {
    let world = World::new().await;
    world.open("010-1234-5678").await;
    let first = world.sign_in("010-1234-5678", PASSWORD).await.body["refresh_token"].clone();
    let answers = futures::future::join_all((0..8).map(|_| world.refresh(&first))).await;
    let next = &answers[0].body["refresh_token"];
    assert!(answers.iter().all(|answer| answer.status == StatusCode::OK && answer.body["refresh_token"] == *next));
    assert_eq!(world.refresh(next).await.status, StatusCode::OK);
    assert_eq!(world.documents("refresh_tokens").await, 3);
}

#[tokio::test]
async fn a_refresh_whose_answer_was_lost_is_answered_again_for_half_a_minute() {
    let world = World::new().await;
    world.open("010-1234-5678").await;
    let first = world.sign_in("010-1234-5678", PASSWORD).await.body["refresh_token"].clone();
    let lost = world.refresh(&first).await;
    world.clock.advance(SignedDuration::from_secs(29));
    let again = world.refresh(&first).await;
    assert_eq!(again.status, StatusCode::OK, "{}", again.body);
    assert_eq!(again.body["refresh_token"], lost.body["refresh_token"]);
    assert_ne!(again.body["access_token"], lost.body["access_token"], "which lasts as long as any");

    world.clock.advance(SignedDuration::from_secs(1));
    assert_eq!(world.refresh(&first).await.status, StatusCode::UNAUTHORIZED, "later it is reuse");
    assert_eq!(world.refresh(&again.body["refresh_token"]).await.status, StatusCode::UNAUTHORIZED, "which revokes");
}

#[tokio::test]
async fn the_grace_ends_when_the_next_token_is_used_and_holds_for_no_older_one() {
    let world = World::new().await;
    world.open("010-1234-5678").await;
    let first = world.sign_in("010-1234-5678", PASSWORD).await.body["refresh_token"].clone();
    let second = world.refresh(&first).await.body["refresh_token"].clone();
    let third = world.refresh(&second).await.body["refresh_token"].clone();
    assert_eq!(world.refresh(&second).await.body["refresh_token"], third, "the last one that was used");
    assert_eq!(world.refresh(&first).await.status, StatusCode::UNAUTHORIZED, "an older one");
    assert_eq!(world.refresh(&second).await.status, StatusCode::UNAUTHORIZED, "the family is revoked");
    assert_eq!(world.refresh(&third).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_grace_holds_at_another_replica_and_whatever_is_done_to_the_clock() {
    // By how much the clock of the other replica is ahead, and by how much ours is set meanwhile.
    for (ahead, step) in [(0, 0), (-300, 0), (5, 0), (0, 9 * 3600), (0, -9 * 3600)] {
        let world = World::new().await;
        world.open("010-1234-5678").await;
        let first = world.sign_in("010-1234-5678", PASSWORD).await.body["refresh_token"].clone();
        let next = world.refresh(&first).await.body["refresh_token"].clone();
        world.clock.step(SignedDuration::from_secs(step));
        world.clock.advance(SignedDuration::from_secs(10));
        let asked = if step == 0 { world.beside(SignedDuration::from_secs(ahead)).await } else { world };
        assert_eq!(asked.refresh(&first).await.body["refresh_token"], next, "ahead {ahead}, step {step}");
        asked.clock.advance(SignedDuration::from_secs(20));
        if ahead >= 0 {
            assert_eq!(asked.refresh(&first).await.status, StatusCode::UNAUTHORIZED, "ahead {ahead}, step {step}");
        }
    }
}

#[tokio::test]
async fn without_a_grace_a_refresh_token_works_once() {
    let world = World::set(Settings { refresh_grace: SignedDuration::ZERO, ..settings() }).await;
    world.open("010-1234-5678").await;
    let first = world.sign_in("010-1234-5678", PASSWORD).await.body["refresh_token"].clone();
    let answers = futures::future::join_all((0..8).map(|_| world.refresh(&first))).await;
    let won: Vec<_> = answers.iter().filter(|answer| answer.status == StatusCode::OK).collect();
    assert_eq!(won.len(), 1);
    assert_eq!(world.refresh(&won[0].body["refresh_token"]).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn refresh_tokens_are_kept_hashed_expire_and_are_forgotten() {
    let world = World::new().await;
    world.open("010-1234-5678").await;
    let first = world.sign_in("010-1234-5678", PASSWORD).await.body["refresh_token"].clone();
    let kept = world.database.get("refresh_tokens", first.as_str().expect("a token")).await.expect("the database");
    assert!(kept.is_none(), "a token itself is not kept");

    world.clock.advance(SignedDuration::from_hours(29 * 24));
    let second = world.refresh(&first).await.body["refresh_token"].clone();
    assert_eq!((world.documents("refresh_tokens").await, world.documents("refresh_families").await), (2, 1));

    // The first has expired and is forgotten; the second, and with it the family, has not.
    world.clock.advance(SignedDuration::from_hours(3 * 24));
    world.until_tokens_are(1).await;
    assert_eq!(world.documents("refresh_families").await, 1);
    let third = world.refresh(&second).await;
    assert_eq!(third.status, StatusCode::OK);

    world.clock.advance(SignedDuration::from_hours(30 * 24));
    assert_eq!(world.refresh(&third.body["refresh_token"]).await.status, StatusCode::UNAUTHORIZED);
    world.clock.advance(SignedDuration::from_hours(24));
    world.until_tokens_are(0).await;
    assert_eq!(world.documents("refresh_families").await, 0);
}

/// What people type and paste, field by field: what is answered afterwards, or which field is refused.
const TYPED: [(&str, &str, &str, Result<&str, &str>); 21] = [
    ("POST /api/phone-codes", "phone", "０１０–１２３４–５６７８", Ok("01012345678")),
    (
        "POST /api/phone-codes",
        "phone",
        "112",
        Err("must be a Korean mobile number, as 010-1234-5678 or +82 10-1234-5678"),
    ),
    ("POST /api/accounts", "code", "０ 0-0\u{200B}０00", Ok("000000")),
    ("POST /api/accounts", "code", "1234", Err("must be the 6 digits that were sent to the phone")),
    ("POST /api/accounts", "name", " 김\u{200B}지우\u{3000} ", Ok("김지우")),
    ("POST /api/accounts", "name", "\u{1100}\u{1175}\u{11B7}지우\u{202E}", Ok("김지우")),
    ("POST /api/accounts", "name", "김\n지우", Ok("김 지우")),
    ("POST /api/accounts", "name", "김지우 👨\u{200D}👩\u{200D}👧", Ok("김지우 👨\u{200D}👩\u{200D}👧")),
    ("POST /api/accounts", "name", "\u{3164}", Err("must hold something that can be seen")),
    ("POST /api/accounts", "name", "김\u{0}지우", Err("must not hold control characters, as U+0000")),
    ("POST /api/accounts", "phone", "０１０–１２３４–５６７８", Ok("01012345678")),
    ("POST /api/accounts", "phone", "\u{202A}+82 10\u{A0}1234\u{A0}5678\u{202C}", Ok("01012345678")),
    ("POST /api/accounts", "phone", "tel:0082-10-1234-5678", Ok("01012345678")),
    (
        "POST /api/accounts",
        "phone",
        "02-123-4567",
        Err("must be a Korean mobile number, as 010-1234-5678 or +82 10-1234-5678"),
    ),
    ("POST /api/accounts", "password", "cafe\u{301}\u{A0}아메리카노", Ok("café 아메리카노")),
    ("POST /api/accounts", "password", "아아아아e\u{301}e\u{301}e\u{301}", Err("must have 8 to 128 characters")),
    ("POST /api/token", "phone", "82-10-1234-5678", Ok("01012345678")),
    ("POST /api/token", "phone", "010ㅡ1234ㅡ5678\u{200B}", Ok("01012345678")),
    ("POST /api/token", "password", "correct\u{A0}horse", Ok("correct horse")),
    ("POST /api/token", "password", "correct\u{3000}horse", Ok("correct horse")),
    (
        "POST /api/token",
        "password",
        "correct\u{200B}horse",
        Err("must not hold control characters, characters that cannot be seen, or unknown ones, as U+200B"),
    ),
];

#[tokio::test]
async fn text_that_people_type_is_normalized_in_every_field() {
    for (operation, field, typed, wished) in TYPED {
        let world = World::new().await;
        if operation == "POST /api/phone-codes" {
            let answer = world.ask_for_code(typed).await;
            match wished {
                Ok(wished) => assert_eq!(world.notification.last().phone, wished),
                Err(message) => assert_eq!(answer.body["errors"], json!([{"field": field, "message": message}])),
            }
            continue;
        }
        let opens = operation == "POST /api/accounts";
        let mut body = world.proven("customer", "010-1234-5678").await;
        if field == "code" && wished.is_ok() {
            // The code that was sent, typed as the row types zeros.
            let mut digits = body["code"].as_str().expect("a code").chars().collect::<Vec<_>>().into_iter();
            let as_typed = typed.chars().map(|character| match character {
                '0' => digits.next().expect("six"),
                '０' => char::from_u32(u32::from(digits.next().expect("six")) - 0x30 + 0xFF10).expect("a digit"),
                other => other,
            });
            body["code"] = json!(as_typed.collect::<String>());
        } else if opens {
            body[field] = json!(typed);
        }
        let mut sign_in = json!({"phone": "010-1234-5678", "password": PASSWORD});
        if !opens {
            sign_in[field] = json!(typed);
        } else if let (Ok(wished), "phone" | "password") = (wished, field) {
            sign_in[field] = json!(wished);
        }
        let opened = world.post("/api/accounts", body).await;
        let signed_in = world.post("/api/token", sign_in).await;
        match wished {
            Ok(wished) => {
                assert_eq!(opened.status, StatusCode::CREATED, "{typed:?}: {}", opened.body);
                assert_eq!(signed_in.status, StatusCode::OK, "{typed:?}: {}", signed_in.body);
                let shown = world.me(&opened.body["account_id"]).await;
                assert!(["password", "code"].contains(&field) || shown[field] == wished, "{typed:?}: {shown}");
            }
            Err(message) => {
                let refused = if opens { opened } else { signed_in };
                assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{typed:?}");
                assert_eq!(refused.body["errors"], json!([{"field": field, "message": message}]), "{typed:?}");
            }
        }
    }
}

#[test]
fn every_field_that_people_type_into_is_among_those() {
    let document = serde_json::to_value(baedal_identity::described().document).expect("a document");
    let rows = TYPED.iter().map(|(operation, field, ..)| (*operation, *field));
    baedal_text::testing::assert_every_field_has_a_row(&document, rows);
}

#[tokio::test]
async fn a_phone_number_has_one_account_however_it_is_typed() {
    let world = World::new().await;
    world.open("010-1234-5678").await;
    for same in ["０１０１２３４５６７８", "+82 10–1234–5678", "\u{2068}010 1234 5678\u{2069}"] {
        let mut wished = world.proven("owner", "010-1234-5678").await;
        wished["phone"] = json!(same);
        let answer = world.post("/api/accounts", wished).await;
        assert_eq!(answer.status, StatusCode::CONFLICT, "{same:?}");
        world.clock.advance(SignedDuration::from_mins(10));
    }
}

#[tokio::test]
async fn the_first_operator_is_typed_by_the_same_rules() {
    let world = World::new().await;
    let settings = settings();
    let create = |name: &'static str, password: &'static str| {
        baedal_identity::create_operator(&world.service, &settings, "０１０–１２３４–５６７８", name, password)
    };
    for (name, password, wrong) in [
        ("\u{3164}", "correct horse", "the name must hold something that can be seen"),
        (
            "운영",
            "correct\u{200B}horse",
            "the password must not hold control characters, characters that cannot be seen, or unknown ones, as U+200B",
        ),
    ] {
        let refused = create(name, password).await.expect_err(name);
        assert_eq!(refused.to_string(), wrong);
    }
    let account_id = create(" 운\u{200B}영 ", "correct\u{A0}horse").await.expect("an operator");
    assert_eq!(world.me(&json!(account_id)).await["name"], "운영");
    assert_eq!(world.sign_in("010-1234-5678", "correct horse").await.status, StatusCode::OK);
}
