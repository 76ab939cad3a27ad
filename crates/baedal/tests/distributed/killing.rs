//! Machines die, with one process of every service on each, while people order.

use std::collections::HashSet;
use std::thread;

use baedal_servers::{Composition, Replica};

use crate::checks::all_is_well;
use crate::live::Watcher;
use crate::traffic::{Lived, Traffic};
use crate::world::World;

const PARTIES: u32 = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_that_are_killed_hand_over_and_nothing_is_lost_or_doubled() {
    let mut world = World::start_with(|plan| plan.gateways = 2).await;
    let mut traffic = Traffic::begin(&mut world, PARTIES, true).await;
    let witness = world.people_everywhere(PARTIES).await;
    let order = witness[0].order().await;
    // Two at each gateway, which asks the replica with the least in hand: there is one at each replica of tracking.
    let at = |gateway: usize| [vec![witness[gateway].clone()], witness.clone()].concat();
    let mut watchers: Vec<Watcher> = [0, 0, 1, 1].map(|gateway| Watcher::of(order, at(gateway))).into();
    for watcher in &mut watchers {
        watcher.sees("paid").await;
    }
    traffic.goes_on_and_tells("before", 2).await;

    // Each machine in its turn: whichever led, and heard what, one of them did.
    let steps = ["accepted", "cooking"];
    for (machine, status) in steps.into_iter().enumerate() {
        let ended: usize = watchers.iter().map(Watcher::ended).sum();
        world.meanwhile(move |composition| all_on(composition, machine, Replica::kill)).await;
        traffic.goes_on_and_tells(&format!("without machine {machine}"), 1).await;
        let other = &witness[1 - machine];
        match status {
            "accepted" => drop(other.owner.accept(order, 15).await.expect("accepted")),
            _ => drop(other.owner.start(order).await.expect("started")),
        }
        for watcher in &mut watchers {
            watcher.sees(status).await;
        }
        // Those at its gateway, and of the others the one at its replica of tracking.
        let ended = watchers.iter().map(Watcher::ended).sum::<usize>() - ended;
        assert!(ended >= 2, "{ended} streams have ended");
        world.meanwhile(move |composition| all_on(composition, machine, Replica::start_again)).await;
        traffic.goes_on_and_tells("with it again", 1).await;
    }

    witness[0].complete(order).await;
    for watcher in watchers {
        watcher.end().await;
    }
    let mut lived = traffic.end().await;
    lived.push(Lived { people: witness[0].clone(), orders: HashSet::from([order]) });
    all_is_well(&mut world, &lived).await;
}

/// Does something with the process of every service, and the gateway, that has this number; with all at once.
fn all_on(
    composition: &mut Composition,
    machine: usize,
    act: impl Fn(&mut Replica) -> Result<(), String> + Sync,
) -> Result<(), String> {
    thread::scope(|scope| {
        let act = &act;
        let contexts = composition.contexts().map(|(_, replicas)| &mut replicas[machine]);
        let acting: Vec<_> = contexts.map(|replica| scope.spawn(move || act(replica))).collect();
        acting.into_iter().try_for_each(|acting| acting.join().expect("a thread"))
    })?;
    act(&mut composition.gateways()[machine])
}
