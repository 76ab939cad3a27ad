//! Errors as RFC 9457 problem documents, each of a documented type.

use std::borrow::Cow;
use std::time::Duration;

use axum::Json;
use axum::response::{IntoResponse, Response};
use baedal_kit::Failure;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;

/// A kind of problem, documented at `/problems/{name}`.
#[derive(Debug, PartialEq, Eq)]
pub struct ProblemType {
    /// Its name, the last part of its `type`; it never changes.
    pub name: &'static str,
    /// The status it is answered with.
    pub status: u16,
    /// What it is, in a few words.
    pub title: &'static str,
    /// What it means and what to do about it.
    pub about: &'static str,
}

/// Declares problem types, and `ALL` of them in one list.
///
/// ```ignore
/// problem_types! {
///     /// (becomes `about`, and the docs)
///     STORE_CLOSED = (409, "store_closed", "The store is closed", "It takes no orders now. …");
/// }
/// ```
#[macro_export]
macro_rules! problem_types {
    ($($name:ident = ($status:literal, $kind:literal, $title:literal, $about:literal);)*) => {
        $(
            #[doc = $about]
            pub static $name: $crate::ProblemType = $crate::ProblemType {
                name: $kind, status: $status, title: $title, about: $about,
            };
        )*
        /// All the problem types declared here.
        pub static ALL: &[&$crate::ProblemType] = &[$(&$name),*];
    };
}

problem_types! {
    MALFORMED = (400, "malformed", "The request cannot be read", "The body is not JSON, or a parameter of the address or a header is not what the documentation says.");
    INVALID = (422, "invalid", "A field is wrong", "The body is JSON, but a field is missing, unknown, of the wrong type or out of bounds. `errors` names each.");
    POSITION_AHEAD = (422, "position_ahead", "The position is not there yet", "`Baedal-Position` asks for more than its context has ever written, as after a restore to an earlier state. Drop the header, and forget the positions that were remembered of that context; its next answers tell good ones.");
    UNAUTHENTICATED = (401, "unauthenticated", "Sign in first", "The request carries no valid access token. Get one from `POST /api/token`, or refresh yours.");
    NOT_A_PEER = (401, "not_a_peer", "Not for you", "This address is for the other processes of the installation, each of which shows its own secret. Ask the gateway.");
    NOT_FOR_THIS_PEER = (403, "not_for_this_peer", "Not for this process", "The process is known and may not ask this of that context: what each may ask stands in `callers.rs`. If it should be able to, its `peers.secret` may be another process's.");
    FORBIDDEN = (403, "forbidden", "Not for your role", "Your account's role may not do this.");
    NOT_FOUND = (404, "not_found", "There is no such thing", "Nothing is there, or it is not yours to know.");
    METHOD_NOT_ALLOWED = (405, "method_not_allowed", "Not by this method", "The address exists, but not for this method; `Allow` names those it exists for.");
    TOO_SLOW = (408, "too_slow", "The request did not arrive in time", "A request's headers have 5 seconds, unless this installation is set otherwise, and its body as many and one more for each 4 KiB that arrived. Send the whole request at once. Nothing was changed.");
    TOO_LARGE = (413, "too_large", "The body is too large", "A body may hold 64 KiB.");
    HEADERS_TOO_LARGE = (431, "headers_too_large", "The headers are too large", "A request's headers may have 32 KiB together with its address, and 100 fields. Send fewer or shorter ones.");
    UNSUPPORTED_MEDIA_TYPE = (415, "unsupported_media_type", "The body is not JSON", "Send `Content-Type: application/json`.");
    TOO_MANY_REQUESTS = (429, "too_many_requests", "Too many requests", "Wait for as many seconds as `Retry-After` says.");
    INTERNAL = (500, "internal", "Something is broken here", "It is our fault and has been recorded. Quote the `traceparent` of the answer when you report it.");
    UNAVAILABLE = (503, "unavailable", "Not now", "Something we need does not answer. Nothing was changed, or what was changed is kept; try again after as many seconds as `Retry-After` says.");
}

/// A wrong field.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub struct FieldError {
    /// Where it is, as `items[0].quantity`.
    pub field: String,
    /// What is wrong with it.
    pub message: String,
}

/// An answer that says why not.
#[derive(Debug)]
pub struct Problem {
    kind: &'static ProblemType,
    detail: Cow<'static, str>,
    pub(super) errors: Vec<FieldError>,
    retry_after: Option<Duration>,
    headers: Vec<(http::HeaderName, HeaderValue)>,
    members: serde_json::Map<String, serde_json::Value>,
}

/// A problem as it is written.
#[derive(Serialize, ToSchema)]
pub struct ProblemBody {
    /// Which kind of problem: `/problems/{name}`, where it is documented.
    #[serde(rename = "type")]
    kind: String,
    /// The kind in a few words.
    title: &'static str,
    /// The status of the answer.
    status: u16,
    /// What went wrong this time.
    detail: Cow<'static, str>,
    /// The fields that are wrong, where fields are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
    /// What else a program may need of it, as the kind's documentation says (RFC 9457, 3.2).
    #[serde(flatten)]
    #[schema(ignore)]
    members: serde_json::Map<String, serde_json::Value>,
}

impl Problem {
    /// A problem of a kind; `detail` says what went wrong this time.
    pub fn new(kind: &'static ProblemType, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind,
            detail: detail.into(),
            errors: Vec::new(),
            retry_after: None,
            headers: Vec::new(),
            members: serde_json::Map::new(),
        }
    }

    /// There is no such thing, or it is not yours to know.
    #[must_use]
    pub fn not_found(what: &'static str) -> Self {
        Self::new(&NOT_FOUND, format!("there is no such {what}"))
    }

    /// One field is wrong.
    pub fn field(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::fields(vec![FieldError { field: field.into(), message: message.into() }])
    }

    /// Fields are wrong.
    #[must_use]
    pub fn fields(errors: Vec<FieldError>) -> Self {
        let mut problem = Self::new(&INVALID, "see `errors`");
        problem.errors = errors;
        problem
    }

    /// With one field that it is about, as `items[2].options[0].choice`.
    #[must_use]
    pub fn at(mut self, field: impl Into<String>, message: impl Into<String>) -> Self {
        self.errors.push(FieldError { field: field.into(), message: message.into() });
        self
    }

    /// With one more member, for programs; the kind's documentation names it.
    #[must_use]
    pub fn with(mut self, member: &'static str, value: impl Into<serde_json::Value>) -> Self {
        self.members.insert(member.to_owned(), value.into());
        self
    }

    /// The same may work after this time.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// With one more header.
    #[must_use]
    pub fn header(mut self, name: http::HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> &'static ProblemType {
        self.kind
    }
}

/// The longest that anybody is told to wait. What takes longer is better asked again meanwhile.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// `Retry-After`, in whole seconds: never before the wait is over, never at once, and never later than an hour.
#[must_use]
pub fn retry_after(wait: Duration) -> HeaderValue {
    let whole = if wait.subsec_nanos() > 0 { wait.as_secs().saturating_add(1) } else { wait.as_secs() };
    HeaderValue::from(whole.clamp(1, LONGEST_WAIT.as_secs()))
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        let story = failure.report();
        if failure.is_transient() {
            tracing::warn!(error = story, "answered that it is not available");
            Self::new(&UNAVAILABLE, failure.to_string()).retry_after(Duration::from_secs(2))
        } else {
            tracing::error!(error = story, "answered that something is broken");
            Self::new(&INTERNAL, "an unexpected error")
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = ProblemBody {
            kind: format!("/problems/{}", self.kind.name),
            title: self.kind.title,
            status: self.kind.status,
            detail: self.detail,
            errors: self.errors,
            members: self.members,
        };
        let status = StatusCode::from_u16(self.kind.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(wait) = self.retry_after {
            headers.insert(header::RETRY_AFTER, retry_after(wait));
        }
        headers.extend(self.headers);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_told_to_wait_is_told_whole_seconds_that_are_enough_and_not_absurd() {
        let said = |wait| retry_after(wait).to_str().map(str::to_owned).unwrap_or_default();
        assert_eq!(said(Duration::ZERO), "1");
        assert_eq!(said(Duration::from_millis(1)), "1");
        assert_eq!(said(Duration::from_secs(2)), "2");
        assert_eq!(said(Duration::from_millis(2001)), "3");
        assert_eq!(said(Duration::from_secs(9 * 3600)), "3600");
        assert_eq!(said(Duration::MAX), "3600");
    }
}
