//! Korean phone numbers: however one is typed or pasted, it is the same digits.
//!
//! Which numbers there are is in the number plan of the Ministry of Science and ICT (전기통신번호관리세칙) and
//! in ITU-T's list of national number plans, for country code 82.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, Type};

use crate::EXTENSION;
use crate::characters::{self, Class};
use crate::pattern::{DIGITS, LINE_BREAK, SPACE, UNSEEN};

/// A Korean mobile number as its digits, as `01012345678`.
///
/// It is what messages are sent to, so it is a mobile one: `010` and eight digits, or one of the old
/// prefixes (`011`, `016`–`019`) and seven or eight.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Phone(String);

/// The number a store is called at, as its digits: any Korean number that people may call.
///
/// A mobile number; a landline (`02` or `031`–`064` and seven or eight digits); an internet (`070`), free
/// (`080`) or personal number (`0502`–`0508`, also the safe numbers that hide another); or a representative
/// one (`15xx`, `16xx`, `18xx` and four digits).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StorePhone(String);

/// It is not a Korean mobile number.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("must be a Korean mobile number, as 010-1234-5678 or +82 10-1234-5678")]
pub struct NotAPhone;

/// It is not a Korean number that a store can be called at.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("must be a Korean phone number, as 02-123-4567, 010-1234-5678, 0507-1234-5678 or 1588-1234")]
pub struct NotAStorePhone;

/// The longest text that is looked at, in characters: more than any way to type a number needs.
const LONGEST: usize = 64;

impl Phone {
    /// Its digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl StorePhone {
    /// Its digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Phone {
    type Err = NotAPhone;

    fn from_str(text: &str) -> Result<Self, NotAPhone> {
        digits(text).filter(|digits| is_mobile(digits.as_bytes())).map(Self).ok_or(NotAPhone)
    }
}

impl FromStr for StorePhone {
    type Err = NotAStorePhone;

    fn from_str(text: &str) -> Result<Self, NotAStorePhone> {
        let may_be_called = |digits: &String| {
            let digits = digits.as_bytes();
            is_mobile(digits) || is_landline(digits) || is_virtual(digits) || is_representative(digits)
        };
        digits(text).filter(may_be_called).map(Self).ok_or(NotAStorePhone)
    }
}

/// The digits to dial within Korea.
fn digits(text: &str) -> Option<String> {
    if text.chars().count() > LONGEST {
        return None;
    }
    let seen: String = text
        .chars()
        .filter(|character| !matches!(characters::class(*character), Class::Dropped | Class::Joining))
        .collect();
    let seen = seen.trim();
    let number = match seen.split_at_checked(4) {
        Some((scheme, number)) if scheme.eq_ignore_ascii_case("tel:") => number,
        _ => seen,
    };
    let mut digits = String::with_capacity(16);
    let mut plus = false;
    for character in number.chars() {
        match narrow(character) {
            digit @ '0'..='9' => digits.push(digit),
            '+' if digits.is_empty() && !plus => plus = true,
            '(' | ')' | '/' => {}
            other if is_dash_or_dot(other) || characters::class(other) == Class::Space => {}
            _ => return None,
        }
    }
    let abroad =
        if plus { Some(digits.strip_prefix("82")?) } else { digits.strip_prefix("0082").or(digits.strip_prefix("82")) };
    Some(match abroad {
        // From abroad the leading zero is left out; some write it all the same, as +82 (0)10.
        Some(rest) if rest.starts_with('0') || is_representative(rest.as_bytes()) => rest.to_owned(),
        Some(rest) => format!("0{rest}"),
        None => digits,
    })
}

/// The ASCII character that a full-width one stands for.
fn narrow(character: char) -> char {
    match character {
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(character) - 0xFEE0).unwrap_or(character),
        other => other,
    }
}

/// What people write between the groups of a number: any hyphen, dash, minus or dot, and the vowel `ㅡ`, which
/// looks like one and is nearer to hand.
fn is_dash_or_dot(character: char) -> bool {
    matches!(
        character,
        '-' | '.' | '_' | '~' | '\u{B7}' | '\u{2010}'
            ..='\u{2015}'
                | '\u{2022}'
                | '\u{2027}'
                | '\u{2043}'
                | '\u{2212}'
                | '\u{2500}'
                | '\u{3030}'
                | '\u{30FB}'
                | '\u{30FC}'
                | '\u{3161}'
                | '\u{FE58}'
                | '\u{FE63}'
                | '\u{FF65}'
                | '\u{FF70}'
    )
}

fn is_mobile(digits: &[u8]) -> bool {
    match digits {
        [b'0', b'1', b'0', rest @ ..] => rest.len() == 8,
        [b'0', b'1', b'1' | b'6'..=b'9', rest @ ..] => matches!(rest.len(), 7 | 8),
        _ => false,
    }
}

fn is_landline(digits: &[u8]) -> bool {
    match digits {
        [b'0', b'2', rest @ ..]
        | [b'0', b'3', b'1'..=b'3', rest @ ..]
        | [b'0', b'4', b'1'..=b'4', rest @ ..]
        | [b'0', b'5', b'1'..=b'5', rest @ ..]
        | [b'0', b'6', b'1'..=b'4', rest @ ..] => matches!(rest.len(), 7 | 8),
        _ => false,
    }
}

/// Numbers of no place: internet, free, and personal or safe numbers.
fn is_virtual(digits: &[u8]) -> bool {
    match digits {
        [b'0', b'7', b'0', rest @ ..] => rest.len() == 8,
        [b'0', b'8', b'0', rest @ ..] | [b'0', b'5', b'0', b'2'..=b'8', rest @ ..] => matches!(rest.len(), 7 | 8),
        _ => false,
    }
}

/// Numbers of companies, dialed without an area: `1588-1234`.
fn is_representative(digits: &[u8]) -> bool {
    matches!(digits, [b'1', b'5' | b'6' | b'8', rest @ ..] if rest.len() == 6)
}

macro_rules! as_text {
    ($($phone:ident refuses $refusal:ident, $pattern:ident, $about:literal, $example:literal;)*) => {$(
        impl TryFrom<String> for $phone {
            type Error = $refusal;

            fn try_from(text: String) -> Result<Self, $refusal> {
                text.parse()
            }
        }

        impl From<$phone> for String {
            fn from(phone: $phone) -> Self {
                phone.0
            }
        }

        impl fmt::Display for $phone {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl utoipa::PartialSchema for $phone {
            fn schema() -> RefOr<Schema> {
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .description(Some($about))
                    .max_length(Some(LONGEST))
                    .pattern(Some($pattern()))
                    .examples([$example])
                    .extensions(Some(ExtensionsBuilder::new().add(EXTENSION, "phone").build()))
                    .into()
            }
        }

        impl utoipa::ToSchema for $phone {
            fn name() -> std::borrow::Cow<'static, str> {
                stringify!($phone).into()
            }
        }
    )*};
}

/// What may stand between digits: what is passed over there.
fn between() -> String {
    const DASHES: &str =
        r"\-._~\u00B7\u2010-\u2015\u2022\u2027\u2043\u2212\u2500\u3030\u30FB\u30FC\u3161\uFE58\uFE63\uFF65\uFF70";
    const BRACKETS: &str = r"()/";
    // The same, wide.
    const WIDE: &str = r"\uFF08\uFF09\uFF0D-\uFF0F\uFF3F\uFF5E";
    format!("[{DASHES}{BRACKETS}{WIDE}{UNSEEN}{SPACE}]*")
}

/// A number, as a regular expression: `national` is written without the zero before it, `bare` never has one. In both, a
/// digit stands for itself, a range of digits in brackets for one of them, and `#` for any.
fn pattern(national: &str, bare: Option<&str>) -> String {
    let between = between();
    let wide = |digit: char| char::from_u32(u32::from(digit) + 0xFEE0).unwrap_or(digit);
    let digits = |shape: &str| {
        let mut pattern = String::new();
        let mut class: Option<(String, String)> = None;
        for character in shape.chars() {
            match (&mut class, character) {
                (None, '[') => class = Some(Default::default()),
                (Some((narrow, wide)), ']') => {
                    pattern.push_str(&format!("(?:[{narrow}{wide}]{between})"));
                    class = None;
                }
                (Some((narrow, wider)), other) => {
                    narrow.push(other);
                    wider.push(if other == '-' { other } else { wide(other) });
                }
                (None, '#') => pattern.push_str(&format!("(?:[{DIGITS}]{between})")),
                // How often: `{7,8}`.
                (None, '0'..='9') if pattern.ends_with(['{', ',']) => pattern.push(character),
                (None, digit @ '0'..='9') => pattern.push_str(&format!("(?:[{digit}{}]{between})", wide(digit))),
                (None, other) => pattern.push(other),
            }
        }
        pattern
    };
    let around = format!("[{UNSEEN}{SPACE}{LINE_BREAK}]*");
    let scheme = format!("(?:[Tt][{UNSEEN}]*[Ee][{UNSEEN}]*[Ll][{UNSEEN}]*:)?");
    let abroad = format!("(?:[+＋]{between}{}|{})", digits("82"), digits("(?:00)?82"));
    let home = digits(&format!("0(?:{national})"));
    let from_abroad =
        digits(&format!("(?:0?(?:{national}){})", bare.map(|bare| format!("|{bare}")).unwrap_or_default()));
    let bare = bare.map(|bare| format!("|{}", digits(bare))).unwrap_or_default();
    format!("^{around}{scheme}{between}(?:{abroad}{from_abroad}|{home}{bare}){around}$")
}

/// [`is_mobile`], without its zero.
const MOBILE: &str = "1(?:0#{8}|[16-9]#{7,8})";

fn mobile_pattern() -> String {
    pattern(MOBILE, None)
}

fn store_pattern() -> String {
    let landline = "(?:2|3[1-3]|4[1-4]|5[1-5]|6[1-4])#{7,8}";
    let of_no_place = "70#{8}|(?:80|50[2-8])#{7,8}";
    pattern(&format!("{MOBILE}|{landline}|{of_no_place}"), Some("1[568]#{6}"))
}

as_text! {
    Phone refuses NotAPhone, mobile_pattern, "A Korean mobile number, however typed; kept as its digits.", "010-1234-5678";
    StorePhone refuses NotAStorePhone, store_pattern, "A Korean phone number, however typed; kept as its digits.", "02-123-4567";
}

#[cfg(test)]
mod tests {
    use std::sync::OnceLock;

    use proptest::prelude::*;
    use proptest::string::string_regex;
    use regex::Regex;

    use super::*;

    fn patterns() -> &'static [Regex; 2] {
        static PATTERNS: OnceLock<[Regex; 2]> = OnceLock::new();
        PATTERNS.get_or_init(|| [mobile_pattern(), store_pattern()].map(|one| Regex::new(&one).expect("a pattern")))
    }

    #[test]
    fn however_it_is_typed_it_is_the_same_number() {
        for text in [
            "01012345678",
            "010-1234-5678",
            " 010 1234 5678 ",
            "010.1234.5678",
            "(010) 1234-5678",
            "010/1234/5678",
            "+82 10-1234-5678",
            "+821012345678",
            "+82 (0)10-1234-5678",
            "+82-010-1234-5678",
            "+ 82 10 1234 5678",
            "82-10-1234-5678",
            "821012345678",
            "0082 10 1234 5678",
            "0082-010-1234-5678",
            "tel:+82-10-1234-5678",
            "TEL: 010-1234-5678",
            "tel:01012345678",
        ] {
            assert_eq!(text.parse().as_ref().map(Phone::as_str), Ok("01012345678"), "{text}");
        }
        assert_eq!("011-234-5678".parse().as_ref().map(Phone::as_str), Ok("0112345678"));
        assert_eq!("+82 16-234-5678".parse().as_ref().map(Phone::as_str), Ok("0162345678"));
    }

    #[test]
    fn however_it_is_pasted_it_is_the_same_number() {
        for text in [
            "０１０－１２３４－５６７８",
            "＋８２　１０－１２３４－５６７８",
            "（０１０）１２３４．５６７８",
            "010–1234–5678",
            "010—1234—5678",
            "010‑1234‑5678",
            "010−1234−5678",
            "010ㅡ1234ㅡ5678",
            "010ー1234ー5678",
            "010·1234·5678",
            "010\u{A0}1234\u{A0}5678",
            "010\u{202F}1234\u{2009}5678",
            "010\t1234\t5678",
            "\u{202A}+82 10-1234-5678\u{202C}",
            "\u{2068}010-1234-5678\u{2069}",
            "\u{200E}010-1234-5678",
            "\u{FEFF}010\u{200B}-1234\u{200B}-5678",
            "010\u{AD}-1234-5678",
            "tel:\u{200B}010-1234-5678",
            "010-1234-5678\n",
        ] {
            assert!(patterns()[0].is_match(text), "{text:?}");
            assert_eq!(text.trim_end_matches('\n').parse().as_ref().map(Phone::as_str), Ok("01012345678"), "{text:?}");
            assert_eq!(text.parse().as_ref().map(Phone::as_str), Ok("01012345678"), "{text:?}");
        }
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
            "+010-1234-5678",
            "++82 10-1234-5678",
            "010+1234-5678",
            "010-1234-5678 ext. 7",
            "010-1234-567a",
            "010-1234-5678\u{0}",
            "010\n1234\n5678",
            "1588-1234",
            "0507-1234-5678",
            "٠١٠-1234-5678",
            "0101234567800000000000000000000000",
        ] {
            assert_eq!(text.parse::<Phone>(), Err(NotAPhone), "{text}");
        }
        let long = format!("{}010-1234-5678", " ".repeat(LONGEST));
        assert_eq!(long.parse::<Phone>(), Err(NotAPhone));
    }

    #[test]
    fn a_store_may_have_any_number_that_people_call() {
        for (text, digits) in [
            ("02-123-4567", "021234567"),
            ("02-1234-5678", "0212345678"),
            ("02)1234-5678", "0212345678"),
            ("+82 2-1234-5678", "0212345678"),
            ("031–123–4567", "0311234567"),
            ("０５１－７００－１２３４", "0517001234"),
            ("064 123 4567", "0641234567"),
            ("+82-64-123-4567", "0641234567"),
            ("070-1234-5678", "07012345678"),
            ("080-123-4567", "0801234567"),
            ("0507-1234-5678", "050712345678"),
            ("0503-123-4567", "05031234567"),
            ("+82 507-1234-5678", "050712345678"),
            ("1588-1234", "15881234"),
            ("1600 - 0000", "16000000"),
            ("1899-9999", "18999999"),
            ("+82 1588-1234", "15881234"),
            ("tel:1588-1234", "15881234"),
            ("010-1234-5678", "01012345678"),
        ] {
            assert_eq!(text.parse().as_ref().map(StorePhone::as_str), Ok(digits), "{text}");
        }
        for text in ["", "112", "02-12-345", "034-123-4567", "0509-123-4567", "060-123-4567", "1788-1234", "1588-12345"]
        {
            assert_eq!(text.parse::<StorePhone>(), Err(NotAStorePhone), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_number_or_refused_and_a_number_stays_itself(text in "\\PC{0,40}|[+0-9０-９ ㅡ–-]{8,20}") {
            if let Ok(phone) = text.parse::<Phone>() {
                prop_assert_eq!(phone.as_str().parse::<Phone>(), Ok(phone.clone()));
                prop_assert_eq!(text.parse::<StorePhone>().map(String::from), Ok(phone.as_str().to_owned()));
            }
            if let Ok(phone) = text.parse::<StorePhone>() {
                prop_assert!(phone.as_str().bytes().all(|digit| digit.is_ascii_digit()));
                prop_assert_eq!(phone.as_str().parse::<StorePhone>(), Ok(phone.clone()));
            }
        }

        #[test]
        fn the_description_allows_what_is_a_number_and_nothing_else(
            text in "\\PC{0,20}|[+0-9０-９ ㅡ–.()-]{8,24}|[\\s\u{200B}]{0,2}(tel:|TE\u{200B}L:)?[\\s+]{0,2}(0082|82)?[-\\s]?(0?1[0-9]|0?2|0?50[0-9]|1[0-9]{3})[0-9-]{4,10}[\\s]{0,2}",
        ) {
            let [mobile, store] = patterns();
            prop_assert_eq!(mobile.is_match(&text), text.parse::<Phone>().is_ok());
            prop_assert_eq!(store.is_match(&text), text.parse::<StorePhone>().is_ok());
        }

        #[test]
        fn what_the_description_allows_is_a_number(
            mobile in string_regex(mobile_pattern().trim_matches(['^', '$'])).expect("a pattern"),
            store in string_regex(store_pattern().trim_matches(['^', '$'])).expect("a pattern"),
        ) {
            prop_assert!(mobile.chars().count() > LONGEST || mobile.parse::<Phone>().is_ok());
            prop_assert!(store.chars().count() > LONGEST || store.parse::<StorePhone>().is_ok());
        }

        #[test]
        fn separators_and_marks_change_nothing(marks in proptest::collection::vec("[-–—ㅡ .()\u{A0}\u{200B}\u{202A}\u{202C}]{0,3}", 12)) {
            let digits = "01012345678".chars();
            let text: String = marks.iter().zip(digits).map(|(mark, digit)| format!("{mark}{digit}")).collect();
            if text.chars().count() <= LONGEST {
                prop_assert_eq!(text.parse::<Phone>().map(String::from), Ok("01012345678".to_owned()));
            }
        }
    }
}
