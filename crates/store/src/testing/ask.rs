//! An owner asks over HTTP.

use axum::body::Body;
use baedal_contracts::AccountId;
use baedal_contracts::identity::Role;
use baedal_kit_http::Caller;
use http::{Method, Request, StatusCode};
use serde_json::Value;
use tower::ServiceExt;

/// What was answered over HTTP.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) position: Option<String>,
    pub(crate) tag: Option<String>,
    /// The body; `null` where there is none.
    pub(crate) body: Value,
}

impl Answer {
    /// The name of the problem that it is.
    pub(crate) fn problem(&self) -> &str {
        self.body["type"].as_str().unwrap_or_default().trim_start_matches("/problems/")
    }

    /// The fields that are wrong.
    pub(crate) fn wrong_fields(&self) -> Vec<&str> {
        let errors = self.body["errors"].as_array().into_iter().flatten();
        errors.filter_map(|error| error["field"].as_str()).collect()
    }
}

/// An owner asks over HTTP.
pub(crate) async fn ask(
    router: &axum::Router,
    who: AccountId,
    method: Method,
    path: &str,
    seen: Option<&str>,
    body: Option<Value>,
) -> Answer {
    let caller = Caller { account_id: who, role: Role::Owner };
    let mut request = Request::builder().method(method).uri(path).header("baedal-caller", caller.to_header());
    if body.is_some() {
        request = request.header("content-type", "application/json");
    }
    if let Some(tag) = seen {
        request = request.header("if-match", tag);
    }
    let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
    let response = router.clone().oneshot(request.body(body).expect("a request")).await.expect("an answer");
    let status = response.status();
    let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let (position, tag) = (header("baedal-position"), header("etag"));
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.expect("a body");
    let body = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).expect("JSON") };
    Answer { status, position, tag, body }
}
