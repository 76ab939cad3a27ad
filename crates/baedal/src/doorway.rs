//! The door of a process: says that it is not ready yet while what is behind it is being opened.
//!
//! A process may start before its database does. It listens at once, says in `/health/ready` what it waits
//! for, and answers everything else that it cannot be had now.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use baedal_kit::http::Problem;
use baedal_kit::http::problem::UNAVAILABLE;
use baedal_kit::upstream::not_begun;
use http::StatusCode;
use tower::ServiceExt;

/// A door. Cloning shares it.
#[derive(Clone, Default)]
pub(crate) struct Doorway {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    opened: OnceLock<Router>,
    waits_for: Mutex<String>,
}

impl Doorway {
    /// What is behind it is there now.
    pub(crate) fn open(&self, router: Router) {
        if self.inner.opened.set(router).is_err() {
            tracing::error!("a door was opened twice");
        }
    }

    /// Why it is not open yet.
    pub(crate) fn wait_for(&self, what: String) {
        *self.inner.waits_for.lock().unwrap_or_else(PoisonError::into_inner) = what;
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
        let waits_for = self.inner.waits_for.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match request.uri().path() {
            "/health/live" => "ok".into_response(),
            "/health/ready" => {
                let body = serde_json::json!({
                    "status": "not_ready",
                    "dependencies": { "database": { "ready": false, "needed": true, "database": waits_for } },
                });
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

    async fn status(door: &Doorway, path: &str) -> StatusCode {
        let request = Request::get(path).body(Body::empty()).expect("a request");
        door.router().oneshot(request).await.expect("an answer").status()
    }

    #[tokio::test]
    async fn it_lives_before_it_is_ready_and_then_lets_everybody_through() {
        let door = Doorway::default();
        door.wait_for("the database of order is out of reach".to_owned());
        assert_eq!(status(&door, "/health/live").await, StatusCode::OK);
        assert_eq!(status(&door, "/health/ready").await, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(status(&door, "/api/orders").await, StatusCode::SERVICE_UNAVAILABLE);
        door.open(Router::new().route("/api/orders", axum::routing::get(|| async { "here" })));
        assert_eq!(status(&door, "/api/orders").await, StatusCode::OK);
    }
}
