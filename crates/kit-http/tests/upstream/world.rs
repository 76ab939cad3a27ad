//! Replicas on sockets of their own, which can be stopped like a process that is killed.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use baedal_kit_http::peers::PeerSecret;
use baedal_kit_http::upstream::Upstream;
use baedal_kit_runtime::lifecycle::Lifecycle;
use http::{StatusCode, header};
use http_body_util::BodyExt;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tower::ServiceExt;

/// Longer than anything takes that is not stuck.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

/// A replica of a context.
pub(crate) struct Replica {
    pub(crate) address: SocketAddr,
    state: Arc<State>,
    router: Router,
    server: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct State {
    asked: AtomicUsize,
    draining: AtomicBool,
}

impl Replica {
    /// One that answers with its own number.
    pub(crate) async fn numbered(number: usize) -> Self {
        Self::serving(Router::new().fallback(move || async move { number.to_string() })).await
    }

    pub(crate) async fn serving(router: Router) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(State::default());
        let server = Some(tokio::spawn(serve(listener, router.clone(), Arc::clone(&state))));
        Self { address, state, router, server }
    }

    /// How many requests it got, but for those that ask whether it is ready.
    pub(crate) fn asked(&self) -> usize {
        self.state.asked.load(Ordering::SeqCst)
    }

    /// Serves on, and says that it is about to end.
    pub(crate) fn drain(&self) {
        self.state.draining.store(true, Ordering::SeqCst);
    }

    /// Stops at once; its connections break.
    pub(crate) async fn kill(&mut self) {
        if let Some(server) = self.server.take() {
            server.abort();
            let _ = server.await;
        }
    }

    /// Starts again where it was.
    pub(crate) async fn start_again(&mut self) {
        let listener = TcpListener::bind(self.address).await.expect("its port");
        self.server = Some(tokio::spawn(serve(listener, self.router.clone(), Arc::clone(&self.state))));
    }
}

async fn serve(listener: TcpListener, router: Router, state: Arc<State>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let (router, state) = (router.clone(), Arc::clone(&state));
        let service = service_fn(move |request: http::Request<hyper::body::Incoming>| {
            answer(router.clone(), Arc::clone(&state), request.map(Body::new))
        });
        let serving = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        connections.spawn(async move { drop(serving.await) });
    }
}

async fn answer(router: Router, state: Arc<State>, request: Request) -> Result<Response, Infallible> {
    let draining = state.draining.load(Ordering::SeqCst);
    let mut response = if request.uri().path() == "/internal/replica" {
        if draining { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK }.into_response()
    } else {
        state.asked.fetch_add(1, Ordering::SeqCst);
        router.oneshot(request).await?
    };
    if draining {
        response.headers_mut().insert(header::CONNECTION, http::HeaderValue::from_static("close"));
    }
    Ok(response)
}

/// A replica that does what `each` does with every connection, bytes and all, and is not ready for anything
/// else: it never answers whether it is.
pub(crate) async fn raw<F>(each: impl Fn(TcpStream) -> F + Send + 'static) -> SocketAddr
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(each(stream));
        }
    });
    address
}

/// The context `order`, at these addresses.
pub(crate) fn upstream(addresses: &[SocketAddr]) -> Upstream {
    let addresses: Vec<_> = addresses.iter().map(|address| format!("http://{address}")).collect();
    Upstream::remote("order", &addresses, &PeerSecret::default(), None, &Lifecycle::default()).expect("addresses")
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) retry_after: Option<String>,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn kind(&self) -> String {
        let problem: Value = serde_json::from_str(&self.text).unwrap_or_default();
        problem["type"].as_str().unwrap_or_default().trim_start_matches("/problems/").to_owned()
    }
}

pub(crate) async fn send(upstream: &Upstream, request: Request) -> Answer {
    let response = tokio::time::timeout(LIMIT, upstream.send(request)).await.expect("an answer");
    let status = response.status();
    let retry_after = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
    let retry_after = retry_after.map(str::to_owned);
    let body = response.into_body().collect().await.expect("all of the answer").to_bytes();
    Answer { status, retry_after, text: String::from_utf8_lossy(&body).into_owned() }
}

pub(crate) fn get() -> Request {
    Request::get("/api/orders").body(Body::empty()).expect("a request")
}

pub(crate) fn post(body: &'static str) -> Request {
    Request::post("/api/orders").body(Body::from(body)).expect("a request")
}

/// Does something again and again until it is as wished.
pub(crate) async fn until<F: Future<Output = bool>>(wished: impl Fn() -> F) {
    let wished = async {
        while !wished().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LIMIT, wished).await.expect("what is wished for");
}
