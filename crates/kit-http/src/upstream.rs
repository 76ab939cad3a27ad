//! Another context's HTTP interface, wherever it runs.
//!
//! In one process it is that context's router, called directly; elsewhere it is the addresses of its replicas.
//! The gateway and the synchronous clients speak to either in the same way: they send a request and always get
//! an answer, which is a problem where nobody is there to give one.
//!
//! - [`remote`]: which replica is asked, and what is asked again of another;
//! - [`replica`]: one of them: whether it is ready, and how much it has in hand;
//! - [`connections`]: those that are open to it, and new ones;
//! - [`authority`]: whose certificates are believed there;
//! - [`sending`]: whether a request may have been received;
//! - [`budget`]: how much may be asked again.

mod authority;
mod budget;
mod connections;
mod remote;
mod replica;
mod sending;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use tower::ServiceExt;

pub use self::authority::Authority;
pub use self::connections::{KEEP_ALIVE, WrongAddress};
use self::remote::Remote;
use self::sending::Sending;
pub use self::sending::{NOT_BEGUN, NoAnswer};
use crate::peers::PeerSecret;
use baedal_kit_runtime::lifecycle::Lifecycle;

/// An answer that says that nobody has looked at the request, so that whoever asked may ask somebody else.
#[must_use]
pub fn not_begun(mut answer: Response) -> Response {
    answer.headers_mut().insert(NOT_BEGUN, sending::YES);
    answer
}

/// Where requests for a context go. Cloning shares it.
#[derive(Clone)]
pub struct Upstream {
    place: Place,
}

#[derive(Clone)]
enum Place {
    Here(Router),
    Elsewhere(Arc<Remote>),
}

impl Upstream {
    /// A context in this process.
    #[must_use]
    pub fn local(router: Router) -> Self {
        Self { place: Place::Here(router) }
    }

    /// A context elsewhere, by the addresses of its replicas, as `http://10.0.0.7:7101`. A name that stands for
    /// many hosts is one address too: it is resolved anew for every new connection.
    ///
    /// Over TLS where they begin with `https://`: a replica is then sent nothing, not even who we are, before it has
    /// shown a certificate for its host that the authority vouches for.
    ///
    /// Its replicas are watched for as long as this process lives. To be called inside the runtime.
    ///
    /// # Errors
    /// Where there is no address, or one is none, or nobody vouches for who is there.
    pub fn remote(
        context: &'static str,
        addresses: &[String],
        secret: &PeerSecret,
        authority: Option<&Authority>,
        lifecycle: &Lifecycle,
    ) -> Result<Self, WrongAddress> {
        let remote = Remote::new(context, addresses, secret.clone(), authority)?;
        remote.watch(lifecycle);
        Ok(Self { place: Place::Elsewhere(Arc::new(remote)) })
    }

    /// Sends a request and gives the answer back, whatever its status. It is 503 `unavailable` where no replica
    /// can be reached, and where the connection broke before an answer came; a request that may have been
    /// received is then only sent again if it changes nothing. How long this may take is the caller's to say.
    pub async fn send(&self, request: Request<Body>) -> Response {
        match &self.place {
            Place::Here(router) => {
                let answer: Result<Response, Infallible> = router.clone().oneshot(request).await;
                match answer {
                    Ok(response) => response,
                    Err(never) => match never {},
                }
            }
            Place::Elsewhere(remote) => remote.send(request).await,
        }
    }

    /// Sends a request and waits for the head of the answer, for `limit` at the most. Where there is none, says
    /// whether the request may have been received: for whoever must know what may have come of it.
    ///
    /// Nothing is sent where no replica is ready, as far as is known.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn try_send(&self, request: Request<Body>, limit: Duration) -> Result<Response, NoAnswer> {
        self.look_again().await.map_err(NoAnswer::NotSent)?;
        let sending = Sending::default();
        let answer = match &self.place {
            Place::Here(_) => {
                sending.begins();
                tokio::time::timeout(limit, async { Ok(self.send(request).await) }).await
            }
            Place::Elsewhere(remote) => tokio::time::timeout(limit, remote.try_send(request, &sending)).await,
        };
        let response = answer.unwrap_or_else(|_| Err(sending.gave_up(limit)))?;
        if response.headers().contains_key(NOT_BEGUN) {
            return Err(NoAnswer::NotSent(format!("it answers {}, and has begun nothing", response.status())));
        }
        Ok(response)
    }

    /// Whether there is anybody to ask; where there was none, it is looked at once more: one may just have come.
    async fn look_again(&self) -> Result<(), String> {
        match &self.place {
            Place::Elsewhere(remote) if remote.reachable().is_err() => {
                remote.look_again().await;
                remote.reachable()
            }
            Place::Elsewhere(_) | Place::Here(_) => Ok(()),
        }
    }

    /// Each of its replicas by itself, for what every one of them must be asked. Behind a name that stands for
    /// many hosts they cannot be told apart.
    #[must_use]
    pub fn each(&self) -> Vec<Self> {
        match &self.place {
            Place::Here(_) => vec![self.clone()],
            Place::Elsewhere(remote) => {
                remote.each().map(|remote| Self { place: Place::Elsewhere(Arc::new(remote)) }).collect()
            }
        }
    }

    /// Whether there is anybody to ask, as far as is known without asking.
    ///
    /// # Errors
    /// Why not.
    pub fn reachable(&self) -> Result<(), String> {
        match &self.place {
            Place::Here(_) => Ok(()),
            Place::Elsewhere(remote) => remote.reachable(),
        }
    }
}
