//! A request's body, taken in before the request takes a place among those in flight.
//!
//! Whoever sends slowly keeps a place among the unfinished, of which one address has only so many, and only for so
//! long; never one among those that others wait for.

use std::net::IpAddr;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use baedal_kit_http::Problem;
use baedal_kit_http::body::{LIMIT, too_large};
use baedal_kit_http::caps::{Cap, Full};
use baedal_kit_http::problem::{MALFORMED, TOO_MANY_REQUESTS, TOO_SLOW, UNAVAILABLE};
use http::Method;
use http_body_util::BodyExt;
use hyper::body::Body as _;
use tokio::time::Instant;

use crate::settings::Settings;

/// The requests that have begun and not arrived.
pub(super) struct Unfinished {
    pub(super) cap: Cap,
    time_limit: Duration,
    bytes_per_second: u32,
}

impl Unfinished {
    pub(super) fn new(settings: &Settings) -> Self {
        let cap = Cap::new(
            "unfinished_requests",
            settings.unfinished_requests.into(),
            settings.unfinished_requests_per_address.into(),
        );
        let time_limit = settings.body_time_limit.unsigned_abs();
        Self { cap, time_limit, bytes_per_second: settings.least_body_bytes_per_second.max(1) }
    }

    /// The same request with all of its body here. One that takes none (GET, HEAD, DELETE) is left as it is.
    pub(super) async fn arrived(&self, client: IpAddr, request: Request) -> Result<Request, Problem> {
        let takes_none = matches!(*request.method(), Method::GET | Method::HEAD | Method::DELETE);
        if takes_none || request.body().is_end_stream() {
            return Ok(request);
        }
        let _unfinished = self.cap.take(client).map_err(refused)?;
        let (parts, mut body) = request.into_parts();
        let (began, mut arrived) = (Instant::now(), Vec::new());
        loop {
            let by = began + self.time_for(arrived.len());
            let Ok(frame) = tokio::time::timeout_at(by, body.frame()).await else {
                return Err(late(arrived.len(), began.elapsed()));
            };
            let Some(frame) = frame else { break };
            let frame = frame.map_err(|error| Problem::new(&MALFORMED, format!("the body did not arrive: {error}")))?;
            // Trailers mean nothing to us.
            let Ok(data) = frame.into_data() else { continue };
            if arrived.len() + data.len() > LIMIT {
                return Err(too_large());
            }
            arrived.extend_from_slice(&data);
        }
        Ok(Request::from_parts(parts, Body::from(arrived)))
    }

    /// How long a body may take of which so much has arrived.
    fn time_for(&self, arrived: usize) -> Duration {
        let seconds = u32::try_from(arrived).unwrap_or(u32::MAX) / self.bytes_per_second;
        self.time_limit + Duration::from_secs(seconds.into())
    }
}

fn refused(full: Full) -> Problem {
    let problem = match full {
        Full::InAll => Problem::new(&UNAVAILABLE, "too many requests have begun and not arrived"),
        Full::OfAddress => Problem::new(
            &TOO_MANY_REQUESTS,
            "too many requests of your network address have begun and not arrived; send each at once",
        ),
    };
    problem.retry_after(Duration::from_secs(1))
}

fn late(bytes: usize, after: Duration) -> Problem {
    Problem::new(&TOO_SLOW, format!("only {bytes} bytes of the body arrived within {} s", after.as_secs()))
}
