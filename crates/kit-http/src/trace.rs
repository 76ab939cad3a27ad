//! W3C Trace Context: the `traceparent` header, read and made.
//!
//! Source: <https://www.w3.org/TR/trace-context/#traceparent-header>, version 00.

use uuid::Uuid;

/// Whether a header's value is a `traceparent` that we may carry on.
#[must_use]
pub fn is_traceparent(value: &str) -> bool {
    let mut parts = value.split('-');
    let [Some("00"), Some(trace), Some(parent), Some(flags), None] =
        [parts.next(), parts.next(), parts.next(), parts.next(), parts.next()]
    else {
        return false;
    };
    let hex = |text: &str, length: usize| {
        text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let nonzero = |text: &str| text.bytes().any(|byte| byte != b'0');
    hex(trace, 32) && nonzero(trace) && hex(parent, 16) && nonzero(parent) && hex(flags, 2)
}

/// A new trace, sampled, named by a request's id.
#[must_use]
pub fn new_traceparent(request: Uuid) -> String {
    let bits = request.as_u128();
    format!("00-{bits:032x}-{:016x}-01", (bits as u64) | 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_specifications_example_is_one_and_lookalikes_are_not() {
        assert!(is_traceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"));
        for wrong in [
            "",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-extra",
        ] {
            assert!(!is_traceparent(wrong), "{wrong}");
        }
    }

    #[test]
    fn what_we_make_we_accept() {
        assert!(is_traceparent(&new_traceparent(Uuid::now_v7())));
    }
}
