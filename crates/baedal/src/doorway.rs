//! The door of a process: says that it is not ready yet while what is behind it is being opened.
//!
//! A process may start before its database does. It listens at once, says in `/health/ready` that it is not ready (and
//! to operators what it waits for), and answers everything else that it cannot be had now.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use baedal_kit_http::Problem;
use baedal_kit_http::problem::UNAVAILABLE;
use baedal_kit_http::upstream::not_begun;
use http::StatusCode;
use parking_lot::Mutex;
use tower::ServiceExt;

/// A door. Cloning shares it.
#[derive(Clone, Default)]
pub(crate) struct Doorway {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    is_for_operators: bool,
    opened: OnceLock<Router>,
    waits_for: Mutex<String>,
}

impl Doorway {
    /// One that tells what it waits for.
    pub(crate) fn for_operators() -> Self {
        Self { inner: Arc::new(Inner { is_for_operators: true, ..Inner::default() }) }
    }

    /// What is behind it is there now.
    pub(crate) fn open(&self, router: Router) {
        if self.inner.opened.set(router).is_err() {
            tracing::error!("a door was opened twice");
        }
    }

    /// Why it is not open yet.
    pub(crate) fn wait_for(&self, what: String) {
        *self.inner.waits_for.lock() = what;
    }

    /// The way through.
    pub(crate) fn router(&self) -> Router {
        let door = self.clone();
        Router::new().fallback(move |request: Request| {
            let door = door.clone();
            async move { door.pass(request).await }
        })
    }

    async fn pass(&self, request: Request<Body>) -> Response {
        if let Some(router) = self.inner.opened.get() {
            return match router.clone().oneshot(request).await {
                Ok(response) => response,
                Err(never) => match never {},
            };
        }
        let waits_for = self.inner.waits_for.lock().clone();
        match request.uri().path() {
            "/health/live" => "ok".into_response(),
            "/health/ready" => {
                let mut body = serde_json::json!({ "status": "not_ready" });
                if self.inner.is_for_operators {
                    let database = serde_json::json!({ "ready": false, "needed": true, "database": waits_for });
                    body["dependencies"] = serde_json::json!({ "database": database });
                }
                (StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response()
            }
            _ => {
                let starting = Problem::new(&UNAVAILABLE, "this process is starting");
                not_begun(starting.retry_after(Duration::from_secs(1)).into_response())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn ask(door: &Doorway, path: &str) -> (StatusCode, String) {
        let request = Request::get(path).body(Body::empty()).expect("a request");
        let response = door.router().oneshot(request).await.expect("an answer");
        let status = response.status();
        let body = axum::body::to_bytes(response.into_body(), 1 << 16).await.expect("a body");
        (status, String::from_utf8_lossy(&body).into_owned())
    }

    #[tokio::test]
    async fn it_lives_before_it_is_ready_and_then_lets_everybody_through() {
        let door = Doorway::default();
        assert_eq!(ask(&door, "/health/live").await.0, StatusCode::OK);
        assert_eq!(ask(&door, "/health/ready").await.0, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(ask(&door, "/api/orders").await.0, StatusCode::SERVICE_UNAVAILABLE);
        door.open(Router::new().route("/api/orders", axum::routing::get(|| async { "here" })));
        assert_eq!(ask(&door, "/api/orders").await.0, StatusCode::OK);
    }

    #[tokio::test]
    async fn operators_alone_are_told_what_it_waits_for() {
        for (door, tells) in [(Doorway::default(), false), (Doorway::for_operators(), true)] {
            door.wait_for("the database of order is out of reach".to_owned());
            let (status, body) = ask(&door, "/health/ready").await;
            assert_eq!((status, body.contains("out of reach")), (StatusCode::SERVICE_UNAVAILABLE, tells), "{body}");
        }
    }
}
