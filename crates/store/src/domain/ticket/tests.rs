//! Scenarios of a ticket: every rule, and both outcomes of every race.

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
    Command::ChangeTicket {
        change: change(number, items),
        taken: Ok(portions(taken)),
        hold_until: Some(LOCK_UNTIL),
    }
}

fn seal(number: u128) -> Command {
    Command::SealChange { change_id: change_id(number) }
}

fn put_back(number: u128) -> Command {
    Command::PutChangeBack { change_id: change_id(number) }
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
    for (end, status) in [
        (rejected(RejectReason::Closed), TicketStatus::Rejected),
        (canceled(two_chickens()), TicketStatus::Canceled),
    ] {
        for command in [accept(OWNER), reject(OWNER), start(), finish()] {
            ticket([opened(), end.clone()]).when(command).then_refused(Refusal::Closed(status));
        }
    }
}

#[test]
fn a_rejection_gives_back_what_was_taken() {
    ticket([opened()])
        .when(reject(OWNER))
        .then([rejected(RejectReason::TooBusy)])
        .when(reject(OWNER))
        .then_nothing()
        .when(withdraw())
        .then_nothing();
    let everything = Event::Rejected {
        store_id: STORE,
        reason: RejectReason::TooBusy,
        text: String::new(),
        returned: portions(&[(CHICKEN, 3)]),
    };
    ticket([opened(), held()]).when(reject(OWNER)).then([everything]).when(seal(1)).then_nothing();
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
fn a_short_stock_turns_the_order_away_and_says_of_what() {
    let slip = Box::new(slip(order(1), &[(COLA, 1), (CHICKEN, 2)]));
    let short = stock::Refusal::Short { item_id: CHICKEN };
    ticket([])
        .when(Command::TurnAway { slip: slip.clone(), short })
        .then([Event::TurnedAway { slip: slip.clone(), text: "후라이드 치킨 재고가 부족해요".to_owned() }])
        .when(Command::TurnAway { slip: slip.clone(), short })
        .then_nothing()
        .when(Command::OpenTicket { slip, taken: Portions::default(), answer_by: ANSWER_AT })
        .then_nothing()
        .when(withdraw())
        .then_nothing();
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
fn nobody_answers_and_the_ticket_is_rejected() {
    ticket([opened()])
        .when(Command::EndAnswerTime)
        .then([rejected(RejectReason::StoreTimeout)])
        .when(accept(OWNER))
        .then_refused(Refusal::Closed(TicketStatus::Rejected));
}

#[test]
fn an_answer_just_before_the_time_is_over_counts() {
    ticket([opened()]).when(accept(OWNER)).then([accepted()]).when(Command::EndAnswerTime).then_nothing();
}

#[test]
fn a_customer_cancels_until_cooking_starts() {
    for before in [vec![opened()], vec![opened(), accepted()]] {
        ticket(before)
            .when(cancel(1))
            .then([canceled(two_chickens())])
            .when(cancel(1))
            .then_nothing()
            .when(withdraw())
            .then_nothing();
    }
    ticket([opened(), accepted(), started()])
        .when(cancel(1))
        .then([Event::CancelRefused { request: Uuid::from_u128(1) }])
        .when(cancel(1))
        .then_nothing()
        .when(cancel(2))
        .then([Event::CancelRefused { request: Uuid::from_u128(2) }])
        .when(finish())
        .then([finished()])
        .when(cancel(2))
        .then_nothing();
}

#[test]
fn start_and_cancel_race_and_one_wins() {
    ticket([opened(), accepted()])
        .when(cancel(1))
        .then([canceled(two_chickens())])
        .when(start())
        .then_refused(Refusal::Closed(TicketStatus::Canceled));
    ticket([opened(), accepted()])
        .when(start())
        .then([started()])
        .when(cancel(1))
        .then([Event::CancelRefused { request: Uuid::from_u128(1) }]);
}

#[test]
fn an_operator_cancels_at_any_time_but_food_cooked_is_cooked() {
    ticket([opened(), accepted()]).when(withdraw()).then([canceled(two_chickens())]);
    for cooking in [vec![opened(), accepted(), started()], vec![opened(), accepted(), started(), finished()]] {
        ticket(cooking)
            .when(withdraw())
            .then([canceled(Portions::default())])
            .when(withdraw())
            .then_nothing()
            .when(finish())
            .then_refused(Refusal::Closed(TicketStatus::Canceled));
    }
}

#[test]
fn an_order_that_ended_unheard_of_never_becomes_a_ticket() {
    ticket([])
        .when(withdraw())
        .then([Event::Foregone])
        .when(Command::OpenTicket {
            slip: Box::new(slip(order(1), &[])),
            taken: Portions::default(),
            answer_by: ANSWER_AT,
        })
        .then_nothing();
    // One that was never paid is none of the kitchen's business.
    ticket([]).when(Command::WithdrawTicket { paid: false }).then_nothing();
}

#[test]
fn a_change_that_costs_no_more_is_made_at_once() {
    let changed = Event::Changed {
        store_id: STORE,
        change: change(1, &[(CHICKEN, 1), (COLA, 1)]),
        taken: portions(&[(CHICKEN, 1), (COLA, 1)]),
        returned: portions(&[(CHICKEN, 1)]),
    };
    let wish = || change_to(&[(CHICKEN, 1), (COLA, 1)], &[(COLA, 1)]);
    ticket([opened()])
        .when(wish())
        .then([changed])
        .when(wish())
        .then_nothing()
        .when(cancel(1))
        .then([canceled(portions(&[(CHICKEN, 1), (COLA, 1)]))]);
}

#[test]
fn only_what_came_from_the_stock_goes_back_to_it() {
    // The chicken was not counted when it was ordered.
    let uncounted = Event::Opened {
        slip: Box::new(slip(order(1), &[(CHICKEN, 2)])),
        taken: Portions::default(),
        answer_by: ANSWER_AT,
    };
    let changed = Event::Changed {
        store_id: STORE,
        change: change(1, &[(COLA, 1)]),
        taken: portions(&[(COLA, 1)]),
        returned: Portions::default(),
    };
    ticket([uncounted]).when(change_to(&[(COLA, 1)], &[(COLA, 1)])).then([changed]);
}

#[test]
fn a_change_needs_only_what_the_ticket_does_not_have() {
    let ticket: Ticket = baedal_kit::aggregate::replay(&[opened()], NOON);
    assert_eq!(ticket.needs(&change(1, &[(CHICKEN, 3), (COLA, 1)])), portions(&[(CHICKEN, 1), (COLA, 1)]));
    assert!(ticket.needs(&change(1, &[(CHICKEN, 1)])).is_empty());
    for late in [vec![opened(), accepted(), started()], vec![opened(), held()], vec![opened(), canceled(two_chickens())]] {
        let ticket: Ticket = baedal_kit::aggregate::replay(&late, NOON);
        assert!(ticket.needs(&change(1, &[(CHICKEN, 9)])).is_empty(), "{late:?}");
    }
}

#[test]
fn a_change_is_refused_once_cooking_or_closed_or_out_of_stock() {
    for (history, reason) in [
        (vec![opened(), accepted(), started()], ChangeRefusal::CookingStarted),
        (vec![opened(), accepted(), started(), finished()], ChangeRefusal::CookingStarted),
        (vec![opened(), rejected(RejectReason::TooBusy)], ChangeRefusal::TicketClosed),
        (vec![opened(), canceled(two_chickens())], ChangeRefusal::TicketClosed),
    ] {
        ticket(history)
            .when(change_to(&[(CHICKEN, 1)], &[]))
            .then([change_refused(reason, &[])])
            .when(change_to(&[(CHICKEN, 1)], &[]))
            .then_nothing();
    }
    let short = Command::ChangeTicket {
        change: change(1, &[(CHICKEN, 9)]),
        taken: Err(stock::Refusal::Short { item_id: CHICKEN }),
        hold_until: Some(LOCK_UNTIL),
    };
    ticket([opened()]).when(short).then([change_refused(ChangeRefusal::OutOfStock, &[])]);
}

#[test]
fn a_change_that_costs_more_holds_the_kitchen_until_it_is_sealed() {
    let changed = Event::Changed {
        store_id: STORE,
        change: change(1, &[(CHICKEN, 3)]),
        taken: portions(&[(CHICKEN, 3)]),
        returned: Portions::default(),
    };
    ticket([opened(), accepted()])
        .when(hold_for(1, &[(CHICKEN, 3)], &[(CHICKEN, 1)]))
        .then([held()])
        .when(hold_for(1, &[(CHICKEN, 3)], &[]))
        .then_nothing()
        .when(seal(2))
        .then_nothing()
        .when(seal(1))
        .then([changed])
        .when(seal(1))
        .then_nothing()
        .when(end_lock(1))
        .then_nothing()
        .when(start())
        .then([started()]);
    ticket([opened(), accepted(), held()]).when(start()).then_refused(Refusal::ChangePending);
}

#[test]
fn a_dearer_change_may_still_leave_something_behind() {
    // Two chickens become three colas that cost more: the chickens go back when it is sealed, not before.
    let change = change(1, &[(COLA, 3)]);
    let colas = portions(&[(COLA, 3)]);
    ticket([opened()])
        .when(hold_for(1, &[(COLA, 3)], &[(COLA, 3)]))
        .then([Event::ChangeHeld { change: change.clone(), more: colas.clone(), until: LOCK_UNTIL }])
        .when(seal(1))
        .then([Event::Changed { store_id: STORE, change, taken: colas, returned: two_chickens() }]);
}

#[test]
fn an_extra_that_is_declined_puts_the_ticket_back() {
    let back = Event::ChangePutBack { change_id: change_id(1), returned: portions(&[(CHICKEN, 1)]) };
    ticket([opened(), accepted(), held()])
        .when(put_back(1))
        .then([back])
        .when(put_back(1))
        .then_nothing()
        .when(hold_for(1, &[(CHICKEN, 3)], &[]))
        .then_nothing()
        .when(cancel(1))
        .then([canceled(two_chickens())]);
}

#[test]
fn a_hold_that_lasts_too_long_ends_and_the_kitchens_word_is_final() {
    ticket([opened(), accepted(), held()])
        .when(end_lock(2))
        .then_nothing()
        .when(end_lock(1))
        .then([change_refused(ChangeRefusal::PaymentTimeout, &[(CHICKEN, 1)])])
        // Order had said that it is changed when it had not yet heard this.
        .when(seal(1))
        .then_nothing()
        // It then says that it is not.
        .when(put_back(1))
        .then_nothing()
        .when(start())
        .then([started()]);
}

#[test]
fn a_held_ticket_can_be_accepted_canceled_and_withdrawn() {
    let three = || portions(&[(CHICKEN, 3)]);
    ticket([opened(), held()]).when(accept(OWNER)).then([accepted()]).when(start()).then_refused(Refusal::ChangePending);
    ticket([opened(), held()]).when(cancel(1)).then([canceled(three())]).when(end_lock(1)).then_nothing();
    ticket([opened(), held()]).when(withdraw()).then([canceled(three())]).when(seal(1)).then_nothing();
    let timeout = Event::Rejected {
        store_id: STORE,
        reason: RejectReason::StoreTimeout,
        text: String::new(),
        returned: three(),
    };
    ticket([opened(), held()]).when(Command::EndAnswerTime).then([timeout]).when(put_back(1)).then_nothing();
}

#[test]
fn a_later_change_waits_until_the_earlier_one_is_put_back() {
    let ticket_now: Ticket = baedal_kit::aggregate::replay(&[opened(), held()], NOON);
    assert_eq!(ticket_now.overtaken_by(change_id(1)), None);
    assert_eq!(ticket_now.overtaken_by(change_id(2)), Some(change_id(1)));
    ticket([opened(), held()]).when(hold_for(2, &[(CHICKEN, 4)], &[])).then_refused(Refusal::ChangePending);
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
    ticket([opened(), accepted(), started(), finished()])
        .when(thank())
        .then([thanked])
        .when(thank())
        .then_nothing();
}

#[test]
fn what_events_and_deadlines_ask_is_answered_in_every_state() {
    for (state, history) in every_state() {
        for command in [withdraw(), seal(1), put_back(1), end_lock(1), Command::EndAnswerTime] {
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
