//! How the server stops: nobody who asks properly loses a request, and nobody else is waited for.

#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::routing::{any, get};
use baedal::server::{self, Doors, LONGEST_HEAD, Patience};
use baedal_kit_http::caps::Cap;
use baedal_kit_http::peers::PeerSecret;
use baedal_kit_http::upstream::Upstream;
use baedal_kit_runtime::lifecycle::Lifecycle;
use http::StatusCode;
use http_body_util::BodyExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinHandle;

/// Longer than anything takes that is not stuck.
const LIMIT: Duration = Duration::from_secs(20);
/// How long a stop waits for requests in flight: longer than any test.
const FOREVER: Duration = Duration::from_secs(3600);

/// A server that is running.
struct Running {
    address: SocketAddr,
    lifecycle: Lifecycle,
    server: JoinHandle<()>,
}

impl Running {
    async fn start(address: SocketAddr, router: Router, drain_for: Duration, limit: Duration) -> Self {
        Self::with(address, router, Patience { keep_alive: FOREVER, drain_for, limit }).await
    }

    async fn with(address: SocketAddr, router: Router, patience: Patience) -> Self {
        Self::behind(address, router, patience, doors(100, u64::MAX, LIMIT)).await
    }

    async fn behind(address: SocketAddr, router: Router, patience: Patience, doors: Doors) -> Self {
        let listener = server::bind(address).await.expect("an address");
        let address = listener.local_addr().expect("an address");
        let lifecycle = Lifecycle::default();
        let server = tokio::spawn(server::run(listener, router, lifecycle.clone(), patience, doors, None));
        Self { address, lifecycle, server }
    }

    async fn at_once(router: Router) -> Self {
        Self::start(anywhere(), router, Duration::ZERO, FOREVER).await
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("a connection")
    }

    /// Waits until it has stopped.
    async fn stopped(self) {
        in_time(self.server).await.expect("its end");
    }

    async fn stop(self) {
        self.lifecycle.drain();
        self.stopped().await;
    }
}

fn doors(connections_per_address: u64, head_bytes_per_address: u64, head_limit: Duration) -> Doors {
    Doors {
        connections: Cap::new("connections", 1000, connections_per_address),
        head_bytes: Cap::new("head_bytes", 100 * 1024 * 1024, head_bytes_per_address),
        head_limit,
    }
}

fn anywhere() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

async fn in_time<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(LIMIT, work).await.expect("in time")
}

/// Reads until what was read ends so.
async fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let mut read = String::new();
    let mut buffer = [0; 1024];
    while !read.ends_with(end) {
        let count = in_time(stream.read(&mut buffer)).await.expect("a socket");
        assert!(count > 0, "closed after {read:?}");
        read.push_str(&String::from_utf8_lossy(&buffer[..count]));
    }
    read
}

async fn is_closed(stream: &mut TcpStream) -> bool {
    // An error is an end, too.
    in_time(stream.read(&mut [0; 1024])).await.unwrap_or(0) == 0
}

/// A replica that says that it is ready until it drains, and answers every command with its body.
struct Replica {
    running: Running,
    answered: Arc<AtomicUsize>,
}

impl Replica {
    async fn start(address: SocketAddr) -> Self {
        let listener = server::bind(address).await.expect("an address");
        let address = listener.local_addr().expect("an address");
        let (lifecycle, answered) = (Lifecycle::default(), Arc::new(AtomicUsize::new(0)));
        let (draining, counted) = (lifecycle.clone(), Arc::clone(&answered));
        let ready = async move || if draining.is_draining() { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
        let router = Router::new().route("/internal/replica", get(ready)).fallback(async move |body: String| {
            counted.fetch_add(1, Ordering::Relaxed);
            body
        });
        let patience = Patience { keep_alive: FOREVER, drain_for: Duration::from_millis(500), limit: LIMIT };
        let served = server::run(listener, router, lifecycle.clone(), patience, doors(100, u64::MAX, LIMIT), None);
        Self { running: Running { address, lifecycle, server: tokio::spawn(served) }, answered }
    }

    /// Waits until it has answered some more.
    async fn serves(&self) {
        let goal = self.answered.load(Ordering::Relaxed) + 50;
        in_time(async {
            while self.answered.load(Ordering::Relaxed) < goal {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
}

/// Sends commands one after the other until it is told that there were enough.
async fn ask_steadily(upstream: Upstream, number: usize, enough: Arc<AtomicBool>) {
    let mut sent = 0;
    while !enough.load(Ordering::Relaxed) {
        sent += 1;
        let said = format!("command {sent} of {number}");
        let request = Request::post("/api/orders").body(Body::from(said.clone())).expect("a request");
        let response = in_time(upstream.send(request)).await;
        assert_eq!(response.status(), StatusCode::OK, "{said}");
        assert_eq!(response.into_body().collect().await.expect("an answer").to_bytes(), said);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_restart_under_load_loses_no_command() {
    let mut one = Replica::start(anywhere()).await;
    let mut other = Replica::start(anywhere()).await;
    let addresses = [&one, &other].map(|replica| format!("http://{}", replica.running.address));
    let upstream =
        Upstream::remote("order", &addresses, &PeerSecret::default(), None, &Lifecycle::default()).expect("addresses");
    let enough = Arc::new(AtomicBool::new(false));
    let asking: Vec<_> =
        (0..16).map(|number| tokio::spawn(ask_steadily(upstream.clone(), number, Arc::clone(&enough)))).collect();
    for _ in 0..2 {
        one.serves().await;
        other.serves().await;
        let address = one.running.address;
        one.running.stop().await;
        other.serves().await;
        // The next to go is the one that has stayed.
        one = other;
        other = Replica::start(address).await;
    }
    other.serves().await;
    enough.store(true, Ordering::Relaxed);
    for asking in asking {
        asking.await.expect("every command was answered");
    }
}

#[tokio::test]
async fn while_it_drains_it_serves_on_and_every_answer_is_its_connections_last() {
    let running = Running::start(anywhere(), Router::new().fallback(async || "served"), FOREVER, FOREVER).await;
    let mut kept = running.connect().await;
    for is_draining in [false, true] {
        if is_draining {
            running.lifecycle.drain();
        }
        for stream in [&mut kept, &mut running.connect().await] {
            stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("a socket");
            let answer = read_until(stream, "served").await;
            assert_eq!(answer.contains("connection: close"), is_draining, "{answer}");
            if is_draining {
                assert!(is_closed(stream).await);
            }
        }
    }
}

#[tokio::test]
async fn for_how_long_a_connection_is_kept_is_announced_and_then_it_is_closed() {
    let patience = Patience { keep_alive: Duration::from_secs(1), drain_for: Duration::ZERO, limit: FOREVER };
    let running = Running::with(anywhere(), Router::new().fallback(async || "served"), patience).await;
    let mut stream = running.connect().await;
    for _ in 0..2 {
        stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("a socket");
        let answer = read_until(&mut stream, "served").await;
        assert!(answer.contains("keep-alive: timeout=1\r\n"), "{answer}");
        assert!(answer.contains("connection: keep-alive\r\n"), "{answer}");
    }
    assert!(is_closed(&mut stream).await);
    // HTTP/1.0 knows nothing of that.
    let mut old = running.connect().await;
    old.write_all(b"GET / HTTP/1.0\r\nhost: x\r\n\r\n").await.expect("a socket");
    let answer = read_until(&mut old, "served").await;
    assert!(!answer.contains("keep-alive"), "{answer}");
    assert!(is_closed(&mut old).await);
    running.stop().await;
}

#[tokio::test]
async fn a_request_in_hand_is_answered_before_the_end() {
    let (begun, gate) = (Arc::new(Notify::new()), Arc::new(Semaphore::new(0)));
    let router = {
        let (begun, gate) = (Arc::clone(&begun), Arc::clone(&gate));
        Router::new().fallback(async move |body: String| {
            begun.notify_one();
            drop(gate.acquire().await);
            body
        })
    };
    let running = Running::at_once(router).await;
    let mut stream = running.connect().await;
    stream.write_all(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 6\r\n\r\nserved").await.expect("a socket");
    in_time(begun.notified()).await;
    let address = running.address;
    running.lifecycle.drain();
    // Nobody is let in any more, and this one has not answered yet.
    in_time(async { while TcpStream::connect(address).await.is_ok() {} }).await;
    gate.add_permits(1);
    assert!(read_until(&mut stream, "served").await.contains("connection: close"));
    running.stopped().await;
}

#[tokio::test]
async fn nobody_waits_for_connections_that_are_not_used_or_for_half_a_request() {
    let begun = Arc::new(Semaphore::new(0));
    let counted = Arc::clone(&begun);
    let router = Router::new().route("/", any(async || "served")).fallback(async move |request: Request| {
        counted.add_permits(1);
        request.into_body().collect().await.map(|_| "served").map_err(|_| StatusCode::BAD_REQUEST)
    });
    let running = Running::at_once(router).await;
    let whole = "GET / HTTP/1.1\r\nhost: x\r\n\r\n";
    let mut streams = Vec::new();
    for sent in [
        String::new(),
        "GET / HT".to_owned(),
        "POST /x HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nhalf".to_owned(),
        "POST /x HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n".to_owned(),
        whole.to_owned(),
        format!("{whole}GET / HT"),
    ] {
        let mut stream = running.connect().await;
        stream.write_all(sent.as_bytes()).await.expect("a socket");
        if sent.starts_with(whole) {
            read_until(&mut stream, "served").await;
        }
        streams.push(stream);
    }
    // Both bodies are being read.
    drop(in_time(begun.acquire_many(2)).await);
    running.stop().await;
    for mut stream in streams {
        assert!(is_closed(&mut stream).await);
    }
}

#[tokio::test]
async fn what_does_not_end_is_cut_off() {
    let begun = Arc::new(Notify::new());
    let counted = Arc::clone(&begun);
    let router = Router::new().fallback(async move || {
        counted.notify_one();
        std::future::pending::<()>().await;
    });
    let running = Running::start(anywhere(), router, Duration::ZERO, Duration::from_millis(100)).await;
    let mut stream = running.connect().await;
    stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("a socket");
    in_time(begun.notified()).await;
    running.stop().await;
    assert!(is_closed(&mut stream).await);
}

async fn guarded(doors: &Doors) -> Running {
    let patience = Patience { keep_alive: FOREVER, drain_for: Duration::ZERO, limit: FOREVER };
    Running::behind(anywhere(), Router::new().fallback(async || "served"), patience, doors.clone()).await
}

const WHOLE: &[u8] = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";

async fn until(is_true: impl Fn() -> bool) {
    in_time(async {
        while !is_true() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// All that is sent before the connection is closed.
async fn all_of(stream: &mut TcpStream) -> String {
    let mut read = Vec::new();
    let mut buffer = [0; 1024];
    // An error is an end, too: what was sent and not read makes one.
    while let Ok(count @ 1..) = in_time(stream.read(&mut buffer)).await {
        read.extend_from_slice(&buffer[..count]);
    }
    String::from_utf8_lossy(&read).into_owned()
}

#[tokio::test]
async fn one_peer_has_so_many_connections_and_is_told_when_it_has_them() {
    let doors = doors(3, u64::MAX, LIMIT);
    let running = guarded(&doors).await;
    let mut held = Vec::new();
    for _ in 0..3 {
        let mut stream = running.connect().await;
        stream.write_all(WHOLE).await.expect("a socket");
        read_until(&mut stream, "served").await;
        held.push(stream);
    }
    let answer = all_of(&mut running.connect().await).await;
    assert!(answer.starts_with("HTTP/1.1 429 ") && answer.contains("/problems/too_many_requests"), "{answer}");
    held.pop();
    until(|| doors.connections.held() == 2).await;
    let mut stream = running.connect().await;
    stream.write_all(WHOLE).await.expect("a socket");
    read_until(&mut stream, "served").await;
}

#[tokio::test]
async fn unfinished_heads_hold_no_more_than_their_peer_may_and_give_it_back() {
    const MOST: u64 = 256 * 1024;
    // By its time no head is ever let go: it must be for want of room.
    let doors = doors(100, MOST, Duration::from_hours(1));
    let running = guarded(&doors).await;
    let mut attack = Vec::new();
    for _ in 0..60 {
        let mut stream = running.connect().await;
        let head = format!("GET / HTTP/1.1\r\nhost: x\r\nx-more: {}", "y".repeat(LONGEST_HEAD - 1024));
        // Refused in the middle, or not.
        let _ = stream.write_all(head.as_bytes()).await;
        assert!(doors.head_bytes.held() <= MOST);
        attack.push(stream);
    }
    // Nine or so of them fit in; the others are let go.
    until(|| doors.connections.held() <= 10).await;
    assert!((MOST / 2..=MOST).contains(&doors.head_bytes.held()));
    let mut usual = running.connect().await;
    usual.write_all(WHOLE).await.expect("a socket");
    read_until(&mut usual, "served").await;
    drop(attack);
    until(|| doors.head_bytes.held() == 0).await;
}

#[tokio::test]
async fn a_head_that_arrived_is_given_back_while_its_connection_is_kept() {
    let doors = doors(100, 64 * 1024, LIMIT);
    let running = guarded(&doors).await;
    let mut stream = running.connect().await;
    let large = format!("GET / HTTP/1.1\r\nhost: x\r\nx-more: {}\r\n\r\n", "y".repeat(20 * 1024));
    for _ in 0..8 {
        stream.write_all(large.as_bytes()).await.expect("a socket");
        read_until(&mut stream, "served").await;
    }
    until(|| doors.head_bytes.held() == 0).await;
}

#[tokio::test]
async fn a_head_that_is_too_large_or_late_or_none_is_refused_with_a_problem() {
    let running = guarded(&doors(100, u64::MAX, LIMIT)).await;
    for (sent, status, kind) in [
        (format!("GET / HTTP/1.1\r\nhost: x\r\nx: {}", "y".repeat(LONGEST_HEAD)), "431", "headers_too_large"),
        (format!("GET / HTTP/1.1\r\nhost: x\r\n{}\r\n", "x: y\r\n".repeat(200)), "431", "headers_too_large"),
        ("GET / HTTP/1.1\r\nhost x\r\n\r\n".to_owned(), "400", "malformed"),
        ("GET / HTTP/1.1\r\n\r\n".to_owned(), "400", "malformed"),
        ("GET / HTTP/1.1\r\nhost: x\r\nhost: x\r\n\r\n".to_owned(), "400", "malformed"),
        ("GET / HTTP/1.1\r\nhost: x y\r\n\r\n".to_owned(), "400", "malformed"),
        ("GET / HTTP/1.0\r\nhost: x\r\nhost: y\r\n\r\n".to_owned(), "400", "malformed"),
    ] {
        let mut stream = running.connect().await;
        stream.write_all(sent.as_bytes()).await.expect("a socket");
        let answer = all_of(&mut stream).await;
        let is_refused = answer.get(9..12) == Some(status) && answer.contains(&format!("/problems/{kind}"));
        assert!(is_refused, "{sent:.60}: {answer}");
    }
    let running = guarded(&doors(100, u64::MAX, Duration::from_millis(100))).await;
    let mut stream = running.connect().await;
    stream.write_all(b"GET / HT").await.expect("a socket");
    let answer = all_of(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("/problems/too_slow"), "{answer}");
    assert_eq!(all_of(&mut running.connect().await).await, "", "who sent nothing is told nothing");
}
