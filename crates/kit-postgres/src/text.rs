//! Text as PostgreSQL can keep it.
//!
//! Its text holds every character but U+0000, and ours may hold that one too (never in JSON, which writes it as
//! an escape). So U+0000 is kept as U+0001 U+0001, and U+0001 as U+0001 U+0002: nothing else is touched, and the
//! order of texts, and which begins with which, stay as they were.

use std::borrow::Cow;

/// Text as it is kept.
pub(crate) fn kept(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| byte > 1) {
        return Cow::Borrowed(text);
    }
    let mut kept = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match character {
            '\0' => kept.push_str("\u{1}\u{1}"),
            '\u{1}' => kept.push_str("\u{1}\u{2}"),
            other => kept.push(other),
        }
    }
    Cow::Owned(kept)
}

/// The same, of text that nobody else needs.
pub(crate) fn keep(text: String) -> String {
    match kept(&text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(kept) => kept,
    }
}

/// Text as it was given.
pub(crate) fn given(kept: &str) -> String {
    if !kept.contains('\u{1}') {
        return kept.to_owned();
    }
    let mut characters = kept.chars();
    let mut given = String::with_capacity(kept.len());
    while let Some(character) = characters.next() {
        match character {
            '\u{1}' => given.push(if characters.next() == Some('\u{1}') { '\0' } else { '\u{1}' }),
            other => given.push(other),
        }
    }
    given
}

/// Texts as PostgreSQL reads an array of them: `{"a","b"}`.
pub(crate) fn array(texts: &[String]) -> String {
    let mut array = String::with_capacity(2 + texts.iter().map(|text| text.len() + 3).sum::<usize>());
    array.push('{');
    for (number, text) in texts.iter().enumerate() {
        array.push_str(if number == 0 { "\"" } else { ",\"" });
        for character in kept(text).chars() {
            if matches!(character, '"' | '\\') {
                array.push('\\');
            }
            array.push(character);
        }
        array.push('"');
    }
    array.push('}');
    array
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_comes_back_and_their_order_stays() {
        let mut texts = vec!["", "a"];
        texts.extend([
            "\0",
            "\0\0",
            "\0a",
            "\u{1}",
            "\u{1}\0",
            "\0\u{1}",
            "\u{1}\u{1}",
            "\u{2}",
            "a\0",
            "a\0b",
            "a\u{1}",
        ]);
        for one in &texts {
            assert_eq!(given(&kept(one)), **one);
            assert!(!kept(one).contains('\0'));
            for other in &texts {
                assert_eq!(kept(one).cmp(&kept(other)), one.cmp(other), "{one:?} {other:?}");
                assert_eq!(kept(one).starts_with(&*kept(other)), one.starts_with(other), "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn an_array_holds_anything() {
        let texts = ["a", "", "say \"김\"", "a\\b", "{,}", "NULL"].map(str::to_owned);
        assert_eq!(array(&texts), r#"{"a","","say \"김\"","a\\b","{,}","NULL"}"#);
        assert_eq!(array(&[]), "{}");
    }
}
