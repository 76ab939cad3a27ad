//! Processes that speak TLS with each other and the broker, and those that belong to somebody else.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;

use baedal_client::Client;
use baedal_servers::{Authority, CONTEXTS, GATEWAY, testing};
use http::{Method, StatusCode};

use crate::checks::until;
use crate::disorder::{Lone, Shown};
use crate::world::{PATIENCE, World};

/// Also this: where a setting comes twice, the later is heard.
fn with(mut shown: Shown, name: &str, value: &Path) -> Shown {
    shown.push((name.to_owned(), format!("\"{}\"", value.display())));
    shown
}

/// Where a process can be, and where it tells operators how it is.
fn nowhere_yet() -> (String, String) {
    let port = testing::free_port();
    (format!("http://127.0.0.1:{port}"), format!("http://127.0.0.1:{}", port + 1_000))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_believes_another_authority_believes_nobody_and_tells_nobody_who_he_is() {
    let mut world = World::start().await;
    assert!(world.composition().nats().url().starts_with("tls://"));
    let order_1 = world.composition().replicas("order")[0].address();
    assert!(order_1.starts_with("https://"), "{order_1}");
    let people = world.people().await;
    let order = people.order().await;
    people.complete(order).await;
    people.see(order, "completed").await;

    // Whoever speaks no TLS is not answered.
    let plainly = Client::new(order_1.replace("https://", "http://"));
    assert!(plainly.request(Method::GET, "/health/live", [], None).await.is_err());
    let mut stream = TcpStream::connect(order_1.trim_start_matches("https://")).expect("a connection");
    stream.set_read_timeout(Some(PATIENCE)).expect("a limit");
    stream.write_all(b"GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n").expect("a request");
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");

    let folder = World::folder();
    let strangers = Authority::new_in(&folder.path().join("strangers")).expect("an authority");
    let settings = world.composition().settings().to_owned();
    let shown = world.composition().environment(GATEWAY);
    let mut shown = with(shown, "BAEDAL_PEERS__TLS_ROOT", &strangers.certificate());
    shown.push(("BAEDAL_LOG".to_owned(), "warn".to_owned()));
    let (address, admin) = nowhere_yet();
    let gateway = Lone::start(GATEWAY, (&address, &admin), (&settings, shown), folder.path());
    gateway.says("without contexts", StatusCode::SERVICE_UNAVAILABLE, |_| true).await;
    until("it says whose certificate it does not believe, and why", async || {
        let said = gateway.said();
        let told = |context: &str| {
            said.lines().any(|line| {
                line.contains("a replica is not ready")
                    && line.contains(&format!("\"{context}\""))
                    && line.contains("its certificate is not believed")
                    && line.contains("`peers.tls_root`")
            })
        };
        CONTEXTS.iter().all(|context| told(context)).then_some(())
    })
    .await;
    // Those who believe the right one go on.
    let order = people.order().await;
    people.complete(order).await;
    people.see(order, "completed").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_with_a_strangers_certificate_is_asked_nothing() {
    let mut world = World::start().await;
    let people = world.people().await;
    let folder = World::folder();
    let strangers = Authority::new_in(&folder.path().join("strangers")).expect("an authority");
    let certificate = strangers.sign("order").expect("a certificate");
    let settings = world.composition().settings().to_owned();
    let shown = world.composition().environment("order");
    let shown = with(shown, "BAEDAL_TLS__CERTIFICATE", &certificate.file);
    let shown = with(shown, "BAEDAL_TLS__KEY", &certificate.key);
    let replica = &world.composition().replicas("order")[0];
    let (address, admin) = (replica.address().replace("https://", "http://"), replica.admin_address());
    world.meanwhile(|composition| composition.replicas("order")[0].kill()).await;
    let _stranger = Lone::start("order", (&address, &admin), (&settings, shown), folder.path());
    let log = world.composition().gateways()[0].log();
    until("the gateway does not believe it", async || {
        let said = std::fs::read_to_string(&log).expect("its log");
        said.contains("its certificate is not believed").then_some(())
    })
    .await;
    // The other replica, which is whom it says it is, does it all.
    let order = people.order().await;
    people.complete(order).await;
    people.see(order, "completed").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_half_encrypted_does_not_start_and_says_what_to_do() {
    let mut world = World::start().await;
    let folder = World::folder();
    let settings = world.composition().settings().to_owned();
    let shown: Shown = world.composition().environment("order");
    let plain: Shown = shown.iter().filter(|(name, _)| !name.starts_with("BAEDAL_TLS")).cloned().collect();
    let nowhere = with(shown.clone(), "BAEDAL_TLS__KEY", &folder.path().join("nowhere.key"));
    let unvouched = with(shown.clone(), "BAEDAL_PEERS__TLS_ROOT", &folder.path().join("nowhere.pem"));
    let broker = with(shown, "BAEDAL_NATS__TLS_ROOT", &folder.path().join("nowhere.pem"));
    for (shown, names) in [
        (plain, "order runs in this process, and `tls` is not set"),
        (nowhere, "`tls` cannot be used: "),
        (unvouched, "`peers.tls_root` cannot be used: "),
        (broker, "nats.tls_root cannot be used: "),
    ] {
        let (address, admin) = nowhere_yet();
        let mut half = Lone::start("order", (&address, &admin), (&settings, shown), folder.path());
        assert!(!half.end().await.success());
        let said = half.said();
        assert!(said.starts_with("baedal: ") && said.contains(names) && said.lines().count() == 1, "{said}");
    }
}
