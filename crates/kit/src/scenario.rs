//! Tests of a domain that read as sentences: `given([placed()]).when(cancel()).then([canceled()])`.

use jiff::Timestamp;

use crate::Aggregate;

/// What has happened so far.
#[derive(Debug)]
pub struct Given<A: Aggregate> {
    state: A,
    at: Timestamp,
}

/// What was decided, to be compared with what should be.
#[derive(Debug)]
pub struct Decided<A: Aggregate> {
    outcome: Result<Vec<A::Event>, A::Refusal>,
    state: A,
    at: Timestamp,
}

/// The instant at which scenarios play, unless they say otherwise.
pub const NOON: Timestamp = Timestamp::constant(1_795_230_000, 0);

/// An aggregate to which these events happened, in this order, at [`NOON`].
#[must_use]
pub fn given<A: Aggregate>(events: impl IntoIterator<Item = A::Event>) -> Given<A> {
    let events: Vec<_> = events.into_iter().collect();
    Given { state: crate::aggregate::replay(&events, NOON), at: NOON }
}

impl<A: Aggregate> Given<A> {
    /// The instant at which the next command is asked.
    #[must_use]
    pub fn at(mut self, at: Timestamp) -> Self {
        self.at = at;
        self
    }

    /// Asks a command.
    #[must_use]
    pub fn when(self, command: A::Command) -> Decided<A> {
        Decided { outcome: self.state.decide(command, self.at), state: self.state, at: self.at }
    }
}

impl<A: Aggregate> Decided<A> {
    /// Exactly these events happen. Returns the aggregate after them, to go on from.
    ///
    /// # Panics
    /// If others do, or the command is refused.
    #[track_caller]
    pub fn then(self, expected: impl IntoIterator<Item = A::Event>) -> Given<A> {
        let expected: Vec<_> = expected.into_iter().collect();
        assert_eq!(self.outcome.as_ref(), Ok(&expected));
        let mut state = self.state;
        for event in &expected {
            state.evolve(event, self.at);
        }
        Given { state, at: self.at }
    }

    /// It has already happened: nothing more does.
    ///
    /// # Panics
    /// If anything happens, or the command is refused.
    #[track_caller]
    pub fn then_nothing(self) -> Given<A> {
        self.then([])
    }

    /// The command is refused, for this reason.
    ///
    /// # Panics
    /// If it is not.
    #[track_caller]
    pub fn then_refused(self, refusal: A::Refusal) {
        assert_eq!(self.outcome, Err(refusal));
    }
}
