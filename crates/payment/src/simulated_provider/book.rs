//! What the simulated provider has written down about an order.

use std::collections::BTreeMap;

use baedal_contracts::payment::Booked;
use baedal_contracts::{AttemptId, Won};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::SLOW;
use crate::provider::ChargeOutcome;

/// Its book of one order.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub(super) struct Book {
    pub(super) charges: BTreeMap<AttemptId, BookedCharge>,
    pub(super) refunds: BTreeMap<Uuid, BookedRefund>,
}

/// A charge, written when it arrived.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(super) struct BookedCharge {
    pub(super) amount_krw: Won,
    pub(super) token: String,
    /// Before that it is in progress.
    pub(super) decided_at: Timestamp,
    pub(super) outcome: ChargeOutcome,
}

/// A refund, written at its first try.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(super) struct BookedRefund {
    pub(super) amount_krw: Won,
    pub(super) tries: u32,
    pub(super) done: bool,
}

impl BookedCharge {
    /// How long it is until it is decided. It never takes longer than [`SLOW`]: where it seems to, the clock was set
    /// back, or is behind the one by which it was booked, and it counts as decided.
    pub(super) fn left(&self, now: Timestamp) -> SignedDuration {
        let left = self.decided_at.duration_since(now);
        if left > SLOW { SignedDuration::ZERO } else { left.max(SignedDuration::ZERO) }
    }
}

impl Book {
    fn taken(&self, now: Timestamp) -> impl Iterator<Item = &BookedCharge> {
        let decided = self.charges.values().filter(move |charge| charge.left(now).is_zero());
        decided.filter(|charge| charge.outcome == ChargeOutcome::Approved)
    }

    /// Whether it has taken money for the order.
    pub(super) fn has_taken(&self, now: Timestamp) -> bool {
        self.taken(now).next().is_some()
    }

    fn refunded_krw(&self) -> Won {
        self.refunds.values().filter(|refund| refund.done).map(|refund| refund.amount_krw).sum()
    }

    /// What it has taken and not given back.
    pub(super) fn left_krw(&self, now: Timestamp) -> Won {
        self.view(now).captured_krw.less(self.refunded_krw())
    }

    /// The book in sums.
    pub(super) fn view(&self, now: Timestamp) -> BookView {
        BookView {
            captured_krw: self.taken(now).map(|charge| charge.amount_krw).sum(),
            refunded_krw: self.refunded_krw(),
            charges: self.charges.len() as u64,
            refunds: self.refunds.values().filter(|refund| refund.done).count() as u64,
        }
    }
}

impl BookView {
    pub(super) fn booked(&self) -> Booked {
        Booked { captured_krw: self.captured_krw, refunded_krw: self.refunded_krw }
    }
}

/// What the simulated provider has moved for an order, as it sees it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct BookView {
    /// How much it took.
    pub captured_krw: Won,
    /// How much it gave back.
    pub refunded_krw: Won,
    /// How many charges it knows, declined ones included.
    pub charges: u64,
    /// How many refunds it made.
    pub refunds: u64,
}
