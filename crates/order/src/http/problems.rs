//! Every refusal that orders may answer, for those who are refused.

baedal_kit_http::problem_types! {
    STORE_CLOSED = (409, "store_closed", "The store is closed", "It takes no orders now. Choose another store, or come back when it is open.");
    ITEM_UNAVAILABLE = (409, "item_unavailable", "An item is not sold now", "The store does not sell an item now; `errors` names the line. Take it out, or choose another.");
    SOLD_OUT = (409, "sold_out", "An item is sold out", "The store has less of an item than the order asks for; `errors` names the line, and `left` how many there are. Take less of it, or choose another.");
    TOTAL_CHANGED = (409, "total_changed", "It costs something else", "It does not cost `expected_total_krw`, and nothing has happened. `total_krw` is what it costs now: show it, and send the request again with it.");
    TOO_MANY_OF_AN_ITEM = (422, "too_many_of_an_item", "Too many of an item", "An order holds 99 of an item at the most, over all its lines; `errors` names the line. Order less of it, or call the store.");
    ABOVE_MAXIMUM = (422, "above_maximum", "More than an order may cost", "The order, delivery included, costs more than any order may; the detail says how much that is. Take something out, or place two orders.");
    UNKNOWN_ITEM = (422, "unknown_item", "Not on the menu", "The store's menu has no such item; `errors` names the line. Read the menu again.");
    UNKNOWN_OPTION = (422, "unknown_option", "The item has no such option", "`errors` names the option. Read the menu again.");
    UNKNOWN_CHOICE = (422, "unknown_choice", "The option has no such choice", "`errors` names the choice. Read the menu again.");
    DUPLICATE_CHOICE = (422, "duplicate_choice", "The same choice twice", "A choice of an option can be made once; `errors` names the second. For two of the item, raise its quantity.");
    WRONG_NUMBER_OF_CHOICES = (422, "wrong_number_of_choices", "Too few or too many choices", "An option takes at least `min` and at most `max` of its choices, as the menu says; `errors` names the line.");
    BELOW_MINIMUM = (422, "below_minimum", "Less than the store delivers", "The items, without the delivery fee, cost less than the store's `min_order_krw`.");
    OUTSIDE_DELIVERY_AREA = (422, "outside_delivery_area", "Too far for the store", "The address is farther from the store than its `delivery_radius_m`.");
    IDEMPOTENCY_KEY_MISSING = (400, "idempotency_key_missing", "Send an Idempotency-Key", "Placing an order, and giving money back, need a header `Idempotency-Key`: 1 to 255 printable ASCII characters, new for each order and each refund. Sent again with the same body, it gives the same answer again and does nothing twice.");
    IDEMPOTENCY_KEY_REUSED = (422, "idempotency_key_reused", "The key is another request's", "The `Idempotency-Key` was sent within the last day with another body. Use a new key for a new order or a new refund.");
    PAYMENT_DECLINED = (402, "payment_declined", "The payment was declined", "Nothing was taken. The order waits until `pay_by`; pay another way.");
    TOO_MANY_UNPAID_ORDERS = (409, "too_many_unpaid_orders", "Too many orders wait to be paid", "Three of a customer's orders may wait to be paid at a time, as things are set. Pay for one of them with `POST /api/orders/{order_id}/payment`, or cancel it; otherwise the first is canceled by itself after as many seconds as `Retry-After` says.");
    TOO_MANY_PAYMENT_ATTEMPTS = (409, "too_many_payment_attempts", "Tried too often to pay for it", "It may be tried ten times to pay for an order and for what changes of it cost more, as things are set; attempts that were put off do not count. An order that is not paid is canceled at `pay_by`, and nothing was taken: place a new one. One that is paid goes on as it was: change it to what costs no more, or place another beside it.");
    PAYING_TOO_OFTEN = (429, "paying_too_often", "Tried too often to pay", "A customer may try to pay 20 times within an hour, over all orders and their changes, as things are set; attempts that were put off do not count. Wait for as many seconds as `Retry-After` says.");
    PAYMENT_IN_PROGRESS = (409, "payment_in_progress", "A payment is being verified", "Until it is known whether money was taken, the order cannot be changed. Try again in a moment, or cancel it: what was taken then goes back.");
    REQUEST_PENDING = (409, "request_pending", "One thing at a time", "The kitchen has not answered what was asked of it before. Try again once it has.");
    COOKING_STARTED = (409, "cooking_started", "The kitchen has begun", "An order cannot be canceled or changed once it is being cooked. It goes on as it was.");
    OUT_OF_STOCK = (409, "out_of_stock", "Not enough of it", "The kitchen has not enough for the change. The order goes on as it was.");
    EXTRA_PAYMENT_DECLINED = (409, "extra_payment_declined", "The extra was declined", "The change costs more, and the extra charge was declined. The order goes on as it was.");
    PAYMENT_TIMEOUT = (409, "payment_timeout", "The extra was not paid in time", "The change costs more, and the extra charge was not settled while the kitchen held still. The order goes on as it was; what was taken for the change goes back.");
    TICKET_CLOSED = (409, "ticket_closed", "The kitchen is done with it", "The kitchen's ticket is no longer open, so the order cannot be changed.");
    NOT_DELIVERED = (409, "not_delivered", "Not delivered yet", "An order is confirmed once a rider has delivered it.");
    ALREADY_CANCELED = (409, "already_canceled", "The order was canceled", "It cannot be canceled again in another way. What was paid beyond what is owed goes back; an operator gives back more with `POST /api/orders/{order_id}/refund`.");
    ALREADY_REJECTED = (409, "already_rejected", "The store did not take the order", "Nothing more can happen to it. What was paid goes back.");
    ALREADY_COMPLETED = (409, "already_completed", "The order is completed", "Nothing more can happen to it.");
}
