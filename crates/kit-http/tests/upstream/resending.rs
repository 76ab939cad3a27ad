//! What is asked again, and above all what is not: a request that may have been received.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::IntoResponse;
use baedal_kit_http::upstream::{NoAnswer, Upstream, not_begun};
use http::StatusCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::world::{Replica, get, post, raw, send, upstream};

/// A replica that reads requests, answers the first few on each connection, and hangs up on the next one when
/// it has read it. Counts those it hung up on.
async fn hanging_up_after(answers: usize) -> (SocketAddr, Arc<AtomicUsize>) {
    let received = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&received);
    let address = raw(move |mut stream| {
        let counted = Arc::clone(&counted);
        async move {
            let mut buffer = vec![0; 64 * 1024];
            let mut answered = 0;
            loop {
                let read = stream.read(&mut buffer).await.unwrap_or(0);
                let is_look = buffer[..read].starts_with(b"GET /internal/replica");
                if read == 0 || (!is_look && answered == answers) {
                    if read > 0 {
                        counted.fetch_add(1, Ordering::SeqCst);
                    }
                    return;
                }
                answered += usize::from(!is_look);
                let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
                stream.write_all(answer).await.expect("a socket");
            }
        }
    })
    .await;
    (address, received)
}

#[tokio::test]
async fn a_command_that_was_received_is_never_sent_twice() {
    // On a new connection, and on one that was used before.
    for answers in [0, 1] {
        let (one, by_one) = hanging_up_after(answers).await;
        let (other, by_other) = hanging_up_after(answers).await;
        let upstream = upstream(&[one, other]);
        for _ in 0..2 * answers {
            assert_eq!(send(&upstream, post("a body")).await.status, StatusCode::OK);
        }
        for sent in 1..=4 {
            let answer = send(&upstream, post("a body")).await;
            if answer.status == StatusCode::OK {
                // On another new connection.
                continue;
            }
            assert_eq!((answer.status, answer.kind().as_str()), (StatusCode::SERVICE_UNAVAILABLE, "unavailable"));
            let received = by_one.load(Ordering::SeqCst) + by_other.load(Ordering::SeqCst);
            assert!(received <= sent, "{received} received, {sent} sent");
        }
        assert!(by_one.load(Ordering::SeqCst) + by_other.load(Ordering::SeqCst) > 0);
    }
}

#[tokio::test]
async fn a_question_is_asked_once_more_where_the_first_did_not_answer() {
    let (broken, received) = hanging_up_after(0).await;
    let well = Replica::numbered(2).await;
    let upstream = upstream(&[broken, well.address]);
    for _ in 0..8 {
        assert_eq!(send(&upstream, get()).await.text, "2");
    }
    assert_eq!(well.asked(), 8);
    assert!(received.load(Ordering::SeqCst) > 0);
}

#[tokio::test]
async fn a_question_is_asked_twice_at_the_most() {
    let (one, by_one) = hanging_up_after(0).await;
    assert_eq!(send(&upstream(&[one]), get()).await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(by_one.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn what_fails_all_the_time_is_not_asked_again_all_the_time() {
    let (broken, received) = hanging_up_after(0).await;
    let upstream = upstream(&[broken]);
    for _ in 0..100 {
        assert_eq!(send(&upstream, get()).await.status, StatusCode::SERVICE_UNAVAILABLE);
    }
    // Ten to begin with, and one for ten.
    assert!((110..=120).contains(&received.load(Ordering::SeqCst)), "{received:?}");
}

#[tokio::test]
async fn a_question_with_a_body_is_a_command() {
    let (one, received) = hanging_up_after(0).await;
    let asked = Request::get("/api/orders").body(Body::from("a body")).expect("a request");
    assert_eq!(send(&upstream(&[one]), asked).await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(received.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_body_that_could_not_be_sent_is_sent_elsewhere_whole() {
    let mut gone = Replica::numbered(1).await;
    gone.kill().await;
    let echo = Replica::serving(axum::Router::new().fallback(async |body: String| body)).await;
    let upstream = upstream(&[gone.address, echo.address]);
    for _ in 0..4 {
        let parts = ["one ", "two ", "three"].map(Ok::<_, std::io::Error>);
        let streamed = Body::from_stream(futures::stream::iter(parts));
        let request = Request::post("/api/orders").body(streamed).expect("a request");
        assert_eq!(send(&upstream, request).await.text, "one two three");
    }
}

/// How long nobody needs who answers at all.
const BRIEFLY: Duration = Duration::from_millis(300);

async fn try_send(upstream: &Upstream) -> Result<StatusCode, NoAnswer> {
    upstream.try_send(post("a body"), BRIEFLY).await.map(|answer| answer.status())
}

#[tokio::test]
async fn where_nobody_answers_it_is_known_whether_the_request_may_have_been_received() {
    let mut replica = Replica::numbered(0).await;
    let to_one = upstream(&[replica.address]);
    assert_eq!(try_send(&to_one).await, Ok(StatusCode::OK));

    replica.kill().await;
    for _ in 0..3 {
        let answer = try_send(&to_one).await;
        assert!(matches!(answer, Err(NoAnswer::NotSent(_))), "nobody is there: {answer:?}");
    }

    let (hangs_up, _) = hanging_up_after(0).await;
    let answer = try_send(&upstream(&[hangs_up])).await;
    assert!(matches!(answer, Err(NoAnswer::MayBeReceived(_))), "it was received: {answer:?}");

    let silent = raw(async |stream| {
        std::future::pending::<()>().await;
        drop(stream);
    })
    .await;
    let answer = try_send(&upstream(&[silent])).await;
    assert!(matches!(answer, Err(NoAnswer::MayBeReceived(_))), "it may be received still: {answer:?}");

    let starting = async || not_begun(StatusCode::SERVICE_UNAVAILABLE.into_response());
    let starting = Replica::serving(Router::new().fallback(starting)).await;
    let answer = try_send(&upstream(&[starting.address])).await;
    assert!(matches!(answer, Err(NoAnswer::NotSent(_))), "it says so itself: {answer:?}");
}

/// The host is there and takes no connection: its queue is full, or what it is sent is dropped on the way.
#[tokio::test]
async fn what_waits_for_a_connection_was_not_sent() {
    let listener = tokio::net::TcpSocket::new_v4().expect("a socket");
    listener.bind("127.0.0.1:0".parse().expect("an address")).expect("a port");
    let listener = listener.listen(1).expect("a queue");
    let address = listener.local_addr().expect("an address");
    // Nobody takes these out of the queue, until no more fit in.
    let mut queued = Vec::new();
    while let Ok(connected) = tokio::time::timeout(BRIEFLY, tokio::net::TcpStream::connect(address)).await {
        queued.push(connected.expect("a connection"));
    }
    let answer = try_send(&upstream(&[address])).await;
    assert!(matches!(answer, Err(NoAnswer::NotSent(_))), "it never left: {answer:?}");
}
