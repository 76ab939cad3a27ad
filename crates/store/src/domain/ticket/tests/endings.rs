//! Rejecting, canceling and withdrawing a ticket.

use super::*;

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
fn a_short_stock_turns_the_order_away_and_says_of_what() {
    let slip = Box::new(slip(order(1), &[(COLA, 1), (CHICKEN, 2)]));
    let short = stock::Short { item_id: CHICKEN };
    ticket([])
        .when(Command::TurnAway { slip: slip.clone(), short })
        .then([Event::TurnedAway { slip: slip.clone(), text: "후라이드 치킨".to_owned() }])
        .when(Command::TurnAway { slip: slip.clone(), short })
        .then_nothing()
        .when(Command::OpenTicket { slip, taken: Portions::default(), answer_by: ANSWER_AT })
        .then_nothing()
        .when(withdraw())
        .then_nothing();
}

#[test]
fn nobody_answers_and_the_ticket_is_rejected() {
    ticket([opened()])
        .at(ANSWER_AT)
        .when(end_answer_time())
        .then([rejected(RejectReason::StoreTimeout)])
        .when(accept(OWNER))
        .then_refused(Refusal::Closed(TicketStatus::Rejected));
}

#[test]
fn as_long_as_nobody_could_answer_a_ticket_is_not_rejected() {
    let back_at = ANSWER_AT + SignedDuration::from_mins(3);
    let not_before = back_at + SignedDuration::from_mins(2);
    let end = || Command::EndAnswerTime { not_before };
    let extended = Event::AnswerExtended { store_id: STORE, answer_by: not_before };
    ticket([opened()])
        .at(back_at)
        .when(end())
        .then([extended.clone()])
        .when(end())
        .then_nothing()
        .when(accept(OWNER))
        .then([accepted()])
        .at(not_before)
        .when(end())
        .then_nothing();
    ticket([opened(), extended]).at(not_before).when(end()).then([rejected(RejectReason::StoreTimeout)]);
    ticket([opened()]).at(ANSWER_AT - SignedDuration::from_secs(1)).when(end_answer_time()).then_nothing();
}

#[test]
fn an_answer_just_before_the_time_is_over_counts() {
    ticket([opened()]).when(accept(OWNER)).then([accepted()]).at(ANSWER_AT).when(end_answer_time()).then_nothing();
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
