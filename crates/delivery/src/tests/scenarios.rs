//! What may happen to a delivery, in sentences.

use baedal_contracts::{AccountId, OrderId};
use baedal_kit::Aggregate;
use baedal_kit::database::JobChange;
use baedal_kit::scenario::{self, Given, NOON};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::world::{parcel, spot};
use crate::Settings;
use crate::domain::{Command, Delivery, Event, Refusal, Rider};

const KIM: AccountId = AccountId(Uuid::from_u128(1));
const LEE: AccountId = AccountId(Uuid::from_u128(2));
const ORDER: OrderId = OrderId(Uuid::from_u128(9));

fn given(events: impl IntoIterator<Item = Event>) -> Given<Delivery> {
    scenario::given(events)
}

fn after(minutes: i64) -> Timestamp {
    NOON + SignedDuration::from_mins(minutes)
}

fn requested() -> Event {
    Event::Requested {
        parcel: parcel(ORDER, spot(0.0, 0.0), spot(1_000.0, 0.0)),
        riders: vec![KIM],
        radius_m: 3_000,
        widen_at: Some(after(5)),
        escalate_at: after(15),
    }
}

fn claimed() -> Event {
    Event::Claimed { rider_id: KIM, eta_from: after(10), eta_to: after(20) }
}

fn released() -> Event {
    Event::Released { rider_id: KIM, riders: vec![LEE], widen_at: Some(after(5)), escalate_at: after(15) }
}

fn picked_up() -> Event {
    Event::PickedUp { rider_id: KIM }
}

fn delivered() -> Event {
    Event::Delivered { rider_id: KIM }
}

fn canceled(rider_id: Option<AccountId>) -> Event {
    Event::Canceled { rider_id }
}

fn request() -> Command {
    Command::Request {
        parcel: parcel(ORDER, spot(0.0, 0.0), spot(1_000.0, 0.0)),
        riders: vec![KIM],
        reach: Settings::default().reach(),
    }
}

fn claim_as(rider_id: AccountId, rider: Rider) -> Command {
    let settings = Settings::default();
    Command::Claim { rider_id, rider, capacity: settings.capacity, pace: settings.pace() }
}

fn rider() -> Rider {
    Rider { on_duty: true, location: Some(spot(0.0, 0.0)), updated_at: Some(NOON), ..Rider::default() }
}

fn claim(rider_id: AccountId) -> Command {
    claim_as(rider_id, rider())
}

fn release(rider_id: AccountId) -> Command {
    Command::Release { rider_id, riders: vec![LEE], reach: Settings::default().reach() }
}

fn pick_up(rider_id: AccountId) -> Command {
    Command::PickUp { rider_id }
}

fn deliver(rider_id: AccountId) -> Command {
    Command::Deliver { rider_id }
}

fn widen() -> Command {
    Command::Widen { reach: Settings::default().reach() }
}

#[test]
fn food_that_is_ready_waits_for_a_rider_once() {
    given([]).when(request()).then([requested()]).when(request()).then_nothing();
}

#[test]
fn the_rider_who_claims_it_fetches_it_and_brings_it() {
    let way = Settings::default().pace().arrival(NOON, spot(0.0, 0.0), spot(0.0, 0.0), spot(1_000.0, 0.0));
    given([requested()])
        .when(claim(KIM))
        .then([Event::Claimed { rider_id: KIM, eta_from: way.0, eta_to: way.1 }])
        .when(pick_up(KIM))
        .then([picked_up()])
        .when(deliver(KIM))
        .then([delivered()]);
}

#[test]
fn saying_it_again_changes_nothing() {
    given([requested(), claimed()]).when(claim(KIM)).then_nothing();
    given([requested(), claimed(), picked_up()]).when(claim(KIM)).then_nothing().when(pick_up(KIM)).then_nothing();
    given([requested(), claimed(), picked_up(), delivered()])
        .when(deliver(KIM))
        .then_nothing()
        .when(pick_up(KIM))
        .then_nothing();
    given([requested(), claimed(), released()]).when(release(KIM)).then_nothing();
    given([requested(), claimed(), canceled(Some(KIM))]).when(Command::Withdraw).then_nothing();
}

#[test]
fn one_rider_wins_a_claim() {
    given([requested(), claimed()]).when(claim(LEE)).then_refused(Refusal::AlreadyClaimed);
    given([requested(), claimed(), picked_up()]).when(claim(LEE)).then_refused(Refusal::AlreadyClaimed);
}

#[test]
fn claiming_needs_duty_nearness_and_a_free_hand() {
    let off_duty = Rider { on_duty: false, ..rider() };
    let far = Rider { location: Some(spot(-3_100.0, 0.0)), ..rider() };
    let by_the_customer = Rider { location: Some(spot(3_900.0, 0.0)), ..rider() };
    let laden = Rider { carrying: vec![OrderId(Uuid::nil()); 3], ..rider() };
    given([requested()]).when(claim_as(KIM, off_duty)).then_refused(Refusal::NotOnDuty);
    given([requested()]).when(claim_as(KIM, Rider::default())).then_refused(Refusal::NotOnDuty);
    given([requested()]).when(claim_as(KIM, far.clone())).then_refused(Refusal::TooFar);
    given([requested()]).when(claim_as(KIM, laden)).then_refused(Refusal::CarryingTooMany);
    let widened = Event::Widened { radius_m: 6_000, widen_at: Some(after(10)) };
    for (rider, so_far) in [(by_the_customer, vec![requested()]), (far, vec![requested(), widened])] {
        let pace = Settings::default().pace();
        let from = rider.location.expect("a place");
        let (eta_from, eta_to) = pace.arrival(NOON, from, spot(0.0, 0.0), spot(1_000.0, 0.0));
        given(so_far).when(claim_as(KIM, rider)).then([Event::Claimed { rider_id: KIM, eta_from, eta_to }]);
    }
}

#[test]
fn a_claim_can_be_given_back_before_the_food_is_fetched() {
    given([requested(), claimed()])
        .when(release(KIM))
        .then([released()])
        .when(pick_up(KIM))
        .then_refused(Refusal::NotClaimed);
    given([requested(), claimed(), picked_up()]).when(release(KIM)).then_refused(Refusal::AlreadyPickedUp);
    given([requested()]).when(release(KIM)).then_refused(Refusal::NotClaimed);
}

#[test]
fn first_fetch_then_bring() {
    given([requested()]).when(pick_up(KIM)).then_refused(Refusal::NotClaimed);
    given([requested()]).when(deliver(KIM)).then_refused(Refusal::NotClaimed);
    given([requested(), claimed()]).when(deliver(KIM)).then_refused(Refusal::NotPickedUp);
}

#[test]
fn what_is_another_riders_is_nobodys_business() {
    for so_far in [vec![claimed()], vec![claimed(), picked_up()], vec![claimed(), picked_up(), delivered()]] {
        for command in [release(LEE), pick_up(LEE), deliver(LEE)] {
            given([requested()].into_iter().chain(so_far.clone())).when(command).then_refused(Refusal::NotYours);
        }
    }
}

#[test]
fn an_order_that_ends_takes_its_delivery_with_it_until_it_is_there() {
    given([requested()])
        .when(Command::Withdraw)
        .then([canceled(None)])
        .when(claim(KIM))
        .then_refused(Refusal::Canceled);
    given([requested(), claimed()]).when(Command::Withdraw).then([canceled(Some(KIM))]);
    given([requested(), claimed(), picked_up()])
        .when(Command::Withdraw)
        .then([canceled(Some(KIM))])
        .when(deliver(KIM))
        .then_refused(Refusal::Canceled);
    given([requested(), claimed(), picked_up(), delivered()]).when(Command::Withdraw).then_nothing();
    given([requested(), claimed(), canceled(Some(KIM))]).when(pick_up(LEE)).then_refused(Refusal::NotYours);
}

#[test]
fn a_withdrawal_before_the_food_is_ready_is_remembered() {
    given([])
        .when(Command::Withdraw)
        .then([Event::Withdrawn])
        .when(Command::Withdraw)
        .then_nothing()
        .when(request())
        .then_nothing()
        .when(claim(KIM))
        .then_refused(Refusal::Unknown);
}

#[test]
fn nobody_knows_of_what_was_never_asked_for() {
    for command in [claim(KIM), release(KIM), pick_up(KIM), deliver(KIM)] {
        given([]).when(command).then_refused(Refusal::Unknown);
    }
    given([]).when(widen()).then_nothing().when(Command::Escalate).then_nothing();
}

#[test]
fn it_is_seen_from_twice_as_far_each_time_nobody_comes() {
    given([requested()])
        .at(after(5))
        .when(widen())
        .then([Event::Widened { radius_m: 6_000, widen_at: Some(after(10)) }])
        .when(widen())
        .then_nothing()
        .at(after(10))
        .when(widen())
        .then([Event::Widened { radius_m: 12_000, widen_at: None }])
        .at(after(15))
        .when(widen())
        .then_nothing()
        .when(Command::Escalate)
        .then([Event::Escalated { waiting_since: NOON }])
        .when(Command::Escalate)
        .then_nothing();
}

#[test]
fn deadlines_that_a_claim_overtook_do_nothing() {
    given([requested(), claimed()]).at(after(20)).when(widen()).then_nothing().when(Command::Escalate).then_nothing();
    given([requested()]).at(after(4)).when(widen()).then_nothing().when(Command::Escalate).then_nothing();
}

#[test]
fn what_waits_again_has_its_time_again_and_is_seen_as_far_as_before() {
    let widened = Event::Widened { radius_m: 6_000, widen_at: Some(after(10)) };
    given([requested(), widened, claimed(), released()])
        .at(after(5))
        .when(widen())
        .then([Event::Widened { radius_m: 12_000, widen_at: None }])
        .at(after(15))
        .when(Command::Escalate)
        .then([Event::Escalated { waiting_since: NOON }]);
}

#[test]
fn deadlines_begin_with_waiting_and_end_with_a_claim() {
    let begun = |event: &Event| -> Vec<(String, Option<Timestamp>)> {
        Delivery::jobs(&ORDER, event)
            .into_iter()
            .map(|change| match change {
                JobChange::Schedule(job) => (job.kind, Some(job.run_at)),
                JobChange::Unschedule { kind, .. } => (kind, None),
                other => panic!("{other:?}"),
            })
            .collect()
    };
    let both = vec![("widen".to_owned(), Some(after(5))), ("escalate".to_owned(), Some(after(15)))];
    assert_eq!(begun(&requested()), both);
    assert_eq!(begun(&released()), both);
    let ended = vec![("widen".to_owned(), None), ("escalate".to_owned(), None)];
    assert_eq!(begun(&claimed()), ended);
    assert_eq!(begun(&canceled(None)), ended);
    assert_eq!(begun(&Event::Widened { radius_m: 12_000, widen_at: None }), []);
}
