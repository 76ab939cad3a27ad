//! Who may ask what of whom, when they are processes of their own. All that is called from process to process stands
//! here; whatever does not is 403.

use Who::{Any, Context, Is};
use baedal_contracts::source::{IDENTITY, NOTIFICATION, ORDER, PAYMENT};
use baedal_kit_http::peers::{GATEWAY, Row, Who};
use http::Method;

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roles::CONTEXTS;

    /// Who of all may ask this of a context.
    fn askers(method: &Method, path: &str, of: &str) -> Vec<&'static str> {
        let all = CONTEXTS.into_iter().chain([GATEWAY]);
        all.filter(|who| TABLE.iter().any(|row| row.allows(who, of, method, path))).collect()
    }

    #[test]
    fn money_is_asked_for_by_order_alone_and_codes_are_sent_for_identity_alone() {
        for path in ["/internal/payments/1/attempts", "/internal/payments/1/attempts/2/settle"] {
            assert_eq!(askers(&Method::POST, path, PAYMENT), [ORDER], "{path}");
        }
        assert_eq!(askers(&Method::GET, "/internal/serving", PAYMENT), [ORDER]);
        assert_eq!(askers(&Method::GET, "/internal/payments/1", PAYMENT), [ORDER, GATEWAY]);
        assert_eq!(askers(&Method::POST, "/internal/phone-codes", NOTIFICATION), [IDENTITY]);
        for of in CONTEXTS {
            for path in ["/internal/payments/1/attempts", "/internal/phone-codes"] {
                let elsewhere = [PAYMENT, NOTIFICATION].contains(&of);
                assert!(elsewhere || askers(&Method::POST, path, of).is_empty(), "{path} of {of}");
            }
        }
    }

    #[test]
    fn only_the_gateway_brings_people_and_what_an_operator_does() {
        for of in CONTEXTS {
            for path in ["/api/orders", "/api/operations/stuck", "/.well-known/jwks.json", "/"] {
                for method in [Method::GET, Method::POST, Method::PUT, Method::DELETE] {
                    assert_eq!(askers(&method, path, of), [GATEWAY], "{method} {path} of {of}");
                }
            }
            for (method, path) in [
                (Method::GET, "/internal/health"),
                (Method::GET, "/internal/dead-letters"),
                (Method::POST, "/internal/dead-letters/job/1/redrive"),
                (Method::POST, "/internal/views/orders/rebuild"),
            ] {
                assert_eq!(askers(&method, path, of), [GATEWAY], "{method} {path} of {of}");
            }
        }
        for path in ["/internal/ledger", "/internal/unsettled/attempts", "/internal/simulated-provider/1"] {
            assert_eq!(askers(&Method::GET, path, PAYMENT), [GATEWAY], "{path}");
        }
    }

    #[test]
    fn journals_are_read_by_contexts_and_written_by_nobody() {
        for of in CONTEXTS {
            for path in ["/internal/journal", "/internal/journal/3"] {
                assert_eq!(askers(&Method::GET, path, of), CONTEXTS, "{path} of {of}");
                for method in [Method::POST, Method::PUT, Method::DELETE] {
                    assert!(askers(&method, path, of).is_empty(), "{method} {path} of {of}");
                }
            }
            assert!(askers(&Method::GET, "/internal/anything", of).is_empty(), "what is not in the table");
        }
    }
}
