//! How much whoever connects may hold before anybody knows what they want: connections, and heads of requests that
//! have not arrived.

use std::net::IpAddr;
use std::time::Duration;

use axum::response::IntoResponse;
use baedal_kit_http::Problem;
use baedal_kit_http::caps::{Cap, Full, Taken};
use baedal_kit_http::problem::{HEADERS_TOO_LARGE, MALFORMED, TOO_MANY_REQUESTS, TOO_SLOW, UNAVAILABLE};
use futures::FutureExt;
use http_body_util::BodyExt;

/// The most that a request's head may hold, in bytes.
pub const LONGEST_HEAD: usize = 32 * 1024;
/// So much of a head every connection may hold: what usual ones have. The most of all connections bounds it in all.
const FREE: u64 = 4 * 1024;

/// What those may hold who knock. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Doors {
    /// The connections.
    pub connections: Cap,
    /// The bytes of heads that have not arrived, beyond the first 4 KiB of each.
    pub head_bytes: Cap,
    /// How long a head may take to arrive.
    pub head_limit: Duration,
}

impl Doors {
    /// Of an address that anybody may reach. Where proxies of ours stand in front, few peers hold the connections of
    /// everybody, and only what all hold is looked at.
    #[must_use]
    pub fn outside(settings: &baedal_gateway::Settings) -> Self {
        let of_one = |most: u32| if settings.trusted_proxies == 0 { most.into() } else { u64::MAX };
        Self {
            connections: Cap::new("connections", settings.connections.into(), of_one(settings.connections_per_address)),
            head_bytes: Cap::new("head_bytes", settings.head_bytes.into(), of_one(settings.head_bytes_per_address)),
            head_limit: settings.head_time_limit.unsigned_abs(),
        }
    }

    /// Of an address for our own processes, which are few and hold many.
    #[must_use]
    pub fn inside(settings: &baedal_gateway::Settings) -> Self {
        Self {
            connections: Cap::in_all("internal_connections", settings.connections.into()),
            head_bytes: Cap::in_all("internal_head_bytes", settings.head_bytes.into()),
            head_limit: settings.head_time_limit.unsigned_abs(),
        }
    }

    /// What may bind here.
    #[must_use]
    pub fn caps(&self) -> Vec<Cap> {
        vec![self.connections.clone(), self.head_bytes.clone()]
    }
}

/// The head that is arriving over one connection.
pub(super) struct Head {
    bytes: u64,
    taken: Taken,
}

impl Head {
    pub(super) fn new(doors: &Doors, peer: IpAddr) -> Self {
        Self { bytes: 0, taken: doors.head_bytes.nothing(peer) }
    }

    /// So many more bytes of it have arrived.
    pub(super) fn grows(&mut self, by: usize) -> Result<(), Full> {
        let before = self.bytes.max(FREE);
        self.bytes = self.bytes.saturating_add(u64::try_from(by).unwrap_or(u64::MAX));
        match self.bytes.max(FREE) - before {
            0 => Ok(()),
            more => self.taken.more(more),
        }
    }

    /// All of it is here, or it is given up.
    pub(super) fn over(&mut self) {
        self.bytes = 0;
        self.taken.clear();
    }
}

/// What is told whoever finds no room.
pub(super) fn full(full: Full) -> Problem {
    let problem = match full {
        Full::InAll => Problem::new(&UNAVAILABLE, "too many are here already"),
        Full::OfAddress => {
            Problem::new(&TOO_MANY_REQUESTS, "too many connections, or unfinished requests, of your network address")
        }
    };
    problem.retry_after(Duration::from_secs(1))
}

/// What is told whoever did not send all of a head in time.
pub(super) fn late(limit: Duration) -> Problem {
    Problem::new(&TOO_SLOW, format!("the headers did not arrive within {} s", limit.as_secs_f64()))
}

/// A problem instead of the bare answer that hyper gives to a head that it cannot read, where `answer` is one.
pub(super) fn instead_of(answer: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(answer).ok()?;
    let status = text.strip_prefix("HTTP/1.1 ")?.get(..3)?;
    if !text.ends_with("\r\n\r\n") || !text.to_ascii_lowercase().contains("content-length: 0\r\n") {
        return None;
    }
    let problem = match status {
        "431" | "414" => Problem::new(&HEADERS_TOO_LARGE, "the head of the request is too large"),
        "400" => Problem::new(&MALFORMED, "the head of the request is not HTTP/1.1"),
        _ => return None,
    };
    Some(written(problem))
}

/// A problem as bytes, where no request is there that could be answered. It is its connection's last.
pub(super) fn written(problem: Problem) -> Vec<u8> {
    let (head, body) = problem.into_response().into_parts();
    // All of it is here.
    let body = body.collect().now_or_never().and_then(Result::ok).map(|body| body.to_bytes()).unwrap_or_default();
    let mut text = format!("HTTP/1.1 {}\r\n", head.status);
    for (name, value) in &head.headers {
        if let Ok(value) = value.to_str()
            && name != http::header::CONTENT_LENGTH
        {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
    }
    text.push_str(&format!("connection: close\r\ncontent-length: {}\r\n\r\n", body.len()));
    let mut bytes = text.into_bytes();
    bytes.extend_from_slice(&body);
    bytes
}
