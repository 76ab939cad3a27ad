//! What is known of each request afterwards: its trace, its metrics, its line in the log.

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use baedal_kit_http::Problem;
use baedal_kit_http::caller::TRACEPARENT;
use baedal_kit_http::problem::INTERNAL;
use baedal_kit_http::trace;
use futures::FutureExt;
use http::{HeaderName, HeaderValue, Method, header};
use uuid::Uuid;

/// The route of requests to addresses that are not there.
pub(crate) const NOWHERE: &str = "nowhere";

/// Where an answer comes from.
pub(crate) enum Answer {
    /// From a context, or from the gateway's own desk.
    Given(Response),
    /// From the gateway, which let the request go no further.
    Refused(Problem),
}

/// Answers a request with `answer`, under a trace that the client can quote, and records how it went.
pub(crate) async fn observed<F>(
    route: &'static str,
    mut request: Request,
    answer: impl FnOnce(Request) -> F,
) -> Response
where
    F: Future<Output = Answer>,
{
    let began = Instant::now();
    let method = known_method(request.method());
    let traceparent = traceparent(&mut request);
    metrics::gauge!("baedal_http_requests_in_flight").increment(1);
    let flight = InFlight;
    let answered = AssertUnwindSafe(answer(request)).catch_unwind().await;
    drop(flight);

    let (mut response, was_given) = match answered {
        Ok(Answer::Given(response)) => (response, true),
        Ok(Answer::Refused(problem)) => (problem.into_response(), false),
        // The panic itself, and where it was, the panic hook has said.
        Err(_) => (Problem::new(&INTERNAL, "an unexpected error").into_response(), true),
    };
    let status = response.status();
    let seconds = began.elapsed().as_secs_f64();
    let labels = [("route", route.to_owned()), ("method", method.to_owned()), ("status", status.as_str().to_owned())];
    metrics::counter!("baedal_http_requests_total", &labels).increment(1);
    metrics::histogram!("baedal_http_request_seconds", "route" => route, "method" => method).record(seconds);
    let trace = traceparent.to_str().unwrap_or_default();
    if status.is_server_error() && was_given {
        tracing::warn!(method, route, status = status.as_u16(), seconds, traceparent = trace, "answered with an error");
    } else {
        tracing::debug!(method, route, status = status.as_u16(), seconds, traceparent = trace, "answered");
    }

    let headers = response.headers_mut();
    headers.insert(HeaderName::from_static(TRACEPARENT), traceparent);
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// A request in flight; counted down also where its client goes away.
struct InFlight;

impl Drop for InFlight {
    fn drop(&mut self) {
        metrics::gauge!("baedal_http_requests_in_flight").decrement(1);
    }
}

/// The request's trace: the client's where it sent a valid one, else a new one.
fn traceparent(request: &mut Request) -> HeaderValue {
    let name = HeaderName::from_static(TRACEPARENT);
    let sent = request.headers().get(&name).filter(|value| value.to_str().is_ok_and(trace::is_traceparent));
    let traceparent = match sent {
        Some(sent) => sent.clone(),
        None => HeaderValue::from_str(&trace::new_traceparent(Uuid::now_v7()))
            .unwrap_or_else(|_| HeaderValue::from_static("")),
    };
    request.headers_mut().insert(name, traceparent.clone());
    traceparent
}

/// A method's name as a label: clients can make up methods, but no labels.
fn known_method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
