//! What goes wrong, as opposed to what is refused.
//!
//! A refusal is an answer and belongs to the domain. A failure is an incident: something is out of
//! reach and will be tried again, or something is broken and a person has to look.

use std::error::Error;

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
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }

    /// The failure and what caused it, in one line, for a log or a dead letter.
    #[must_use]
    pub fn story(&self) -> String {
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
