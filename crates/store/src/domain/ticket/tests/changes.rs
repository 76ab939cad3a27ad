//! Changing a ticket before cooking starts.

use super::*;

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
    for late in
        [vec![opened(), accepted(), started()], vec![opened(), held()], vec![opened(), canceled(two_chickens())]]
    {
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
        taken: Err(stock::Short { item_id: CHICKEN }),
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
    ticket([opened(), held()])
        .when(accept(OWNER))
        .then([accepted()])
        .when(start())
        .then_refused(Refusal::ChangePending);
    ticket([opened(), held()]).when(cancel(1)).then([canceled(three())]).when(end_lock(1)).then_nothing();
    ticket([opened(), held()]).when(withdraw()).then([canceled(three())]).when(seal(1)).then_nothing();
    let timeout =
        Event::Rejected { store_id: STORE, reason: RejectReason::StoreTimeout, text: String::new(), returned: three() };
    ticket([opened(), held()]).at(ANSWER_AT).when(end_answer_time()).then([timeout]).when(put_back(1)).then_nothing();
}

#[test]
fn a_later_change_waits_until_the_earlier_one_is_put_back() {
    let ticket_now: Ticket = baedal_kit::aggregate::replay(&[opened(), held()], NOON);
    assert_eq!(ticket_now.overtaken_by(change_id(1)), None);
    assert_eq!(ticket_now.overtaken_by(change_id(2)), Some(change_id(1)));
    ticket([opened(), held()]).when(hold_for(2, &[(CHICKEN, 4)], &[])).then_refused(Refusal::ChangePending);
}
