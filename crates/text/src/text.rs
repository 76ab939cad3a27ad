//! A text of one kind: normalized, within its limits, free of what cannot be seen.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::str::FromStr;

use serde::de::{self, Deserializer};
use serde::{Deserialize, Serialize, Serializer};
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, Type};

use crate::EXTENSION;
use crate::links::{self, Links};
use crate::pattern;
use crate::rule::{Rule, Unfit};

/// What is true of all texts of one kind.
pub trait Kind {
    /// What OpenAPI calls it.
    const NAME: &'static str;
    /// What it is, in a sentence.
    const ABOUT: &'static str;
    /// How it is normalized.
    const RULE: Rule;
    /// The fewest characters, counted after normalization. With 1 or more, something visible is needed.
    const LEAST: usize;
    /// The most characters, counted after normalization.
    const MOST: usize;
    /// One of them.
    const EXAMPLE: &'static str;
    /// Whether it may hold links.
    const LINKS: Links = Links::Allowed;
}

/// A text of the kind `K`: normalized by the kind's rule, and within its limits.
pub struct Text<K> {
    text: String,
    kind: PhantomData<fn() -> K>,
}

/// Why a text is none of its kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TextRefused {
    /// It holds a character that is no text.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// There were characters, but none that can be seen.
    #[error("must hold something that can be seen")]
    Invisible,
    /// It has too few or too many characters.
    #[error("must be {} characters", Bounds { least: *.least, most: *.most })]
    Length {
        /// The fewest allowed.
        least: usize,
        /// The most allowed.
        most: usize,
    },
    /// It holds a link, or what reads like one.
    #[error("must not hold a link")]
    Link,
}

struct Bounds {
    least: usize,
    most: usize,
}

impl fmt::Display for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.least {
            0 => write!(f, "at most {}", self.most),
            least => write!(f, "{least} to {}", self.most),
        }
    }
}

impl<K> Text<K> {
    /// The normalized text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether there is none, where the kind allows that.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }
}

impl<K: Kind> FromStr for Text<K> {
    type Err = TextRefused;

    fn from_str(typed: &str) -> Result<Self, TextRefused> {
        let text = K::RULE.apply(typed)?;
        if text.is_empty() && K::LEAST > 0 && !typed.trim().is_empty() {
            return Err(TextRefused::Invisible);
        }
        if !(K::LEAST..=K::MOST).contains(&text.chars().count()) {
            return Err(TextRefused::Length { least: K::LEAST, most: K::MOST });
        }
        if K::LINKS == Links::Refused && links::holds_link(&text) {
            return Err(TextRefused::Link);
        }
        Ok(Self { text, kind: PhantomData })
    }
}

impl<'de, K: Kind> Deserialize<'de> for Text<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl<K> Serialize for Text<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

/// The empty text, where the kind allows it: what a field that was left out holds.
impl<K: Kind> Default for Text<K> {
    fn default() -> Self {
        const { assert!(K::LEAST == 0, "a text of this kind is never empty") };
        Self { text: String::new(), kind: PhantomData }
    }
}

impl<K> From<Text<K>> for String {
    fn from(text: Text<K>) -> Self {
        text.text
    }
}

impl<K> AsRef<str> for Text<K> {
    fn as_ref(&self) -> &str {
        &self.text
    }
}

impl<K> Clone for Text<K> {
    fn clone(&self) -> Self {
        Self { text: self.text.clone(), kind: PhantomData }
    }
}

impl<K> PartialEq for Text<K> {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl<K> Eq for Text<K> {}

impl<K> Hash for Text<K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl<K> fmt::Debug for Text<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(f)
    }
}

impl<K> fmt::Display for Text<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(f)
    }
}

impl<K: Kind> utoipa::PartialSchema for Text<K> {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some(K::ABOUT.trim()))
            .min_length((K::LEAST > 0).then_some(K::LEAST))
            .max_length(Some(K::MOST))
            .pattern(Some(pattern::prose(K::LEAST > 0)))
            .examples([K::EXAMPLE])
            .extensions(Some(ExtensionsBuilder::new().add(EXTENSION, K::RULE.name()).build()))
            .into()
    }
}

impl<K: Kind> utoipa::ToSchema for Text<K> {
    fn name() -> std::borrow::Cow<'static, str> {
        K::NAME.into()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use utoipa::{PartialSchema, ToSchema};

    use super::*;
    use crate::{Note, PersonName, ThanksMessage};

    #[test]
    fn it_is_counted_after_it_is_normalized() {
        let sixty = "\u{1112}\u{1161}\u{11AB}\u{200B}".repeat(60);
        assert_eq!(sixty.parse::<PersonName>().map(String::from), Ok("한".repeat(60)));
        let refused = format!("{sixty}한").parse::<PersonName>();
        assert_eq!(refused, Err(TextRefused::Length { least: 1, most: 60 }));
        assert_eq!(
            format!("{}{}", "가".repeat(500), " \u{200B}\n").parse::<Note>().map(|note| note.as_str().len()),
            Ok(1_500)
        );
    }

    #[test]
    fn something_visible_is_needed_where_something_is() {
        for typed in ["\u{3164}", "\u{200B}", " \u{2800} ", "\u{115F}\u{1160}"] {
            assert_eq!(typed.parse::<PersonName>(), Err(TextRefused::Invisible), "{typed:?}");
            assert_eq!(typed.parse::<Note>().as_ref().map(Note::as_str), Ok(""));
        }
        for typed in ["", "  "] {
            assert_eq!(typed.parse::<ThanksMessage>(), Err(TextRefused::Length { least: 1, most: 500 }));
        }
        assert_eq!(Note::default().as_str(), "");
    }

    #[test]
    fn a_refusal_says_what_would_be_right() {
        let said = |refused: Result<PersonName, TextRefused>| refused.err().map(|refused| refused.to_string());
        assert_eq!(said("".parse()).as_deref(), Some("must be 1 to 60 characters"));
        assert_eq!(said("\u{3164}".parse()).as_deref(), Some("must hold something that can be seen"));
        assert_eq!(said("\u{0}".parse()).as_deref(), Some("must not hold control characters, as U+0000"));
        let long = "가".repeat(501).parse::<Note>().map_err(|refused| refused.to_string());
        assert_eq!(long, Err("must be at most 500 characters".to_owned()));
    }

    #[test]
    fn it_is_read_and_written_as_a_string() {
        let name: PersonName = serde_json::from_str("\" 김\u{200B}지우 \"").expect("a name");
        assert_eq!(serde_json::to_string(&name).expect("JSON"), "\"김지우\"");
        for wrong in ["7", "null", "[\"김지우\"]", "\"\""] {
            assert!(serde_json::from_str::<PersonName>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn its_schema_states_its_limits_and_its_rule() {
        let schema = serde_json::to_value(PersonName::schema()).expect("a schema");
        assert_eq!(
            schema,
            serde_json::json!({
                "type": "string", "description": "How a person is addressed.", "minLength": 1, "maxLength": 60,
                "examples": ["김지우"], "x-text": "one-line", "pattern": pattern::prose(true),
            })
        );
        assert_eq!((PersonName::name(), Note::name()), ("PersonName".into(), "Note".into()));
        assert!(serde_json::to_value(Note::schema()).expect("a schema").get("minLength").is_none());
    }

    proptest! {
        #[test]
        fn a_text_that_exists_is_within_its_limits_and_stays_itself(typed in any::<String>()) {
            if let Ok(name) = typed.parse::<PersonName>() {
                prop_assert!((1..=60).contains(&name.as_str().chars().count()));
                prop_assert_eq!(name.as_str().parse::<PersonName>(), Ok(name.clone()));
            }
        }
    }
}
