//! One connection, from its first request to its end.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::response::IntoResponse;
use baedal_kit_http::Problem;
use baedal_kit_http::problem::MALFORMED;
use baedal_kit_http::upstream::KEEP_ALIVE;
use baedal_kit_runtime::lifecycle::Lifecycle;
use http::uri::Authority;
use http::{HeaderValue, Request, Response, Version, header};
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::arrival::{Arrival, Owes};
use super::doors::{Doors, Head, LONGEST_HEAD};

/// How much longer than we announce a connection may wait for its next request: for as long as that, a client that
/// goes by what we announced may have one on its way.
const ON_ITS_WAY: Duration = Duration::from_secs(1);
/// The least that can be announced, in seconds.
const LEAST_KEPT: Duration = Duration::from_secs(1);
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

/// For how long a connection is kept for its next request, and how that is announced. Cloning shares it.
#[derive(Clone)]
pub(super) struct KeepAlive {
    limit: Duration,
    announced: HeaderValue,
}

impl KeepAlive {
    /// For so long, in whole seconds, and never for less than one.
    pub(super) fn of(limit: Duration) -> Self {
        let limit = Duration::from_secs(limit.max(LEAST_KEPT).as_secs());
        let announced = HeaderValue::from_str(&format!("timeout={}", limit.as_secs()));
        Self { limit, announced: announced.unwrap_or(HeaderValue::from_static("timeout=1")) }
    }
}

/// Serves a connection to its end.
pub(super) async fn serve<Stream: AsyncRead + AsyncWrite + Unpin>(
    stream: Stream,
    peer: SocketAddr,
    router: Router,
    stops: Stops,
    kept: KeepAlive,
    doors: Doors,
) {
    let arrival = Arrival::new();
    let head = Head::new(&doors, peer.ip());
    let socket = TokioIo::new(arrival.of(stream, head, doors.head_limit));
    let (arriving, lifecycle, announced) = (arrival.clone(), stops.lifecycle, kept.announced);
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(|body| arriving.arriving(Body::new(body)));
        request.extensions_mut().insert(ConnectInfo(peer));
        answer(router.clone(), request, arriving.clone(), lifecycle.clone(), announced.clone())
    });
    let mut builder = hyper::server::conn::http1::Builder::new();
    // hyper's own limit for a head runs while a connection waits for one, too; ours tells the two apart.
    let builder = builder.timer(TokioTimer::new()).header_read_timeout(None);
    // What a connection holds at the most, of a head as of an answer: hyper's own limit is 400 KiB.
    let builder = builder.max_buf_size(LONGEST_HEAD);
    let mut connection = pin!(builder.serve_connection(socket, service));
    let ended = tokio::select! {
        // First, so that a request that is here already is not overlooked.
        biased;
        ended = connection.as_mut() => ended,
        owed = overdue(&arrival, doors.head_limit, kept.limit) => match owed {
            Overdue::Head => {
                tracing::debug!(%peer, "the head of a request did not arrive in time");
                if !arrival.is_half() {
                    return;
                }
                arrival.is_late();
                connection.await
            }
            Overdue::Nothing => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        },
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
    announced: HeaderValue,
) -> Result<Response<Body>, Infallible> {
    let is_kept = request.version() == Version::HTTP_11;
    let mut response = match refuse_host(&request) {
        Ok(()) => router.oneshot(request).await?,
        Err(problem) => {
            let mut response = problem.into_response();
            // Whoever is wrong about where a request goes may be wrong about where it ends.
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            response
        }
    };
    if lifecycle.is_draining() {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    } else if is_kept && !response.headers().contains_key(header::CONNECTION) {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("keep-alive"));
        response.headers_mut().insert(KEEP_ALIVE, announced);
    }
    Ok(response.map(|body| arrival.answering(body)))
}

/// Refuses a request that does not name its host, or names two (RFC 9112, section 3.2): what stands in front of us may
/// have believed another one.
fn refuse_host(request: &Request<Body>) -> Result<(), Problem> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let is_good = match (hosts.next(), hosts.next()) {
        (Some(host), None) => Authority::try_from(host.as_bytes()).is_ok(),
        // HTTP/1.0 does not know it.
        (None, _) => request.version() != Version::HTTP_11,
        (Some(_), Some(_)) => false,
    };
    if is_good {
        Ok(())
    } else {
        Err(Problem::new(&MALFORMED, "the request must have one `Host` header, and only one"))
    }
}

/// What a client owed us for too long.
enum Overdue {
    Head,
    /// It has sent nothing, and need not have.
    Nothing,
}

/// Returns when the client has taken too long.
async fn overdue(arrival: &Arrival, head_limit: Duration, kept: Duration) -> Overdue {
    loop {
        let (since, limit, overdue) = match arrival.owes() {
            Owes::Head(since) => (since, head_limit, Overdue::Head),
            Owes::Nothing(since) => (since, kept + ON_ITS_WAY, Overdue::Nothing),
            Owes::Elsewhere => {
                // Whatever begins meanwhile has not taken too long before we look again.
                tokio::time::sleep(head_limit.min(kept)).await;
                continue;
            }
        };
        if since.elapsed() >= limit {
            return overdue;
        }
        // A request that begins meanwhile has a limit of its own, which may be over sooner.
        tokio::time::sleep_until((since + limit).min(Instant::now() + head_limit)).await;
    }
}

/// Returns if a request is half sent after the time there is for the rest.
async fn still_half(arrival: &Arrival) {
    tokio::time::sleep(REST_LIMIT).await;
    if !arrival.is_half() {
        std::future::pending::<()>().await;
    }
}
