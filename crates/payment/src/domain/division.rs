//! Whose the deposit of an order is once the order has ended.
//!
//! The price is the store's, the delivery fee the rider's, and a part of the store's may be ours. What an
//! operator gives back is borne by whoever is at fault, out of their share; by us where the fault is ours, and
//! where it is the customer's own: then it is goodwill. Where an order ends with nothing owed, the deal is
//! undone, and nobody has earned anything.

use baedal_contracts::Won;
use baedal_contracts::order::{Bill, Fault};
use serde::{Deserialize, Serialize};

use super::event::{Earned, Ending};
use super::payment::Payment;

/// Shares of a deposit, or what was added to them. They may be less than nothing: who is at fault may have to
/// pay more than was earned.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Division {
    /// The store's.
    pub store_krw: i64,
    /// The rider's.
    pub rider_krw: i64,
    /// Ours.
    pub platform_krw: i64,
    /// What we add so that the others have theirs.
    pub expense_krw: i64,
}

impl Division {
    /// What it takes from the deposit.
    #[must_use]
    pub fn sum(&self) -> i64 {
        self.store_krw + self.rider_krw + self.platform_krw - self.expense_krw
    }

    pub(super) fn plus(&self, more: &Self) -> Self {
        Self {
            store_krw: self.store_krw + more.store_krw,
            rider_krw: self.rider_krw + more.rider_krw,
            platform_krw: self.platform_krw + more.platform_krw,
            expense_krw: self.expense_krw + more.expense_krw,
        }
    }

    pub(super) fn less(&self, before: &Self) -> Self {
        Self {
            store_krw: self.store_krw - before.store_krw,
            rider_krw: self.rider_krw - before.rider_krw,
            platform_krw: self.platform_krw - before.platform_krw,
            expense_krw: self.expense_krw - before.expense_krw,
        }
    }

    /// How the deposit of a payment is to be divided: not at all while its order goes on, or where it is undone.
    ///
    /// What is kept is what is divided. So whatever nobody else bears is our expense, also what an operator
    /// gave back of which we have not heard whose fault it was.
    pub(super) fn of(payment: &Payment) -> Self {
        let Some(Ending::Done(earned)) = &payment.ended else { return Self::default() };
        let borne_by = |fault: Fault| -> i64 {
            let grants = payment.grants.values().filter(|grant| grant.fault == fault);
            grants.map(|grant| signed(grant.amount_krw)).sum()
        };
        let store_krw = earned.store_krw - borne_by(Fault::Store);
        let rider_krw = earned.rider_krw - borne_by(Fault::Rider);
        let platform_krw = earned.platform_krw;
        let kept = signed(payment.held_krw().less(payment.excess_krw()));
        Self { store_krw, rider_krw, platform_krw, expense_krw: store_krw + rider_krw + platform_krw - kept }
    }
}

impl Ending {
    /// The customer has the food. `fee_percent` of its price is ours.
    #[must_use]
    pub fn with_the_food(bill: &Bill, fee_percent: u8) -> Self {
        Self::Done(Earned::of(bill, None, fee_percent))
    }

    /// It ended without the food: what goes back with that is borne by whoever is at fault, unless all of it
    /// goes back.
    #[must_use]
    pub fn without_the_food(bill: &Bill, fault: Option<Fault>, fee_percent: u8) -> Self {
        if bill.owed_krw.is_zero() { Self::Undone } else { Self::Done(Earned::of(bill, fault, fee_percent)) }
    }
}

impl Earned {
    fn of(bill: &Bill, fault: Option<Fault>, fee_percent: u8) -> Self {
        let rider_krw = signed(bill.delivery_fee_krw.min(bill.total_krw));
        let food_krw = signed(bill.total_krw) - rider_krw;
        let platform_krw = food_krw * i64::from(fee_percent.min(100)) / 100;
        let earned = Self { store_krw: food_krw - platform_krw, rider_krw, platform_krw };
        let gone_krw = signed(bill.total_krw.less(bill.given_back_krw).less(bill.owed_krw));
        match fault {
            Some(Fault::Store) => Self { store_krw: earned.store_krw - gone_krw, ..earned },
            Some(Fault::Rider) => Self { rider_krw: earned.rider_krw - gone_krw, ..earned },
            Some(Fault::Customer | Fault::Platform) | None => earned,
        }
    }
}

/// Won fit: what can be paid is bounded far below.
fn signed(amount: Won) -> i64 {
    i64::try_from(amount.0).unwrap_or(i64::MAX)
}
