//! What goes on to a context, and what comes back.

use std::net::IpAddr;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use baedal_kit_http::Caller;
use baedal_kit_http::caller::{CALLER, CLIENT};
use baedal_kit_http::position::POSITION;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};

/// Headers that are about one connection and not about the request (RFC 9110, section 7.6.1).
const OF_THE_CONNECTION: [HeaderName; 6] = [
    header::CONNECTION,
    header::PROXY_AUTHENTICATE,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];
/// What our own headers begin with. But for the position that a read wants to see, they are said by the
/// gateway or by nobody.
const OURS: &str = "baedal-";

/// The request as the context gets it: the same address and body, with what the gateway has found out
/// in place of what anybody may claim.
pub(crate) fn outgoing(request: Request, client: IpAddr, caller: Option<Caller>) -> Request {
    let (parts, body) = request.into_parts();
    let mut headers = parts.headers;
    let claimed: Vec<_> =
        headers.keys().filter(|name| name.as_str().starts_with(OURS) && **name != POSITION).cloned().collect();
    for name in claimed {
        headers.remove(name);
    }
    remove_connection_headers(&mut headers);
    // The context is told whose the token is; it has no use for the token.
    headers.remove(header::AUTHORIZATION);
    headers.remove("x-forwarded-for");
    if let Ok(client) = HeaderValue::from_str(&client.to_string()) {
        headers.insert(CLIENT, client);
    }
    if let Some(caller) = caller {
        headers.insert(CALLER, caller.to_header());
    }
    let body = if matches!(parts.method, Method::GET | Method::HEAD | Method::DELETE) {
        headers.remove(header::CONTENT_LENGTH);
        Body::empty()
    } else {
        // All of it is here, and it is not too large.
        body
    };
    // The extensions stay here: they are about this router's match, not about the context's.
    let mut outgoing = Request::new(body);
    *outgoing.method_mut() = parts.method;
    *outgoing.uri_mut() = parts.uri;
    *outgoing.headers_mut() = headers;
    outgoing
}

/// The answer as the client gets it.
pub(crate) fn incoming(mut response: Response) -> Response {
    let headers = response.headers_mut();
    remove_connection_headers(headers);
    headers.remove(CALLER);
    headers.remove(CLIENT);
    response
}

fn remove_connection_headers(headers: &mut HeaderMap) {
    let named: Vec<_> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse::<HeaderName>().ok())
        .collect();
    for name in named.iter().chain(&OF_THE_CONNECTION) {
        headers.remove(name);
    }
    headers.remove("keep-alive");
    headers.remove("proxy-connection");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_says_for_themselves_what_the_gateway_says() {
        let request = Request::post("/api/orders?x=%20y")
            .header(CALLER, "operator:00000000-0000-0000-0000-000000000000")
            .header(CLIENT, "127.0.0.1")
            .header("Baedal-Anything", "1")
            .header(POSITION, "order:7")
            .header(header::AUTHORIZATION, "Bearer secret")
            .header("x-forwarded-for", "127.0.0.1")
            .header(header::CONNECTION, "keep-alive, x-hop")
            .header("x-hop", "1")
            .header("idempotency-key", "k")
            .header(header::IF_MATCH, "\"17\"")
            .body(Body::empty())
            .expect("a request");
        let outgoing = outgoing(request, IpAddr::from([203, 0, 113, 9]), None);
        let left: HeaderMap = [
            (POSITION, HeaderValue::from_static("order:7")),
            (HeaderName::from_static("idempotency-key"), HeaderValue::from_static("k")),
            (header::IF_MATCH, HeaderValue::from_static("\"17\"")),
            (HeaderName::from_static(CLIENT), HeaderValue::from_static("203.0.113.9")),
        ]
        .into_iter()
        .collect();
        assert_eq!(*outgoing.headers(), left);
        assert_eq!(outgoing.uri(), "/api/orders?x=%20y");
    }
}
