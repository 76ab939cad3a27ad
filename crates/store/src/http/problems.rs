//! The refusals that clients may have to tell apart.

baedal_kit_http::problem_types! {
    MENU_FULL = (409, "menu_full", "The menu is full", "A menu holds 200 items. Take one off before you put another on.");
    STOCK_NOT_COUNTED = (409, "stock_not_counted", "The item is not counted", "There is always enough of it, so nothing can be added. Say how many there are with `stock` in `PUT /api/stores/{store_id}/menu/{item_id}` first.");
    STOCK_BELOW_ZERO = (409, "stock_below_zero", "Not so many are left", "No stock is below zero; `stock` is how many are left. Take off fewer.");
    STOCK_CHANGED = (412, "stock_changed", "The stock has changed since", "Since the `ETag` in `If-Match` was given the item's stock has changed, by orders or by another of your devices; nothing was written. `stock` is how many are left now, and `ETag` is today's. Look again, or add to it with `POST /api/stores/{store_id}/menu/{item_id}/stock`.");
    TICKET_CLOSED = (409, "ticket_closed", "The ticket is closed", "It was rejected or canceled, so nothing more happens to it. The detail says which.");
    ALREADY_ACCEPTED = (409, "already_accepted", "The ticket was accepted before", "It cannot be rejected any more, nor accepted with other cooking minutes.");
    NOT_ACCEPTED = (409, "not_accepted", "The ticket is not accepted yet", "Accept it with `POST /api/tickets/{order_id}/accept` first.");
    NOT_STARTED = (409, "not_started", "Cooking has not started yet", "Say that it has with `POST /api/tickets/{order_id}/start` first.");
    CHANGE_PENDING = (409, "change_pending", "The customer is changing the order", "The difference is being charged. Cooking can start in half a minute at the most, with the new items or the old ones.");
}
