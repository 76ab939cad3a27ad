//! What OpenAPI is told of the rules: regular expressions (ECMA-262, with its flag `u`) that say what is refused.
//!
//! They are made of the same classes of characters as the rules ([`crate::characters`]); tests compare the two, character
//! by character, and pattern by what is read.

/// The class [`Control`](crate::characters::Class::Control).
pub(crate) const CONTROL: &str = concat!(
    r"\u0000-\u0007\u000E-\u001F\u007F-\u0084\u0086-\u009F\uFDD0-\uFDEF\uFFFE\uFFFF",
    "\u{1FFFE}\u{1FFFF}\u{2FFFE}\u{2FFFF}\u{3FFFE}\u{3FFFF}\u{4FFFE}\u{4FFFF}\u{5FFFE}\u{5FFFF}\u{6FFFE}\u{6FFFF}",
    "\u{7FFFE}\u{7FFFF}\u{8FFFE}\u{8FFFF}\u{9FFFE}\u{9FFFF}\u{AFFFE}\u{AFFFF}\u{BFFFE}\u{BFFFF}\u{CFFFE}\u{CFFFF}",
    "\u{DFFFE}\u{DFFFF}\u{EFFFE}\u{EFFFF}\u{FFFFE}\u{FFFFF}\u{10FFFE}\u{10FFFF}",
);
/// Characters that cannot be seen, of which no password holds one either.
macro_rules! unseen {
    () => {
        concat!(
            r"\u0008\u00AD\u034F\u061C\u115F\u1160\u17B4\u17B5\u180B-\u180F\u200B-\u200F\u202A-\u202E\u2060-\u206F",
            r"\u3164\uFE00-\uFE0F\uFEFF\uFFA0\uFFF0-\uFFFB",
            "\u{13430}-\u{1343F}\u{1BCA0}-\u{1BCA3}\u{1D173}-\u{1D17A}\u{E0000}-\u{E0FFF}",
        )
    };
}
/// The classes [`Dropped`](crate::characters::Class::Dropped) and [`Joining`](crate::characters::Class::Joining).
pub(crate) const UNSEEN: &str = concat!(unseen!(), r"\uFFFC");
/// The class [`Space`](crate::characters::Class::Space).
pub(crate) const SPACE: &str = r"\u0009 \u00A0\u1680\u2000-\u200A\u202F\u205F\u3000";
/// The class [`LineBreak`](crate::characters::Class::LineBreak).
pub(crate) const LINE_BREAK: &str = r"\u000A-\u000D\u0085\u2028\u2029";
/// Symbols that are blank.
const BLANK: &str = concat!(r"\u2800", "\u{1D159}");
/// A digit, also a wide one.
pub(crate) const DIGITS: &str = "0-9０-９";

/// Prose: no control characters and, where something is needed, something that can be seen. That a mark without its
/// letter is nothing that can be seen is not said.
pub(crate) fn prose(is_needed: bool) -> String {
    if is_needed {
        format!("^[^{CONTROL}]*[^{CONTROL}{UNSEEN}{SPACE}{LINE_BREAK}{BLANK}][^{CONTROL}]*$")
    } else {
        format!("^[^{CONTROL}]*$")
    }
}

/// What no password holds. That it holds no unassigned characters either is not said.
pub(crate) fn password() -> String {
    format!(r"^[^{CONTROL}{}{LINE_BREAK}\u0009]*$", unseen!())
}

#[cfg(test)]
mod tests {
    use regex::Regex;

    use super::*;
    use crate::characters::{Class, class};
    use crate::{GivenPassword, Note, PersonName};

    fn assert_holds(characters: &str, is_in: impl Fn(char) -> bool) {
        let pattern = Regex::new(&format!("^[{characters}]$")).expect("a class");
        for character in '\0'..=char::MAX {
            let holds = pattern.is_match(character.encode_utf8(&mut [0; 4]));
            assert_eq!(holds, is_in(character), "U+{:04X}", u32::from(character));
        }
    }

    #[test]
    fn the_classes_are_those_of_the_rules() {
        assert_holds(CONTROL, |character| class(character) == Class::Control);
        assert_holds(UNSEEN, |character| matches!(class(character), Class::Dropped | Class::Joining));
        assert_holds(SPACE, |character| class(character) == Class::Space);
        assert_holds(LINE_BREAK, |character| class(character) == Class::LineBreak);
    }

    #[test]
    fn what_the_patterns_refuse_is_refused_and_of_prose_nothing_else_but_lone_marks() {
        let [name, note, password] =
            [prose(true), prose(false), password()].map(|one| Regex::new(&one).expect("a pattern"));
        for character in '\0'..=char::MAX {
            let (alone, between) = (character.to_string(), format!("a{character}b"));
            let shown = || format!("U+{:04X}", u32::from(character));
            assert_eq!(note.is_match(&between), between.parse::<Note>().is_ok(), "{}", shown());
            assert_eq!(name.is_match(&between), between.parse::<PersonName>().is_ok(), "{}", shown());
            let is_name = alone.parse::<PersonName>().is_ok();
            let is_mark = class(character) == Class::Text && !crate::characters::is_visible(character);
            assert!(name.is_match(&alone) == is_name || (is_mark && !is_name), "{}", shown());
            assert!(password.is_match(&between) || between.parse::<GivenPassword>().is_err(), "{}", shown());
        }
    }
}
