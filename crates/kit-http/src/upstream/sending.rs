//! Whether a request may have been received, where nobody answered it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::{HeaderName, HeaderValue};

/// The header of an answer from a process that has not looked at the request at all: it is starting, or the
/// context is not there. Its value says nothing.
pub const NOT_BEGUN: HeaderName = HeaderName::from_static("baedal-not-begun");

/// Its value.
pub(crate) const YES: HeaderValue = HeaderValue::from_static("1");

/// Why there is no answer.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NoAnswer {
    /// Nobody can have received the request, or whoever did has begun nothing: nothing comes of it.
    #[error("the request was not sent: {0}")]
    NotSent(String),
    /// The request may have been received: something may come of it, or may have.
    #[error("the request may have been received: {0}")]
    MayBeReceived(String),
}

/// A request that is being sent.
#[derive(Debug, Default)]
pub(super) struct Sending {
    begun: AtomicBool,
}

impl Sending {
    /// From now on some of it may be on its way.
    pub(super) fn begins(&self) {
        self.begun.store(true, Ordering::Relaxed);
    }

    /// It came back whole, and nothing of it is on its way.
    pub(super) fn came_back(&self) {
        self.begun.store(false, Ordering::Relaxed);
    }

    /// Nobody waits any longer.
    pub(super) fn gave_up(&self, limit: Duration) -> NoAnswer {
        if self.begun.load(Ordering::Relaxed) {
            NoAnswer::MayBeReceived(format!("no answer within {limit:?}"))
        } else {
            NoAnswer::NotSent(format!("no connection within {limit:?}"))
        }
    }
}
