//! One connection, from its first request to its end.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use baedal_kit::lifecycle::Lifecycle;
use http::{HeaderValue, Request, Response, header};
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::arrival::Arrival;

/// How long a client may take to send a request's head.
const HEAD_LIMIT: Duration = Duration::from_secs(10);
/// How long it may take to send the rest of a request when we want to end.
const REST_LIMIT: Duration = Duration::from_secs(1);

/// What ends a connection. Cloning shares it.
#[derive(Clone)]
pub(super) struct Stops {
    /// While the process drains, every answer is its connection's last.
    pub(super) lifecycle: Lifecycle,
    /// It ends with the request it has, or at once where it has none.
    pub(super) finish: CancellationToken,
    /// It ends whatever it has.
    pub(super) cut_off: CancellationToken,
}

/// Serves a connection to its end.
pub(super) async fn serve(stream: TcpStream, peer: SocketAddr, router: Router, stops: Stops) {
    let arrival = Arrival::default();
    let socket = TokioIo::new(arrival.of(stream));
    let (arriving, lifecycle) = (arrival.clone(), stops.lifecycle);
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(|body| arriving.arriving(Body::new(body)));
        request.extensions_mut().insert(ConnectInfo(peer));
        answer(router.clone(), request, arriving.clone(), lifecycle.clone())
    });
    let mut builder = hyper::server::conn::http1::Builder::new();
    let builder = builder.timer(TokioTimer::new()).header_read_timeout(HEAD_LIMIT);
    let mut connection = pin!(builder.serve_connection(socket, service));
    let ended = tokio::select! {
        // First, so that a request that is here already is not overlooked.
        biased;
        ended = connection.as_mut() => ended,
        () = stops.finish.cancelled() => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                ended = connection => ended,
                () = still_half(&arrival) => {
                    tracing::debug!(%peer, "a request that did not arrive is not waited for");
                    return;
                }
                () = stops.cut_off.cancelled() => return,
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%peer, %error, "a connection ended");
    }
}

async fn answer(
    router: Router,
    request: Request<Body>,
    arrival: Arrival,
    lifecycle: Lifecycle,
) -> Result<Response<Body>, Infallible> {
    let mut response = router.oneshot(request).await?;
    if lifecycle.is_draining() {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response.map(|body| arrival.answering(body)))
}

/// Returns if a request is half sent after the time there is for the rest.
async fn still_half(arrival: &Arrival) {
    tokio::time::sleep(REST_LIMIT).await;
    if !arrival.is_half() {
        std::future::pending::<()>().await;
    }
}
