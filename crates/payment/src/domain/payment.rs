//! The money of one order: what was tried, what was taken, what is owed, what goes back.

use std::collections::{BTreeMap, BTreeSet};

use baedal_contracts::payment::TakePaymentAnswer;
use baedal_contracts::{AttemptId, ChangeId, OrderId, Won};
use baedal_kit::Aggregate;
use baedal_kit::database::JobChange;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::command::{Command, Refusal};
use super::division::Division;
use super::event::{Ending, Event, Grant, Payer, Purpose};

/// The money of one order.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Payment {
    /// Every attempt to take money; those for a change have the change's id.
    pub attempts: BTreeMap<AttemptId, Attempt>,
    /// Attempts that were asked for, never arrived, and never begin.
    pub given_up: BTreeSet<AttemptId>,
    /// Changes whose extra was declined before an attempt began.
    pub turned_down: BTreeSet<ChangeId>,
    /// How much the provider has taken.
    pub captured_krw: Won,
    /// How much it has given back.
    pub refunded_krw: Won,
    /// The refund under way: one at a time, so that each is known to be done before the next is reckoned.
    pub refund: Option<RefundUnderWay>,
    /// The last that order said about what the customer owes; nothing where it has not said anything.
    pub said: Option<Word>,
    /// What operators gave back, by what names it.
    pub grants: BTreeMap<Uuid, Grant>,
    /// How the order ended, once it has.
    pub ended: Option<Ending>,
    /// How the deposit is divided.
    pub divided: Division,
}

/// What the customer owes, as order said it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Word {
    /// The order's version when it said so: of two words the one with the greater version was later.
    pub version: u64,
    /// How much.
    pub owed_krw: Won,
}

/// One attempt to take money.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Attempt {
    /// How much.
    pub amount_krw: Won,
    /// What for.
    pub purpose: Purpose,
    /// Who pays, and how.
    pub payer: Payer,
    /// When it began.
    pub begun_at: Timestamp,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of an attempt.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// It is not known.
    Open,
    /// The money was taken.
    Approved,
    /// The provider said no.
    Declined {
        /// Why.
        reason: String,
    },
    /// The provider failed, and took nothing.
    Failed {
        /// What it said.
        reason: String,
    },
}

/// A refund that the provider has not confirmed yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct RefundUnderWay {
    /// Which.
    pub refund_id: Uuid,
    /// How much.
    pub amount_krw: Won,
}

impl Payment {
    /// What an attempt came to, so far; nothing where there is no such attempt.
    #[must_use]
    pub fn answer(&self, attempt_id: AttemptId) -> Option<TakePaymentAnswer> {
        if self.given_up.contains(&attempt_id) {
            return Some(TakePaymentAnswer::Failed { reason: "given_up".to_owned() });
        }
        Some(match &self.attempts.get(&attempt_id)?.outcome {
            Outcome::Open => TakePaymentAnswer::Verifying,
            Outcome::Approved => TakePaymentAnswer::Approved,
            Outcome::Declined { reason } => TakePaymentAnswer::Declined { reason: reason.clone() },
            Outcome::Failed { reason } => TakePaymentAnswer::Failed { reason: reason.clone() },
        })
    }

    /// An attempt whose outcome is not known.
    #[must_use]
    pub fn open_attempt(&self) -> Option<(AttemptId, &Attempt)> {
        let mut open = self.attempts.iter().filter(|(_, attempt)| attempt.outcome == Outcome::Open);
        open.next().map(|(id, attempt)| (*id, attempt))
    }

    /// Who paid for the order, and how.
    pub(super) fn payer(&self) -> Option<&Payer> {
        self.order_attempts().find(|(_, attempt)| attempt.outcome == Outcome::Approved).map(|(_, paid)| &paid.payer)
    }

    /// The attempts to take the order's money.
    pub(super) fn order_attempts(&self) -> impl Iterator<Item = (AttemptId, &Attempt)> {
        let of_the_order = self.attempts.iter().filter(|(_, attempt)| attempt.purpose == Purpose::Order);
        of_the_order.map(|(id, attempt)| (*id, attempt))
    }

    /// What we hold of the customer's money, refunds under way taken off.
    #[must_use]
    pub fn held_krw(&self) -> Won {
        let going_back = self.refund.map_or(Won::ZERO, |refund| refund.amount_krw);
        self.captured_krw.less(self.refunded_krw).less(going_back)
    }

    /// What the customer owes; nothing where nobody has said. Until order says otherwise, what was taken for a
    /// change is owed, too. It may have said so already: then the answer came too late, and the extra goes back.
    #[must_use]
    pub fn owed_krw(&self) -> Option<Won> {
        let Word { version: said, owed_krw } = self.said?;
        let taken = self.attempts.values().filter(|attempt| attempt.outcome == Outcome::Approved);
        let since = taken.filter(|attempt| match attempt.purpose {
            Purpose::Change { version, .. } => said < version,
            Purpose::Order => false,
        });
        Some(since.map(|attempt| attempt.amount_krw).fold(owed_krw, Won::plus))
    }

    /// What is held beyond what is owed; nothing while nobody has said what is owed.
    #[must_use]
    pub fn excess_krw(&self) -> Won {
        self.owed_krw().map_or(Won::ZERO, |owed| self.held_krw().less(owed))
    }

    /// Whether order has said something with this version, or a later one.
    pub(super) fn has_heard(&self, version: u64) -> bool {
        self.said.is_some_and(|said| version <= said.version)
    }

    /// Whether the order has ended.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.ended.is_some()
    }

    /// Order said what is owed. What it said before counts no more, also where it is heard later.
    fn owe(&mut self, owed_krw: Won, version: u64) {
        if !self.has_heard(version) {
            self.said = Some(Word { version, owed_krw });
        }
    }

    fn settle(&mut self, attempt_id: AttemptId, outcome: Outcome) {
        if let Some(attempt) = self.attempts.get_mut(&attempt_id) {
            attempt.outcome = outcome;
        }
    }
}

impl Aggregate for Payment {
    const CATEGORY: &'static str = "payment";

    type Id = OrderId;
    type Command = Command;
    type Event = Event;
    type Refusal = Refusal;

    fn decide(&self, command: Command, at: Timestamp) -> Result<Vec<Event>, Refusal> {
        super::decide::decide(self, command, at)
    }

    fn evolve(&mut self, event: &Event, at: Timestamp) {
        match event {
            Event::AttemptBegun { attempt_id, amount_krw, version, purpose, payer, look_up_at: _ } => {
                // Who asks for an order's money says with it what is owed.
                if *purpose == Purpose::Order {
                    self.owe(*amount_krw, *version);
                }
                let attempt = Attempt {
                    amount_krw: *amount_krw,
                    purpose: *purpose,
                    payer: payer.clone(),
                    begun_at: at,
                    outcome: Outcome::Open,
                };
                self.attempts.insert(*attempt_id, attempt);
            }
            Event::AttemptGivenUp { attempt_id } => {
                self.given_up.insert(*attempt_id);
            }
            Event::PaymentApproved { attempt_id, amount_krw } => {
                self.captured_krw = self.captured_krw.plus(*amount_krw);
                self.settle(*attempt_id, Outcome::Approved);
            }
            Event::PaymentDeclined { attempt_id, reason } => {
                self.settle(*attempt_id, Outcome::Declined { reason: reason.clone() });
            }
            Event::PaymentFailed { attempt_id, reason } => {
                self.settle(*attempt_id, Outcome::Failed { reason: reason.clone() });
            }
            Event::PaymentAdjusted { change_id, extra_krw } => {
                self.captured_krw = self.captured_krw.plus(*extra_krw);
                self.settle(AttemptId(change_id.0), Outcome::Approved);
            }
            Event::PaymentAdjustmentDeclined { change_id, reason, failed: _ } => {
                if self.attempts.contains_key(&AttemptId(change_id.0)) {
                    self.settle(AttemptId(change_id.0), Outcome::Declined { reason: reason.clone() });
                } else {
                    self.turned_down.insert(*change_id);
                }
            }
            Event::OwedChanged { owed_krw, version } => self.owe(*owed_krw, *version),
            Event::OrderEnded { owed_krw, version, ending } => {
                self.owe(*owed_krw, *version);
                self.ended = Some(*ending);
            }
            Event::RefundGranted { grant_id, grant, owed_krw, version } => {
                self.owe(*owed_krw, *version);
                self.grants.insert(*grant_id, *grant);
            }
            Event::DepositDivided(more) => self.divided = self.divided.plus(more),
            Event::RefundDue { refund_id, amount_krw, try_at: _ } => {
                self.refund = Some(RefundUnderWay { refund_id: *refund_id, amount_krw: *amount_krw });
            }
            Event::Refunded { refunded_krw, .. } => {
                self.refunded_krw = *refunded_krw;
                self.refund = None;
            }
        }
    }

    fn creates(command: &Command) -> bool {
        matches!(command, Command::Begin { .. })
    }

    fn correlation(id: &OrderId, _event: &Event) -> Option<Uuid> {
        Some(id.0)
    }

    fn jobs(id: &OrderId, event: &Event) -> Vec<JobChange> {
        event.jobs(*id)
    }
}
