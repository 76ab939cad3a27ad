//! Traffic management, as those feel it who come too often, too many at once, or with too much.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::response::sse::{Event, Sse};
use baedal_contracts::identity::Role;
use baedal_contracts::source::TRACKING;
use baedal_gateway::Rate;
use baedal_kit_http::upstream::Upstream;
use futures::StreamExt;
use http::{Method, StatusCode, header};
use http_body_util::BodyExt;
use tokio::sync::Semaphore;

use super::world::{HERE, World, request};

/// A few at once, and then none for a long time.
const FEW: Rate = Rate { per_second: 1, burst: 3 };

fn from(address: &str, path: &str) -> Request {
    let mut asked = request(Method::GET, path, None);
    asked.extensions_mut().insert(ConnectInfo(SocketAddr::new(address.parse().expect("an address"), 1)));
    asked
}

#[tokio::test]
async fn an_address_that_asks_too_often_waits_and_others_do_not() {
    let world = World::with(|settings| settings.per_address = FEW, |_| {});
    for path in ["/api/stores", "/api/nowhere", "/problems"] {
        assert_ne!(world.get(path).await.status, StatusCode::TOO_MANY_REQUESTS);
    }
    for path in ["/api/stores", "/api/nowhere", "/problems"] {
        let answer = world.get(path).await;
        assert_eq!((answer.status, answer.kind()), (StatusCode::TOO_MANY_REQUESTS, "too_many_requests"));
        assert_eq!(answer.headers[header::RETRY_AFTER], "1");
    }
    assert_eq!(world.send(from("198.51.100.7", "/api/stores")).await.status, StatusCode::OK);
    assert_eq!(world.get("/health/live").await.status, StatusCode::OK, "whoever watches over us is never turned away");
    let lied = Request::get("/api/stores").header("x-forwarded-for", "198.51.100.8").body(Body::empty()).unwrap();
    assert_eq!(world.send(lied).await.status, StatusCode::TOO_MANY_REQUESTS, "nobody says where they come from");
}

#[tokio::test]
async fn behind_our_own_proxy_the_address_it_saw_counts() {
    let world = World::with(|settings| (settings.per_address, settings.trusted_proxies) = (FEW, 1), |_| {});
    for last in 0..10 {
        let asked = Request::get("/api/stores").header("x-forwarded-for", format!("10.0.0.1, 198.51.100.{last}"));
        let answer = world.send(asked.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.body["headers"]["baedal-client"], format!("198.51.100.{last}"));
    }
}

#[tokio::test]
async fn an_account_that_asks_too_often_waits_wherever_it_asks_from() {
    let world = World::with(|settings| settings.per_account = FEW, |_| {});
    let token = world.key.token(Role::Customer);
    for _ in 0..3 {
        assert_eq!(world.call(Method::GET, "/api/orders", Some(&token)).await.status, StatusCode::OK);
    }
    assert_eq!(world.call(Method::GET, "/api/orders", Some(&token)).await.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(world.get_as(Role::Customer, "/api/orders").await.status, StatusCode::OK, "another account");
}

#[tokio::test]
async fn made_up_tokens_count_against_their_address() {
    let world = World::with(|settings| settings.per_address = FEW, |_| {});
    for _ in 0..3 {
        assert_eq!(world.call(Method::GET, "/api/orders", Some("a.b.c")).await.status, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(world.call(Method::GET, "/api/orders", Some("a.b.c")).await.status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn signing_in_has_a_tighter_limit() {
    let world = World::with(|settings| settings.sign_in_per_address = FEW, |_| {});
    for _ in 0..3 {
        assert_eq!(world.call(Method::POST, "/api/token", None).await.status, StatusCode::OK);
    }
    assert_eq!(world.call(Method::POST, "/api/token", None).await.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(world.call(Method::POST, "/api/accounts", None).await.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(world.get("/api/stores").await.status, StatusCode::OK);
    let unlimited = World::with(
        |settings| {
            (settings.sign_in_per_address, settings.per_address) = (FEW, FEW);
            *settings = settings.clone().without_limits_per_address();
        },
        |_| {},
    );
    for _ in 0..20 {
        assert_eq!(unlimited.call(Method::POST, "/api/token", None).await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_by_what_it_says_or_by_what_it_is() {
    let world = World::new();
    let token = world.key.token(Role::Customer);
    let mut told = request(Method::POST, "/api/orders", Some(&token));
    told.headers_mut().insert(header::CONTENT_LENGTH, (64 * 1024 + 1).into());
    let told = world.send(told).await;
    assert_eq!((told.status, told.kind()), (StatusCode::PAYLOAD_TOO_LARGE, "too_large"));

    let endless = futures::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b' '; 1024]));
    let mut streamed = request(Method::POST, "/api/orders", Some(&token));
    *streamed.body_mut() = Body::from_stream(endless);
    let streamed = world.send(streamed).await;
    assert_eq!((streamed.status, streamed.kind()), (StatusCode::PAYLOAD_TOO_LARGE, "too_large"));

    let mut unread = request(Method::GET, "/api/orders", Some(&token));
    *unread.body_mut() = Body::from_stream(futures::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b' '; 1024])));
    let unread = world.send(unread).await;
    assert_eq!((unread.status, &unread.body["body"]), (StatusCode::OK, &"".into()));
}

/// A body that arrives in pieces of 1 KiB, and how many of them were taken in.
fn pieces(count: usize) -> (Body, Arc<AtomicUsize>) {
    let taken = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&taken);
    let stream = futures::stream::repeat_with(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        Ok::<_, std::io::Error>(vec![b' '; 1024])
    });
    (Body::from_stream(stream.take(count)), taken)
}

#[tokio::test]
async fn a_refused_body_is_taken_in_so_that_its_client_can_read_the_answer() {
    let world = World::new();
    let customer = world.key.token(Role::Customer);
    for (method, path, token, length, status) in [
        (Method::POST, "/api/orders", Some(customer.as_str()), 512 * 1024, StatusCode::PAYLOAD_TOO_LARGE),
        (Method::POST, "/api/stores", Some(customer.as_str()), 2048, StatusCode::FORBIDDEN),
        (Method::POST, "/api/orders", None, 2048, StatusCode::UNAUTHORIZED),
        (Method::POST, "/api/nowhere", None, 2048, StatusCode::NOT_FOUND),
        (Method::PUT, "/api/orders", None, 2048, StatusCode::METHOD_NOT_ALLOWED),
        (Method::DELETE, "/api/stores/1/menu/2", None, 2048, StatusCode::UNAUTHORIZED),
        (Method::GET, "/api/stores", None, 2048, StatusCode::OK),
    ] {
        let (body, taken) = pieces(length / 1024);
        let mut asked = request(method, path, token);
        asked.headers_mut().insert(header::CONTENT_LENGTH, length.into());
        *asked.body_mut() = body;
        let answer = world.send(asked).await;
        assert_eq!((answer.status, taken.load(Ordering::Relaxed)), (status, length / 1024), "{path}");
        assert!(!answer.headers.contains_key(header::CONNECTION), "the connection can be used again");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_body_without_end_closes_the_connection() {
    let world = World::new();
    let endless = || pieces(usize::MAX).0;
    let stalled = || Body::from_stream(futures::stream::pending::<Result<Vec<u8>, std::io::Error>>());
    for body in [endless(), stalled()] {
        let mut asked = request(Method::POST, "/api/orders", None);
        *asked.body_mut() = body;
        let answer = world.send(asked).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert_eq!(answer.headers[header::CONNECTION], "close");
    }
}

#[tokio::test]
async fn a_client_that_asks_before_it_sends_is_not_told_to_send_what_is_refused() {
    let world = World::new();
    let (body, taken) = pieces(1024);
    let mut asked = request(Method::POST, "/api/orders", Some(&world.key.token(Role::Customer)));
    asked.headers_mut().insert(header::CONTENT_LENGTH, (1024 * 1024).into());
    asked.headers_mut().insert(header::EXPECT, http::HeaderValue::from_static("100-continue"));
    *asked.body_mut() = body;
    let answer = world.send(asked).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(answer.headers[header::CONNECTION], "close");
    assert_eq!(taken.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn live_streams_are_counted_until_they_end() {
    let live = Router::new().fallback(async || {
        let first = futures::stream::iter([Ok::<_, std::convert::Infallible>(Event::default().data("now"))]);
        Sse::new(first.chain(futures::stream::pending()))
    });
    let world = World::with(
        |settings| (settings.live_streams, settings.live_streams_per_account) = (3, 2),
        |contexts| drop(contexts.insert(TRACKING, Upstream::local(live))),
    );
    let path = "/api/orders/0198c1f2-7c1e-7000-8000-000000000000/live";
    let token = world.key.token(Role::Customer);
    let open = async || world.response(request(Method::GET, path, Some(&token))).await;
    let mut first = open().await;
    let frame = first.body_mut().frame().await.expect("a frame").expect("no error").into_data().expect("data");
    assert_eq!(frame, "data: now\n\n");
    let _second = open().await;
    let third = world.send(request(Method::GET, path, Some(&token))).await;
    assert_eq!((third.status, third.kind()), (StatusCode::TOO_MANY_REQUESTS, "too_many_streams"));
    let _another = world.response(request(Method::GET, path, Some(&world.key.token(Role::Rider)))).await;
    let full = world.get_as(Role::Owner, path).await;
    assert_eq!((full.status, full.kind()), (StatusCode::SERVICE_UNAVAILABLE, "unavailable"));
    assert!(full.headers.contains_key(header::RETRY_AFTER));
    drop(first);
    assert_eq!(open().await.status(), StatusCode::OK);
}

#[tokio::test]
async fn when_all_places_are_taken_more_are_turned_away_at_once() {
    let gate = Arc::new(Semaphore::new(0));
    let inside = Arc::clone(&gate);
    let slow = Router::new().fallback(move || {
        let inside = Arc::clone(&inside);
        async move { inside.acquire().await.map(|_| "done").map_err(|_| StatusCode::INTERNAL_SERVER_ERROR) }
    });
    let world = World::with(
        |settings| settings.requests_in_flight = 1,
        |contexts| drop(contexts.insert(TRACKING, Upstream::local(slow))),
    );
    let held = world.get("/api/stores");
    tokio::pin!(held);
    assert!(futures::poll!(held.as_mut()).is_pending());
    let turned_away = world.get("/api/stores").await;
    assert_eq!((turned_away.status, turned_away.kind()), (StatusCode::SERVICE_UNAVAILABLE, "unavailable"));
    assert_eq!(turned_away.headers[header::RETRY_AFTER], "1");
    assert_eq!(world.get("/health/live").await.status, StatusCode::OK);
    gate.add_permits(10);
    assert_eq!(held.await.text, "done");
    assert_eq!(world.get("/api/stores").await.status, StatusCode::OK);
}

/// A command of which one byte arrives, and then nothing.
fn unfinished(address: &str) -> Request {
    let mut asked = from(address, "/api/token/refresh");
    *asked.method_mut() = Method::POST;
    let byte = futures::stream::iter([Ok::<_, std::io::Error>(vec![b'{'])]);
    *asked.body_mut() = Body::from_stream(byte.chain(futures::stream::pending()));
    asked
}

fn command(address: &str) -> Request {
    let mut asked = from(address, "/api/token/refresh");
    *asked.method_mut() = Method::POST;
    *asked.body_mut() = Body::from("{}");
    asked
}

#[tokio::test(start_paused = true)]
async fn many_commands_a_second_that_never_arrive_keep_nobody_else_out() {
    let world = World::with(|settings| (settings.per_address, settings.needed) = (Rate::UNLIMITED, Vec::new()), |_| {});
    let attacker = "198.51.100.66";
    let mut attack = futures::stream::FuturesUnordered::new();
    let mut answers = Vec::new();
    for second in 0..8 {
        for _ in 0..190 {
            attack.push(world.send(unfinished(attacker)));
        }
        let over = tokio::time::sleep(std::time::Duration::from_secs(1));
        tokio::pin!(over);
        loop {
            tokio::select! {
                biased;
                Some(answer) = attack.next() => answers.push(answer),
                () = &mut over => break,
            }
        }
        for honest in [HERE, "198.51.100.7", "2001:db8::1"] {
            assert_eq!(world.send(command(honest)).await.status, StatusCode::OK);
            assert_eq!(world.send(from(honest, "/api/stores")).await.status, StatusCode::OK);
        }
        assert_eq!(
            world.send(from(attacker, "/api/stores")).await.status,
            StatusCode::OK,
            "what has arrived is served"
        );
        let readiness = world.get_as_the_machine("/health/ready").await;
        let limits = &readiness.body["dependencies"]["limits"];
        assert_eq!(readiness.status, StatusCode::OK);
        // Later, some of them have just been told that they are late, and there is room for a moment.
        if second == 0 {
            let wrong = limits["wrong"].as_str().unwrap_or_default();
            assert!(wrong.contains("`unfinished_requests_per_address` (100) binds for one address"), "{limits}");
        }
    }
    answers.extend(attack.collect::<Vec<_>>().await);
    let late = answers.iter().filter(|answer| answer.status == StatusCode::REQUEST_TIMEOUT).count();
    let too_many = answers.iter().filter(|answer| answer.status == StatusCode::TOO_MANY_REQUESTS).count();
    assert_eq!((late + too_many, answers.len()), (8 * 190, 8 * 190));
    assert!((100..=200).contains(&late), "one hundred at a time, for five seconds each: {late}");
    let first = answers.iter().find(|answer| answer.status == StatusCode::REQUEST_TIMEOUT).expect("one that was late");
    assert_eq!(first.kind(), "too_slow");
    let readiness = world.get_as_the_machine("/health/ready").await;
    assert_eq!(readiness.body["dependencies"]["limits"]["ready"], true, "all of it is over");
}

#[tokio::test(start_paused = true)]
async fn a_slow_line_has_the_time_that_its_bytes_need() {
    let world = World::with(|settings| (settings.per_address, settings.needed) = (Rate::UNLIMITED, Vec::new()), |_| {});
    for (bytes_a_second, status) in [(6000, StatusCode::OK), (2000, StatusCode::REQUEST_TIMEOUT)] {
        let piece = move |sent: usize| async move {
            let left = 40_000_usize.saturating_sub(sent).min(bytes_a_second);
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
            (left > 0).then(|| (Ok::<_, std::io::Error>(vec![b' '; left]), sent + left))
        };
        let mut slow = command(HERE);
        *slow.body_mut() = Body::from_stream(futures::stream::unfold(0, piece));
        assert_eq!(world.send(slow).await.status, status, "{bytes_a_second} bytes a second");
    }
}

#[tokio::test]
async fn made_up_accounts_of_one_address_leave_live_streams_to_others() {
    let live = Router::new().fallback(async || Sse::new(futures::stream::pending::<Result<Event, std::io::Error>>()));
    let world = World::with(
        |settings| (settings.per_address, settings.needed) = (Rate::UNLIMITED, Vec::new()),
        |contexts| drop(contexts.insert(TRACKING, Upstream::local(live))),
    );
    let path = "/api/orders/0198c1f2-7c1e-7000-8000-000000000000/live";
    let open = async |address: &str| {
        let mut asked = request(Method::GET, path, Some(&world.key.token(Role::Customer)));
        asked.extensions_mut().insert(ConnectInfo(SocketAddr::new(address.parse().expect("an address"), 1)));
        world.response(asked).await
    };
    let mut streams = Vec::new();
    // One stream of each of them is enough: an account has twenty.
    for account in 0..1100 {
        let response = open("198.51.100.66").await;
        let expected = if account < 1000 { StatusCode::OK } else { StatusCode::TOO_MANY_REQUESTS };
        assert_eq!(response.status(), expected, "{account}");
        streams.push(response);
    }
    assert_eq!(open(HERE).await.status(), StatusCode::OK);
    let readiness = world.get_as_the_machine("/health/ready").await;
    assert_eq!(readiness.status, StatusCode::OK);
    let wrong = readiness.body["dependencies"]["limits"]["wrong"].to_string();
    assert!(wrong.contains("`live_streams_per_address` (1000) binds for one address"), "{wrong}");
}

#[tokio::test]
async fn a_read_that_waits_for_a_position_takes_no_place_from_others() {
    let gate = Arc::new(Semaphore::new(0));
    let inside = Arc::clone(&gate);
    let late = Router::new().fallback(move |request: Request| {
        let inside = Arc::clone(&inside);
        async move {
            if request.headers().contains_key("baedal-position") {
                drop(inside.acquire().await);
            }
            "shown"
        }
    });
    let world = World::with(
        |settings| {
            settings.needed.clear();
            (settings.requests_in_flight, settings.waiting_reads, settings.waiting_reads_per_address) = (1, 3, 2);
        },
        |contexts| drop(contexts.insert(TRACKING, Upstream::local(late))),
    );
    let waiting = |address| {
        let mut asked = from(address, "/api/stores");
        asked.headers_mut().insert("baedal-position", http::HeaderValue::from_static("order:7"));
        world.send(asked)
    };
    let mut held: Vec<_> = [HERE, HERE, "198.51.100.7"].map(|address| Box::pin(waiting(address))).into();
    for read in &mut held[..2] {
        assert!(futures::poll!(read).is_pending());
    }
    assert_eq!(world.get("/api/stores").await.text, "shown");
    assert_eq!(waiting(HERE).await.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(futures::poll!(&mut held[2]).is_pending(), "another address has its own share");
    assert_eq!(waiting("198.51.100.8").await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(world.get("/health/ready").await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(world.get("/api/stores").await.text, "shown");
    gate.add_permits(10);
    for read in held {
        assert_eq!(read.await.text, "shown");
    }
    assert_eq!(world.get("/health/ready").await.status, StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn a_live_stream_ends_with_the_token_it_was_opened_with() {
    let live = Router::new().fallback(async || Sse::new(futures::stream::pending::<Result<Event, std::io::Error>>()));
    let world = World::with(|_| {}, |contexts| drop(contexts.insert(TRACKING, Upstream::local(live))));
    let path = "/api/orders/0198c1f2-7c1e-7000-8000-000000000000/live";
    let token = world.key.token(Role::Customer);
    // The second time it is remembered.
    for _ in 0..2 {
        let began = tokio::time::Instant::now();
        let told =
            tokio::time::timeout(std::time::Duration::from_hours(1), world.call(Method::GET, path, Some(&token))).await;
        let told = told.expect("the stream ends");
        assert!(told.text.starts_with("event: reconnect\n"), "{}", told.text);
        assert_eq!(began.elapsed().as_secs(), 900);
    }
}
