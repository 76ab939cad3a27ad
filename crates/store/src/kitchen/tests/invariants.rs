//! Several orders of one store with little stock, and everything that may happen to them, in any order.

use std::collections::BTreeMap;

use baedal_contracts::store::{Event as Told, RejectReason, TicketStatus};
use baedal_contracts::{ItemId, OrderId};
use jiff::SignedDuration;
use proptest::prelude::*;

use crate::domain::ticket::Command;
use crate::domain::{Portions, Stock};
use crate::testing::{CHICKEN, COLA, OWNER, RADISH, STORE, World, minutes, order, tells};

/// How many orders there are.
const ORDERS: u128 = 4;

/// One thing that happens to an order, to the store, or to everybody.
#[derive(Clone, Debug)]
enum Step {
    Paid(u128, Vec<(ItemId, u32)>),
    CancelRequested(u128),
    CanceledByOperator(u128),
    ChangeRequested(u128, Vec<(ItemId, u32)>, bool),
    /// The change requested last is sealed, in time or not.
    Changed(u128),
    /// The change requested last is put back, in time or not.
    ChangeRefused(u128),
    Completed(u128),
    Accept(u128),
    Reject(u128),
    Start(u128),
    Finish(u128),
    Pass(i64),
    Supply(ItemId, u32),
}

fn items() -> impl Strategy<Value = Vec<(ItemId, u32)>> {
    let item = prop_oneof![Just(CHICKEN), Just(COLA), Just(RADISH)];
    prop::collection::vec((item, 1_u32..4), 1..4)
}

fn step() -> impl Strategy<Value = Step> {
    let number = 0..ORDERS;
    prop_oneof![
        4 => (number.clone(), items()).prop_map(|(number, items)| Step::Paid(number, items)),
        1 => number.clone().prop_map(Step::CancelRequested),
        1 => number.clone().prop_map(Step::CanceledByOperator),
        4 => (number.clone(), items(), any::<bool>()).prop_map(|(number, items, dearer)| {
            Step::ChangeRequested(number, items, dearer)
        }),
        2 => number.clone().prop_map(Step::Changed),
        2 => number.clone().prop_map(Step::ChangeRefused),
        1 => number.clone().prop_map(Step::Completed),
        4 => number.clone().prop_map(Step::Accept),
        1 => number.clone().prop_map(Step::Reject),
        3 => number.clone().prop_map(Step::Start),
        2 => number.prop_map(Step::Finish),
        2 => prop_oneof![Just(10), Just(30), Just(300)].prop_map(Step::Pass),
        1 => (prop_oneof![Just(CHICKEN), Just(COLA)], 0_u32..3).prop_map(|(item, more)| Step::Supply(item, more)),
    ]
}

/// The world, and what the test remembers to compare it with.
struct Town {
    world: World,
    supplied: BTreeMap<ItemId, u32>,
    changes: BTreeMap<u128, (u128, Vec<(ItemId, u32)>)>,
    next_change: u128,
    operator_canceled: Vec<OrderId>,
}

impl Town {
    async fn new(chickens: u32, colas: u32) -> Self {
        let world = World::with_a_store().await;
        world.count(CHICKEN, Some(chickens)).await;
        world.count(COLA, Some(colas)).await;
        let supplied = BTreeMap::from([(CHICKEN, chickens), (COLA, colas)]);
        Self { world, supplied, changes: BTreeMap::new(), next_change: 1, operator_canceled: Vec::new() }
    }

    async fn is_there(&self, number: u128) -> bool {
        self.world.ticket(order(number)).await.sheet().is_some()
    }

    async fn take(&mut self, step: Step) {
        match step {
            Step::Paid(number, items) => self.world.handle(&tells::paid(order(number), &items)).await,
            // Order only asks the kitchen about orders that were paid.
            Step::CancelRequested(number) if self.is_there(number).await => {
                self.world.handle(&tells::cancel_requested(order(number))).await;
            }
            Step::CanceledByOperator(number) => {
                self.operator_canceled.push(order(number));
                self.world.handle(&tells::canceled(order(number), true)).await;
            }
            Step::ChangeRequested(number, items, dearer) if self.is_there(number).await => {
                let (change, extra) = (self.next_change, u64::from(dearer));
                self.next_change += 1;
                self.world.handle(&tells::change_requested(order(number), change, &items, extra)).await;
                self.changes.insert(number, (change, items));
            }
            Step::Changed(number) => {
                if let Some((change, items)) = self.changes.get(&number) {
                    self.world.handle(&tells::changed(order(number), *change, items)).await;
                }
            }
            Step::ChangeRefused(number) => {
                if let Some((change, _)) = self.changes.get(&number) {
                    self.world.handle(&tells::change_refused(order(number), *change)).await;
                }
            }
            Step::Completed(number) if self.is_there(number).await => {
                self.world.handle(&tells::completed(order(number))).await;
            }
            Step::CancelRequested(_) | Step::ChangeRequested(..) | Step::Completed(_) => {}
            Step::Accept(number) => {
                self.world.kitchen(order(number), Command::Accept { by: OWNER, cook_minutes: minutes(20) }).await;
            }
            Step::Reject(number) => {
                let (reason, text) = (RejectReason::TooBusy, String::new());
                self.world.kitchen(order(number), Command::Reject { by: OWNER, reason, text }).await;
            }
            Step::Start(number) => self.start(number).await,
            Step::Finish(number) => {
                self.world.kitchen(order(number), Command::FinishCooking { by: OWNER }).await;
            }
            Step::Pass(seconds) => self.world.pass(SignedDuration::from_secs(seconds)).await,
            Step::Supply(item, more) => {
                let left = self.world.left(item).await.expect("counted");
                self.world.count(item, Some(left + more)).await;
                *self.supplied.entry(item).or_default() += more;
            }
        }
    }

    async fn start(&self, number: u128) {
        let ticket = self.world.ticket(order(number)).await;
        let holds = ticket.sheet().is_some_and(|sheet| sheet.held.is_some());
        let started = self.world.kitchen(order(number), Command::StartCooking { by: OWNER }).await;
        assert!(!(holds && started), "cooking started while the kitchen held still");
    }

    /// What must hold after every step.
    async fn check(&self) {
        let now = self.world.service.clock().now();
        let mut used = Portions::default();
        for number in 0..ORDERS {
            let ticket = self.world.ticket(order(number)).await;
            let Some(sheet) = ticket.sheet() else { continue };
            let counted =
                |portions: &Portions| portions.iter().filter(|(item, _)| *item != RADISH).collect::<Portions>();
            let needed = counted(&Portions::of(&sheet.slip.items));
            match sheet.status {
                TicketStatus::Open => assert!(sheet.answer_by.expect("a deadline") > now, "nobody ended it"),
                TicketStatus::Accepted | TicketStatus::Cooking | TicketStatus::Cooked => {}
                TicketStatus::Rejected => assert!(sheet.everything().is_empty()),
                TicketStatus::Canceled if sheet.everything().is_empty() => {}
                TicketStatus::Canceled => {
                    assert!(self.operator_canceled.contains(&order(number)), "what was cooked was canceled");
                }
            }
            if matches!(sheet.status, TicketStatus::Rejected | TicketStatus::Canceled) {
                assert!(sheet.held.is_none());
            } else {
                assert_eq!(sheet.taken, needed, "what is on the ticket was not taken");
            }
            if let Some(held) = &sheet.held {
                assert!(held.until > now, "nobody ended the hold");
                let wished = counted(&Portions::of(&held.change.items));
                assert!(wished.beyond(&sheet.everything()).is_empty(), "what is held for is not reserved");
            }
            used = used.plus(&sheet.everything());
        }
        let stock = self.world.service.look::<Stock>(&STORE).await.expect("a stock");
        for (item, supplied) in &self.supplied {
            let left = stock.left(*item).expect("counted");
            assert_eq!(left + used.count(*item), *supplied, "stock and tickets do not agree");
        }
    }

    /// What must hold of all that was told.
    async fn check_history(&self) {
        let told = self.world.told().await;
        for number in 0..ORDERS {
            let mut cooking = false;
            let mut over = false;
            for event in told.iter().filter(|event| event.order_id() == Some(order(number))) {
                match event {
                    Told::CookStarted { .. } => {
                        assert!(!over, "what was canceled or rejected is cooked");
                        cooking = true;
                    }
                    Told::TicketRejected { .. } => {
                        assert!(!cooking && !over);
                        over = true;
                    }
                    Told::TicketCanceled { .. } => {
                        assert!(!over, "canceled twice");
                        assert!(!cooking || self.operator_canceled.contains(&order(number)));
                        over = true;
                    }
                    Told::TicketChanged { .. } | Told::TicketChangeReserved { .. } => assert!(!cooking && !over),
                    Told::TicketCancelRefused { .. } => assert!(cooking),
                    Told::CookFinished { .. } => assert!(cooking && !over),
                    _ => {}
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn stock_and_tickets_agree_whatever_happens(
        chickens in 0_u32..8,
        colas in 0_u32..8,
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        runtime.block_on(async {
            let mut town = Town::new(chickens, colas).await;
            for step in steps {
                town.take(step).await;
                town.check().await;
            }
            town.check_history().await;
        });
    }
}
