//! What goes wrong, as opposed to what is refused.
//!
//! A refusal is an answer and belongs to the domain. A failure is an incident: something is out of
//! reach and will be tried again, or something is broken and a person has to look.

use std::any::Any;
use std::error::Error;
use std::future::Future;
use std::panic::AssertUnwindSafe;

use futures::FutureExt;

/// Any error, kept as the source of another.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// An incident.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Something we need does not answer; the same may work a little later.
    #[error("{what} is not available")]
    Unavailable {
        /// What does not answer, as `the database of order`.
        what: String,
        /// What it said.
        #[source]
        source: BoxError,
    },
    /// Somebody has heard what never happened, as its source knows it now: a person has to say how to go on, and
    /// nothing is done until then.
    #[error("{what}")]
    Diverged {
        /// Who, what, and what to do about it.
        what: String,
    },
    /// Something that cannot be right, and will not be by trying again.
    #[error("{what}")]
    Broken {
        /// What is wrong.
        what: String,
        /// What it said, where anything did.
        #[source]
        source: Option<BoxError>,
    },
}

impl Failure {
    /// `what` does not answer.
    pub fn unavailable(what: impl Into<String>, source: impl Into<BoxError>) -> Self {
        Self::Unavailable { what: what.into(), source: source.into() }
    }

    /// `what` is wrong.
    pub fn broken(what: impl Into<String>) -> Self {
        Self::Broken { what: what.into(), source: None }
    }

    /// `what` is wrong, because of `source`.
    pub fn broken_by(what: impl Into<String>, source: impl Into<BoxError>) -> Self {
        Self::Broken { what: what.into(), source: Some(source.into()) }
    }

    /// Whether trying again later may help.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }

    /// The failure and what caused it, in one line, for a log or a dead letter.
    #[must_use]
    pub fn report(&self) -> String {
        let mut story = self.to_string();
        let mut source = self.source();
        while let Some(cause) = source {
            story.push_str(": ");
            story.push_str(&cause.to_string());
            source = cause.source();
        }
        story
    }
}

/// What a context's own code comes to; where it panics, that is a failure like any other, so that one event
/// or job cannot end the loop that all of them go through.
///
/// # Errors
/// What it comes to, and [`Failure::Broken`] where it panics.
pub async fn caught<T>(what: &str, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    match AssertUnwindSafe(work).catch_unwind().await {
        Ok(outcome) => outcome,
        Err(panic) => Err(Failure::broken(format!("{what} panicked: {}", message(panic.as_ref())))),
    }
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a word")
}
