//! Another context's HTTP interface, wherever it runs.
//!
//! In one process it is that context's router, called directly; the gateway and the synchronous clients
//! speak to it as they would to an address.

use std::convert::Infallible;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use tower::ServiceExt;

/// Where requests for a context go. Cloning shares it.
#[derive(Clone)]
pub struct Upstream {
    router: Router,
}

impl Upstream {
    /// A context in this process.
    #[must_use]
    pub fn local(router: Router) -> Self {
        Self { router }
    }

    /// Sends a request and gives the answer back, whatever its status.
    pub async fn send(&self, request: Request<Body>) -> Response {
        let answer: Result<Response, Infallible> = self.router.clone().oneshot(request).await;
        match answer {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}
