//! Riders who want the same at the same time, and one who wants everything at once.

use std::sync::Arc;

use baedal_contracts::{AccountId, OrderId};
use futures::future::join_all;
use http::StatusCode;

use super::world::{World, spot};

async fn claim(world: Arc<World>, rider: AccountId, order: OrderId) -> (StatusCode, Option<String>) {
    let answer = tokio::spawn(async move { world.step(rider, order, "claim").await }).await.expect("an answer");
    (answer.0, answer.1["type"].as_str().map(str::to_owned))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_riders_who_claim_at_once_exactly_one_wins() {
    let world = Arc::new(World::start().await);
    for _ in 0..20 {
        let order = world.cook_one().await;
        let riders = [world.rider_at(spot(0.0, 0.0)).await, world.rider_at(spot(10.0, 0.0)).await];
        let answers = join_all(riders.map(|rider| claim(world.clone(), rider, order))).await;
        let won = answers.iter().filter(|(status, _)| *status == StatusCode::OK).count();
        let lost = (StatusCode::CONFLICT, Some("/problems/already_claimed".to_owned()));
        assert_eq!((won, answers.contains(&lost)), (1, true), "{answers:?}");
        let carried = world.rider(riders[0]).await.carrying.len() + world.rider(riders[1]).await.carrying.len();
        assert_eq!(carried, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rider_who_claims_six_at_once_gets_three() {
    let world = Arc::new(World::start().await);
    let rider = world.rider_at(spot(0.0, 0.0)).await;
    let orders: Vec<_> = join_all((0..6).map(|_| world.cook_one())).await;
    let answers = join_all(orders.iter().map(|order| claim(world.clone(), rider, *order))).await;
    let won: Vec<_> = orders.iter().zip(&answers).filter(|(_, (status, _))| *status == StatusCode::OK).collect();
    let refused = (StatusCode::CONFLICT, Some("/problems/carrying_too_many".to_owned()));
    assert_eq!(won.len(), 3, "{answers:?}");
    assert_eq!(answers.iter().filter(|answer| **answer == refused).count(), 3, "{answers:?}");
    let mut carrying = world.rider(rider).await.carrying;
    carrying.sort();
    assert_eq!(carrying, won.into_iter().map(|(order, _)| *order).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn saying_where_one_is_loses_nothing_that_is_claimed_meanwhile() {
    let world = Arc::new(World::start().await);
    for _ in 0..20 {
        let rider = world.rider_at(spot(0.0, 0.0)).await;
        let order = world.cook_one().await;
        let pings = (1..6).map(|metres| {
            let world = world.clone();
            tokio::spawn(async move { world.on_duty(rider, spot(f64::from(metres), 0.0)).await.0 })
        });
        let pings: Vec<_> = pings.collect();
        let (status, _) = claim(world.clone(), rider, order).await;
        assert_eq!(status, StatusCode::OK);
        for ping in pings {
            assert_eq!(ping.await.expect("an answer"), StatusCode::OK);
        }
        assert_eq!(world.rider(rider).await.carrying, [order]);
    }
}
