//! Several replicas of the service decide at the same time, and one of them wins.

use std::sync::Arc;

use baedal_contracts::OrderId;
use baedal_contracts::store::TicketStatus;
use baedal_kit::scenario::NOON;
use baedal_kit_runtime::Service;
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::domain::ticket::Command;
use crate::kitchen;
use crate::testing::{CHICKEN, OWNER, World, change, minutes, order, origin_of_a_request, slip, tells};

/// What a policy or a job does: tells a ticket something, again where somebody was faster.
async fn tell(service: &Service, order_id: OrderId, command: Command) {
    let origin = origin_of_a_request();
    let told = service.execute(&origin, |work| {
        let command = command.clone();
        Box::pin(async move { kitchen::tell(work, order_id, command).await })
    });
    told.await.expect("a command that is answered in every state");
}

async fn open(service: &Service, order_id: OrderId) {
    let origin = origin_of_a_request();
    let opened = service.execute(&origin, |work| {
        let answer_by = work.at();
        Box::pin(async move { kitchen::open(work, order_id, slip(order_id, &[(CHICKEN, 1)]), answer_by).await })
    });
    opened.await.expect("an order that is answered");
}

async fn status(world: &World, order_id: OrderId) -> TicketStatus {
    world.ticket(order_id).await.sheet().expect("a ticket").status
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn twenty_orders_of_five_chickens_at_once_open_five_tickets() {
    let world = World::with_a_store().await;
    world.count(CHICKEN, Some(5)).await;
    let replicas: Vec<_> = (0..4).map(|_| world.replica()).collect();
    let together = Arc::new(Barrier::new(20));
    let mut orders = JoinSet::new();
    for number in 0..20 {
        let (replica, together) = (replicas[number % replicas.len()].clone(), Arc::clone(&together));
        orders.spawn(async move {
            together.wait().await;
            open(&replica, order(number as u128)).await;
        });
    }
    while let Some(answered) = orders.join_next().await {
        answered.expect("no panic");
    }
    let mut open = 0;
    for number in 0..20 {
        match status(&world, order(number)).await {
            TicketStatus::Open => open += 1,
            other => assert_eq!(other, TicketStatus::Rejected),
        }
    }
    assert_eq!((open, world.left(CHICKEN).await), (5, Some(0)));
}

/// The kitchen and a policy or a job ask something about fifty accepted or open tickets, both at the same
/// time: where the kitchen is first the ticket ends as `kitchens`, otherwise as `others` and the stock is back.
async fn meet(accepted: bool, asked: Command, told: fn() -> Command, kitchens: TicketStatus, others: TicketStatus) {
    let world = World::with_a_store().await;
    world.count(CHICKEN, Some(50)).await;
    for number in 0..50 {
        let order_id = order(number);
        world.handle(&tells::paid(order_id, &[(CHICKEN, 1)])).await;
        if accepted {
            assert!(world.kitchen(order_id, accept()).await);
        }
        let left = world.left(CHICKEN).await.expect("counted");
        let together = Arc::new(Barrier::new(2));
        let at_the_stove = {
            let (replica, together, asked) = (world.replica(), Arc::clone(&together), asked.clone());
            tokio::spawn(async move {
                together.wait().await;
                kitchen::command(&replica, &origin_of_a_request(), order_id, asked).await.is_ok()
            })
        };
        let elsewhere = {
            let replica = world.replica();
            tokio::spawn(async move {
                together.wait().await;
                tell(&replica, order_id, told()).await;
            })
        };
        elsewhere.await.expect("no panic");
        let (status_then, back) = if at_the_stove.await.expect("no panic") { (kitchens, 0) } else { (others, 1) };
        assert_eq!(status(&world, order_id).await, status_then);
        assert_eq!(world.left(CHICKEN).await, Some(left + back));
    }
}

fn accept() -> Command {
    Command::Accept { by: OWNER, cook_minutes: minutes(20) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn start_and_cancel_meet_and_one_wins() {
    let cancel = || Command::CancelTicket { request: Uuid::now_v7() };
    let start = Command::StartCooking { by: OWNER };
    meet(true, start, cancel, TicketStatus::Cooking, TicketStatus::Canceled).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_answer_meets_the_end_of_its_time_and_one_wins() {
    meet(
        false,
        accept(),
        || Command::EndAnswerTime { not_before: NOON },
        TicketStatus::Accepted,
        TicketStatus::Rejected,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn start_and_change_meet_and_one_wins() {
    let world = World::with_a_store().await;
    world.count(CHICKEN, Some(100)).await;
    for number in 0..50 {
        let order_id = order(number);
        world.handle(&tells::paid(order_id, &[(CHICKEN, 1)])).await;
        assert!(world.kitchen(order_id, accept()).await);
        let left = world.left(CHICKEN).await.expect("counted");
        let together = Arc::new(Barrier::new(2));
        let at_the_stove = {
            let (replica, together) = (world.replica(), Arc::clone(&together));
            tokio::spawn(async move {
                together.wait().await;
                let start = Command::StartCooking { by: OWNER };
                kitchen::command(&replica, &origin_of_a_request(), order_id, start).await.is_ok()
            })
        };
        let elsewhere = {
            let replica = world.replica();
            tokio::spawn(async move {
                together.wait().await;
                let origin = origin_of_a_request();
                let changed = replica.execute(&origin, |work| {
                    let hold_until = Some(work.at());
                    Box::pin(kitchen::change(work, order_id, change(1, &[(CHICKEN, 2)]), hold_until))
                });
                changed.await.expect("a change that is answered");
            })
        };
        elsewhere.await.expect("no panic");
        let started = at_the_stove.await.expect("no panic");
        let held = world.ticket(order_id).await.sheet().is_some_and(|sheet| sheet.held.is_some());
        assert!(started != held, "both won, or neither");
        assert_eq!(world.left(CHICKEN).await, Some(if held { left - 1 } else { left }));
    }
}
