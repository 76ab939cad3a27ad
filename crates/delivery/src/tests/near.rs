//! Finding by cells finds exactly what looking at everything finds.

use std::sync::Arc;

use baedal_contracts::{AccountId, Location, OrderId};
use baedal_kit::scenario::NOON;
use baedal_kit::time::ManualClock;
use baedal_kit::{Failure, Origin};
use baedal_kit_runtime::JournalBus;
use baedal_kit_runtime::Service;
use jiff::SignedDuration;
use proptest::prelude::*;

use super::world::{new_order, new_rider, parcel, quiet, spot};
use crate::domain::{Delivery, Errand, Rider};
use crate::{Settings, views};

#[derive(Clone, Debug)]
struct Town {
    riders: Vec<(AccountId, Rider)>,
    deliveries: Vec<(OrderId, Errand)>,
}

fn anywhere() -> impl Strategy<Value = Location> {
    (-9_000.0..9_000.0_f64, -9_000.0..9_000.0_f64).prop_map(|(north, east)| spot(north, east))
}

fn rider() -> impl Strategy<Value = (AccountId, Rider)> {
    (any::<bool>(), anywhere(), 0..4_usize, 0..13_i64, any::<bool>()).prop_map(
        |(on_duty, at, carried, heard, is_silent)| {
            let carrying = (0..carried).map(|_| new_order()).collect();
            (
                new_rider(),
                Rider {
                    on_duty,
                    location: Some(at),
                    updated_at: Some(NOON),
                    carrying,
                    heard_at: Some(NOON - SignedDuration::from_mins(heard)),
                    is_silent,
                    ..Rider::default()
                },
            )
        },
    )
}

fn waiting() -> impl Strategy<Value = (OrderId, Errand)> {
    let radius = prop_oneof![Just(3_000_u32), Just(6_000), Just(12_000)];
    (anywhere(), anywhere(), radius).prop_map(|(pickup, drop_off, radius_m)| {
        let order_id = new_order();
        (order_id, Errand::requested(parcel(order_id, pickup, drop_off), radius_m, NOON, None, NOON))
    })
}

fn town() -> impl Strategy<Value = Town> {
    (proptest::collection::vec(rider(), 1..12), proptest::collection::vec(waiting(), 0..12))
        .prop_map(|(riders, deliveries)| Town { riders, deliveries })
}

async fn build(town: &Town) -> Service {
    let service = quiet(&ManualClock::at(NOON), JournalBus::default(), Arc::default());
    for (rider_id, rider) in &town.riders {
        let mut work = service.work(Origin::none());
        views::rider(&mut work, *rider_id).await.expect("a rider");
        views::keep_rider(&mut work, *rider_id, rider).expect("kept");
        work.commit().await.expect("committed");
    }
    for (order_id, errand) in &town.deliveries {
        let delivery = Delivery::Requested(Box::new(errand.clone()));
        let mut work = service.work(Origin::none());
        views::keep_delivery(&mut work, *order_id, &delivery).await.expect("kept");
        work.commit().await.expect("committed");
    }
    service
}

async fn check(town: Town) -> Result<(), Failure> {
    let service = build(&town).await;
    for (_, rider) in &town.riders {
        let from = rider.location.expect("a place");
        let found: Vec<_> =
            views::nearby(&service, new_rider(), from).await?.into_iter().map(|near| near.order_id).collect();
        let mut all: Vec<_> = town.deliveries.iter().filter(|(_, errand)| errand.is_seen_from(from)).collect();
        let distance = |errand: &Errand| from.distance_m(errand.parcel.pickup.location);
        all.sort_by(|(_, one), (_, other)| distance(one).total_cmp(&distance(other)));
        assert_eq!(found, all.into_iter().map(|(order_id, _)| *order_id).collect::<Vec<_>>());
    }
    for (_, Errand { parcel, radius_m, .. }) in &town.deliveries {
        let (pickup, drop_off) = (parcel.pickup.location, parcel.about_where());
        let found = views::riders_near(&service, &Settings::default(), (pickup, drop_off), *radius_m, &[]).await?;
        let mut all: Vec<_> = town
            .riders
            .iter()
            .filter_map(|(rider_id, rider)| {
                let from = rider.location.filter(|_| rider.on_duty && !rider.is_silent && rider.carrying.len() < 3)?;
                let is_there = rider.heard_at? > NOON - SignedDuration::from_mins(10);
                let near = from.distance_m(pickup).min(from.distance_m(drop_off)) <= f64::from(*radius_m);
                (near && is_there).then(|| (from.distance_m(pickup), *rider_id))
            })
            .collect();
        all.sort_by(|(one, _), (other, _)| one.total_cmp(other));
        assert_eq!(found, all.into_iter().take(5).map(|(_, rider_id)| rider_id).collect::<Vec<_>>());
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_cells_find_what_looking_at_everything_finds(town in town()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(check(town)).expect("no failure");
    }
}
