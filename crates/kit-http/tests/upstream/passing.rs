//! What passes through: streams frame by frame, and what is broken as broken.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::IntoResponse;
use axum::response::sse::{Event, Sse};
use futures::channel::mpsc;
use futures::{FutureExt, StreamExt};
use http::StatusCode;
use http_body_util::BodyExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{Mutex, Notify, oneshot};

use super::world::{LIMIT, Replica, get, raw, send, until, upstream};

#[tokio::test]
async fn a_stream_comes_frame_by_frame_and_ends_with_who_watches_it() {
    let (frames, source) = mpsc::unbounded::<&'static str>();
    let source = Arc::new(Mutex::new(Some(source)));
    let router = Router::new().fallback(move || {
        let source = Arc::clone(&source);
        async move {
            let source = source.lock().await.take().expect("one stream");
            Sse::new(source.map(|data| Ok::<_, std::convert::Infallible>(Event::default().data(data)))).into_response()
        }
    });
    let replica = Replica::serving(router).await;
    let mut body = upstream(&[replica.address]).send(get()).await.into_body();
    for (sent, expected) in [("1", "data: 1\n\n"), ("2", "data: 2\n\n"), ("3", "data: 3\n\n")] {
        frames.unbounded_send(sent).expect("somebody watches");
        let frame = tokio::time::timeout(LIMIT, body.frame()).await.expect("in time");
        assert_eq!(frame.expect("a frame").expect("a frame").into_data().expect("data"), expected);
    }
    assert!(!frames.is_closed());
    drop(body);
    until(async || frames.is_closed()).await;
}

#[tokio::test]
async fn an_answer_that_breaks_off_does_not_look_whole() {
    for head in ["content-length: 10", "transfer-encoding: chunked"] {
        let address = raw(move |mut stream| async move {
            let _ = stream.read(&mut [0; 4096]).await;
            let body = if head.starts_with("content") { "half " } else { "5\r\nhalf \r\n" };
            let answer = format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n{body}");
            let _ = stream.write_all(answer.as_bytes()).await;
        })
        .await;
        let response = upstream(&[address]).send(get()).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert!(response.into_body().collect().await.is_err(), "{head}");
    }
}

#[tokio::test]
async fn a_request_that_breaks_off_does_not_look_whole() {
    let (tell, told) = oneshot::channel();
    let (tell, begun) = (Arc::new(Mutex::new(Some(tell))), Arc::new(Notify::new()));
    let has_begun = Arc::clone(&begun);
    let router = Router::new().fallback(move |request: Request| {
        let (tell, begun) = (Arc::clone(&tell), Arc::clone(&begun));
        async move {
            begun.notify_one();
            let is_whole = request.into_body().collect().await.is_ok();
            if let Some(tell) = tell.lock().await.take() {
                let _ = tell.send(is_whole);
            }
        }
    });
    let replica = Replica::serving(router).await;
    let breaks = async move {
        has_begun.notified().await;
        Err(std::io::Error::other("the client is gone"))
    };
    let parts = futures::stream::iter([Ok("half ")]).chain(breaks.into_stream());
    let broken = Request::post("/api/orders").body(Body::from_stream(parts));
    let answer = send(&upstream(&[replica.address]), broken.expect("a request")).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(!tokio::time::timeout(LIMIT, told).await.expect("in time").expect("what it was"));
}
