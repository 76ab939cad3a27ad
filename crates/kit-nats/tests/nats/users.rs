//! A broker that knows its contexts: each tells what is its own, and nobody else's.

use std::sync::Arc;
use std::time::Duration;

use async_nats::{Client, ConnectOptions};
use baedal_kit::bus::Archive;
use baedal_kit_nats::connect;
use baedal_servers::CONTEXTS;
use futures::StreamExt;

use crate::world::{Listener, SOURCE, World, password, settings_of};

const ALL: [u16; 4] = [0, 1, 2, 3];

async fn user(world: &World, context: &str) -> Client {
    let options = ConnectOptions::with_user_and_password(context.to_owned(), password(context));
    let options =
        options.custom_inbox_prefix(format!("_INBOX.{context}")).request_timeout(Some(Duration::from_secs(1)));
    options.connect(world.broker.url()).await.expect("a user of the broker")
}

/// Whether the broker answers this with anything but a refusal.
async fn is_done(client: &Client, subject: &str, body: &str) -> bool {
    match client.request(subject.to_owned(), body.to_owned().into()).await {
        Ok(answer) => !String::from_utf8_lossy(&answer.payload).contains("\"error\""),
        Err(_) => false,
    }
}

#[tokio::test]
async fn each_context_is_heard_by_every_other() {
    let world = World::of_users().await;
    world.relay();
    world.tell(40).await;
    for context in CONTEXTS.into_iter().filter(|context| *context != SOURCE) {
        let nats = connect(settings_of(&world.broker.url(), context)).await.expect("settings");
        let archive = Arc::clone(&world.archive) as Arc<dyn Archive>;
        let mut listener = Listener::new(&nats, archive, &ALL, &world.lifecycle);
        listener.hears(40).await;
        assert_eq!(listener.positions(), world.said().await, "{context}");
    }
    // And from the broker, not only from the source.
    world.archive.go(true);
    world.tell(20).await;
    let nats = connect(settings_of(&world.broker.url(), "tracking")).await.expect("settings");
    let mut listener = Listener::new(&nats, Arc::clone(&world.archive) as Arc<dyn Archive>, &ALL, &world.lifecycle);
    listener.hears(60).await;
}

#[tokio::test]
async fn no_context_publishes_what_is_anothers_or_touches_its_stream() {
    let world = World::of_users().await;
    world.relay();
    let mut listener = world.listener(&ALL);
    world.tell(20).await;
    listener.hears(20).await;
    let source = user(&world, SOURCE).await;
    let mut heads = source.subscribe(format!("baedal.heads.{SOURCE}")).await.expect("heads");
    let stolen = r#"{"name":"STOLEN","subjects":["baedal.events.payment.*"]}"#;
    let redirected = format!(r#"{{"name":"BAEDAL_ORDER","subjects":["baedal.events.{SOURCE}.none"]}}"#);
    let attempts = [
        (format!("baedal.events.{SOURCE}.0"), "{}"),
        (format!("baedal.heads.{SOURCE}"), "forged"),
        ("$JS.API.STREAM.PURGE.BAEDAL_ORDER".to_owned(), ""),
        ("$JS.API.STREAM.DELETE.BAEDAL_ORDER".to_owned(), ""),
        ("$JS.API.STREAM.UPDATE.BAEDAL_ORDER".to_owned(), &redirected),
        ("$JS.API.STREAM.MSG.DELETE.BAEDAL_ORDER".to_owned(), r#"{"seq":1}"#),
        ("$JS.API.STREAM.CREATE.STOLEN".to_owned(), stolen),
        ("_INBOX.order.x".to_owned(), "forged"),
    ];
    for context in CONTEXTS.into_iter().filter(|context| *context != SOURCE) {
        let client = user(&world, context).await;
        for (subject, body) in &attempts {
            client.publish(subject.clone(), (*body).to_owned().into()).await.expect("a connection");
        }
        client.flush().await.expect("a connection");
    }
    let payment = user(&world, "payment").await;
    for (subject, body) in &attempts {
        assert!(!is_done(&payment, subject, body).await, "{subject}");
    }
    // What is its own it may.
    assert!(is_done(&source, "$JS.API.STREAM.INFO.BAEDAL_ORDER", "").await);
    assert!(!is_done(&source, "$JS.API.STREAM.DELETE.BAEDAL_ORDER", "").await, "nobody needs to");
    world.tell(20).await;
    listener.hears(20).await;
    assert_eq!(listener.positions(), world.said().await);
    while let Some(Some(said)) = futures::FutureExt::now_or_never(heads.next()) {
        assert_ne!(&*said.payload, b"forged");
    }
}

#[tokio::test]
async fn nobody_hears_what_others_are_answered_and_nobody_comes_without_a_name() {
    let world = World::of_users().await;
    let payment = user(&world, "payment").await;
    let order = user(&world, SOURCE).await;
    // The subscription is refused, so nothing ever comes.
    let mut overheard = payment.subscribe("_INBOX.>").await.expect("a connection");
    let mut events = payment.subscribe("baedal.events.>").await.expect("a connection");
    payment.flush().await.expect("a connection");
    world.relay();
    world.tell(5).await;
    let mut listener = world.listener(&ALL);
    listener.hears(5).await;
    assert!(is_done(&order, "$JS.API.STREAM.INFO.BAEDAL_ORDER", "").await);
    payment.flush().await.expect("a connection");
    assert!(futures::FutureExt::now_or_never(overheard.next()).flatten().is_none());
    assert!(futures::FutureExt::now_or_never(events.next()).flatten().is_none());
    assert!(async_nats::connect(world.broker.url()).await.is_err());
    let wrong = ConnectOptions::with_user_and_password(SOURCE.to_owned(), password("payment"));
    assert!(wrong.connect(world.broker.url()).await.is_err());
}
