//! Live streams: the whole now, then at every change; again from where one was; and an end in good order.

use std::sync::Arc;
use std::time::Duration;

use axum::response::IntoResponse;
use baedal_kit::feeds::document_key;
use baedal_kit_http::Problem;
use baedal_kit_http::live::{Frame, stream};
use baedal_kit_runtime::{Service, consumer};
use http::HeaderMap;
use http_body_util::BodyExt;
use uuid::Uuid;

use crate::world::{Jars, World, fill, heard_all, shown, start, until};

struct Watching(axum::body::Body);

impl Watching {
    fn at(service: &Service, jar: Uuid, seen: Option<&str>) -> Self {
        let mut headers = HeaderMap::new();
        headers.extend(seen.map(|id| (http::HeaderName::from_static("last-event-id"), id.parse().unwrap())));
        let subscription = service.database().feeds().subscribe(document_key("jars", &jar.to_string()));
        let looking = service.clone();
        let look = move || {
            let service = looking.clone();
            async move {
                let found = shown(&service, jar).await;
                Ok::<_, Problem>(found.map(|found| Frame {
                    id: found.events.to_string(),
                    data: serde_json::to_string(&found).unwrap(),
                    until: None,
                }))
            }
        };
        Self(stream(service, &headers, subscription, look).into_response().into_body())
    }

    /// The next frame as it travels; nothing once the stream has ended.
    async fn next(&mut self) -> Option<String> {
        let frame = tokio::time::timeout(Duration::from_secs(10), self.0.frame()).await.unwrap()?;
        Some(String::from_utf8(frame.unwrap().into_data().unwrap().to_vec()).unwrap())
    }
}

async fn world() -> (World, Service, Service, Uuid) {
    let world = World::default();
    let (kitchen, pantry) = world.wake();
    let jar = Uuid::now_v7();
    fill(&kitchen, jar, 5).await;
    start(&pantry, vec![], vec![Arc::new(Jars::default())], vec![]).await;
    heard_all(&pantry, "jars").await;
    (world, kitchen, pantry, jar)
}

#[tokio::test]
async fn the_whole_comes_at_once_and_at_every_change() {
    let (_world, kitchen, pantry, jar) = world().await;
    let mut watching = Watching::at(&pantry, jar, None);
    let first = watching.next().await.unwrap();
    assert!(first.contains("id: 1\n") && first.contains(r#"data: {"cookies":5,"events":1}"#), "{first}");
    fill(&kitchen, Uuid::now_v7(), 9).await;
    fill(&kitchen, jar, 2).await;
    let second = watching.next().await.unwrap();
    assert!(second.contains(r#"data: {"cookies":7,"events":2}"#), "{second}");
    drop(watching);
    assert_eq!(pantry.database().feeds().watched(), 0);
}

#[tokio::test]
async fn who_comes_back_is_shown_only_what_is_new() {
    let (_world, kitchen, pantry, jar) = world().await;
    let mut watching = Watching::at(&pantry, jar, Some("1"));
    fill(&kitchen, jar, 2).await;
    let next = watching.next().await.unwrap();
    assert!(next.contains("id: 2\n"), "{next}");
    let mut behind = Watching::at(&pantry, jar, Some("1"));
    assert!(behind.next().await.unwrap().contains("id: 2\n"));
}

#[tokio::test]
async fn a_stream_goes_on_when_its_view_was_built_anew() {
    let (_world, kitchen, pantry, jar) = world().await;
    let mut watching = Watching::at(&pantry, jar, Some("1"));
    consumer::request_rebuild(&pantry, &[Arc::new(Jars::default())], "jars").await.unwrap();
    until(async || pantry.view_name("jars") == "jars@1").await;
    fill(&kitchen, jar, 2).await;
    let next = watching.next().await.unwrap();
    assert!(next.contains("id: 2\n"), "{next}");
}

#[tokio::test]
async fn a_stream_ends_when_the_process_drains_or_there_is_nothing_to_see() {
    let (_world, _kitchen, pantry, jar) = world().await;
    let mut nothing = Watching::at(&pantry, Uuid::now_v7(), None);
    assert!(nothing.next().await.unwrap().contains("event: reconnect"));
    assert_eq!(nothing.next().await, None);
    let mut watching = Watching::at(&pantry, jar, Some("1"));
    pantry.lifecycle().drain();
    assert!(watching.next().await.unwrap().contains("event: reconnect"));
    assert_eq!(watching.next().await, None);
}
