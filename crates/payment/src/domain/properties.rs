//! What must hold of a payment whatever comes, in whatever order, however often.

use std::collections::BTreeMap;

use baedal_contracts::order::{Bill, Fault};
use baedal_contracts::payment::PaymentMeans;
use baedal_contracts::{AccountId, AttemptId, ChangeId, Won};
use baedal_kit::Aggregate;
use baedal_kit::scenario::NOON;
use jiff::SignedDuration;
use proptest::prelude::*;
use uuid::Uuid;

use super::{Command, Ending, Event, Grant, Outcome, Payer, Payment, Purpose};
use crate::ledger::{Account, moves};

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
    /// Order says what is owed; or what it said is heard late: so many words ago.
    Changed(u64),
    ChangedBefore(u64, u64),
    /// An operator gives back, as order says; perhaps heard late.
    Grant(u64, Fault, u64),
    /// The order ends.
    End(u64, Fault),
    Complete,
    /// The provider confirms the refund under way; or one from before, again.
    Refund,
    RefundAgain(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let amount = 1_u64..20_000;
    let fault = prop_oneof![Just(Fault::Customer), Just(Fault::Store), Just(Fault::Rider), Just(Fault::Platform)];
    let step = prop_oneof![
        4 => amount.clone().prop_map(Step::Ask),
        1 => any::<usize>().prop_map(Step::AskAgain),
        3 => amount.clone().prop_map(Step::Extra),
        6 => any::<usize>().prop_map(Step::Approve),
        2 => any::<usize>().prop_map(Step::Decline),
        2 => any::<usize>().prop_map(Step::Fail),
        4 => amount.clone().prop_map(Step::Changed),
        1 => (amount.clone(), 1_u64..5).prop_map(|(amount, ago)| Step::ChangedBefore(amount, ago)),
        2 => (amount.clone(), fault.clone(), 0_u64..3).prop_map(|(amount, fault, ago)| Step::Grant(amount, fault, ago)),
        1 => (prop_oneof![Just(0_u64), amount], fault).prop_map(|(owed, fault)| Step::End(owed, fault)),
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
    refunds: Vec<Uuid>,
    /// The version of what order said last.
    version: u64,
    /// What order said, as far as it was heard.
    words: BTreeMap<u64, Won>,
    /// The version with which the order ended.
    ended: Option<u64>,
}

impl Play {
    fn new_id(&mut self) -> Uuid {
        self.ids += 1;
        // In no order at all: clocks step back, and replicas are apart.
        Uuid::from_u128(self.ids.wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835))
    }

    /// The version of something said now; nothing else is said with it.
    fn next_version(&mut self) -> u64 {
        self.version += 10;
        self.version
    }

    /// The version of something said so many words ago, and not heard then; nothing where that was heard.
    fn version_before(&self, ago: u64) -> Option<u64> {
        let version = (self.version + 5).checked_sub(10 * ago)?;
        (!self.words.contains_key(&version)).then_some(version)
    }

    /// Order's word was heard: the one with the greatest version holds.
    fn heard(&mut self, version: u64, owed: Won) {
        self.words.insert(version, owed);
    }

    /// What is owed, as whoever knows all words would say: the last of them, and what was taken for a change
    /// since.
    fn owed(&self) -> Option<Won> {
        let (last, owed) = self.words.last_key_value()?;
        let since = self.payment.attempts.values().filter(|attempt| attempt.outcome == Outcome::Approved);
        let since =
            since.filter(|attempt| matches!(attempt.purpose, Purpose::Change { version, .. } if version > *last));
        Some(since.map(|attempt| attempt.amount_krw).fold(*owed, Won::plus))
    }

    fn some_attempt(&self, which: usize) -> Option<AttemptId> {
        self.payment.attempts.keys().nth(which % self.payment.attempts.len().max(1)).copied()
    }

    fn ask(&mut self, command: Command) {
        let word = match &command {
            Command::Owe { owed_krw, version, .. } | Command::Grant { owed_krw, version, .. } => {
                Some((*version, *owed_krw))
            }
            _ => None,
        };
        let Ok(events) = self.payment.decide(command, NOON) else { return };
        let spoken = events.iter().find_map(|event| match event {
            Event::AttemptBegun { purpose: Purpose::Order, amount_krw, version, .. } => Some((*version, *amount_krw)),
            Event::OrderEnded { owed_krw, version, .. } => {
                self.ended = Some(*version);
                Some((*version, *owed_krw))
            }
            _ => None,
        });
        for (version, owed) in word.into_iter().chain(spoken) {
            self.heard(version, owed);
        }
        for event in events {
            self.payment.evolve(&event, NOON);
            for (debit, credit, amount) in moves(&event) {
                *self.balances.entry(debit).or_default() += amount.0 as i64;
                *self.balances.entry(credit).or_default() -= amount.0 as i64;
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
                let version = self.next_version();
                Command::Begin { attempt_id, amount_krw: Won(amount), version, payer, look_up_at }
            }
            Step::AskAgain(which) => {
                let Some(attempt_id) = self.some_attempt(which) else { return };
                let version = self.next_version();
                Command::Begin { attempt_id, amount_krw: Won(7), version, payer, look_up_at }
            }
            Step::Extra(extra) => {
                let change_id = ChangeId(self.new_id());
                let (version, until) = (self.next_version(), NOON + SignedDuration::from_secs(30));
                Command::BeginExtra { change_id, extra_krw: Won(extra), version, until, look_up_at }
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
            // What has ended is not changed any more.
            Step::Changed(_) if self.payment.is_closed() => return,
            Step::Changed(amount) => Command::Owe { owed_krw: Won(amount), version: self.next_version(), refund_id },
            Step::ChangedBefore(amount, ago) => {
                // Nor was it changed after it had ended.
                let is_before_the_end = |version: &u64| self.ended.is_none_or(|ended| *version < ended);
                let Some(version) = self.version_before(ago).filter(is_before_the_end) else { return };
                Command::Owe { owed_krw: Won(amount), version, refund_id }
            }
            Step::Grant(amount, fault, ago) => {
                // Order gives back no more than is owed.
                let version = if ago == 0 { Some(self.next_version()) } else { self.version_before(ago) };
                let (Some(version), Some(owed)) = (version, self.owed()) else { return };
                let amount_krw = Won(amount).min(owed);
                let (grant_id, grant) = (self.new_id(), Grant { amount_krw, fault });
                Command::Grant { grant_id, grant, owed_krw: owed.less(amount_krw), version, refund_id }
            }
            Step::End(owed, fault) => {
                let (version, owed_krw) = (self.next_version(), Won(owed));
                let (total_krw, delivery_fee_krw, given_back_krw) = (Won(owed + 3_000), Won(2_000), Won::ZERO);
                let bill = Bill { total_krw, delivery_fee_krw, given_back_krw, owed_krw };
                let ending = Ending::without_the_food(&bill, Some(fault), 5);
                Command::End { owed_krw, version, ending, refund_id }
            }
            Step::Complete => {
                let (version, owed_krw) = (self.next_version(), self.owed().unwrap_or(Won::ZERO));
                let bill = Bill { total_krw: owed_krw, owed_krw, delivery_fee_krw: Won(2_000), ..Bill::default() };
                Command::End { owed_krw, version, ending: Ending::with_the_food(&bill, 5), refund_id }
            }
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
        assert_eq!(payment.owed_krw(), self.owed(), "the last word of order does not hold");
        if payment.is_closed() && payment.refund.is_none() {
            assert_eq!(in_account(Account::CustomerDeposits), 0, "of an order that has ended nothing is a deposit");
        }
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
        if let Some(owed) = payment.owed_krw() {
            prop_assert!(kept <= owed, "kept {kept} of {owed} owed");
        }
        if payment.ended == Some(Ending::Undone) {
            prop_assert_eq!(payment.captured_krw, payment.refunded_krw);
        }
        prop_assert_eq!(&baedal_kit::aggregate::replay::<Payment>(&play.history, NOON), payment);
    }
}
