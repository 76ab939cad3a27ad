//! The documentation of the interface: for machines as OpenAPI, for people as a page to try it on.

use axum::extract::State;
use axum::response::{Html, IntoResponse, Redirect};
use http::{HeaderName, HeaderValue, header};

use super::Desk;

/// The page: one file, which asks nobody but us.
const DOCS: &str = include_str!("docs.html");
/// What our pages may do: show themselves, and call us.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; \
     img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// A page that may do nothing more than it has to.
pub(super) fn page(html: impl Into<axum::body::Body>) -> impl IntoResponse {
    let headers: [(HeaderName, HeaderValue); 2] =
        [(header::CONTENT_SECURITY_POLICY, POLICY), (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"))];
    (headers, Html(html.into()))
}

/// The front door
#[utoipa::path(get, path = "/", tag = "documentation", responses(
    (status = 303, description = "To the documentation"),
))]
pub(super) async fn front() -> Redirect {
    Redirect::to("/api/docs")
}

/// This documentation, as a page
#[utoipa::path(get, path = "/api/docs", tag = "documentation", responses(
    (status = 200, description = "The page", body = String, content_type = "text/html"),
))]
pub(super) async fn docs() -> impl IntoResponse {
    page(DOCS)
}

/// This documentation, as OpenAPI 3.1
#[utoipa::path(get, path = "/api/openapi.json", tag = "documentation", responses(
    (status = 200, description = "The document", body = serde_json::Value),
))]
pub(super) async fn openapi(State(desk): State<Desk>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], desk.document.to_string())
}
