//! The two rules that prose is normalized by.

use icu_normalizer::ComposingNormalizerBorrowed;

use crate::characters::{self, Class};

/// How a kind of text is normalized.
///
/// Both rules, in this order:
///
/// 1. A control character or a noncharacter refuses the text. Not so line breaks and tabs, nor U+0008,
///    which some Korean input methods leave in a text; it is dropped.
/// 2. Characters that cannot be seen are dropped (see [`characters`]): zero-width spaces, bidirectional
///    controls, byte order marks, Hangul fillers. Those stay that make a visible difference: joiners and
///    variation selectors inside emoji, and the joiners of Arabic and Indic scripts.
/// 3. Spaces of every kind, and tabs, become U+0020.
/// 4. The text is composed to NFC, so that `한` is one character, whether it came as one or as three.
/// 5. Spaces and line breaks around the text are dropped; where nothing visible is left, all of it is.
///
/// Applied to its own result, a rule changes nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rule {
    /// Line breaks become spaces, and several spaces one.
    OneLine,
    /// Line breaks become U+000A, two in a row at the most, and no space stands before one.
    Lines,
}

/// The text holds a character that is no text.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("must not hold control characters, as U+{:04X}", u32::from(*.0))]
pub struct Unfit(pub char);

/// After how many rounds joiners and selectors are given up: two are enough for any text a person types.
const ROUNDS: usize = 8;

impl Rule {
    /// What OpenAPI calls it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::OneLine => "one-line",
            Self::Lines => "lines",
        }
    }

    /// The normalized text; empty where nothing of it can be seen.
    ///
    /// # Errors
    /// [`Unfit`] where it holds a control character or a noncharacter.
    pub fn apply(self, typed: &str) -> Result<String, Unfit> {
        let text = seen(&self.plain(typed)?);
        if !text.chars().any(characters::is_visible) {
            return Ok(String::new());
        }
        Ok(match self {
            Self::OneLine => text.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" "),
            Self::Lines => lines(&text),
        })
    }

    /// With one kind of space and one kind of line break, and without what is never seen.
    fn plain(self, typed: &str) -> Result<String, Unfit> {
        let mut plain = String::with_capacity(typed.len());
        let mut characters = typed.chars().peekable();
        while let Some(character) = characters.next() {
            match characters::class(character) {
                Class::Control => return Err(Unfit(character)),
                Class::Dropped => {}
                Class::Space => plain.push(' '),
                Class::LineBreak => {
                    if character == '\r' {
                        characters.next_if_eq(&'\n');
                    }
                    plain.push(match self {
                        Self::OneLine => ' ',
                        Self::Lines => '\n',
                    });
                }
                Class::Joining | Class::Text => plain.push(character),
            }
        }
        Ok(plain)
    }
}

/// In NFC, with those joiners and selectors that make a visible difference. Dropping one can let its
/// neighbors compose, and composing can part a joiner from its neighbor; so it is done until nothing changes.
fn seen(text: &str) -> String {
    let nfc = ComposingNormalizerBorrowed::new_nfc();
    let mut text = nfc.normalize(text).into_owned();
    for _ in 0..ROUNDS {
        let next = characters::without_idle_joiners(&text);
        let next = nfc.normalize(&next).into_owned();
        if next == text {
            return text;
        }
        text = next;
    }
    let bare: String = text.chars().filter(|character| characters::class(*character) != Class::Joining).collect();
    nfc.normalize(&bare).into_owned()
}

fn lines(text: &str) -> String {
    let mut lines = String::with_capacity(text.len());
    let mut breaks = 0;
    for line in text.split('\n') {
        let line = line.trim_end_matches(' ');
        if !line.is_empty() {
            if !lines.is_empty() {
                lines.push_str(&"\n\n"[..breaks.min(2)]);
            }
            breaks = 0;
            lines.push_str(line);
        }
        breaks += 1;
    }
    lines.trim_matches(' ').to_owned()
}

#[cfg(test)]
mod tests;
