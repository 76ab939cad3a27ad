//! Which replica is asked.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use baedal_kit_http::peers::PeerSecret;
use baedal_kit_http::upstream::{Upstream, WrongAddress};
use baedal_kit_runtime::lifecycle::Lifecycle;
use http::StatusCode;
use tokio::io::AsyncReadExt;
use tokio::sync::{Notify, Semaphore, mpsc};

use super::world::{LIMIT, Replica, get, post, raw, send, until, upstream};

#[tokio::test]
async fn replicas_that_have_as_much_in_hand_are_asked_in_turn() {
    let (one, other) = (Replica::numbered(1).await, Replica::numbered(2).await);
    let upstream = upstream(&[one.address, other.address]);
    for _ in 0..20 {
        assert_eq!(send(&upstream, get()).await.status, StatusCode::OK);
    }
    assert_eq!((one.asked(), other.asked()), (10, 10));
}

#[tokio::test]
async fn a_replica_that_is_slow_is_asked_less() {
    let (begun, gate) = (Arc::new(Notify::new()), Arc::new(Semaphore::new(0)));
    let slow = {
        let (begun, gate) = (Arc::clone(&begun), Arc::clone(&gate));
        Router::new().fallback(async move || {
            begun.notify_one();
            drop(gate.acquire().await);
        })
    };
    let (slow, quick) = (Replica::serving(slow).await, Replica::numbered(2).await);
    let upstream = upstream(&[slow.address, quick.address]);
    let waiting = tokio::spawn({
        let upstream = upstream.clone();
        // The first turn is the first one's.
        async move { send(&upstream, get()).await.status }
    });
    begun.notified().await;
    for _ in 0..10 {
        assert_eq!(send(&upstream, get()).await.text, "2");
    }
    assert_eq!((slow.asked(), quick.asked()), (1, 10));
    gate.add_permits(10);
    assert_eq!(waiting.await.expect("an answer"), StatusCode::OK);
}

#[tokio::test]
async fn what_one_that_died_does_not_get_the_other_does() {
    let (mut one, other) = (Replica::numbered(1).await, Replica::numbered(2).await);
    let upstream = upstream(&[one.address, other.address]);
    for _ in 0..4 {
        send(&upstream, get()).await;
    }
    assert!(one.asked() > 0);
    one.kill().await;
    let before = one.asked();
    for number in 0..40 {
        let answer = send(&upstream, if number % 2 == 0 { get() } else { post("a body") }).await;
        assert_eq!((answer.status, answer.text.as_str()), (StatusCode::OK, "2"));
    }
    assert_eq!(one.asked(), before);
    one.start_again().await;
    until(async || send(&upstream, get()).await.text == "1").await;
}

#[tokio::test]
async fn one_that_drains_is_let_go_of_and_nothing_fails() {
    let (one, other) = (Replica::numbered(1).await, Replica::numbered(2).await);
    let upstream = upstream(&[one.address, other.address]);
    send(&upstream, get()).await;
    one.drain();
    until(async || {
        let before = one.asked();
        for _ in 0..10 {
            assert_eq!(send(&upstream, post("a body")).await.status, StatusCode::OK);
        }
        one.asked() == before
    })
    .await;
}

#[tokio::test]
async fn where_none_is_ready_they_are_asked_all_the_same() {
    let (one, other) = (Replica::numbered(1).await, Replica::numbered(2).await);
    let upstream = upstream(&[one.address, other.address]);
    one.drain();
    other.drain();
    until(async || upstream.reachable().is_err()).await;
    assert_eq!(send(&upstream, get()).await.status, StatusCode::OK);
}

#[tokio::test]
async fn nobody_there_is_an_answer_too() {
    for count in [1, 2] {
        let mut addresses = Vec::new();
        for number in 0..count {
            let mut gone = Replica::numbered(number).await;
            gone.kill().await;
            addresses.push(gone.address);
        }
        let upstream = upstream(&addresses);
        for request in [get(), post("a body")] {
            let answer = send(&upstream, request).await;
            assert_eq!((answer.status, answer.kind().as_str()), (StatusCode::SERVICE_UNAVAILABLE, "unavailable"));
            assert_eq!(answer.retry_after.as_deref(), Some("1"));
        }
        assert!(upstream.reachable().is_err());
    }
}

#[tokio::test]
async fn one_that_comes_back_is_found_by_its_name() {
    let mut replica = Replica::numbered(1).await;
    let address = format!("http://localhost:{}", replica.address.port());
    let upstream =
        Upstream::remote("order", &[address], &PeerSecret::default(), None, &Lifecycle::default()).expect("an address");
    assert_eq!(send(&upstream, get()).await.text, "1");
    replica.kill().await;
    assert_eq!(send(&upstream, post("a body")).await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(upstream.reachable().is_err());
    replica.start_again().await;
    until(async || upstream.reachable().is_ok()).await;
    assert_eq!(send(&upstream, post("a body")).await.text, "1");
}

#[tokio::test]
async fn how_long_is_waited_for_an_answer_is_the_callers_to_say() {
    let (closed, mut is_closed) = mpsc::channel(1);
    let silent = raw(move |mut stream| {
        let closed = closed.clone();
        async move {
            let mut heard = Vec::new();
            let _ = stream.read_to_end(&mut heard).await;
            if heard.starts_with(b"POST") {
                let _ = closed.send(()).await;
            }
        }
    })
    .await;
    let upstream = upstream(&[silent]);
    assert!(tokio::time::timeout(Duration::from_millis(200), upstream.send(post("a body"))).await.is_err());
    // Whoever gave up has hung up.
    tokio::time::timeout(LIMIT, is_closed.recv()).await.expect("in time").expect("the connection's end");
}

#[tokio::test]
async fn what_is_no_address_is_refused() {
    let remote = |addresses: &[&str]| {
        let addresses: Vec<_> = addresses.iter().map(|address| (*address).to_owned()).collect();
        Upstream::remote("order", &addresses, &PeerSecret::default(), None, &Lifecycle::default()).err()
    };
    assert_eq!(remote(&[]), Some(WrongAddress::Missing("order")));
    let here = SocketAddr::from(([127, 0, 0, 1], 7101)).to_string();
    assert_eq!(remote(&[&here]), Some(WrongAddress::Strange { context: "order", address: here.clone() }));
    assert_eq!(remote(&[&format!("http://{here}")]), None);
}
