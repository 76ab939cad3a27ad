//! Over TLS: whose certificate is believed, and what whoever shows another one gets to know.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use baedal_kit::authority::WrongAuthority;
use baedal_kit_http::peers::PeerSecret;
use baedal_kit_http::upstream::{Authority, NoAnswer, Upstream};
use baedal_kit_runtime::lifecycle::Lifecycle;
use http::StatusCode;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tempfile::TempDir;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

use crate::world::{LIMIT, get, post, raw, send, until};

const SECRET: &str = "shown-to-those-who-are-believed-and-nobody-else";

/// Somebody who signs certificates.
struct Signer {
    issuer: Issuer<'static, KeyPair>,
    folder: TempDir,
}

impl Signer {
    fn new() -> Self {
        let mut params = CertificateParams::new([]).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let folder = TempDir::new().expect("a folder");
        let own = params.self_signed(&key).expect("a certificate");
        std::fs::write(folder.path().join("authority.pem"), own.pem()).expect("a file");
        Self { issuer: Issuer::new(params, key), folder }
    }

    fn authority(&self) -> Authority {
        Authority::read(&self.folder.path().join("authority.pem")).expect("an authority")
    }

    fn certificate(&self, host: &str) -> TlsAcceptor {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new([host.to_owned()]).expect("a name");
        let signed = params.signed_by(&key, &self.issuer).expect("a certificate");
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        acceptor(vec![signed.der().clone()], key)
    }
}

/// A server that shows this.
fn acceptor(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> TlsAcceptor {
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("a certificate");
    TlsAcceptor::from(Arc::new(config))
}

/// A replica that tells of each connection and of each request's secret.
async fn replica(shows: TlsAcceptor) -> (SocketAddr, mpsc::UnboundedReceiver<&'static str>) {
    let (tell, told) = mpsc::unbounded_channel();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (shows, tell) = (shows.clone(), tell.clone());
            tokio::spawn(async move {
                let Ok(stream) = shows.accept(stream).await else { return };
                let _ = tell.send("a connection");
                let router = Router::new().fallback(move |request: Request| async move {
                    if request.uri().path() != "/health/ready" {
                        let is_known = request.headers().get("baedal-secret").is_some_and(|shown| shown == SECRET);
                        let _ = tell.send(if is_known { "a secret" } else { "no secret" });
                    }
                });
                let service = service_fn(move |request: http::Request<hyper::body::Incoming>| {
                    router.clone().oneshot(request.map(Body::new))
                });
                let served = hyper::server::conn::http1::Builder::new();
                drop(served.serve_connection(TokioIo::new(stream), service).await);
            });
        }
    });
    (address, told)
}

fn upstream(address: &str, authority: &Authority) -> Upstream {
    let secret = PeerSecret::new(&SECRET.into()).expect("a secret");
    let addresses = [format!("https://{address}")];
    Upstream::remote("order", &addresses, &secret, Some(authority), &Lifecycle::default()).expect("an address")
}

#[tokio::test]
async fn whom_the_authority_vouches_for_is_told_who_we_are_and_asked_again_over_the_same_connection() {
    let signer = Signer::new();
    let (address, mut told) = replica(signer.certificate("127.0.0.1")).await;
    let upstream = upstream(&address.to_string(), &signer.authority());
    let mut seen = Vec::new();
    let connections = |seen: &[&str]| seen.iter().filter(|one| **one == "a connection").count();
    let asked = async {
        loop {
            let before = connections(&seen);
            assert_eq!(send(&upstream, post("a body")).await.status, StatusCode::OK);
            seen.extend(std::iter::from_fn(|| told.try_recv().ok()));
            assert!(!seen.contains(&"no secret"));
            // One for requests, and one that was made to look whether it is ready.
            if seen.last() == Some(&"a secret") && connections(&seen) == before {
                return;
            }
        }
    };
    tokio::time::timeout(LIMIT, asked).await.expect("a request over a connection that was there");
}

#[tokio::test]
async fn whoever_shows_another_authoritys_certificate_or_one_for_another_host_learns_nothing() {
    let (ours, theirs) = (Signer::new(), Signer::new());
    let shown =
        [("another authority", theirs.certificate("127.0.0.1")), ("another host", ours.certificate("elsewhere"))];
    for (what, shows) in shown {
        let (address, mut told) = replica(shows).await;
        let upstream = upstream(&address.to_string(), &ours.authority());
        let answer = send(&upstream, post("a body")).await;
        assert_eq!((answer.status, answer.kind().as_str()), (StatusCode::SERVICE_UNAVAILABLE, "unavailable"));
        until(async || upstream.reachable().is_err()).await;
        let tried = upstream.try_send(get(), LIMIT).await;
        assert!(matches!(tried, Err(NoAnswer::NotSent(_))), "{tried:?}");
        assert!(told.try_recv().is_err(), "{what}");
    }
}

#[tokio::test]
async fn what_is_meant_to_be_encrypted_is_not_sent_plainly() {
    let heard = Arc::new(std::sync::Mutex::new(Vec::new()));
    let hears = Arc::clone(&heard);
    let plain = raw(move |mut stream| {
        let hears = Arc::clone(&hears);
        async move {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = stream.read(&mut bytes).await {
                hears.lock().expect("nobody panics").extend_from_slice(&bytes[..count]);
                let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, b"HTTP/1.1 400 \r\n\r\n").await;
            }
        }
    })
    .await;
    let upstream = upstream(&plain.to_string(), &Signer::new().authority());
    assert_eq!(send(&upstream, post("a body")).await.status, StatusCode::SERVICE_UNAVAILABLE);
    let heard = String::from_utf8_lossy(&heard.lock().expect("nobody panics")).into_owned();
    assert!(!heard.is_empty() && !heard.contains(SECRET) && !heard.contains("a body"), "{heard}");
}

#[tokio::test]
async fn the_certificates_that_are_shipped_to_be_made_are_believed_and_those_that_renew_them() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/make-certificates.sh");
    let folder = TempDir::new().expect("a folder");
    for host in ["127.0.0.1", "localhost"] {
        let made = std::process::Command::new(script).arg(folder.path()).arg("10.0.0.7").output().expect("a shell");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let file = |name: &str| folder.path().join(name);
        let chain = CertificateDer::pem_file_iter(file("order.pem")).expect("a file").map(|one| one.expect("PEM"));
        let shows = acceptor(chain.collect(), PrivateKeyDer::from_pem_file(file("order.key")).expect("a key"));
        let (address, mut told) = replica(shows).await;
        let authority = Authority::read(&file("authority.pem")).expect("an authority");
        let upstream = upstream(&format!("{host}:{}", address.port()), &authority);
        assert_eq!(send(&upstream, get()).await.status, StatusCode::OK, "{host}");
        assert!(told.try_recv().is_ok());
    }
}

#[test]
fn a_file_that_names_no_authority_is_refused_in_one_line() {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("authority.pem");
    let refused = || Authority::read(&file).expect_err("no authority");
    assert!(matches!(refused(), WrongAuthority::Unreadable { .. }));
    std::fs::write(&file, "nothing").expect("a file");
    assert!(matches!(refused(), WrongAuthority::Empty(_)) && refused().to_string().contains("authority.pem"));
}
