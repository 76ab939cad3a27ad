//! Whatever riders, kitchens and orders do in whatever order: one rider holds a delivery, it is fetched before
//! it is brought, hands hold what they hold, and documents say what the events say.

use std::collections::BTreeSet;
use std::sync::Arc;

use baedal_contracts::{AccountId, OrderId};
use baedal_kit::database::Database;
use baedal_kit::database::memory::MemoryDatabase;
use baedal_kit::scenario::NOON;
use baedal_kit::time::{Clock, ManualClock};
use baedal_kit::{Failure, Origin};
use baedal_kit_runtime::JournalBus;
use baedal_kit_runtime::service::CommandError;
use baedal_kit_runtime::{JobHandler, Service, jobs};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use uuid::Uuid;

use super::world::{parcel, quiet, spot};
use crate::Settings;
use crate::changes::{self, Step};
use crate::domain::{Command, Delivery, Event, Refusal, Stage};
use crate::jobs::Deadlines;
use crate::views::{self, Shelf};

const RIDERS: u128 = 3;
const ORDERS: u128 = 6;

#[derive(Clone, Copy, Debug)]
enum Act {
    Ride { rider: u128, on_duty: bool, metres: f64 },
    Cook(u128),
    End(u128),
    Step { rider: u128, order: u128, step: Step },
    TakeBack { rider: u128, order: u128 },
    Time(i64),
}

fn act() -> impl Strategy<Value = Act> {
    let step = prop_oneof![
        4 => Just(Step::Claim),
        1 => Just(Step::Release),
        3 => Just(Step::PickUp),
        2 => Just(Step::Deliver),
    ];
    prop_oneof![
        2 => (0..RIDERS, prop::bool::weighted(0.9), 0.0..5_000.0).prop_map(|(rider, on_duty, metres)| Act::Ride { rider, on_duty, metres }),
        4 => (0..ORDERS).prop_map(Act::Cook),
        1 => (0..ORDERS).prop_map(Act::End),
        12 => (0..RIDERS, 0..ORDERS, step).prop_map(|(rider, order, step)| Act::Step { rider, order, step }),
        1 => (0..RIDERS, 0..ORDERS).prop_map(|(rider, order)| Act::TakeBack { rider, order }),
        2 => (1..20_i64).prop_map(Act::Time),
    ]
}

fn rider_id(rider: u128) -> AccountId {
    AccountId(Uuid::from_u128(100 + rider))
}

fn order_id(order: u128) -> OrderId {
    OrderId(Uuid::from_u128(200 + order))
}

struct Machine {
    clock: ManualClock,
    database: Arc<MemoryDatabase>,
    service: Service,
    settings: Settings,
}

impl Machine {
    fn new() -> Self {
        let clock = ManualClock::at(NOON);
        let database = Arc::<MemoryDatabase>::default();
        let service = quiet(&clock, JournalBus::default(), database.clone());
        Self { clock, database, service, settings: Settings::default() }
    }

    async fn tell(&self, order: u128, command: Command) -> Result<(), Failure> {
        let origin = Origin::none();
        let told = self.service.execute(&origin, |work| {
            let command = command.clone();
            Box::pin(async move { changes::tell(work, &Settings::default(), order_id(order), command).await })
        });
        told.await.map(|_| ())
    }

    async fn act(&self, act: Act) -> Result<(), Failure> {
        match act {
            Act::Ride { rider, on_duty, metres } => {
                let mut work = self.service.work(Origin::none());
                let mut kept = views::rider(&mut work, rider_id(rider)).await?;
                (kept.on_duty, kept.location) = (on_duty, Some(spot(-metres, 0.0)));
                views::keep_rider(&mut work, rider_id(rider), &kept)?;
                work.commit().await.map(|_| ())
            }
            Act::Cook(order) => {
                let parcel = parcel(order_id(order), spot(0.0, 0.0), spot(1_000.0, 0.0));
                let reach = self.settings.reach();
                self.tell(order, Command::Request { parcel, riders: Vec::new(), reach }).await
            }
            Act::End(order) => self.tell(order, Command::Withdraw).await,
            Act::Step { rider, order, step } => {
                let before = self.delivery(order).await?;
                let holds = self.carrying(rider).await?;
                let done = self.step(rider, order, step).await;
                match (step, &done) {
                    (_, Err(CommandError::Failed(failure))) => panic!("{}", failure.report()),
                    (Step::Claim, Err(CommandError::Refused(Refusal::CarryingTooMany))) => assert_eq!(holds.len(), 3),
                    (Step::Claim, Err(CommandError::Refused(Refusal::AlreadyClaimed))) => {
                        assert_ne!(holder(&before), Some(rider_id(rider)));
                    }
                    _ => {}
                }
                if done.is_ok() {
                    let after = self.delivery(order).await?;
                    assert!(self.step(rider, order, step).await.is_ok(), "the same again is no error");
                    assert_eq!(self.delivery(order).await?, after, "the same again changes nothing");
                }
                Ok(())
            }
            Act::TakeBack { rider, order } => {
                let before = self.delivery(order).await?;
                let taken = self.take_back(rider, order).await;
                let was_his = matches!(&before, Delivery::Requested(errand) if matches!(&errand.stage, Stage::Claimed(claim) if claim.rider_id == rider_id(rider)));
                assert!(taken.is_ok() || !was_his);
                let after = self.delivery(order).await?;
                assert!(was_his || after == before, "it is taken from nobody else");
                if taken.is_ok() {
                    assert!(self.take_back(rider, order).await.is_ok(), "the same again is no error");
                    assert_eq!(self.delivery(order).await?, after, "the same again changes nothing");
                }
                Ok(())
            }
            Act::Time(minutes) => {
                self.clock.advance(SignedDuration::from_mins(minutes));
                self.work_on_what_is_due().await?;
                self.check_that_whoever_must_know_was_told().await
            }
        }
    }

    async fn step(&self, rider: u128, order: u128, step: Step) -> Result<(), CommandError<Refusal>> {
        let origin = Origin::none();
        let done = self.service.execute(&origin, |work| {
            Box::pin(async move {
                let settings = Settings::default();
                let decided = changes::step(work, &settings, order_id(order), rider_id(rider), step).await?;
                decided.map(|_| ()).map_err(CommandError::Refused)
            })
        });
        done.await.map(|_| ())
    }

    async fn take_back(&self, rider: u128, order: u128) -> Result<(), CommandError<Refusal>> {
        let origin = Origin::none();
        let done = self.service.execute(&origin, |work| {
            Box::pin(async move {
                let (settings, reason) = (Settings::default(), "연락 두절".to_owned());
                let decided = changes::take_back(work, &settings, order_id(order), rider_id(rider), reason).await?;
                decided.map(|_| ()).map_err(CommandError::Refused)
            })
        });
        done.await.map(|_| ())
    }

    /// However often it was claimed and given back: what is ready for a quarter of an hour without a rider, and
    /// what is claimed for twenty minutes and not fetched, was told.
    async fn check_that_whoever_must_know_was_told(&self) -> Result<(), Failure> {
        let past = |since: Timestamp, minutes| self.clock.now() >= since + SignedDuration::from_mins(minutes);
        for order in 0..ORDERS {
            let Delivery::Requested(errand) = self.delivery(order).await? else { continue };
            match &errand.stage {
                Stage::Waiting => assert_eq!(errand.escalate_at.is_none(), past(errand.ready_at, 15)),
                Stage::Claimed(claim) => assert_eq!(claim.pick_up_by.is_none(), past(claim.at, 20)),
                Stage::PickedUp { .. } | Stage::Delivered { .. } | Stage::Canceled { .. } => {}
            }
        }
        Ok(())
    }

    async fn work_on_what_is_due(&self) -> Result<(), Failure> {
        let deadlines = Deadlines { settings: Arc::new(self.settings.clone()) };
        let handlers: [Arc<dyn JobHandler>; 1] = [Arc::new(deadlines)];
        while self.database.next_due().await?.is_some_and(|due| due <= self.clock.now()) {
            jobs::run_due(&self.service, &handlers).await?;
        }
        Ok(())
    }

    async fn delivery(&self, order: u128) -> Result<Delivery, Failure> {
        Ok((*self.service.look::<Delivery>(&order_id(order)).await?).clone())
    }

    async fn carrying(&self, rider: u128) -> Result<BTreeSet<OrderId>, Failure> {
        let kept = views::rider(&mut self.service.work(Origin::none()), rider_id(rider)).await?;
        let carrying: BTreeSet<_> = kept.carrying.iter().copied().collect();
        assert_eq!(carrying.len(), kept.carrying.len(), "nothing is held twice");
        Ok(carrying)
    }

    async fn check(&self) -> Result<(), Failure> {
        let mut waiting = BTreeSet::new();
        for rider in 0..RIDERS {
            let mut held = BTreeSet::new();
            for order in 0..ORDERS {
                let delivery = self.delivery(order).await?;
                match &delivery {
                    Delivery::Requested(errand) if errand.stage == Stage::Waiting => {
                        waiting.insert(order_id(order));
                    }
                    delivery if holder(delivery) == Some(rider_id(rider)) => {
                        held.insert(order_id(order));
                    }
                    _ => {}
                }
            }
            assert!(held.len() <= 3, "nobody carries more than three");
            assert_eq!(self.carrying(rider).await?, held, "hands hold what they hold");
            let shelf = views::on_shelf(&self.service, rider_id(rider), Shelf::Held, None, 100).await?;
            assert_eq!(shelf.iter().map(|(order, _)| *order).collect::<BTreeSet<_>>(), held);
            for (order, errand) in shelf {
                let state = self.service.look::<Delivery>(&order).await?;
                assert_eq!(*state, Delivery::Requested(errand), "the document is what the events say");
            }
        }
        let nearby = views::nearby(&self.service, rider_id(0), spot(0.0, 0.0)).await?;
        assert_eq!(nearby.iter().map(|near| near.order_id).collect::<BTreeSet<_>>(), waiting);
        for near in nearby {
            let state = self.service.look::<Delivery>(&near.order_id).await?;
            assert_eq!(*state, Delivery::Requested(near.errand), "the document is what the events say");
        }
        for order in 0..ORDERS {
            self.check_history(order).await?;
        }
        Ok(())
    }

    /// Claimed by one, fetched by him, brought by him; and nothing after the end.
    async fn check_history(&self, order: u128) -> Result<(), Failure> {
        let (mut holder, mut fetched, mut over) = (None, false, false);
        for recorded in self.database.load(&format!("delivery/{}", order_id(order)), 0).await? {
            assert!(!over, "nothing happens after the end");
            match recorded.read::<Event>()? {
                Event::Claimed { rider_id, .. } => assert_eq!(holder.replace(rider_id), None),
                Event::Released { rider_id, .. } => {
                    assert!(!fetched);
                    assert_eq!(holder.take(), Some(rider_id));
                }
                Event::PickedUp { rider_id } => {
                    assert_eq!((holder, fetched), (Some(rider_id), false));
                    fetched = true;
                }
                Event::Delivered { rider_id } => {
                    assert_eq!((holder, fetched), (Some(rider_id), true));
                    over = true;
                }
                Event::Canceled { rider_id } => {
                    assert_eq!(holder, rider_id);
                    over = true;
                }
                Event::Withdrawn => over = true,
                Event::PickupOverdue { rider_id, .. } => assert_eq!((holder, fetched), (Some(rider_id), false)),
                Event::Widened { .. } | Event::Escalated { .. } => assert_eq!(holder, None),
                Event::Requested { .. } => {}
            }
        }
        Ok(())
    }
}

/// Who has it in his hands, or is on the way to.
fn holder(delivery: &Delivery) -> Option<AccountId> {
    match delivery {
        Delivery::Requested(errand) => match &errand.stage {
            Stage::Claimed(claim) | Stage::PickedUp { claim, .. } => Some(claim.rider_id),
            Stage::Waiting | Stage::Delivered { .. } | Stage::Canceled { .. } => None,
        },
        Delivery::NotRequested | Delivery::Withdrawn => None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_happens_in_whatever_order(acts in proptest::collection::vec(act(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        runtime.block_on(async {
            let machine = Machine::new();
            for rider in 0..RIDERS {
                machine.act(Act::Ride { rider, on_duty: true, metres: 500.0 }).await.expect("no failure");
            }
            for act in acts {
                machine.act(act).await.expect("no failure");
                machine.check().await.expect("no failure");
            }
        });
    }
}
