//! Scenarios of a ticket: every rule, and both outcomes of every race.

mod changes;
mod endings;

use baedal_contracts::order::ChangeRefusal;
use baedal_contracts::store::{RejectReason, TicketStatus};
use baedal_contracts::{AccountId, ItemId};
use baedal_kit::Aggregate;
use baedal_kit::database::JobChange;
use baedal_kit::scenario::{Given, NOON, given};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{ANSWER_BY, CHANGE_LOCK, Command, Event, Refusal, Ticket};
use crate::domain::{Portions, stock};
use crate::testing::{
    CHICKEN, COLA, CUSTOMER, OWNER, STORE, STRANGER, change, change_id, minutes, order, portions, slip,
};

const ANSWER_AT: Timestamp = Timestamp::constant(1_795_230_300, 0);
const LOCK_UNTIL: Timestamp = Timestamp::constant(1_795_230_030, 0);

/// Two chickens were ordered and taken from the stock.
fn opened() -> Event {
    let slip = Box::new(slip(order(1), &[(CHICKEN, 2)]));
    Event::Opened { slip, taken: two_chickens(), answer_by: ANSWER_AT }
}

fn two_chickens() -> Portions {
    portions(&[(CHICKEN, 2)])
}

fn accepted() -> Event {
    Event::Accepted { store_id: STORE, cook_minutes: minutes(20) }
}

fn started() -> Event {
    Event::CookStarted { store_id: STORE }
}

fn finished() -> Event {
    Event::CookFinished { slip: Box::new(slip(order(1), &[(CHICKEN, 2)])) }
}

fn rejected(reason: RejectReason) -> Event {
    Event::Rejected { store_id: STORE, reason, text: String::new(), returned: two_chickens() }
}

fn canceled(returned: Portions) -> Event {
    Event::Canceled { store_id: STORE, returned }
}

/// One chicken more is asked for and reserved.
fn held() -> Event {
    Event::ChangeHeld { change: change(1, &[(CHICKEN, 3)]), more: portions(&[(CHICKEN, 1)]), until: LOCK_UNTIL }
}

fn change_refused(reason: ChangeRefusal, returned: &[(ItemId, u32)]) -> Event {
    Event::ChangeRefused { change_id: change_id(1), reason, returned: portions(returned) }
}

fn accept(by: AccountId) -> Command {
    Command::Accept { by, cook_minutes: minutes(20) }
}

fn reject(by: AccountId) -> Command {
    Command::Reject { by, reason: RejectReason::TooBusy, text: String::new() }
}

fn start() -> Command {
    Command::StartCooking { by: OWNER }
}

fn finish() -> Command {
    Command::FinishCooking { by: OWNER }
}

fn cancel(request: u128) -> Command {
    Command::CancelTicket { request: Uuid::from_u128(request) }
}

fn withdraw() -> Command {
    Command::WithdrawTicket { paid: true }
}

/// A change that costs no more, and took `taken` from the stock.
fn change_to(items: &[(ItemId, u32)], taken: &[(ItemId, u32)]) -> Command {
    Command::ChangeTicket { change: change(1, items), taken: Ok(portions(taken)), hold_until: None }
}

fn hold_for(number: u128, items: &[(ItemId, u32)], taken: &[(ItemId, u32)]) -> Command {
    Command::ChangeTicket { change: change(number, items), taken: Ok(portions(taken)), hold_until: Some(LOCK_UNTIL) }
}

fn seal(number: u128) -> Command {
    Command::SealChange { change_id: change_id(number) }
}

fn put_back(number: u128) -> Command {
    Command::PutChangeBack { change_id: change_id(number) }
}

/// There was always somebody who could answer.
fn end_answer_time() -> Command {
    Command::EndAnswerTime { not_before: NOON }
}

fn end_lock(number: u128) -> Command {
    Command::EndChangeLock { change_id: change_id(number) }
}

fn ticket(events: impl IntoIterator<Item = Event>) -> Given<Ticket> {
    given(events)
}

/// Histories that end in each state, by what it is called.
fn every_state() -> Vec<(&'static str, Vec<Event>)> {
    vec![
        ("unopened", vec![]),
        ("foregone", vec![Event::Foregone]),
        ("turned away", vec![Event::TurnedAway { slip: Box::new(slip(order(1), &[])), text: String::new() }]),
        ("open", vec![opened()]),
        ("open, held", vec![opened(), held()]),
        ("accepted", vec![opened(), accepted()]),
        ("accepted, held", vec![opened(), accepted(), held()]),
        ("cooking", vec![opened(), accepted(), started()]),
        ("cooked", vec![opened(), accepted(), started(), finished()]),
        ("rejected", vec![opened(), rejected(RejectReason::TooBusy)]),
        ("canceled", vec![opened(), canceled(two_chickens())]),
        ("canceled while cooking", vec![opened(), accepted(), started(), canceled(Portions::default())]),
    ]
}

#[test]
fn a_kitchen_accepts_cooks_and_finishes_and_repeating_answers_the_same() {
    ticket([opened()])
        .when(accept(OWNER))
        .then([accepted()])
        .when(accept(OWNER))
        .then_nothing()
        .when(start())
        .then([started()])
        .when(start())
        .then_nothing()
        .when(finish())
        .then([finished()])
        .when(finish())
        .then_nothing()
        .when(start())
        .then_nothing()
        .when(accept(OWNER))
        .then_nothing();
}

#[test]
fn the_kitchens_order_of_doing_things_is_kept() {
    ticket([opened()]).when(start()).then_refused(Refusal::NotAccepted);
    ticket([opened()]).when(finish()).then_refused(Refusal::NotAccepted);
    ticket([opened(), accepted()]).when(finish()).then_refused(Refusal::NotStarted);
    ticket([opened(), accepted()]).when(reject(OWNER)).then_refused(Refusal::AlreadyAccepted);
    let other_minutes = Command::Accept { by: OWNER, cook_minutes: minutes(25) };
    ticket([opened(), accepted()]).when(other_minutes).then_refused(Refusal::AlreadyAccepted);
}

#[test]
fn a_closed_ticket_takes_no_commands_of_the_kitchen() {
    for (end, status) in
        [(rejected(RejectReason::Closed), TicketStatus::Rejected), (canceled(two_chickens()), TicketStatus::Canceled)]
    {
        for command in [accept(OWNER), reject(OWNER), start(), finish()] {
            ticket([opened(), end.clone()]).when(command).then_refused(Refusal::Closed(status));
        }
    }
}

#[test]
fn another_owner_finds_no_ticket() {
    for (state, history) in every_state() {
        for command in [
            accept(STRANGER),
            reject(STRANGER),
            Command::StartCooking { by: STRANGER },
            Command::FinishCooking { by: STRANGER },
        ] {
            println!("{state}");
            ticket(history.clone()).when(command).then_refused(Refusal::NoSuchTicket);
        }
    }
}

#[test]
fn a_ticket_opens_once() {
    let open = || {
        let slip = Box::new(slip(order(1), &[(CHICKEN, 2)]));
        Command::OpenTicket { slip, taken: two_chickens(), answer_by: ANSWER_AT }
    };
    ticket([]).when(open()).then([opened()]).when(open()).then_nothing();
}

#[test]
fn a_completed_order_is_thanked_for_once() {
    let thank = || Command::Thank { store_name: "봉구네".to_owned(), message: "고맙습니다!".to_owned() };
    let thanked = Event::Thanked {
        store_id: STORE,
        store_name: "봉구네".to_owned(),
        customer_id: CUSTOMER,
        message: "고맙습니다!".to_owned(),
    };
    ticket([opened(), accepted(), started(), finished()]).when(thank()).then([thanked]).when(thank()).then_nothing();
}

#[test]
fn what_events_and_deadlines_ask_is_answered_in_every_state() {
    for (state, history) in every_state() {
        for command in [withdraw(), seal(1), put_back(1), end_lock(1), end_answer_time()] {
            let now: Ticket = baedal_kit::aggregate::replay(&history, NOON);
            assert!(now.decide(command.clone(), NOON).is_ok(), "{command:?} of a ticket that is {state}");
        }
        // Only before the ticket is there do these wait for it; a later change waits for the earlier one.
        if state != "unopened" {
            for command in [cancel(1), hold_for(1, &[(CHICKEN, 3)], &[]), change_to(&[(CHICKEN, 1)], &[])] {
                let now: Ticket = baedal_kit::aggregate::replay(&history, NOON);
                assert!(now.decide(command.clone(), NOON).is_ok(), "{command:?} of a ticket that is {state}");
            }
        }
    }
}

#[test]
fn deadlines_begin_and_end_with_events() {
    let jobs = |event: &Event| -> Vec<String> {
        let named = |change: JobChange| match change {
            JobChange::Schedule(job) => format!("+{} {}", job.kind, job.run_at.duration_since(NOON).as_secs()),
            JobChange::Unschedule { kind, .. } => format!("-{kind}"),
            other => format!("{other:?}"),
        };
        Ticket::jobs(&order(1), event).into_iter().map(named).collect()
    };
    assert_eq!(ANSWER_AT.duration_since(NOON), SignedDuration::from_mins(5));
    assert_eq!(jobs(&opened()), [format!("+{ANSWER_BY} 300")]);
    assert_eq!(jobs(&accepted()), [format!("-{ANSWER_BY}")]);
    assert_eq!(jobs(&held()), [format!("+{CHANGE_LOCK} 30")]);
    assert_eq!(jobs(&change_refused(ChangeRefusal::OutOfStock, &[])), [format!("-{CHANGE_LOCK}")]);
    let both = [format!("-{ANSWER_BY}"), format!("-{CHANGE_LOCK}")];
    assert_eq!(jobs(&canceled(two_chickens())), both);
    assert_eq!(jobs(&rejected(RejectReason::Closed)), both);
    assert!(jobs(&started()).is_empty());
}
