//! A Korean mobile number: however it is typed, it is the same digits.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A Korean mobile number as its digits, as `01012345678`.
///
/// It is what messages are sent to, so it is a mobile one: `010` and eight digits, or one of the old
/// prefixes (`011`, `016`–`019`) and seven or eight.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Phone(String);

/// It is not a Korean mobile number.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("must be a Korean mobile number, as 010-1234-5678 or +82 10-1234-5678")]
pub struct NotAPhone;

/// The longest text that is looked at: more than any way to type a number needs.
const LONGEST: usize = 32;

impl Phone {
    /// Its digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Phone {
    type Err = NotAPhone;

    fn from_str(text: &str) -> Result<Self, NotAPhone> {
        if text.len() > LONGEST {
            return Err(NotAPhone);
        }
        let text = text.trim();
        let (abroad, rest) = match text.strip_prefix("+82") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let mut digits = String::with_capacity(11);
        for character in rest.chars() {
            match character {
                '0'..='9' => digits.push(character),
                ' ' | '-' | '.' | '(' | ')' => {}
                _ => return Err(NotAPhone),
            }
        }
        // From abroad the leading zero is left out; some write it all the same, as +82 (0)10.
        if abroad && !digits.starts_with('0') {
            digits.insert(0, '0');
        }
        let is_mobile = match digits.as_bytes() {
            [b'0', b'1', b'0', rest @ ..] => rest.len() == 8,
            [b'0', b'1', b'1' | b'6'..=b'9', rest @ ..] => matches!(rest.len(), 7 | 8),
            _ => false,
        };
        if is_mobile { Ok(Self(digits)) } else { Err(NotAPhone) }
    }
}

impl TryFrom<String> for Phone {
    type Error = NotAPhone;

    fn try_from(text: String) -> Result<Self, NotAPhone> {
        text.parse()
    }
}

impl From<Phone> for String {
    fn from(phone: Phone) -> Self {
        phone.0
    }
}

impl fmt::Display for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn however_it_is_typed_it_is_the_same_number() {
        for text in [
            "01012345678",
            "010-1234-5678",
            " 010 1234 5678 ",
            "010.1234.5678",
            "+82 10-1234-5678",
            "+821012345678",
            "+82 (0)10-1234-5678",
        ] {
            assert_eq!(text.parse().as_ref().map(Phone::as_str), Ok("01012345678"), "{text}");
        }
        assert_eq!("011-234-5678".parse().as_ref().map(Phone::as_str), Ok("0112345678"));
    }

    #[test]
    fn what_is_not_a_mobile_number_is_not_taken_for_one() {
        for text in [
            "",
            "010",
            "010-1234-567",
            "010-1234-56789",
            "02-123-4567",
            "012-1234-5678",
            "+1 010-1234-5678",
            "010-1234-567a",
            "٠١٠-1234-5678",
            "0101234567800000000000000000000000",
        ] {
            assert_eq!(text.parse::<Phone>(), Err(NotAPhone), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_number_or_refused_and_a_number_stays_itself(text in "\\PC{0,40}") {
            if let Ok(phone) = text.parse::<Phone>() {
                prop_assert_eq!(phone.as_str().parse::<Phone>(), Ok(phone.clone()));
            }
        }
    }
}
