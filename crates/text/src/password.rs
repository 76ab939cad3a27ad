//! Passwords, as RFC 8265 prescribes: however a keyboard composes one, it is the same password.

use std::fmt;
use std::str::FromStr;

use icu_normalizer::ComposingNormalizerBorrowed;
use precis_profiles::OpaqueString;
use precis_profiles::precis_core::Error;
use precis_profiles::precis_core::profile::PrecisFastInvocation;
use serde::Deserialize;
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::{KnownFormat, ObjectBuilder, RefOr, Schema, SchemaFormat, Type};

use crate::{EXTENSION, pattern};

/// The most characters, counted after normalization.
const MOST: usize = 128;

/// A password of `LEAST` to 128 characters, normalized by the profile OpaqueString of RFC 8265, section 4.2:
/// in NFC, with every other space as U+0020, and nothing else changed; no control characters, nothing
/// invisible, nothing unassigned.
///
/// There are no further rules on which characters, as NIST SP 800-63B advises: length is what counts.
///
/// RFC 8265 has the characters checked in 4.2.1 before they are composed in 4.2.2, and RFC 8264, section 7,
/// has them checked last. The difference is Hangul in conjoining jamo, which composes to what is allowed.
/// It is composed first here, since keyboards that send it so exist, and whoever has one types the same
/// password.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Password<const LEAST: usize>(String);

/// A password that may be chosen: 8 to 128 characters.
pub type NewPassword = Password<8>;

/// A password that somebody gives to prove who they are. No rule for choosing one applies to it.
pub type GivenPassword = Password<1>;

/// Why it cannot be a password. No text of the password is in it but a character that no password has.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PasswordRefused {
    /// It is too short or too long.
    #[error("must have {least} to {MOST} characters")]
    Length {
        /// The fewest allowed.
        least: usize,
    },
    /// It holds a character that no password may hold.
    #[error("must not hold control characters, characters that cannot be seen, or unknown ones, as U+{0:04X}")]
    Character(u32),
    /// It holds a character where that one may not stand.
    #[error("must not hold control characters, characters that cannot be seen, or unknown ones")]
    Unfit,
}

impl<const LEAST: usize> Password<LEAST> {
    /// The password itself, to be hashed.
    #[must_use]
    pub fn reveal(self) -> String {
        self.0
    }
}

impl<const LEAST: usize> FromStr for Password<LEAST> {
    type Err = PasswordRefused;

    fn from_str(typed: &str) -> Result<Self, PasswordRefused> {
        let composed = ComposingNormalizerBorrowed::new_nfc().normalize(typed);
        if composed.is_empty() {
            return Err(PasswordRefused::Length { least: LEAST });
        }
        let password = OpaqueString::enforce(composed).map_err(|error| match error {
            Error::BadCodepoint(found) => PasswordRefused::Character(found.cp),
            Error::Invalid | Error::Unexpected(_) => PasswordRefused::Unfit,
        })?;
        if !(LEAST..=MOST).contains(&password.chars().count()) {
            return Err(PasswordRefused::Length { least: LEAST });
        }
        Ok(Self(password.into_owned()))
    }
}

impl<const LEAST: usize> TryFrom<String> for Password<LEAST> {
    type Error = PasswordRefused;

    fn try_from(typed: String) -> Result<Self, PasswordRefused> {
        typed.parse()
    }
}

impl<const LEAST: usize> fmt::Debug for Password<LEAST> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

impl<const LEAST: usize> utoipa::PartialSchema for Password<LEAST> {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Password)))
            .description(Some("A password. Normalized as RFC 8265 prescribes (OpaqueString)."))
            .min_length(Some(LEAST))
            .max_length(Some(MOST))
            .pattern(Some(pattern::password()))
            .examples(["correct horse battery"])
            .extensions(Some(ExtensionsBuilder::new().add(EXTENSION, "password").build()))
            .into()
    }
}

impl<const LEAST: usize> utoipa::ToSchema for Password<LEAST> {
    fn name() -> std::borrow::Cow<'static, str> {
        if LEAST > 1 { "NewPassword".into() } else { "Password".into() }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn chosen(typed: &str) -> Result<String, PasswordRefused> {
        typed.parse::<NewPassword>().map(Password::reveal)
    }

    fn given(typed: &str) -> Result<String, PasswordRefused> {
        typed.parse::<GivenPassword>().map(Password::reveal)
    }

    #[test]
    fn the_examples_of_rfc_8265_are_passwords() {
        // Section 4.3, table 3. That a password of one character is allowed is this profile's, not ours.
        assert_eq!(given("correct horse battery staple").as_deref(), Ok("correct horse battery staple"));
        assert_eq!(given("Correct Horse Battery Staple").as_deref(), Ok("Correct Horse Battery Staple"));
        assert_eq!(given("πßå").as_deref(), Ok("πßå"));
        assert_eq!(given("Jack of \u{2666}s").as_deref(), Ok("Jack of \u{2666}s"));
        assert_eq!(given("foo\u{1680}bar").as_deref(), Ok("foo bar"));
    }

    #[test]
    fn what_rfc_8265_calls_no_password_is_none() {
        // Section 4.3, table 4: zero length, and a control character.
        assert_eq!(given(""), Err(PasswordRefused::Length { least: 1 }));
        assert_eq!(given("my cat is a \u{9}by"), Err(PasswordRefused::Character(9)));
    }

    #[test]
    fn however_a_keyboard_composes_it_it_is_the_same_password() {
        let composed = "비밀번호는 café 1234";
        for typed in [
            composed,
            "\u{1107}\u{1175}\u{1106}\u{1175}\u{11AF}\u{1107}\u{1165}\u{11AB}\u{1112}\u{1169}\u{1102}\u{1173}\u{11AB} cafe\u{301} 1234",
            "비밀번호는\u{A0}café\u{3000}1234",
            "비밀번호는\u{2003}cafe\u{301}\u{202F}1234",
        ] {
            assert_eq!(chosen(typed).as_deref(), Ok(composed), "{typed:?}");
        }
    }

    #[test]
    fn nothing_else_is_changed() {
        for typed in [
            " leading and trailing ",
            "two  spaces",
            "ＦｕｌｌＷｉｄｔｈ",
            "MiXeD CaSe",
            "ﬁancée!!",
            "치킨은🍗살안쪄요",
            "ㅋㅋㅋㅋㅋㅋㅋㅋ",
        ] {
            assert_eq!(chosen(typed).as_deref(), Ok(typed));
        }
    }

    #[test]
    fn what_cannot_be_seen_is_refused_by_its_name() {
        for (typed, found) in [
            ("correct\u{200B}horse", 0x200B),
            ("correct\u{0}horse", 0),
            ("correct horse\n", 0xA),
            ("\u{202E}correct horse", 0x202E),
            ("correct\u{3164}horse", 0x3164),
            ("correct \u{2764}\u{FE0F} horse", 0xFE0F),
        ] {
            assert_eq!(chosen(typed), Err(PasswordRefused::Character(found)), "{typed:?}");
            assert_eq!(given(typed), Err(PasswordRefused::Character(found)), "{typed:?}");
        }
        assert_eq!(
            PasswordRefused::Character(0x200B).to_string(),
            "must not hold control characters, characters that cannot be seen, or unknown ones, as U+200B"
        );
        assert!(chosen("\u{200D}correct horse").is_err());
    }

    #[test]
    fn characters_are_counted_not_bytes_and_after_composing() {
        assert!(chosen("비밀번호여덟자리").is_ok());
        assert_eq!(chosen("비밀번호일곱자"), Err(PasswordRefused::Length { least: 8 }));
        assert_eq!(chosen("e\u{301}e\u{301}e\u{301}e\u{301}"), Err(PasswordRefused::Length { least: 8 }));
        assert!(chosen(&"x".repeat(128)).is_ok());
        assert!(chosen(&"e\u{301}".repeat(128)).is_ok());
        assert_eq!(chosen(&"x".repeat(129)), Err(PasswordRefused::Length { least: 8 }));
    }

    #[test]
    fn it_is_never_shown() {
        let password: NewPassword = "correct horse".parse().expect("a password");
        assert_eq!(format!("{password:?}"), "Password(…)");
    }

    proptest! {
        #[test]
        fn a_password_is_its_own_normal_form(typed in any::<String>()) {
            if let Ok(password) = given(&typed) {
                prop_assert_eq!(given(&password), Ok(password.clone()));
                prop_assert!(!password.chars().any(char::is_control));
            }
        }
    }
}
