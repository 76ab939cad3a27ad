//! Deciding: what may happen to one thing, as plain functions.

use std::fmt::{Debug, Display};

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::database::JobChange;

/// A thing with a history of its own, changed only by deciding a command against that history.
///
/// `Default` is the state before anything happened. Deciding has no input but its arguments: time and
/// new ids arrive inside commands.
pub trait Aggregate: Default + Clone + Debug + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The first part of its streams' names, as `order`.
    const CATEGORY: &'static str;
    /// Write a snapshot after this many events, for streams that grow without end.
    const SNAPSHOT_EVERY: Option<u64> = None;

    /// What names one of them.
    type Id: Display + Clone + Send + Sync;
    /// What may be asked. Its name is kept with the events it led to.
    type Command: Named + Clone + Debug + Send + Sync + 'static;
    /// What may happen. Its name is the event's kind in the journal.
    type Event: Named + Clone + Debug + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static;
    /// Why not.
    type Refusal: Debug + Display + PartialEq + Send + Sync + 'static;

    /// What happens if `command` is asked at `at`. Nothing where it has already happened.
    ///
    /// # Errors
    /// The refusal, where the state forbids it.
    fn decide(&self, command: Self::Command, at: Timestamp) -> Result<Vec<Self::Event>, Self::Refusal>;

    /// What the state is after `event`.
    fn evolve(&mut self, event: &Self::Event, at: Timestamp);

    /// Whether a command is the one that things begin with. What it is asked of is taken to be new, and is not read
    /// first; where it is not new after all, the commit conflicts and it is decided again.
    fn creates(_command: &Self::Command) -> bool {
        false
    }

    /// The order that an event belongs to.
    fn correlation(_id: &Self::Id, _event: &Self::Event) -> Option<Uuid> {
        None
    }

    /// The deadlines and calls to the outside that begin or end with an event.
    fn jobs(_id: &Self::Id, _event: &Self::Event) -> Vec<JobChange> {
        Vec::new()
    }
}

/// Has a name of its own in the language of its context, as `strum::IntoStaticStr` gives it.
pub trait Named {
    /// The name.
    fn name(&self) -> &'static str;
}

impl<T> Named for T
where
    for<'t> &'t T: Into<&'static str>,
{
    fn name(&self) -> &'static str {
        self.into()
    }
}

/// The name of an aggregate's stream.
#[must_use]
pub fn stream_name<A: Aggregate>(id: &A::Id) -> String {
    format!("{}/{id}", A::CATEGORY)
}

/// An aggregate's state after these events.
#[must_use]
pub fn replay<'e, A: Aggregate>(events: impl IntoIterator<Item = &'e A::Event>, at: Timestamp) -> A {
    let mut state = A::default();
    for event in events {
        state.evolve(event, at);
    }
    state
}
