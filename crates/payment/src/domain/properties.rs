//! What must hold of a payment whatever comes, in whatever order, however often.

use std::collections::BTreeMap;

use baedal_contracts::payment::PaymentMeans;
use baedal_contracts::{AccountId, AttemptId, ChangeId, OrderId, Won};
use baedal_kit::Aggregate;
use baedal_kit::scenario::NOON;
use jiff::SignedDuration;
use proptest::prelude::*;
use uuid::Uuid;

use super::{Command, Event, Outcome, Payer, Payment, Word};
use crate::ledger::{Account, posting};

/// What may come.
#[derive(Clone, Debug)]
enum Step {
    /// Order asks for money, by a new attempt.
    Ask(u64),
    /// Order asks again, by an attempt it asked for before.
    AskAgain(usize),
    /// A change costs more.
    Extra(u64),
    /// The provider approves, declines or fails at some attempt: the open one, or late, or twice.
    Approve(usize),
    Decline(usize),
    Fail(usize),
    /// Order says what is owed, with a new change or one before.
    Changed(u64, bool),
    Refused(usize, u64),
    /// The order ends.
    End(u64),
    Complete,
    /// The provider confirms the refund under way; or one from before, again.
    Refund,
    RefundAgain(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let amount = 1_u64..20_000;
    let step = prop_oneof![
        4 => amount.clone().prop_map(Step::Ask),
        1 => any::<usize>().prop_map(Step::AskAgain),
        3 => amount.clone().prop_map(Step::Extra),
        6 => any::<usize>().prop_map(Step::Approve),
        2 => any::<usize>().prop_map(Step::Decline),
        2 => any::<usize>().prop_map(Step::Fail),
        3 => (amount.clone(), any::<bool>()).prop_map(|(amount, new)| Step::Changed(amount, new)),
        2 => (any::<usize>(), amount.clone()).prop_map(|(which, amount)| Step::Refused(which, amount)),
        1 => prop_oneof![Just(0_u64), amount].prop_map(Step::End),
        1 => Just(Step::Complete),
        4 => Just(Step::Refund),
        1 => any::<usize>().prop_map(Step::RefundAgain),
    ];
    prop::collection::vec(step, 1..60)
}

/// A payment, its history, its ledger, and the ids given so far.
#[derive(Default)]
struct Play {
    payment: Payment,
    history: Vec<Event>,
    balances: BTreeMap<Account, i64>,
    ids: u128,
    changes: Vec<ChangeId>,
    refunds: Vec<Uuid>,
}

impl Play {
    fn new_id(&mut self) -> Uuid {
        self.ids += 1;
        Uuid::from_u128(self.ids)
    }

    fn some_attempt(&self, which: usize) -> Option<AttemptId> {
        self.payment.attempts.keys().nth(which % self.payment.attempts.len().max(1)).copied()
    }

    fn ask(&mut self, command: Command) {
        let Ok(events) = self.payment.decide(command, NOON) else { return };
        for event in events {
            self.payment.evolve(&event, NOON);
            if let Some(posting) = posting(OrderId(Uuid::nil()), &event, Uuid::nil(), NOON) {
                *self.balances.entry(posting.debit).or_default() += posting.amount_krw.0 as i64;
                *self.balances.entry(posting.credit).or_default() -= posting.amount_krw.0 as i64;
            }
            if let Event::RefundDue { refund_id, .. } = event {
                self.refunds.push(refund_id);
            }
            self.history.push(event);
        }
    }

    fn step(&mut self, step: Step) {
        let refund_id = self.new_id();
        let look_up_at = NOON;
        let means = PaymentMeans { method: "card".to_owned(), token: "token".to_owned() };
        let payer = Payer { customer_id: AccountId(Uuid::nil()), means };
        let command = match step {
            Step::Ask(amount) => {
                let attempt_id = AttemptId(self.new_id());
                Command::Begin { attempt_id, amount_krw: Won(amount), payer, look_up_at }
            }
            Step::AskAgain(which) => {
                let Some(attempt_id) = self.some_attempt(which) else { return };
                Command::Begin { attempt_id, amount_krw: Won(7), payer, look_up_at }
            }
            Step::Extra(extra) => {
                let change_id = ChangeId(self.new_id());
                self.changes.push(change_id);
                let until = NOON + SignedDuration::from_secs(30);
                Command::BeginExtra { change_id, extra_krw: Won(extra), until, look_up_at }
            }
            Step::Approve(which) => {
                let Some(attempt_id) = self.some_attempt(which) else { return };
                Command::Approve { attempt_id, refund_id }
            }
            Step::Decline(which) => {
                let Some(attempt_id) = self.some_attempt(which) else { return };
                Command::Decline { attempt_id, reason: "no".to_owned() }
            }
            Step::Fail(which) => {
                let Some(attempt_id) = self.some_attempt(which) else { return };
                Command::Fail { attempt_id, reason: "broken".to_owned() }
            }
            Step::Changed(amount, new) => {
                let change_id = match self.changes.last().filter(|_| !new) {
                    Some(change_id) => *change_id,
                    None => ChangeId(self.new_id()),
                };
                Command::Owe { owed_krw: Won(amount), word: Word { change_id, refused: false }, refund_id }
            }
            Step::Refused(which, amount) => {
                let Some(change_id) = self.changes.get(which % self.changes.len().max(1)).copied() else { return };
                Command::Owe { owed_krw: Won(amount), word: Word { change_id, refused: true }, refund_id }
            }
            Step::End(owed) => Command::End { owed_krw: Won(owed), refund_id },
            Step::Complete => Command::Complete,
            Step::Refund => {
                let Some(refund) = self.payment.refund else { return };
                Command::ConfirmRefund { paid_back: refund.refund_id, refund_id }
            }
            Step::RefundAgain(which) => {
                let Some(paid_back) = self.refunds.get(which % self.refunds.len().max(1)).copied() else { return };
                if self.payment.refund.is_some_and(|refund| refund.refund_id == paid_back) {
                    return;
                }
                let before = self.history.len();
                self.ask(Command::ConfirmRefund { paid_back, refund_id });
                assert_eq!(self.history.len(), before, "a refund confirmed twice");
                return;
            }
        };
        self.ask(command.clone());
        // Whatever comes, comes again.
        let before = self.history.len();
        self.ask(command);
        assert_eq!(self.history.len(), before, "a command that came twice did something twice");
    }

    fn check(&self) {
        let payment = &self.payment;
        let open = payment.attempts.values().filter(|attempt| attempt.outcome == Outcome::Open).count();
        assert!(open <= 1, "two attempts are open");
        let approved = payment.attempts.values().filter(|attempt| attempt.outcome == Outcome::Approved);
        let taken: Won = approved.map(|attempt| attempt.amount_krw).sum();
        assert_eq!(payment.captured_krw, taken);
        let going = payment.refund.map_or(Won::ZERO, |refund| refund.amount_krw);
        assert!(payment.refunded_krw.plus(going) <= payment.captured_krw, "more goes back than was taken");
        if payment.refund.is_none() {
            assert_eq!(payment.excess_krw(), Won::ZERO, "what is held beyond what is owed is not going back");
        }
        let in_account = |account| self.balances.get(&account).copied().unwrap_or(0);
        assert_eq!(self.balances.values().sum::<i64>(), 0, "the ledger does not balance");
        assert_eq!(in_account(Account::ProviderClearing) as u64, taken.less(payment.refunded_krw).0);
        assert_eq!(-in_account(Account::RefundsOwed) as u64, going.0);
        assert!(in_account(Account::CustomerDeposits) <= 0, "deposits were moved that nobody made");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn money_is_never_lost_and_never_moved_twice(steps in steps()) {
        let mut play = Play::default();
        for step in steps {
            play.step(step);
            play.check();
        }
        // Then all becomes quiet: what is open is settled, and what goes back has arrived.
        while let Some((attempt_id, _)) = play.payment.open_attempt() {
            let refund_id = play.new_id();
            play.ask(Command::Approve { attempt_id, refund_id });
        }
        while play.payment.refund.is_some() {
            play.step(Step::Refund);
            play.check();
        }
        let payment = &play.payment;
        let kept = payment.captured_krw.less(payment.refunded_krw);
        if let Some(owed) = payment.owed_krw {
            prop_assert!(kept <= owed, "kept {kept} of {owed} owed");
        }
        let ended_without_food = play.history.iter().find_map(|event| match event {
            Event::OwedChanged { owed_krw, word: None } => Some(*owed_krw),
            _ => None,
        });
        if ended_without_food == Some(Won::ZERO) {
            prop_assert_eq!(payment.captured_krw, payment.refunded_krw);
        }
        prop_assert_eq!(&baedal_kit::aggregate::replay::<Payment>(&play.history, NOON), payment);
    }
}
