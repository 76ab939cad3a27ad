//! A setting that is nobody else's to see: hidden wherever settings are shown.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What is shown in its place.
const HIDDEN: &str = "(hidden)";

/// A text that is never shown. Empty where it is not set.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Secret(String);

impl Secret {
    /// The text itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether it is not set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it is what is shown in place of a secret: whoever copied that has no secret.
    #[must_use]
    pub fn is_what_is_shown(&self) -> bool {
        self.0 == HIDDEN
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.is_empty() { "\"\"" } else { HIDDEN })
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(if self.is_empty() { "" } else { HIDDEN })
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn it_is_read_and_never_shown() {
        let secret: Secret = serde_json::from_str("\"correct horse\"").expect("a secret");
        assert_eq!(secret.expose(), "correct horse");
        assert_eq!(format!("{secret:?} {}", serde_json::to_string(&secret).expect("text")), "(hidden) \"(hidden)\"");
        assert_eq!(serde_json::to_string(&Secret::default()).expect("text"), "\"\"");
    }
}
