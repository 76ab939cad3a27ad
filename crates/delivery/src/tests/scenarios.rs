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
    Event::Claimed { rider_id: KIM, eta_from: after(10), eta_to: after(20), pick_up_by: after(20) }
}

/// Given back at once: everything goes on as if it had not been claimed.
fn released() -> Event {
    Event::Released {
        rider_id: KIM,
        riders: vec![LEE],
        radius_m: 3_000,
        widen_at: Some(after(5)),
        escalate_at: Some(after(15)),
        taken_back: None,
    }
}

/// Given back, or taken back, so late that it is seen from as far as can be.
fn released_late(escalate_at: Option<Timestamp>, taken_back: Option<&str>) -> Event {
    Event::Released {
        rider_id: KIM,
        riders: vec![LEE],
        radius_m: 12_000,
        widen_at: None,
        escalate_at,
        taken_back: taken_back.map(str::to_owned),
    }
}

fn overdue() -> Event {
    Event::PickupOverdue { rider_id: KIM, claimed_at: NOON }
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
    let (capacity, patience, pace) = (settings.capacity, settings.patience(), settings.pace());
    Command::Claim { rider_id, rider, capacity, patience, pace, pick_up_within: settings.pick_up_within }
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

fn take_back(rider_id: AccountId) -> Command {
    let reason = "연락이 안 돼요".to_owned();
    Command::TakeBack { rider_id, reason, riders: vec![LEE], reach: Settings::default().reach() }
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
        .then([Event::Claimed { rider_id: KIM, eta_from: way.0, eta_to: way.1, pick_up_by: after(20) }])
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
    let by_the_customer = Rider { location: Some(spot(3_700.0, 0.0)), ..rider() };
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
        let pick_up_by = after(20);
        given(so_far).when(claim_as(KIM, rider)).then([Event::Claimed { rider_id: KIM, eta_from, eta_to, pick_up_by }]);
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
    for command in [claim(KIM), release(KIM), take_back(KIM), pick_up(KIM), deliver(KIM)] {
        given([]).when(command).then_refused(Refusal::Unknown);
    }
    given([])
        .when(widen())
        .then_nothing()
        .when(Command::Escalate)
        .then_nothing()
        .when(Command::MissPickup)
        .then_nothing();
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
fn what_waits_again_goes_on_as_if_nobody_had_claimed_it() {
    given([requested(), claimed()])
        .at(after(4))
        .when(release(KIM))
        .then([released()])
        .at(after(5))
        .when(widen())
        .then([Event::Widened { radius_m: 6_000, widen_at: Some(after(10)) }]);
    given([requested(), claimed()])
        .at(after(14))
        .when(release(KIM))
        .then([released_late(Some(after(15)), None)])
        .at(after(15))
        .when(Command::Escalate)
        .then([Event::Escalated { waiting_since: NOON }]);
}

#[test]
fn given_back_after_its_time_the_operator_is_told_at_once_and_only_once() {
    given([requested(), claimed()])
        .at(after(16))
        .when(release(KIM))
        .then([released_late(Some(after(15)), None)])
        .when(Command::Escalate)
        .then([Event::Escalated { waiting_since: NOON }]);
    let widest = Event::Widened { radius_m: 12_000, widen_at: None };
    given([requested(), widest, Event::Escalated { waiting_since: NOON }, claimed()])
        .at(after(30))
        .when(release(KIM))
        .then([released_late(None, None)])
        .when(Command::Escalate)
        .then_nothing();
}

#[test]
fn claimed_and_not_fetched_in_time_is_told_once() {
    given([requested(), claimed()])
        .at(after(19))
        .when(Command::MissPickup)
        .then_nothing()
        .at(after(20))
        .when(Command::MissPickup)
        .then([overdue()])
        .when(Command::MissPickup)
        .then_nothing()
        .when(pick_up(KIM))
        .then([picked_up()]);
    for over in [picked_up(), released(), canceled(Some(KIM))] {
        given([requested(), claimed(), over]).at(after(20)).when(Command::MissPickup).then_nothing();
    }
}

#[test]
fn an_operator_takes_a_claim_back_from_the_rider_he_names_and_from_nobody_else() {
    let taken = released_late(Some(after(15)), Some("연락이 안 돼요"));
    given([requested(), claimed(), overdue()])
        .at(after(21))
        .when(take_back(KIM))
        .then([taken.clone()])
        .when(take_back(KIM))
        .then_nothing()
        .when(release(KIM))
        .then_nothing()
        .when(pick_up(KIM))
        .then_refused(Refusal::NotClaimed);
    let by_lee = Event::Claimed { rider_id: LEE, eta_from: after(30), eta_to: after(40), pick_up_by: after(41) };
    given([requested(), claimed(), taken, by_lee]).at(after(22)).when(take_back(KIM)).then_nothing();
    given([requested()]).when(take_back(KIM)).then_refused(Refusal::ClaimGone);
    given([requested(), claimed()]).when(take_back(LEE)).then_refused(Refusal::ClaimGone);
    for end in [picked_up(), canceled(Some(KIM))] {
        let refusal = if end == picked_up() { Refusal::AlreadyPickedUp } else { Refusal::Canceled };
        given([requested(), claimed(), end]).when(take_back(KIM)).then_refused(refusal);
    }
}

#[test]
fn deadlines_of_waiting_end_with_a_claim_and_that_of_fetching_with_the_food() {
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
    let job = |kind: &str, minutes: Option<i64>| (kind.to_owned(), minutes.map(after));
    let waiting = [job("widen", Some(5)), job("escalate", Some(15))];
    assert_eq!(begun(&requested()), waiting);
    assert_eq!(begun(&released()), [&[job("pick_up_by", None)], waiting.as_slice()].concat());
    assert_eq!(begun(&released_late(None, None)), [job("pick_up_by", None)]);
    assert_eq!(begun(&claimed()), [job("widen", None), job("escalate", None), job("pick_up_by", Some(20))]);
    assert_eq!(begun(&picked_up()), [job("pick_up_by", None)]);
    assert_eq!(begun(&canceled(None)), [job("widen", None), job("escalate", None), job("pick_up_by", None)]);
    assert_eq!(begun(&overdue()), []);
    assert_eq!(begun(&Event::Widened { radius_m: 12_000, widen_at: None }), []);
}
