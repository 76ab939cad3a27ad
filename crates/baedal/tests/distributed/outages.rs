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
async fn the_databases_and_the_broker_may_go_and_nothing_is_lost_or_doubled() {
    let mut world = World::start().await;
    let mut traffic = Traffic::begin(&mut world, PARTIES, false).await;
    let witness = world.people_number(PARTIES).await;
    traffic.goes_on_and_tells("all is there", 1).await;
    let known = the_databases_go(&mut world, &mut traffic, &witness).await;
    the_broker_goes(&mut world, &mut traffic).await;
    let mut lived = traffic.end().await;
    lived.push(Lived { people: witness, orders: known });
    all_is_well(&mut world, &lived).await;
}

/// Nobody is told anything false without them, and everything works again with them. What the witness ordered.
async fn the_databases_go(world: &mut World, traffic: &mut Traffic, witness: &People) -> HashSet<OrderId> {
    let known = witness.order().await;
    witness.see(known, "paid").await;
    let gone = Instant::now();
    world.meanwhile(|composition| composition.postgres().kill()).await;
    for (what, answer) in ask_everybody(witness, known).await {
        let problem = answer.expect_err(what);
        let problem = problem.problem().unwrap_or_else(|| panic!("{what}: {problem}"));
        assert!(problem.status == 503 && problem.retry_after.is_some(), "{what}: {problem:?}");
    }
    world.meanwhile(|composition| composition.postgres().start_again()).await;
    println!("the databases take connections again {:?} after they were killed", gone.elapsed());
    let back = Instant::now();
    until("everybody answers", async || {
        let answers = ask_everybody(witness, known).await;
        answers.iter().all(|(_, answer)| answer.is_ok()).then_some(())
    })
    .await;
    let answering = back.elapsed();
    let order = witness.order().await;
    witness.complete(order).await;
    println!("everybody answers {answering:?} after that; a whole order has gone through after {:?}", back.elapsed());
    assert!(answering < RECOVERY, "{answering:?}");
    traffic.goes_on_and_tells("the databases are back", 1).await;
    witness.complete(known).await;
    HashSet::from([known, order])
}

/// Orders go on without it, by way of the journals.
async fn the_broker_goes(world: &mut World, traffic: &mut Traffic) {
    world.composition().nats().pause().expect("a pause");
    traffic.goes_on_and_tells("the broker stands still", 1).await;
    world.composition().nats().resume().expect("no pause");
    traffic.goes_on_and_tells("it goes on", 1).await;

    world.meanwhile(|composition| composition.nats().kill()).await;
    traffic.goes_on_and_tells("it is killed", 1).await;
    world.meanwhile(|composition| composition.nats().start_again()).await;
    traffic.goes_on_and_tells("it is back", 1).await;

    world
        .meanwhile(|composition| {
            composition.nats().kill()?;
            composition.nats().delete_data()?;
            composition.nats().start_again()
        })
        .await;
    traffic.goes_on_and_tells("it is back without its data", 2).await;
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
