//! The epochs of a journal: what tells apart two journals that give the same positions to different events.
//!
//! ```text
//!   before:     1 … 50 51 … 80 81 … 100      [A from 0, B from 80]     a cursor at 100 of B
//!   restored:   1 … 50│51 … 70                [A from 0, C from 50]     what was 51 to 100 of A and B is no more
//!                     └ they part here
//! ```
//!
//! Whenever a journal might not be what it was, because its server was started or its file was opened, a new epoch
//! begins behind its last position. So an event is known by its position *and* the epoch that position is of, and
//! whoever has heard a position of another epoch has heard what never happened as its source knows it. Kafka's leader
//! epochs are the same idea; theirs are numbers that a controller gives out, while nobody here outlives a restore:
//! so an epoch is a random id.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An epoch of a journal; the nil id stands for none: of nothing, or of a journal that knows no epochs.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(pub Uuid);

impl Epoch {
    /// Of nothing.
    pub const NONE: Self = Self(Uuid::nil());

    /// One that was never before.
    #[must_use]
    pub fn new() -> Self {
        Self(Uuid::now_v7())
    }
}

/// How far somebody has got in a journal: at which position, of which epoch.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub struct Cursor {
    /// The position; 0 where nothing was heard yet.
    pub position: u64,
    /// The epoch of the event at this position.
    #[serde(default)]
    pub epoch: Epoch,
}

impl From<u64> for Cursor {
    /// In a journal that knows no epochs.
    fn from(position: u64) -> Self {
        Self { position, epoch: Epoch::NONE }
    }
}

/// An epoch, and the position behind which it began.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Begun {
    /// Which.
    pub epoch: Epoch,
    /// Its first event has the next position.
    pub after: u64,
}

/// All epochs of a journal, the first one first.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epochs(Vec<Begun>);

impl Epochs {
    /// A journal's epochs, in order.
    #[must_use]
    pub fn of(begun: Vec<Begun>) -> Self {
        Self(begun)
    }

    /// Whether nothing is known of them.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The one of now.
    #[must_use]
    pub fn last(&self) -> Epoch {
        self.0.last().map_or(Epoch::NONE, |begun| begun.epoch)
    }

    /// The one that a position is of.
    #[must_use]
    pub fn at(&self, position: u64) -> Epoch {
        let begun = self.0.partition_point(|begun| begun.after < position);
        begun.checked_sub(1).and_then(|index| self.0.get(index)).map_or(Epoch::NONE, |begun| begun.epoch)
    }

    /// A position with its epoch.
    #[must_use]
    pub fn cursor(&self, position: u64) -> Cursor {
        Cursor { position, epoch: self.at(position) }
    }

    /// The last position of the epoch that the event behind a position is of; that of the last epoch is not known.
    #[must_use]
    pub fn end_behind(&self, position: u64) -> u64 {
        let next = self.0.partition_point(|begun| begun.after <= position);
        self.0.get(next).map_or(u64::MAX, |begun| begun.after)
    }

    /// With one more epoch, behind this position. The last one goes where nothing happened in it: it may have been
    /// copied, and something may have happened in the copy.
    #[must_use]
    pub fn with_new(&self, epoch: Epoch, after: u64) -> Self {
        let mut begun: Vec<_> = self.0.iter().filter(|begun| begun.after < after).copied().collect();
        begun.push(Begun { epoch, after });
        Self(begun)
    }

    /// Up to where both are epochs of the same journal; without end, where they are the same.
    #[must_use]
    pub fn common(&self, other: &Self) -> u64 {
        let same = self.0.iter().zip(&other.0).take_while(|(one, other)| one == other).count();
        let parts = |epochs: &Self| epochs.0.get(same).map_or(u64::MAX, |begun| begun.after);
        parts(self).min(parts(other))
    }

    /// Whether somebody who has got so far has heard what is in this journal, which ends at `head`.
    ///
    /// A position without an epoch is from before there were any; of it only its number can be judged.
    #[must_use]
    pub fn hold(&self, cursor: Cursor, head: u64) -> bool {
        let is_of_it = cursor.epoch == Epoch::NONE || self.is_empty() || self.at(cursor.position) == cursor.epoch;
        cursor.position <= head && is_of_it
    }

    /// Where somebody parted with this journal who has got so far in another one: the last position that is the same
    /// in both, where that can be told. `known` is what they knew of the epochs of the other one.
    #[must_use]
    pub fn parted(&self, cursor: Cursor, head: u64, known: Option<&Self>) -> Option<u64> {
        let last_of = |epoch| {
            let index = self.0.iter().position(|begun| begun.epoch == epoch)?;
            Some(self.0.get(index + 1).map_or(u64::MAX, |begun| begun.after))
        };
        let shared = known.filter(|known| known.at(cursor.position) == cursor.epoch).map(|known| known.common(self));
        last_of(cursor.epoch).or(shared).map(|parted| parted.min(head))
    }
}

/// How far a journal goes, and which epochs it has.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Extent {
    /// Its last position.
    pub head: u64,
    /// Its epochs.
    #[serde(default)]
    pub epochs: Arc<Epochs>,
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Epoch = Epoch(Uuid::from_u128(1));
    const B: Epoch = Epoch(Uuid::from_u128(2));
    const C: Epoch = Epoch(Uuid::from_u128(3));

    fn epochs(begun: &[(Epoch, u64)]) -> Epochs {
        Epochs::of(begun.iter().map(|(epoch, after)| Begun { epoch: *epoch, after: *after }).collect())
    }

    fn at(position: u64, epoch: Epoch) -> Cursor {
        Cursor { position, epoch }
    }

    #[test]
    fn a_position_is_of_the_epoch_that_began_before_it() {
        let epochs = epochs(&[(A, 0), (B, 80)]);
        for (position, epoch) in [(0, Epoch::NONE), (1, A), (80, A), (81, B), (1000, B)] {
            assert_eq!(epochs.at(position), epoch, "{position}");
        }
        for (behind, end) in [(0, 80), (79, 80), (80, u64::MAX), (90, u64::MAX)] {
            assert_eq!(epochs.end_behind(behind), end, "{behind}");
        }
        assert_eq!(Epochs::default().at(7), Epoch::NONE);
    }

    #[test]
    fn an_epoch_in_which_nothing_happened_is_replaced() {
        let epochs = epochs(&[(A, 0)]).with_new(B, 80).with_new(C, 80);
        assert_eq!(epochs, self::epochs(&[(A, 0), (C, 80)]));
        assert_eq!(Epochs::default().with_new(A, 0).with_new(B, 0), self::epochs(&[(B, 0)]));
    }

    #[test]
    fn who_heard_what_is_no_more_is_told_from_who_did_not() {
        let restored = epochs(&[(A, 0), (C, 50)]);
        for (cursor, holds) in [
            (at(0, Epoch::NONE), true),
            (at(50, A), true),
            (at(51, A), false),
            (at(51, C), true),
            (at(100, B), false),
            (at(61, C), false),
            (at(60, Epoch::NONE), true),
            (at(61, Epoch::NONE), false),
        ] {
            assert_eq!(restored.hold(cursor, 60), holds, "{cursor:?}");
        }
    }

    #[test]
    fn where_they_parted_is_found_where_it_can_be() {
        let known = epochs(&[(A, 0), (B, 80)]);
        let restored = epochs(&[(A, 0), (C, 50)]);
        assert_eq!(known.common(&restored), 50);
        assert_eq!(restored.parted(at(70, A), 60, None), Some(50));
        assert_eq!(restored.parted(at(100, B), 60, Some(&known)), Some(50));
        assert_eq!(restored.parted(at(100, B), 60, None), None);
        assert_eq!(restored.parted(at(100, B), 60, Some(&epochs(&[(A, 0)]))), None, "they did not know the epoch");
        assert_eq!(restored.parted(at(100, C), 60, None), Some(60), "cut off without a new epoch");
        // A journal that goes on from where the other one ended has lost nothing.
        assert_eq!(epochs(&[(A, 0)]).common(&epochs(&[(A, 0), (B, 80)])), 80);
        assert_eq!(known.common(&known), u64::MAX);
    }
}
