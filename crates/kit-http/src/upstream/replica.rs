//! One replica of a context elsewhere: whether it is ready, how much it has in hand, and which shards it hears.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::response::Response;
use baedal_kit::bus::shard_of;
use http::{HeaderMap, StatusCode, header};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use parking_lot::{Mutex, RwLock};
use tokio::sync::Notify;

use super::connections::{Connections, Unanswered};
use super::sending::Sending;
use crate::health::Heard;
use crate::operations::{REPLICA, Replica as ReplicaState};
use crate::peers::PeerSecret;

/// How often a replica is asked whether it is ready.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long it may take to say so.
const LOOK_LIMIT: Duration = Duration::from_secs(2);

/// One replica.
pub(super) struct Replica {
    context: &'static str,
    secret: PeerSecret,
    connections: Connections,
    /// Taken to be ready until it is known not to be.
    ready: AtomicBool,
    /// Why it is not, as it was last told.
    told: Mutex<String>,
    in_flight: Arc<AtomicUsize>,
    /// The shards that it hears, as far as it has said.
    shards: RwLock<Heard>,
    /// Something gives reason to look at it at once.
    doubt: Notify,
}

impl Replica {
    pub(super) fn new(context: &'static str, secret: PeerSecret, connections: Connections) -> Self {
        Self {
            context,
            secret,
            connections,
            ready: AtomicBool::new(true),
            told: Mutex::default(),
            in_flight: Arc::default(),
            shards: RwLock::default(),
            doubt: Notify::default(),
        }
    }

    pub(super) fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed)
    }

    /// How many answers it has not finished, live streams among them.
    pub(super) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Whether it hears what happens to the thing with this id, as far as is known.
    pub(super) fn hears(&self, id: &str) -> bool {
        let Heard { of, heard } = &*self.shards.read();
        heard.contains(&shard_of(id, *of))
    }

    pub(super) async fn send(&self, request: Request, sending: &Sending) -> Result<Response, Unanswered> {
        let place = InFlight::taken(&self.in_flight);
        match self.connections.send(request, sending).await {
            Ok(response) => {
                if self.is_ready() && is_last(response.headers()) {
                    // A replica that is about to end says so with every answer.
                    self.doubt.notify_one();
                }
                Ok(response.map(|body| Body::new(Counted { body, _place: place })))
            }
            Err(unanswered) => {
                if self.is_ready() {
                    self.doubt.notify_one();
                }
                if let Unanswered::NotSent { why, .. } = &unanswered {
                    self.found(Err(why.clone()));
                }
                Err(unanswered)
            }
        }
    }

    /// Looks at it again and again. One that is alone is only looked at when there is reason to: there is no
    /// other to be asked in its place.
    pub(super) async fn watch(self: Arc<Self>, alone: bool) {
        loop {
            self.look().await;
            if alone && self.is_ready() {
                self.doubt.notified().await;
            } else {
                // Whichever comes first.
                let _ = tokio::time::timeout(LOOK_EVERY, self.doubt.notified()).await;
            }
        }
    }

    /// Looks at it now.
    pub(super) async fn look(&self) {
        let looked = tokio::time::timeout(LOOK_LIMIT, self.connections.look(REPLICA, self.context, &self.secret)).await;
        self.found(match looked {
            Ok(Ok((StatusCode::OK, said))) => {
                let said: ReplicaState = serde_json::from_slice(&said).unwrap_or_default();
                *self.shards.write() = said.shards;
                Ok(())
            }
            Ok(Ok((status, _))) => Err(format!("it answers {status}")),
            Ok(Err(why)) => Err(why),
            Err(_) => Err(format!("no answer within {LOOK_LIMIT:?}")),
        });
    }

    fn found(&self, ready: Result<(), String>) {
        let (context, address) = (self.context, self.connections.address());
        let was_ready = self.ready.swap(ready.is_ok(), Ordering::Relaxed);
        let why = ready.as_ref().err().cloned().unwrap_or_default();
        let before = std::mem::replace(&mut *self.told.lock(), why);
        match ready {
            Ok(()) if !was_ready => tracing::info!(context, %address, "a replica is ready again"),
            Err(why) => {
                // They would break when it ends; where it has ended already, they are broken.
                self.connections.close_idle();
                // One that ended may be followed by one that is not believed.
                if was_ready || why != before {
                    tracing::warn!(context, %address, why, "a replica is not ready");
                }
            }
            Ok(()) => {}
        }
    }
}

/// Whether the connection closes behind this answer.
fn is_last(headers: &HeaderMap) -> bool {
    headers.get(header::CONNECTION).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"close"))
}

/// A place among the answers that are not finished.
struct InFlight(Arc<AtomicUsize>);

impl InFlight {
    fn taken(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(count))
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// An answer's body, which has its place for as long as it is being passed on.
struct Counted {
    body: Body,
    _place: InFlight,
}

impl HttpBody for Counted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
