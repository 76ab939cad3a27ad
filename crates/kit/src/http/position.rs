//! Reading what you wrote: the `Baedal-Position` header.
//!
//! A command's answer carries the position its events have in their context's journal, as `order:1042`.
//! A read that sends it back waits until the view has got there. Several, joined by commas, are fine.

use std::collections::HashMap;
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::response::{IntoResponseParts, ResponseParts};
use http::request::Parts;
use http::{HeaderName, HeaderValue};

use super::problem::{MALFORMED, Problem};
use crate::Service;

/// The header's name.
pub const POSITION: HeaderName = HeaderName::from_static("baedal-position");
/// The longest that a read waits.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// Where a command's events stand; a part of its answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Position {
    /// The context whose journal it is.
    pub context: &'static str,
    /// The position in it.
    pub position: u64,
}

impl Position {
    /// A position in the journal of `service`.
    #[must_use]
    pub fn of(service: &Service, position: u64) -> Self {
        Self { context: service.name(), position }
    }
}

impl IntoResponseParts for Position {
    type Error = std::convert::Infallible;

    fn into_response_parts(self, mut parts: ResponseParts) -> Result<ResponseParts, Self::Error> {
        if let Ok(value) = HeaderValue::from_str(&format!("{}:{}", self.context, self.position)) {
            parts.headers_mut().insert(POSITION, value);
        }
        Ok(parts)
    }
}

/// How much a read wants to see at the least.
#[derive(Clone, Debug, Default)]
pub struct AsOf(HashMap<String, u64>);

impl AsOf {
    /// Waits until the consumer that writes the view has got there, for two seconds at the most.
    pub async fn wait(&self, service: &Service, consumer: &str) {
        if !self.0.is_empty() {
            service.reached(consumer, &self.0, LONGEST_WAIT).await;
        }
    }
}

impl<S: Sync> FromRequestParts<S> for AsOf {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let mut positions = HashMap::new();
        for value in parts.headers.get_all(POSITION) {
            let wrong = || Problem::new(&MALFORMED, "`Baedal-Position` must be as an answer gave it, `order:1042`");
            for part in value.to_str().map_err(|_| wrong())?.split(',') {
                let (context, position) = part.trim().split_once(':').ok_or_else(wrong)?;
                positions.insert(context.to_owned(), position.parse().map_err(|_| wrong())?);
            }
        }
        Ok(Self(positions))
    }
}
