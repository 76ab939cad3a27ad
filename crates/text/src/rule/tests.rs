//! The rules, with what people really paste.

use proptest::prelude::*;

use super::*;

fn one_line(typed: &str) -> String {
    Rule::OneLine.apply(typed).unwrap_or_else(|unfit| panic!("{typed:?}: {unfit}"))
}

fn several_lines(typed: &str) -> String {
    Rule::Lines.apply(typed).unwrap_or_else(|unfit| panic!("{typed:?}: {unfit}"))
}

/// By either rule it is that.
fn is_by_both(typed: &str, wished: &str) {
    assert_eq!((one_line(typed).as_str(), several_lines(typed).as_str()), (wished, wished), "{typed:?}");
}

#[test]
fn text_is_composed() {
    // As file names on a Mac are, and what is pasted from one.
    is_by_both("\u{1100}\u{1161}\u{1106}\u{1161}\u{1109}\u{1169}\u{11C0}", "가마솥");
    is_by_both("cafe\u{301}", "café");
    is_by_both("\u{212B}", "Å");
    // Halves of a width are other characters, not other forms of one: they stay.
    is_by_both("ＢＢＱ ㄱㄴ ﾌ", "ＢＢＱ ㄱㄴ ﾌ");
}

#[test]
fn what_cannot_be_seen_is_dropped() {
    for (typed, wished) in [
        ("김\u{200B}지우", "김지우"),
        ("\u{FEFF}김지우", "김지우"),
        ("\u{202E}김지우\u{202C}", "김지우"),
        ("\u{2067}김지우\u{2069}\u{200E}\u{200F}\u{61C}", "김지우"),
        ("김\u{AD}지\u{2060}우", "김지우"),
        ("김\u{3164}지우\u{FFA0}\u{115F}\u{1160}", "김지우"),
        ("김\u{200D}지\u{200C}우\u{FE0F}", "김지우"),
        ("김지우\u{E0001}\u{E0041}\u{E0042}", "김지우"),
        ("葛\u{E0100}飾", "葛飾"),
        ("김지우\u{FFFC}", "김지우"),
        ("김\u{8}지우", "김지우"),
        // Dropped before composing: it may not keep jamo, or a letter and its accent, apart.
        ("\u{1100}\u{200B}\u{1161}", "가"),
        ("cafe\u{200D}\u{301}", "café"),
        ("\u{1100}\u{115F}\u{1161}", "가"),
    ] {
        is_by_both(typed, wished);
    }
}

#[test]
fn joiners_and_selectors_stay_where_they_are_seen() {
    for text in [
        "👨‍👩‍👧",
        "👩🏽‍🍳",
        "🏳️‍🌈",
        "❤️‍🔥",
        "🏋🏽‍♀️",
        "매운맛 🌶️",
        "1️⃣ 2️⃣ #️⃣",
        "☎︎",
        "🏴\u{E0067}\u{E0062}\u{E0065}\u{E006E}\u{E0067}\u{E007F}",
        "🇰🇷",
        "می\u{200C}خواهم",
        "क्\u{200D}ष",
        "क्\u{200C}ष",
        "ශ්\u{200D}රී",
    ] {
        is_by_both(text, text);
    }
    for (typed, wished) in [
        ("👨\u{200D}", "👨"),
        ("👨\u{200D}\u{200D}👩", "👨\u{200D}👩"),
        ("\u{200D}👨", "👨"),
        // A chicken is always in color.
        ("🍗\u{FE0F}", "🍗"),
        ("1\u{FE0F} 인분", "1 인분"),
        ("🏴\u{E0067}\u{E007F}", "🏴"),
        ("🏴\u{E0068}\u{E0065}\u{E006C}\u{E006C}\u{E006F}\u{E0068}\u{E0065}\u{E006C}\u{E007F}", "🏴"),
        ("می\u{200C}", "می"),
    ] {
        is_by_both(typed, wished);
    }
}

#[test]
fn marks_before_arabic_numbers_are_seen_and_stay() {
    is_by_both("\u{600}١٢", "\u{600}١٢");
}

#[test]
fn controls_and_noncharacters_refuse_the_text() {
    for found in ['\0', '\u{1}', '\u{7}', '\u{1B}', '\u{7F}', '\u{80}', '\u{9F}', '\u{FDD0}', '\u{FFFE}', '\u{10FFFF}']
    {
        let typed = format!("김{found}지우");
        assert_eq!(Rule::OneLine.apply(&typed), Err(Unfit(found)), "{typed:?}");
        assert_eq!(Rule::Lines.apply(&typed), Err(Unfit(found)), "{typed:?}");
    }
    assert_eq!(Unfit('\u{1B}').to_string(), "must not hold control characters, as U+001B");
}

#[test]
fn spaces_are_one_kind_of_space() {
    for typed in [
        "  김  지우 ",
        "김\u{A0}지우",
        "김\u{3000}지우",
        "김\u{202F}\u{2009} 지우\u{2003}",
        "김\t지우",
        "\u{A0}김 \u{200B} 지우",
    ] {
        assert_eq!(one_line(typed), "김 지우", "{typed:?}");
    }
    assert_eq!(several_lines("\u{3000}1층\u{A0}\u{A0}문 앞\t"), "1층  문 앞");
}

#[test]
fn line_breaks_stay_in_several_lines_and_are_spaces_in_one() {
    for typed in [
        "문 앞에\n두세요",
        "문 앞에\r\n두세요",
        "문 앞에\r두세요",
        "문 앞에\u{2028}두세요",
        "문 앞에\u{B}두세요",
        "문 앞에 \u{85} 두세요",
    ] {
        assert_eq!(one_line(typed), "문 앞에 두세요", "{typed:?}");
    }
    for typed in [
        "문 앞에\n두세요",
        "\n\r\n문 앞에\r\n두세요\n\n",
        "문 앞에 \r두세요 ",
        "문 앞에\u{2029}두세요",
        "문 앞에\t\n두세요",
    ] {
        assert_eq!(several_lines(typed), "문 앞에\n두세요", "{typed:?}");
    }
    assert_eq!(several_lines("하나\n\n둘\n \n\t\n\n셋\n\n\n\n"), "하나\n\n둘\n\n셋");
    assert_eq!(several_lines("하나\n  둘"), "하나\n  둘");
}

#[test]
fn where_nothing_can_be_seen_there_is_nothing() {
    for typed in [
        "",
        " ",
        "\u{3164}",
        "\u{200B}\u{200D}\u{FE0F}",
        "\u{2800}",
        " \u{2800} \u{3164}",
        "\u{FFA0}",
        "\u{115F}\u{1160}",
        "\u{301}",
        "\n\n",
        "\u{E0041}",
        "\u{1D159}",
        "\u{202E}",
    ] {
        is_by_both(typed, "");
    }
    for text in ["ㅋ", "·", "1", "🍗", "\u{F8FF}", "é"] {
        is_by_both(text, text);
    }
}

/// Text in which what the rules look at is frequent.
fn odd_text() -> impl Strategy<Value = String> {
    let odd = proptest::sample::select(vec![
        ' ',
        '\u{A0}',
        '\u{3000}',
        '\t',
        '\n',
        '\r',
        '\u{2028}',
        '\u{200B}',
        '\u{200C}',
        '\u{200D}',
        '\u{FE0E}',
        '\u{FE0F}',
        '\u{202E}',
        '\u{3164}',
        '\u{115F}',
        '\u{1160}',
        '\u{1100}',
        '\u{1161}',
        '\u{11A8}',
        '가',
        'e',
        '\u{301}',
        '\u{323}',
        '\u{20E3}',
        '1',
        '👩',
        '❤',
        '🍗',
        '🏽',
        '🏴',
        '\u{E0067}',
        '\u{E0062}',
        '\u{E007F}',
        '\u{93C}',
        '\u{94D}',
        'क',
        'म',
        'ی',
        'م',
        '\u{64B}',
        '\u{2800}',
        '\u{8}',
        '\u{0}',
        '\u{FFFE}',
        '\u{600}',
        '\u{2000}',
        '\u{2126}',
    ]);
    let any = prop_oneof![8 => odd, 1 => any::<char>()];
    proptest::collection::vec(any, 0..24).prop_map(|characters| characters.into_iter().collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn normalizing_twice_is_normalizing_once(typed in odd_text()) {
        for rule in [Rule::OneLine, Rule::Lines] {
            if let Ok(once) = rule.apply(&typed) {
                prop_assert_eq!(rule.apply(&once), Ok(once.clone()));
            }
        }
    }

    #[test]
    fn what_comes_out_is_clean(typed in odd_text()) {
        for rule in [Rule::OneLine, Rule::Lines] {
            let Ok(text) = rule.apply(&typed) else { continue };
            let is_break = |character: &char| rule == Rule::Lines && *character == '\n';
            prop_assert!(!text.chars().filter(|character| !is_break(character)).any(char::is_control));
            for character in text.chars().filter(|character| !is_break(character) && *character != ' ') {
                prop_assert!(matches!(characters::class(character), Class::Text | Class::Joining), "{:?}", character);
            }
            prop_assert_eq!(text.trim(), &text);
            prop_assert!(text.is_empty() || text.chars().any(characters::is_visible));
            prop_assert!(ComposingNormalizerBorrowed::new_nfc().is_normalized(&text));
            prop_assert!(!text.contains(" \n") && !text.contains("\n\n\n"));
            prop_assert!(rule == Rule::Lines || !text.contains("  "));
        }
    }

    #[test]
    fn however_it_is_composed_it_is_the_same(typed in odd_text()) {
        let decomposed: String = icu_normalizer::DecomposingNormalizerBorrowed::new_nfd().normalize(&typed).into_owned();
        for rule in [Rule::OneLine, Rule::Lines] {
            prop_assert_eq!(rule.apply(&decomposed), rule.apply(&typed));
        }
    }

    #[test]
    fn plain_text_stays_as_it_is(typed in "[가-힣a-zA-Z0-9ㅋㅠ!?,.~()]{1,20}( [가-힣a-z0-9]{1,10}){0,3}") {
        for rule in [Rule::OneLine, Rule::Lines] {
            prop_assert_eq!(rule.apply(&typed), Ok(typed.clone()));
        }
    }
}
