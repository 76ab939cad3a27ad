//! A broker that speaks TLS: whose certificate is believed, and what is half encrypted.

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use baedal_kit_nats::{ConnectError, Settings, connect};
use baedal_servers::testing::programs;
use baedal_servers::{Authority, CONTEXTS, Nats, NatsOptions};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::world::within;

fn settings(url: &str, root: PathBuf) -> Settings {
    Settings {
        urls: vec![url.to_owned()],
        user: Some("order".to_owned()),
        password: "n-a-password".into(),
        tls_root: Some(root),
        ..Settings::default()
    }
}

#[tokio::test]
async fn a_broker_is_believed_by_those_who_believe_its_authority() {
    let folder = TempDir::new().expect("a folder");
    let authority = Authority::new_in(&folder.path().join("tls")).expect("an authority");
    let strangers = Authority::new_in(&folder.path().join("strangers")).expect("an authority");
    let certificate = Some(authority.sign("nats").expect("a certificate"));
    let passwords = CONTEXTS.map(|context| (context, "n-a-password".to_owned())).into();
    let options = NatsOptions { certificate, passwords, ..NatsOptions::default() };
    let broker = Nats::start_in(programs(), &folder.path().join("nats"), options).expect("a broker");
    assert!(broker.url().starts_with("tls://"));

    let believer = connect(settings(&broker.url(), authority.certificate())).await.expect("settings");
    let stranger = connect(settings(&broker.url(), strangers.certificate())).await.expect("settings");
    within("whoever believes the authority is connected", until(async || believer.is_connected())).await;
    let log = folder.path().join("nats/log");
    let refused = async || std::fs::read_to_string(&log).expect("a log").contains("TLS handshake error");
    within("whoever believes another breaks it off", until(refused)).await;
    assert!(believer.is_connected() && !stranger.is_connected());
}

async fn until(is_so: impl AsyncFn() -> bool) {
    let mut pace = tokio::time::interval(Duration::from_millis(20));
    while !is_so().await {
        pace.tick().await;
    }
}

/// Whoever can speak between us and the broker may say that there is no TLS.
#[tokio::test]
async fn who_claims_to_be_a_broker_without_tls_is_not_told_the_password() {
    let folder = TempDir::new().expect("a folder");
    let authority = Authority::new_in(&folder.path().join("tls")).expect("an authority");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let _nats = connect(settings(&format!("tls://{address}"), authority.certificate())).await.expect("settings");
    let (mut stream, _) = listener.accept().await.expect("a client");
    let greeting = format!(
        "INFO {{\"server_id\":\"x\",\"server_name\":\"x\",\"version\":\"2.12.0\",\"go\":\"go1\",\"host\":\"127.0.0.1\",\
         \"port\":{},\"headers\":true,\"max_payload\":1048576,\"proto\":1,\"tls_required\":false}}\r\n",
        address.port()
    );
    stream.write_all(greeting.as_bytes()).await.expect("a greeting");
    let mut heard = [0; 5];
    stream.read_exact(&mut heard).await.expect("what it says first");
    // The record of a TLS handshake, RFC 8446, section 5.1; it would be `CONNECT {…`.
    assert_eq!(heard[..2], [22, 3], "{heard:?}");
}

#[tokio::test]
async fn what_is_half_encrypted_is_refused_and_says_what_to_do() {
    let folder = TempDir::new().expect("a folder");
    let authority = Authority::new_in(&folder.path().join("tls")).expect("an authority");
    let refused = async |settings| connect(settings).await.err().expect("it is refused");

    let plain = refused(settings("nats://u:s3cret@127.0.0.1:4222", authority.certificate())).await;
    assert!(matches!(plain, ConnectError::Plain { .. }), "{plain}");
    let said = plain.to_string();
    assert!(said.contains("`nats.tls_root` is set") && said.contains("tls://") && !said.contains("s3cret"), "{said}");

    let urls = ["tls://127.0.0.1:4222", "nats://127.0.0.1:4223"].map(str::to_owned).to_vec();
    let mixed = refused(Settings { urls, ..Settings::default() }).await;
    assert!(mixed.to_string().contains("nats://127.0.0.1:4223"), "{mixed}");

    let nowhere = refused(settings("tls://127.0.0.1:4222", folder.path().join("nowhere.pem"))).await;
    assert!(nowhere.to_string().contains("nats.tls_root"), "{nowhere}");
    assert!(nowhere.source().is_some_and(|why| why.to_string().contains("nowhere.pem")), "{nowhere}");
}
