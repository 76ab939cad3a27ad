//! How far a session has seen the journals, so that it reads what it wrote.

use std::fmt::Write as _;

use http::{HeaderMap, HeaderName, HeaderValue};

/// The header that tells a position, and asks for one.
pub(crate) const POSITION: HeaderName = HeaderName::from_static("baedal-position");

/// The greatest position of each context that an answer told.
#[derive(Clone, Debug, Default)]
pub(crate) struct Positions {
    seen: Vec<(String, u64)>,
    /// All of them in one header; made when it is asked for.
    header: Option<HeaderValue>,
}

impl Positions {
    /// What an answer tells.
    pub(crate) fn remember(&mut self, headers: &HeaderMap) {
        for value in headers.get_all(POSITION) {
            let parts = value.to_str().unwrap_or_default().split(',');
            for (context, position) in parts.filter_map(|part| part.trim().split_once(':')) {
                if let Ok(position) = position.parse() {
                    self.see(context, position);
                }
            }
        }
    }

    /// Nothing any more: what was seen is not there.
    pub(crate) fn forget(&mut self) {
        *self = Self::default();
    }

    /// What somebody else has seen.
    pub(crate) fn join(&mut self, other: &Self) {
        for (context, position) in &other.seen {
            self.see(context, *position);
        }
    }

    fn see(&mut self, context: &str, position: u64) {
        match self.seen.iter_mut().find(|(known, _)| known == context) {
            Some((_, known)) if *known >= position => return,
            Some((_, known)) => *known = position,
            None => self.seen.push((context.to_owned(), position)),
        }
        self.header = None;
    }

    /// The header to send with a read; nothing where nothing was seen.
    pub(crate) fn header(&mut self) -> Option<(HeaderName, HeaderValue)> {
        if self.header.is_none() && !self.seen.is_empty() {
            let mut text = String::new();
            for (context, position) in &self.seen {
                let comma = if text.is_empty() { "" } else { "," };
                write!(text, "{comma}{context}:{position}").ok()?;
            }
            self.header = HeaderValue::try_from(text).ok();
        }
        self.header.clone().map(|value| (POSITION, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(values: &[&str]) -> Positions {
        let mut positions = Positions::default();
        for value in values {
            let mut headers = HeaderMap::new();
            headers.append(POSITION, HeaderValue::from_str(value).expect("a header"));
            positions.remember(&headers);
        }
        positions
    }

    fn sent(positions: &mut Positions) -> Option<String> {
        positions.header().map(|(_, value)| value.to_str().expect("text").to_owned())
    }

    #[test]
    fn the_greatest_of_each_context_is_sent() {
        assert_eq!(sent(&mut told(&["order:7", "order:5", "store:2"])).as_deref(), Some("order:7,store:2"));
        assert_eq!(sent(&mut told(&["order:7, payment:3", "order:9"])).as_deref(), Some("order:9,payment:3"));
    }

    #[test]
    fn what_is_none_is_not_sent() {
        assert_eq!(sent(&mut told(&[])), None);
        assert_eq!(sent(&mut told(&["order", "order:x", ""])), None);
    }

    #[test]
    fn a_later_position_replaces_the_header() {
        let mut positions = told(&["order:7"]);
        assert_eq!(sent(&mut positions).as_deref(), Some("order:7"));
        positions.join(&told(&["order:8", "delivery:1"]));
        assert_eq!(sent(&mut positions).as_deref(), Some("order:8,delivery:1"));
    }
}
