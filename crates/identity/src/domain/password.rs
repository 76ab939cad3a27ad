//! A password somebody chooses: long enough, short enough, and never shown.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

/// The shortest, in characters.
const SHORTEST: usize = 8;
/// The longest, in characters.
const LONGEST: usize = 128;

/// A password that may be chosen: 8 to 128 characters of any kind.
///
/// There are no rules on which characters, as NIST SP 800-63B advises: length is what counts.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Password(String);

/// It is too short, or too long.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("must have 8 to 128 characters")]
pub struct WeakPassword;

impl Password {
    /// The password itself, to be hashed.
    #[must_use]
    pub fn reveal(self) -> String {
        self.0
    }
}

impl TryFrom<String> for Password {
    type Error = WeakPassword;

    fn try_from(text: String) -> Result<Self, WeakPassword> {
        if (SHORTEST..=LONGEST).contains(&text.chars().count()) { Ok(Self(text)) } else { Err(WeakPassword) }
    }
}

impl FromStr for Password {
    type Err = WeakPassword;

    fn from_str(text: &str) -> Result<Self, WeakPassword> {
        text.to_owned().try_into()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_counted_not_bytes() {
        assert!("비밀번호여덟자리".parse::<Password>().is_ok());
        assert!("비밀번호일곱자".parse::<Password>().is_err());
        assert!("x".repeat(128).parse::<Password>().is_ok());
        assert!("x".repeat(129).parse::<Password>().is_err());
    }

    #[test]
    fn it_is_never_shown() {
        let password: Password = "correct horse".parse().expect("long enough");
        assert_eq!(format!("{password:?}"), "Password(…)");
    }
}
