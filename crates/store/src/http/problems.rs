//! The refusals that clients may have to tell apart.

baedal_kit::problem_types! {
    MENU_FULL = (409, "menu_full", "The menu is full", "A menu holds 200 items. Take one off before you put another on.");
    TICKET_CLOSED = (409, "ticket_closed", "The ticket is closed", "It was rejected or canceled, so nothing more happens to it. The detail says which.");
    ALREADY_ACCEPTED = (409, "already_accepted", "The ticket was accepted before", "It cannot be rejected any more, nor accepted with other cooking minutes.");
    NOT_ACCEPTED = (409, "not_accepted", "The ticket is not accepted yet", "Accept it with `POST /api/tickets/{order_id}/accept` first.");
    NOT_STARTED = (409, "not_started", "Cooking has not started yet", "Say that it has with `POST /api/tickets/{order_id}/start` first.");
    CHANGE_PENDING = (409, "change_pending", "The customer is changing the order", "The difference is being charged. Cooking can start in half a minute at the most, with the new items or the old ones.");
}
