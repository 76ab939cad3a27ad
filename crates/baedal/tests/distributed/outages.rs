//! What all services stand on goes away and comes back while people order.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use baedal_client::Error;
use baedal_contracts::OrderId;

use crate::checks::{all_is_well, until};
use crate::traffic::{Lived, Traffic};
use crate::world::{People, World};

const PARTIES: u32 = 4;
/// How soon after the databases' return everything is to work again.
const RECOVERY: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_databases_nobody_is_told_anything_false_and_all_recovers_with_them() {
    let mut world = World::start().await;
    let mut traffic = Traffic::begin(&mut world, PARTIES, false).await;
    let witness = world.people_number(PARTIES).await;
    let known = witness.order().await;
    witness.see(known, "paid").await;
    let took = traffic.goes_on(1).await;
    println!("before: in {took:?}, {:#?}", traffic.notes());

    let gone = Instant::now();
    world.meanwhile(|composition| composition.postgres().kill()).await;
    println!("the databases are killed within {:?}", gone.elapsed());
    for (what, answer) in ask_everybody(&witness, known).await {
        let problem = answer.expect_err(what);
        let problem = problem.problem().unwrap_or_else(|| panic!("{what}: {problem}"));
        assert!(problem.status == 503 && problem.retry_after.is_some(), "{what}: {problem:?}");
    }
    println!("while they are away: after {:?}, {:#?}", gone.elapsed(), traffic.notes());

    world.meanwhile(|composition| composition.postgres().start_again()).await;
    println!("they take connections again after {:?}", gone.elapsed());
    let back = Instant::now();
    until("everybody answers", async || {
        let answers = ask_everybody(&witness, known).await;
        answers.iter().all(|(_, answer)| answer.is_ok()).then_some(())
    })
    .await;
    let answering = back.elapsed();
    let order = witness.order().await;
    witness.complete(order).await;
    let working = back.elapsed();
    println!("everybody answers {answering:?} after they are back, a whole order went through after {working:?}");
    assert!(working < RECOVERY, "{working:?}");
    let took = traffic.goes_on(1).await;
    println!("afterwards: in {took:?}, {:#?}", traffic.notes());

    witness.complete(known).await;
    let mut lived = traffic.end().await;
    lived.push(Lived { people: witness, orders: HashSet::from([known, order]) });
    all_is_well(&mut world, &lived).await;
}

/// Asks every context something, and says what each answered.
async fn ask_everybody(people: &People, order: OrderId) -> Vec<(&'static str, Result<(), Error>)> {
    let People { customer, owner, rider, .. } = people;
    let wish = people.wish();
    let asked = tokio::join!(
        async { customer.client().sign_in(&customer.me().phone, "correct horse").await.map(drop) },
        async { customer.pay(order, &wish.payment).await.map(drop) },
        async { customer.order(order).await.map(drop) },
        async { owner.open_store(wish.store_id, true).await },
        async { rider.nearby().await.map(drop) },
        async { customer.notices().await.map(drop) },
    );
    vec![
        ("identity", asked.0),
        ("order", asked.1),
        ("tracking", asked.2),
        ("store", asked.3),
        ("delivery", asked.4),
        ("notification", asked.5),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_broker_orders_go_on_and_nothing_is_lost_or_doubled() {
    let mut world = World::start().await;
    let mut traffic = Traffic::begin(&mut world, PARTIES, false).await;
    let took = traffic.goes_on(1).await;
    println!("before: in {took:?}, {:#?}", traffic.notes());

    world.composition().nats().pause().expect("a pause");
    let took = traffic.goes_on(1).await;
    println!("the broker stands still: in {took:?}, {:#?}", traffic.notes());
    world.composition().nats().resume().expect("no pause");
    let took = traffic.goes_on(1).await;
    println!("it goes on: in {took:?}, {:#?}", traffic.notes());

    world.meanwhile(|composition| composition.nats().kill()).await;
    let took = traffic.goes_on(1).await;
    println!("it is killed: in {took:?}, {:#?}", traffic.notes());
    world.meanwhile(|composition| composition.nats().start_again()).await;
    let took = traffic.goes_on(1).await;
    println!("it is back: in {took:?}, {:#?}", traffic.notes());

    world
        .meanwhile(|composition| {
            composition.nats().kill()?;
            composition.nats().delete_data()?;
            composition.nats().start_again()
        })
        .await;
    let took = traffic.goes_on(2).await;
    let notes = traffic.notes();
    println!("it is back without its data: in {took:?}, {notes:#?}");

    let lived = traffic.end().await;
    all_is_well(&mut world, &lived).await;
}
