//! A context elsewhere: which of its replicas is asked, and what is asked again of another.
//!
//! ```text
//!   no connection       nothing was sent              the next replica, at once
//!   connection broke    GET or HEAD without a body    once more, where the budget allows
//!                       anything else                 503: it may have been received
//! ```

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use baedal_kit_runtime::lifecycle::Lifecycle;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use http::{Method, Uri, header};
use hyper::body::Body as _;
use uuid::Uuid;

use super::authority::Authority;
use super::budget::Budget;
use super::connections::{Connections, Unanswered, WrongAddress};
use super::replica::Replica;
use super::sending::{NoAnswer, Sending};
use crate::Problem;
use crate::peers::PeerSecret;
use crate::problem::UNAVAILABLE;

/// When it is worth asking again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// With so much more in hand than twice what another has, a replica is asked nothing only because it remembers.
const HANDS_FULL: usize = 64;

/// A context elsewhere.
pub(super) struct Remote {
    context: &'static str,
    secret: PeerSecret,
    replicas: Vec<Arc<Replica>>,
    /// Whose turn it is among those that have as much in hand.
    turn: AtomicUsize,
    budget: Budget,
}

impl Remote {
    pub(super) fn new(
        context: &'static str,
        addresses: &[String],
        secret: PeerSecret,
        authority: Option<&Authority>,
    ) -> Result<Self, WrongAddress> {
        let replica = |address: &String| {
            let connections = Connections::to(context, address, authority)?;
            Ok(Arc::new(Replica::new(context, secret.clone(), connections)))
        };
        let replicas = addresses.iter().map(replica).collect::<Result<Vec<_>, _>>()?;
        if replicas.is_empty() {
            return Err(WrongAddress::Missing(context));
        }
        Ok(Self { context, secret, replicas, turn: AtomicUsize::default(), budget: Budget::default() })
    }

    pub(super) fn watch(&self, lifecycle: &Lifecycle) {
        let alone = self.replicas.len() == 1;
        for replica in &self.replicas {
            lifecycle.spawn(Arc::clone(replica).watch(alone));
        }
    }

    /// Each replica as if there were no other; they are watched already.
    pub(super) fn each(&self) -> impl Iterator<Item = Self> + '_ {
        self.replicas.iter().map(|replica| Self {
            context: self.context,
            secret: self.secret.clone(),
            replicas: vec![Arc::clone(replica)],
            turn: AtomicUsize::default(),
            budget: Budget::default(),
        })
    }

    pub(super) fn reachable(&self) -> Result<(), String> {
        let is_any = self.replicas.iter().any(|replica| replica.is_ready());
        if is_any { Ok(()) } else { Err("none of its replicas is ready".to_owned()) }
    }

    /// Looks at all of its replicas now, until one is ready.
    pub(super) async fn look_again(&self) {
        let mut looks: FuturesUnordered<_> = self.replicas.iter().map(|replica| replica.look()).collect();
        while looks.next().await.is_some() && self.reachable().is_err() {}
    }

    pub(super) async fn send(&self, request: Request) -> Response {
        self.try_send(request, &Sending::default()).await.unwrap_or_else(|no_answer| {
            let how = match no_answer {
                NoAnswer::NotSent(_) => "does not answer",
                NoAnswer::MayBeReceived(_) => "broke off before it answered",
            };
            let what = format!("{} {how}", self.context);
            Problem::new(&UNAVAILABLE, what).retry_after(RETRY_AFTER).into_response()
        })
    }

    /// The same, saying whether the request may have been received where there is no answer.
    pub(super) async fn try_send(&self, request: Request, sending: &Sending) -> Result<Response, NoAnswer> {
        let mut counted = Counted { context: self.context, outcome: "given_up" };
        self.budget.earn();
        let mut request = self.addressed(request);
        let mut once_more = harmless(&request);
        let about = subject(request.uri().path()).map(str::to_owned);
        let mut tried = Vec::new();
        let (mut again_because, mut broke) = (None, false);
        let mut unreached = "it has no replica".to_owned();
        while let Some(number) = self.choose(&tried, about.as_deref()) {
            tried.push(number);
            if let Some(why) = again_because.take() {
                let labels = [("context", self.context), ("because", why)];
                metrics::counter!("baedal_upstream_retries_total", &labels).increment(1);
            }
            match self.replicas[number].send(request, sending).await {
                Ok(response) => {
                    counted.outcome = "answered";
                    return Ok(response);
                }
                Err(Unanswered::NotSent { request: unsent, why }) => {
                    tracing::debug!(context = self.context, why, "a replica cannot be reached");
                    (request, unreached) = (*unsent, why);
                    again_because = Some("unreachable");
                }
                Err(Unanswered::Broken { why }) => {
                    tracing::warn!(context = self.context, why, "a connection broke before the answer");
                    let Some(again) = once_more.take().filter(|_| self.budget.spend()) else {
                        counted.outcome = "broken";
                        return Err(NoAnswer::MayBeReceived(why));
                    };
                    broke = true;
                    request = again;
                    again_because = Some("broken");
                    if tried.len() == self.replicas.len() {
                        // There is no other: perhaps only the connection was at fault.
                        tried.clear();
                    }
                }
            }
        }
        counted.outcome = "unreachable";
        Err(if broke { NoAnswer::MayBeReceived(unreached) } else { NoAnswer::NotSent(unreached) })
    }

    /// The replica to ask: a ready one where there is one; of those, the one that hears what happens to the thing
    /// that is asked about, and so remembers it, unless it has its hands full; else the one with the least in hand;
    /// of those, the one whose turn it is.
    fn choose(&self, tried: &[usize], about: Option<&str>) -> Option<usize> {
        let (first, count) = (self.turn.fetch_add(1, Ordering::Relaxed), self.replicas.len());
        let in_turn = (0..count).map(|step| first.wrapping_add(step) % count);
        let untried = in_turn.filter(|number| !tried.contains(number));
        let least = self.replicas.iter().map(|replica| replica.in_flight()).min().unwrap_or(0);
        untried.min_by_key(|number| {
            let (replica, at_the_most) = (&self.replicas[*number], 2 * least + HANDS_FULL);
            let in_flight = replica.in_flight();
            let remembers = in_flight <= at_the_most && about.is_some_and(|id| replica.hears(id));
            (!replica.is_ready(), !remembers, in_flight)
        })
    }

    /// The request as it goes out: to a path, with the headers that are between us.
    fn addressed(&self, request: Request) -> Request {
        let (parts, body) = request.into_parts();
        let mut addressed = Request::new(body);
        *addressed.method_mut() = parts.method;
        *addressed.uri_mut() = parts.uri.path_and_query().cloned().map_or_else(Uri::default, Uri::from);
        let mut headers = parts.headers;
        self.secret.address(self.context, &mut headers);
        // The body is sent without being asked for.
        headers.remove(header::EXPECT);
        *addressed.headers_mut() = headers;
        addressed
    }
}

/// The id of what a request is about: the first in its path.
fn subject(path: &str) -> Option<&str> {
    path.split('/').find(|part| part.len() == 36 && Uuid::try_parse(part).is_ok())
}

/// The same request again, if it changes nothing however often it is received.
fn harmless(request: &Request) -> Option<Request> {
    let changes_nothing = matches!(*request.method(), Method::GET | Method::HEAD) && request.body().is_end_stream();
    changes_nothing.then(|| {
        let mut again = Request::new(Body::empty());
        again.method_mut().clone_from(request.method());
        again.uri_mut().clone_from(request.uri());
        again.headers_mut().clone_from(request.headers());
        again
    })
}

/// Counts a request by what became of it, also where whoever sent it does not wait for the answer any more.
struct Counted {
    context: &'static str,
    outcome: &'static str,
}

impl Drop for Counted {
    fn drop(&mut self) {
        let labels = [("context", self.context), ("outcome", self.outcome)];
        metrics::counter!("baedal_upstream_requests_total", &labels).increment(1);
    }
}
