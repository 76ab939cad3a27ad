//! What a character is to text that people type: seen, a space, a line break, dropped, or refused.
//!
//! Properties of characters come from the Unicode Character Database, through ICU4X.

use icu_properties::props::{
    CanonicalCombiningClass, DefaultIgnorableCodePoint, Emoji, EmojiModifier, EmojiPresentation, ExtendedPictographic,
    GeneralCategory, JoiningType, NoncharacterCodePoint, PrependedConcatenationMark,
};
use icu_properties::{CodePointMapData, CodePointSetData};

/// What is done with a character, whatever stands beside it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Class {
    /// Refused: a control character or a noncharacter. Nobody types it, and not every database holds it.
    Control,
    /// Dropped: it cannot be seen, and comes by copy and paste.
    Dropped,
    /// A space of any width, or a tab.
    Space,
    /// A line break of any system.
    LineBreak,
    /// Cannot be seen, but may change how its neighbors look: stays where it does.
    Joining,
    /// Everything else.
    Text,
}

/// Left behind by some Korean input methods on macOS, when a syllable is corrected while it is composed.
const BACKSPACE: char = '\u{8}';
/// Zero width non-joiner: keeps Arabic and Indic letters apart.
const ZWNJ: char = '\u{200C}';
/// Zero width joiner: makes one emoji of several (`👨‍👩‍👧`), and half forms of Indic letters.
const ZWJ: char = '\u{200D}';
/// Asks for a character as text (`☎︎`).
const TEXT_STYLE: char = '\u{FE0E}';
/// Asks for a character as an emoji (`☎️`).
const EMOJI_STYLE: char = '\u{FE0F}';
/// Puts a digit into a key (`1️⃣`).
const KEYCAP: char = '\u{20E3}';
/// Begins the flags of England, Scotland and Wales, which go on in tag characters.
const BLACK_FLAG: char = '\u{1F3F4}';
/// Ends them.
const CANCEL_TAG: char = '\u{E007F}';

/// What is done with a character, whatever stands beside it.
#[must_use]
pub fn class(character: char) -> Class {
    match character {
        '!'..='~' => Class::Text,
        ' ' | '\t' => Class::Space,
        BACKSPACE => Class::Dropped,
        '\n' | '\u{B}' | '\u{C}' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => Class::LineBreak,
        ZWNJ | ZWJ | TEXT_STYLE | EMOJI_STYLE | '\u{E0020}'..=CANCEL_TAG => Class::Joining,
        // Interlinear annotation, and what stands for an object that could not be pasted.
        '\u{FFF9}'..='\u{FFFC}' => Class::Dropped,
        _ => by_property(character),
    }
}

fn by_property(character: char) -> Class {
    if CodePointSetData::new::<NoncharacterCodePoint>().contains(character) {
        return Class::Control;
    }
    // Among them the Hangul fillers (U+115F, U+1160, U+3164, U+FFA0), soft hyphens, zero-width spaces,
    // byte order marks and all bidirectional controls.
    if CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(character) {
        return Class::Dropped;
    }
    match category(character) {
        GeneralCategory::Control => Class::Control,
        GeneralCategory::SpaceSeparator => Class::Space,
        // Format characters; those that can be seen are marks before Arabic and Syriac numbers.
        GeneralCategory::Format if !CodePointSetData::new::<PrependedConcatenationMark>().contains(character) => {
            Class::Dropped
        }
        _ => Class::Text,
    }
}

fn category(character: char) -> GeneralCategory {
    CodePointMapData::<GeneralCategory>::new().get(character)
}

/// Whether a character can be seen by itself: no space, no mark that needs a letter, no blank symbol.
#[must_use]
pub fn is_visible(character: char) -> bool {
    // The empty cell of braille, and the note without a head.
    let is_blank = matches!(character, '\u{2800}' | '\u{1D159}');
    let is_mark = matches!(category(character), GeneralCategory::NonspacingMark | GeneralCategory::EnclosingMark);
    class(character) == Class::Text && !is_blank && !is_mark
}

/// Without the joiners and selectors that change nothing where they stand.
pub(crate) fn without_idle_joiners(text: &str) -> String {
    if !text.chars().any(|character| class(character) == Class::Joining) {
        return text.to_owned();
    }
    let characters: Vec<char> = text.chars().collect();
    let mut kept: Vec<char> = Vec::with_capacity(characters.len());
    let mut rest = characters.as_slice();
    while let [character, after @ ..] = rest {
        rest = after;
        match *character {
            BLACK_FLAG => {
                let tags = flag_tags(after);
                kept.push(BLACK_FLAG);
                kept.extend(&after[..tags]);
                rest = &after[tags..];
            }
            ZWJ if joins_emoji(&kept, after) || follows_virama(&kept) => kept.push(ZWJ),
            ZWNJ if follows_virama(&kept) || parts_letters(&kept, after) => kept.push(ZWNJ),
            style @ (TEXT_STYLE | EMOJI_STYLE) if styles(style, &kept, after) => kept.push(style),
            other if class(other) == Class::Joining => {}
            other => kept.push(other),
        }
    }
    kept.into_iter().collect()
}

/// How many tag characters after a black flag make it the flag of a region (UTS #51, ED-14a): three to six
/// letters and digits, and the end.
fn flag_tags(after: &[char]) -> usize {
    let is_letter = |character: &&char| matches!(**character, '\u{E0030}'..='\u{E0039}' | '\u{E0061}'..='\u{E007A}');
    let letters = after.iter().take_while(is_letter).count();
    let is_flag = (3..=6).contains(&letters) && after.get(letters) == Some(&CANCEL_TAG);
    if is_flag { letters + 1 } else { 0 }
}

/// Between two emoji, the first of which may have a color of skin or a style (UTS #51, ED-16).
fn joins_emoji(before: &[char], after: &[char]) -> bool {
    let is_emoji = |character: &char| CodePointSetData::new::<ExtendedPictographic>().contains(*character);
    let is_modifier =
        |character: &char| *character == EMOJI_STYLE || CodePointSetData::new::<EmojiModifier>().contains(*character);
    before.iter().rev().find(|character| !is_modifier(character)).is_some_and(is_emoji)
        && after.first().is_some_and(is_emoji)
}

/// After a virama, where a joiner chooses the form of an Indic conjunct (RFC 5892, appendices A.1 and A.2).
fn follows_virama(before: &[char]) -> bool {
    let class = |character: &char| CodePointMapData::<CanonicalCombiningClass>::new().get(*character);
    before.last().map(class) == Some(CanonicalCombiningClass::Virama)
}

/// Between two letters that would join (RFC 5892, appendix A.1).
fn parts_letters(before: &[char], after: &[char]) -> bool {
    let joining = |character: &char| CodePointMapData::<JoiningType>::new().get(*character);
    let is_solid = |kind: &JoiningType| *kind != JoiningType::Transparent;
    let left = before.iter().rev().map(joining).find(is_solid);
    let right = after.iter().map(joining).find(is_solid);
    matches!(left, Some(JoiningType::LeftJoining | JoiningType::DualJoining))
        && matches!(right, Some(JoiningType::RightJoining | JoiningType::DualJoining))
}

/// Whether a style makes a difference: after an emoji that can be shown either way and, for digits and
/// signs, only in a keycap.
fn styles(style: char, before: &[char], after: &[char]) -> bool {
    let Some(&styled) = before.last() else { return false };
    if styled.is_ascii() {
        return style == EMOJI_STYLE && is_keycap_base(styled) && after.first() == Some(&KEYCAP);
    }
    let is_emoji =
        CodePointSetData::new::<Emoji>().contains(styled) && !CodePointSetData::new::<EmojiModifier>().contains(styled);
    let is_colored_anyway = CodePointSetData::new::<EmojiPresentation>().contains(styled);
    is_emoji && (style == TEXT_STYLE || !is_colored_anyway)
}

fn is_keycap_base(character: char) -> bool {
    character.is_ascii_digit() || matches!(character, '#' | '*')
}
