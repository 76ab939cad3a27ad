//! The socket: takes connections, hands requests to a router, and stops gracefully.
//!
//! ```text
//!   drain ──▶ for `drain_for`: serves on, and every answer says that its connection closes
//!         ──▶ takes no more connections, closes those that wait, drops those that have sent half a request
//!         ──▶ for `limit`: requests in flight finish ──▶ what is left is cut off
//! ```
//!
//! - [`arrival`]: how far a connection's client has got with its request;
//! - [`doors`]: what those may hold who connect;
//! - [`connection`]: one connection, from its first request to its end;
//! - [`tls`]: the certificate that clients are shown.

mod arrival;
mod connection;
mod doors;
mod tls;

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use axum::Router;
use baedal_kit_runtime::lifecycle::Lifecycle;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::connection::{KeepAlive, Stops, serve};
pub use self::doors::{Doors, LONGEST_HEAD};
pub use self::tls::{Tls, TlsFiles};

/// Listens on an address.
///
/// # Errors
/// Where it is in use or not ours.
pub async fn bind(address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))
}

/// How long a server waits for what.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For another request over a connection, in whole seconds. It is announced to clients.
    pub keep_alive: Duration,
    /// For all who send requests here to get to know that they should not, when the process drains.
    pub drain_for: Duration,
    /// For requests in flight to finish, after that.
    pub limit: Duration,
}

/// Takes connections, over TLS where that is given, until the process drains and for `drain_for` after that. Then
/// requests in flight may finish, within `limit`.
pub async fn run(
    listener: TcpListener,
    router: Router,
    lifecycle: Lifecycle,
    patience: Patience,
    doors: Doors,
    tls: Option<Tls>,
) {
    let Patience { keep_alive, drain_for, limit } = patience;
    let kept = KeepAlive::of(keep_alive);
    let connections = TaskTracker::new();
    let stops =
        Stops { lifecycle: lifecycle.clone(), finish: CancellationToken::new(), cut_off: CancellationToken::new() };
    let drained = async {
        lifecycle.draining().await;
        tokio::time::sleep(drain_for).await;
    };
    tokio::select! {
        () = drained => {}
        () = take(&listener, &router, &connections, &stops, &kept, &doors, tls.as_ref()) => {}
    }
    drop(listener);
    stops.finish.cancel();
    connections.close();
    if tokio::time::timeout(limit, connections.wait()).await.is_err() {
        tracing::warn!(left = connections.len(), "requests in flight did not finish in time and are cut off");
    }
    stops.cut_off.cancel();
}

/// Takes connections.
async fn take(
    listener: &TcpListener,
    router: &Router,
    connections: &TaskTracker,
    stops: &Stops,
    kept: &KeepAlive,
    doors: &Doors,
    tls: Option<&Tls>,
) {
    loop {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, mostly: those in use will be given back.
                tracing::warn!(%error, "a connection could not be taken");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let place = match doors.connections.take(peer.ip()) {
            Ok(place) => place,
            Err(full) => {
                // A client that speaks TLS could not read it.
                if tls.is_none() {
                    tell(&stream, &doors::written(doors::full(full)));
                }
                continue;
            }
        };
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%peer, %error, "small packets will be held back");
        }
        let (router, stops, kept) = (router.clone(), stops.clone(), kept.clone());
        let (doors, tls) = (doors.clone(), tls.cloned());
        connections.spawn(async move {
            match tls {
                None => serve(stream, peer, router, stops, kept, doors).await,
                Some(tls) => {
                    let agreed = tokio::select! {
                        agreed = tls.accept(stream) => agreed,
                        () = stops.finish.cancelled() => return,
                    };
                    match agreed {
                        Ok(stream) => serve(stream, peer, router, stops, kept, doors).await,
                        Err(error) => tracing::debug!(%peer, %error, "a client and we do not agree how to speak TLS"),
                    }
                }
            }
            drop(place);
        });
    }
}

/// Tells a client that is not let in why, and does not wait for it. A connection that is new has room for that.
fn tell(stream: &TcpStream, why: &[u8]) {
    if let Err(error) = stream.try_write(why) {
        tracing::debug!(%error, "a client was not told why it is not let in");
    }
}
