//! The code that is sent to a phone, however it is typed back.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, Type};

use crate::EXTENSION;
use crate::characters::{self, Class};
use crate::pattern::{DIGITS as DIGITS_CLASS, SPACE, UNSEEN};

/// How many digits it has.
const DIGITS: usize = 6;
/// The longest text that is looked at, in characters.
const LONGEST: usize = 32;

/// A code of six digits. It is never shown.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct PhoneCode(String);

/// It is no such code.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("must be the 6 digits that were sent to the phone")]
pub struct NotACode;

impl PhoneCode {
    /// Its digits, to be hashed or sent.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl FromStr for PhoneCode {
    type Err = NotACode;

    fn from_str(typed: &str) -> Result<Self, NotACode> {
        if typed.chars().count() > LONGEST {
            return Err(NotACode);
        }
        let mut digits = String::with_capacity(DIGITS);
        for character in typed.chars() {
            match character {
                '0'..='9' => digits.push(character),
                '\u{FF10}'..='\u{FF19}' => digits.extend(char::from_digit(u32::from(character) - 0xFF10, 10)),
                '-' => {}
                other => match characters::class(other) {
                    Class::Dropped | Class::Joining | Class::Space => {}
                    Class::Control | Class::LineBreak | Class::Text => return Err(NotACode),
                },
            }
        }
        if digits.len() == DIGITS { Ok(Self(digits)) } else { Err(NotACode) }
    }
}

impl TryFrom<String> for PhoneCode {
    type Error = NotACode;

    fn try_from(typed: String) -> Result<Self, NotACode> {
        typed.parse()
    }
}

impl fmt::Debug for PhoneCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PhoneCode(…)")
    }
}

/// Digits, with what is passed over between them.
fn pattern() -> String {
    let between = format!(r"[\-{UNSEEN}{SPACE}]*");
    format!("^{between}(?:[{DIGITS_CLASS}]{between}){{{DIGITS}}}$")
}

impl utoipa::PartialSchema for PhoneCode {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("The 6 digits that were sent to the phone, however typed."))
            .min_length(Some(DIGITS))
            .max_length(Some(LONGEST))
            .pattern(Some(pattern()))
            .examples(["123456"])
            .extensions(Some(ExtensionsBuilder::new().add(EXTENSION, "phone-code").build()))
            .into()
    }
}

impl utoipa::ToSchema for PhoneCode {
    fn name() -> std::borrow::Cow<'static, str> {
        "PhoneCode".into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn however_it_is_typed_it_is_the_same_code() {
        for typed in ["012345", " 012 345 ", "012-345", "０１２３４５", "\u{202A}012345\u{200B}"] {
            assert_eq!(typed.parse::<PhoneCode>().unwrap().reveal(), "012345", "{typed:?}");
        }
        for typed in ["", "12345", "1234567", "12345a", "+12345", "١٢٣٤٥٦", "123\n456", &"0 ".repeat(40)] {
            assert_eq!(typed.parse::<PhoneCode>(), Err(NotACode), "{typed:?}");
        }
    }

    #[test]
    fn it_is_never_shown() {
        assert_eq!(format!("{:?}", "012345".parse::<PhoneCode>()), "Ok(PhoneCode(…))");
    }
}
