//! What goes wrong with a database, and what that means for whoever asked.

use std::time::Duration;

use baedal_kit::Failure;
use sqlx::Error;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    /// Nothing was asked: there is no connection.
    #[error("there is no connection to it: {0}")]
    Unconnected(String),
    /// The server is a standby, or was told to take no writes.
    #[error("its server takes no writes any more")]
    TakesNoWrites,
    /// It was asked, and what became of that is not known.
    #[error("it did not answer within {0:?}")]
    Unanswered(Duration),
    /// It said so, or the connection broke.
    #[error(transparent)]
    Said(#[from] Error),
}

impl Trouble {
    /// PostgreSQL's code for it, where it is PostgreSQL's word.
    /// Source: <https://www.postgresql.org/docs/15/errcodes-appendix.html>
    fn code(&self) -> Option<String> {
        match self {
            Self::Said(Error::Database(said)) => said.code().map(|code| code.into_owned()),
            _ => None,
        }
    }

    /// Whether only the statement failed: because of what was in it, because it took too long (57014), or because
    /// of a lock (40, 55). After anything else a new connection is worth more than the old one.
    pub(crate) fn leaves_the_connection(&self) -> bool {
        let is_transient = |code: String| code == "57014" || code.starts_with("40") || code.starts_with("55");
        self.is_the_data() || self.code().is_some_and(is_transient)
    }

    /// Whether it is the fault of what was to be kept: of its values (22), of what they break (21, 23), or of how
    /// large they are (54). Then nothing of it was kept.
    pub(crate) fn is_the_data(&self) -> bool {
        let classes = ["21", "22", "23", "54"];
        matches!(self, Self::Said(Error::Encode(_)))
            || self.code().is_some_and(|code| classes.iter().any(|class| code.starts_with(class)))
    }

    /// Whether the server said that it takes no writes (25006), ends, or begins (57P0…): whoever else it serves will
    /// hear the same.
    pub(crate) fn is_about_the_server(&self) -> bool {
        let says = |code: String| code == "25006" || code.starts_with("57P0");
        matches!(self, Self::TakesNoWrites) || self.code().is_some_and(says)
    }

    /// Whether what is kept cannot be read.
    fn is_damage(&self) -> bool {
        matches!(self, Self::Said(Error::ColumnDecode { .. } | Error::Decode(_)))
            || self.code().is_some_and(|code| code == "XX001" || code == "XX002")
    }

    /// As a failure. What is damaged, or cannot be kept, is broken; all else may pass.
    pub(crate) fn of(&self, context: &str) -> Failure {
        let (database, said) = (database_of(context), self.to_string());
        if self.is_damage() {
            Failure::broken_by(format!("{database} is damaged"), said)
        } else if self.is_the_data() {
            Failure::broken_by(format!("{database} cannot hold this"), said)
        } else {
            Failure::unavailable(database, said)
        }
    }
}

/// As it is called in failures.
pub(crate) fn database_of(context: &str) -> String {
    format!("the database of {context}")
}
