//! Every refusal of this context, as a documented problem.

use baedal_kit_http::Problem;
use baedal_kit_http::problem_types;
use jiff::{SignedDuration, Timestamp};

use crate::domain::Refusal;

problem_types! {
    NOT_ON_DUTY = (409, "not_on_duty", "You are not on duty", "Only riders on duty, whose place we know, see and claim deliveries. Say so with `PUT /api/riders/me`.");
    ALREADY_CLAIMED = (409, "already_claimed", "Another rider has it", "Somebody claimed this delivery before you. Look at `GET /api/deliveries/nearby` for others.");
    TOO_FAR = (409, "too_far", "You are too far from it", "A delivery can be claimed by riders within its present radius of the store or the customer. The radius grows while nobody claims it.");
    RELEASED_TOO_OFTEN = (429, "released_too_often", "You have given back too many", "Whoever gives back five claims within an hour, as things are set, may claim nothing until the first of them is an hour ago, because every claim shows a customer's address. What you carry stays yours. Wait for as many seconds as `Retry-After` says; claim only what you will bring.");
    CARRYING_TOO_MANY = (409, "carrying_too_many", "You carry as many as you may", "Deliver what you carry, or release what you have not picked up, before you claim another.");
    NOT_CLAIMED = (409, "not_claimed", "Nobody has claimed it yet", "The delivery waits for a rider. Claim it first.");
    NOT_PICKED_UP = (409, "not_picked_up", "It has not been picked up yet", "Say that you have the food with `POST /api/deliveries/{order_id}/pickup` before you say that the customer has it.");
    ALREADY_PICKED_UP = (409, "already_picked_up", "It has been picked up", "A claim can be released only before the food is picked up.");
    CLAIM_GONE = (409, "claim_gone", "That rider has not claimed it", "A claim is taken back from the rider who is named. This one never claimed the delivery, or somebody else has it now. Look at the order again.");
    DELIVERY_CANCELED = (409, "delivery_canceled", "The delivery is withdrawn", "The order ended before it was delivered. Nothing more is to be done about it.");
}

/// The problem that a refusal is answered with, as it is `now`.
pub(crate) fn problem(refusal: Refusal, now: Timestamp) -> Problem {
    let kind = match refusal {
        // What is another rider's is nobody else's to know.
        Refusal::Unknown | Refusal::NotYours => return Problem::not_found("delivery"),
        Refusal::ReleasedTooOften { until } => {
            let wait = until.duration_since(now).max(SignedDuration::ZERO).unsigned_abs();
            return Problem::new(&RELEASED_TOO_OFTEN, refusal.to_string()).retry_after(wait);
        }
        Refusal::NotOnDuty => &NOT_ON_DUTY,
        Refusal::AlreadyClaimed => &ALREADY_CLAIMED,
        Refusal::TooFar => &TOO_FAR,
        Refusal::CarryingTooMany => &CARRYING_TOO_MANY,
        Refusal::NotClaimed => &NOT_CLAIMED,
        Refusal::NotPickedUp => &NOT_PICKED_UP,
        Refusal::AlreadyPickedUp => &ALREADY_PICKED_UP,
        Refusal::ClaimGone => &CLAIM_GONE,
        Refusal::Canceled => &DELIVERY_CANCELED,
    };
    Problem::new(kind, refusal.to_string())
}
