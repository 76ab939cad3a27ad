//! What an operator asks of all contexts at once.

use std::cmp::{Ordering, Reverse};
use std::fmt;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use baedal_contracts::source::ORDER;
use baedal_kit_http::breaker::Snapshot;
use baedal_kit_http::caller::{CALLER, TRACEPARENT};
use baedal_kit_http::operations::DeadLetterView;
use baedal_kit_http::page::digits;
use baedal_kit_http::position::POSITION;
use baedal_kit_http::problem::{INTERNAL, UNAVAILABLE};
use baedal_kit_http::upstream::Upstream;
use baedal_kit_http::{Cursor, Page, PageQuery, Path, Problem, ProblemBody, Query};
use futures::future::join_all;
use http::{HeaderMap, Method, StatusCode};
use http_body_util::{BodyExt, Limited};
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use utoipa::ToSchema;

use super::Desk;

/// How long a context may take to answer.
const TIME_LIMIT: Duration = Duration::from_secs(5);
/// The most that a context may answer, in bytes.
const LARGEST_ANSWER: usize = 16 * 1024 * 1024;

/// The messages that could not be processed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeadLetters {
    #[serde(flatten)]
    page: Page<DeadLetterView>,
    /// The contexts that did not answer, whose messages are therefore missing.
    unreachable: Vec<&'static str>,
}

/// The circuit breakers
///
/// Each one's state, window, counts and last transitions. Every replica of a service has its own.
#[utoipa::path(get, path = "/api/operations/breakers", tag = "operations", responses(
    (status = 200, description = "All of them", body = Page<Snapshot>),
))]
pub(super) async fn breakers(State(desk): State<Desk>, headers: HeaderMap) -> Result<Json<Page<Snapshot>>, Problem> {
    let replicas = desk.contexts.get(ORDER).ok_or_else(|| away(ORDER))?.each();
    let answers = join_all(replicas.iter().map(|replica| async {
        let response = send(ORDER, replica, Method::GET, "/internal/breakers", &headers).await.ok()?;
        read::<Vec<Snapshot>>(response).await.ok()
    }));
    let answers = answers.await;
    if answers.iter().all(Option::is_none) {
        return Err(away(ORDER));
    }
    Ok(Json(Page { items: answers.into_iter().flatten().flatten().collect(), next: None }))
}

/// Messages that could not be processed
///
/// Of every context, the latest first. Pages go on where the one before ended, whatever has been tried again meanwhile;
/// what failed since is on the first page.
#[utoipa::path(get, path = "/api/operations/dead-letters", tag = "operations", params(PageQuery<LetterPlace>), responses(
    (status = 200, description = "A page of them", body = DeadLetters),
))]
pub(super) async fn dead_letters(
    State(desk): State<Desk>,
    Query(asked): Query<PageQuery<LetterPlace>>,
    headers: HeaderMap,
) -> Result<Json<DeadLetters>, Problem> {
    let (limit, after) = (asked.limit(), asked.after());
    let answers = join_all(desk.contexts.iter().map(|(context, upstream)| async {
        let path = LetterPlace::path(after.as_ref(), context, limit + 1);
        let response = send(context, upstream, Method::GET, &path, &headers).await?;
        read::<Vec<DeadLetterView>>(response).await.map_err(|()| away(context))
    }));
    let (mut letters, mut unreachable) = (Vec::new(), Vec::new());
    for (context, answer) in desk.contexts.keys().zip(answers.await) {
        match answer {
            Ok(found) => letters.extend(found),
            Err(_) => unreachable.push(*context),
        }
    }
    // A replica of the version before shows its first whatever is asked.
    letters.retain(|letter| after.as_ref().is_none_or(|after| LetterPlace::of(letter) > *after));
    letters.sort_by_cached_key(LetterPlace::of);
    let page = Page::of(letters, limit, |letter| LetterPlace::of(letter).to_string());
    Ok(Json(DeadLetters { page, unreachable }))
}

/// Try one again
///
/// `id` is that of the message in the list.
#[utoipa::path(post, path = "/api/operations/dead-letters/{id}/redrive", tag = "operations",
    params(("id" = String, Path, description = "Names the message", example = "order~payment_window~0198c1f2-7c1e-7000-8000-000000000000")),
    responses(
        (status = 202, description = "It is tried again"),
        (status = 404, description = "There is no such message", body = ProblemBody, content_type = "application/problem+json"),
    ))]
pub(super) async fn redrive(
    State(desk): State<Desk>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let mut parts = id.splitn(3, '~');
    let (Some(context), Some(kind), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(Problem::not_found("dead letter"));
    };
    let (context, upstream) = desk.contexts.get_key_value(context).ok_or_else(|| Problem::not_found("dead letter"))?;
    let path = format!("/internal/dead-letters/{}/{}/redrive", escaped(kind), escaped(key));
    match send(context, upstream, Method::POST, &path, &headers).await?.status() {
        StatusCode::NOT_FOUND => Err(Problem::not_found("dead letter")),
        status if status.is_success() => Ok(StatusCode::ACCEPTED),
        _ => Err(away(context)),
    }
}

/// Rebuild a read model
///
/// From the events, beside the one in use, which goes on serving until the new one takes its place.
#[utoipa::path(post, path = "/api/operations/views/{name}/rebuild", tag = "operations",
    params(("name" = String, Path, description = "The view", example = "orders")),
    responses(
        (status = 202, description = "It is being rebuilt"),
        (status = 404, description = "There is no such view", body = ProblemBody, content_type = "application/problem+json"),
    ))]
pub(super) async fn rebuild(
    State(desk): State<Desk>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let path = format!("/internal/views/{}/rebuild", escaped(&name));
    let mut unreachable = None;
    for (context, upstream) in desk.contexts.iter() {
        match send(context, upstream, Method::POST, &path, &headers).await {
            Ok(response) if response.status().is_success() => return Ok(StatusCode::ACCEPTED),
            Ok(response) if response.status() == StatusCode::NOT_FOUND => {}
            Ok(_) | Err(_) => unreachable = Some(*context),
        }
    }
    // Only where everybody was asked is it known that nobody has it.
    Err(unreachable.map_or_else(|| Problem::not_found("view"), away))
}

/// Where a dead letter stands in the list of all: those first that failed last. It is a place whether or not the letter
/// is still there.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct LetterPlace {
    failed_at: Reverse<Timestamp>,
    context: String,
    kind: String,
    key: String,
}

impl LetterPlace {
    fn of(letter: &DeadLetterView) -> Self {
        let key = letter.id.splitn(3, '~').nth(2).unwrap_or_default().to_owned();
        let (context, kind) = (letter.context.clone(), letter.kind.clone());
        Self { failed_at: Reverse(letter.failed_at), context, kind, key }
    }

    /// How a context is asked for so many of its letters behind a place, where there is one.
    fn path(after: Option<&Self>, context: &str, limit: usize) -> String {
        let mut path = format!("/internal/dead-letters?limit={limit}");
        let Some(Self { failed_at: Reverse(failed_at), context: of, kind, key }) = after else { return path };
        path.push_str(&format!("&failed_at={}", escaped(&failed_at.to_string())));
        // Of those that failed at that instant, all those of later contexts are still to come, and none of earlier ones.
        match context.cmp(of) {
            Ordering::Less => {}
            Ordering::Equal => path.push_str(&format!("&kind={}&key={}", escaped(kind), escaped(key))),
            Ordering::Greater => path.push_str("&kind=&key="),
        }
        path
    }
}

impl fmt::Display for LetterPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { failed_at: Reverse(failed_at), context, kind, key } = self;
        write!(f, "{}~{context}~{kind}~{key}", failed_at.as_nanosecond())
    }
}

/// The most digits of a time in a cursor, in nanoseconds since 1970: enough until the year 2286.
const TIME_DIGITS: usize = 19;

impl Cursor for LetterPlace {
    fn pattern() -> String {
        format!("^[0-9]{{1,{TIME_DIGITS}}}~[^~]*~[^~]*~[\\s\\S]*$")
    }

    fn read(text: &str) -> Option<Self> {
        let mut parts = text.splitn(4, '~');
        let failed_at = Timestamp::from_nanosecond(digits(parts.next()?, TIME_DIGITS)?).ok()?;
        let [context, kind, key] = [parts.next()?, parts.next()?, parts.next()?].map(str::to_owned);
        Some(Self { failed_at: Reverse(failed_at), context, kind, key })
    }
}

/// Asks a context, under the operator's trace.
pub(super) async fn send(
    context: &str,
    upstream: &Upstream,
    method: Method,
    path: &str,
    asked: &HeaderMap,
) -> Result<Response, Problem> {
    ask(context, upstream, method, path, asked, &[TRACEPARENT]).await
}

/// Asks a context what the gateway was asked, for whoever asked it.
pub(super) async fn pass_on(
    context: &str,
    upstream: &Upstream,
    path: &str,
    asked: &HeaderMap,
) -> Result<Response, Problem> {
    ask(context, upstream, Method::GET, path, asked, &[TRACEPARENT, CALLER, POSITION.as_str()]).await
}

async fn ask(
    context: &str,
    upstream: &Upstream,
    method: Method,
    path: &str,
    asked: &HeaderMap,
    with: &[&str],
) -> Result<Response, Problem> {
    let mut request = Request::builder().method(method).uri(path);
    for name in with {
        if let Some(value) = asked.get(*name) {
            request = request.header(*name, value);
        }
    }
    let request = request.body(Body::empty()).map_err(|error| {
        tracing::error!(context, path, %error, "a question to a context cannot be asked");
        Problem::new(&INTERNAL, "an unexpected error")
    })?;
    tokio::time::timeout(TIME_LIMIT, upstream.send(request)).await.map_err(|_| away(context))
}

pub(super) async fn read<T: serde::de::DeserializeOwned>(response: Response) -> Result<T, ()> {
    if response.status() != StatusCode::OK {
        return Err(());
    }
    let bytes = Limited::new(response.into_body(), LARGEST_ANSWER).collect().await.map_err(|_| ())?.to_bytes();
    serde_json::from_slice(&bytes).map_err(|_| ())
}

pub(super) fn away(context: &str) -> Problem {
    Problem::new(&UNAVAILABLE, format!("{context} does not answer")).retry_after(Duration::from_secs(2))
}

/// What is escaped in a part of a path: all but the unreserved characters of RFC 3986, section 2.3.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A text as one part of a path.
fn escaped(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn a_key_of_any_kind_is_one_part_of_a_path() {
        assert_eq!(escaped("orders:0198/한 ?"), "orders%3A0198%2F%ED%95%9C%20%3F");
    }
}
