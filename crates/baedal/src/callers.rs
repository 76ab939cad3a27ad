//! Who may ask what of whom, when they are processes of their own. All that is called from process to process stands
//! here; whatever does not is 403.

use baedal_contracts::source::{IDENTITY, NOTIFICATION, ORDER, PAYMENT};
use baedal_kit_http::peers::{GATEWAY, Row, Who};
use http::Method;

use Who::{Any, Context, Is};

const GET: Option<Method> = Some(Method::GET);
const POST: Option<Method> = Some(Method::POST);

const fn row(who: Who, of: Who, method: Option<Method>, path: &'static str) -> Row {
    Row { who, of, method, path: Some(path) }
}

/// The table.
pub(crate) const TABLE: &[Row] = &[
    // People, whom the gateway has looked at.
    Row { who: Is(GATEWAY), of: Any, method: None, path: None },
    // The operator's desk.
    row(Is(GATEWAY), Any, GET, "/internal/health"),
    row(Is(GATEWAY), Any, GET, "/internal/dead-letters"),
    row(Is(GATEWAY), Any, POST, "/internal/dead-letters/{kind}/{key}/redrive"),
    row(Is(GATEWAY), Any, POST, "/internal/views/{name}/rebuild"),
    row(Is(GATEWAY), Is(ORDER), GET, "/internal/breakers"),
    row(Is(GATEWAY), Is(PAYMENT), GET, "/internal/unsettled/attempts"),
    row(Is(GATEWAY), Is(PAYMENT), GET, "/internal/unsettled/differences"),
    // The books, to be looked at and compared.
    row(Is(GATEWAY), Is(PAYMENT), GET, "/internal/ledger"),
    row(Is(GATEWAY), Is(PAYMENT), GET, "/internal/payments/{order_id}"),
    row(Is(GATEWAY), Is(PAYMENT), GET, "/internal/simulated-provider/{order_id}"),
    // Whether a replica is to be sent requests.
    row(Any, Any, GET, "/internal/replica"),
    // What consumers ask where the broker did not bring it.
    row(Context, Context, GET, "/internal/journal"),
    row(Context, Context, GET, "/internal/journal/{shard}"),
    // The one synchronous call between contexts.
    row(Is(ORDER), Is(PAYMENT), POST, "/internal/payments/{order_id}/attempts"),
    row(Is(ORDER), Is(PAYMENT), POST, "/internal/payments/{order_id}/attempts/{attempt_id}/settle"),
    row(Is(ORDER), Is(PAYMENT), GET, "/internal/payments/{order_id}"),
    row(Is(ORDER), Is(PAYMENT), GET, "/internal/serving"),
    row(Is(IDENTITY), Is(NOTIFICATION), POST, "/internal/phone-codes"),
];
