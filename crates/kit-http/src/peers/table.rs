//! Who may ask what of whom.

use http::Method;

use super::GATEWAY;

/// Who may ask.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Who {
    /// The one with this name, and of the one with this name.
    Is(&'static str),
    /// Each that is known, and of each.
    Any,
    /// Each that is no gateway.
    Context,
}

impl Who {
    fn is(self, name: &str) -> bool {
        match self {
            Self::Is(this) => this == name,
            Self::Any => true,
            Self::Context => name != GATEWAY,
        }
    }
}

/// One line of the table: somebody may ask something of somebody.
#[derive(Clone, Debug)]
pub struct Row {
    /// Who.
    pub who: Who,
    /// Of whom.
    pub of: Who,
    /// By which method (and `HEAD` wherever `GET`); by any, where none is named.
    pub method: Option<Method>,
    /// Which path, as `/internal/journal/{shard}`; a part in braces is any. Nothing: every path that is not internal.
    pub path: Option<&'static str>,
}

/// What internal paths begin with.
const INTERNAL: &str = "/internal";

impl Row {
    /// Whether it is about this.
    #[must_use]
    pub fn allows(&self, peer: &str, context: &str, method: &Method, path: &str) -> bool {
        let asked = if *method == Method::HEAD { &Method::GET } else { method };
        let is_path = match self.path {
            Some(pattern) => is_like(path, pattern),
            None => !path.starts_with(INTERNAL),
        };
        self.who.is(peer) && self.of.is(context) && self.method.as_ref().is_none_or(|method| method == asked) && is_path
    }
}

/// Whether a path is like a pattern, part by part.
fn is_like(path: &str, pattern: &str) -> bool {
    let mut parts = path.split('/');
    let fits = pattern.split('/').all(|wanted| {
        let any = wanted.starts_with('{') && wanted.ends_with('}');
        parts.next().is_some_and(|part| part == wanted || any && !part.is_empty())
    });
    fits && parts.next().is_none()
}
