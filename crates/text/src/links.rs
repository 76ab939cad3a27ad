//! What is a link, also where it is written so that only people see it.
//!
//! Store names and thank-you messages go to phones under our name, so whoever could put a link there could send
//! strangers anywhere. A text is taken as it is read: in NFKC, in small letters, whatever the dots and slashes. Then a
//! link is
//!
//! - a scheme: `http:`, `https:`, or any word before `://`;
//! - `www.`;
//! - a name that ends in a top-level domain which is much used, or used for short links, as `shop.co.kr`, `t.me/x`,
//!   `가게.한국`, `bit.ly`; spaces around the dot and a dot in words or brackets (`bit(.)ly`, `bit dot ly`) make no
//!   difference. Where the domain is also a word of a menu or a name (`no`, `to`, `st`) it must be followed by `/`;
//! - four numbers of an IP address, followed by `/` or `:`.
//!
//! It is a sieve and no proof: what no telephone makes a link of, a person may still type in by hand.

use icu_normalizer::ComposingNormalizerBorrowed;

/// Whether a kind of text may hold links.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Links {
    /// It may.
    Allowed,
    /// It may not.
    Refused,
}

/// Top-level domains that make a link of whatever stands before them. Those of IANA's list that are much used, above
/// all in Korea and for short links and fraud; not those that are words where menus and stores are named.
const DOMAINS: &[&str] = &[
    "com",
    "net",
    "org",
    "info",
    "biz",
    "kr",
    "co",
    "jp",
    "cn",
    "us",
    "uk",
    "de",
    "ru",
    "io",
    "me",
    "tv",
    "cc",
    "ly",
    "gl",
    "gd",
    "gg",
    "ai",
    "app",
    "dev",
    "xyz",
    "shop",
    "store",
    "site",
    "online",
    "link",
    "click",
    "club",
    "live",
    "page",
    "web",
    "space",
    "website",
    "tech",
    "cloud",
    "asia",
    "mobi",
    "icu",
    "buzz",
    "vip",
    "win",
    "work",
    "life",
    "fun",
    "pro",
    "ink",
    "one",
    "kim",
    "lol",
    "bid",
    "men",
    "loan",
    "date",
    "cfd",
    "sbs",
    "monster",
    "rest",
    "quest",
    "support",
    "gov",
    "edu",
    "eu",
    "fr",
    "it",
    "in",
    "vn",
    "th",
    "tw",
    "hk",
    "ph",
    "la",
    "ws",
    "pw",
    "tk",
    "ml",
    "ga",
    "cf",
    "gq",
    "한국",
    "닷컴",
    "닷넷",
    "삼성",
    "中国",
    "中國",
    "网址",
    "公司",
    "みんな",
    "コム",
    "рф",
    "сайт",
    "онлайн",
    "москва",
    "xn--3e0b707e",
    "xn--mk1bu44c",
    "xn--t60b56a",
];
/// Those that are words too, and make a link only before a slash.
const WORDS: &[&str] =
    &["to", "no", "st", "so", "be", "at", "is", "am", "my", "do", "id", "sh", "nu", "fm", "re", "im"];

/// Whether a text holds a link.
#[must_use]
pub fn holds_link(text: &str) -> bool {
    let read = as_read(text);
    holds_scheme(&read) || holds_domain(&tight(&read))
}

/// As people read it: compatible characters as the plain ones, small letters, one kind of dot and of slash, nothing
/// that cannot be seen, and dots that are spelled as dots.
fn as_read(text: &str) -> String {
    let plain = ComposingNormalizerBorrowed::new_nfkc().normalize(text).to_lowercase();
    let mut read = String::with_capacity(plain.len());
    for character in plain.chars() {
        match character {
            '。' | '｡' | '．' | '․' | '・' | '·' | '‧' | '∙' | '•' | 'ㆍ' => read.push('.'),
            '⁄' | '∕' | '⧸' | '／' | '╱' | '\\' => read.push('/'),
            '：' | '∶' | '꞉' | 'ː' => read.push(':'),
            '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{2060}' | '\u{FEFF}' | '\u{FE00}'..='\u{FE0F}' => {}
            other => read.push(other),
        }
    }
    for (spelled, dot) in [
        ("(.)", "."),
        ("[.]", "."),
        ("{.}", "."),
        ("<.>", "."),
        ("(dot)", "."),
        ("[dot]", "."),
        ("{dot}", "."),
        ("(닷)", "."),
        ("[닷]", "."),
        ("(점)", "."),
        ("[점]", "."),
        (" dot ", "."),
        (" 닷 ", "."),
    ] {
        read = read.replace(spelled, dot);
    }
    read
}

/// `http:`, `https:`, or any word before `://`, however spaced.
fn holds_scheme(read: &str) -> bool {
    let bare: String = read.chars().filter(|character| !character.is_whitespace()).collect();
    let before_slashes =
        bare.match_indices("://").any(|(at, _)| bare[..at].ends_with(|c: char| c.is_ascii_alphabetic()));
    before_slashes
        || ["http:", "https:", "hxxp:", "hxxps:", "http//", "https//"].iter().any(|scheme| bare.contains(scheme))
}

/// Without the spaces around dots and slashes that stand between letters of Latin, which a link is typed with so that
/// it is none. A dot that ends a sentence is followed by a space and by no domain; `a . com` is a trick.
fn tight(read: &str) -> String {
    let mut tight = String::with_capacity(read.len());
    let mut spaces = String::new();
    for character in read.chars() {
        if character.is_whitespace() {
            spaces.push(character);
            continue;
        }
        let closes = character == '/' && tight.ends_with(|c: char| c.is_alphanumeric());
        let opens = tight.ends_with('/');
        // A dot after a space is no full stop: what stands on both of its sides belongs together.
        let is_loose_dot = character == '.' && !spaces.is_empty();
        let after_loose_dot = tight.ends_with('\u{1}');
        if !(closes || opens || is_loose_dot || after_loose_dot) {
            tight.push_str(&spaces);
        }
        spaces.clear();
        tight.push(if is_loose_dot { '\u{1}' } else { character });
    }
    tight.replace('\u{1}', ".")
}

fn holds_domain(text: &str) -> bool {
    let characters: Vec<char> = text.chars().collect();
    for (at, character) in characters.iter().enumerate() {
        if *character != '.' || at == 0 {
            continue;
        }
        let before = label_before(&characters[..at]);
        let after: String = characters[at + 1..].iter().copied().take_while(|c| is_of_label(*c)).collect();
        let behind = &characters[at + 1 + after.chars().count()..];
        if before.is_empty() || after.is_empty() {
            continue;
        }
        if before == "www" {
            return true;
        }
        if ends_name(&after, behind) || is_address(&before, &characters[..at], &after, behind) {
            return true;
        }
    }
    false
}

/// Whether a name may end here: the last part is a domain, and what follows is no further part of a word.
fn ends_name(last: &str, behind: &[char]) -> bool {
    let before_a_path = matches!(behind, ['/', ..] | [':', '0'..='9', ..] | ['?', ..]);
    // `shop.com으로`: particles follow Latin without a space.
    let latin: String = last.chars().take_while(char::is_ascii).collect();
    let is_whole = latin.len() == last.len();
    let is_domain = |name: &str| DOMAINS.contains(&name);
    is_domain(last)
        || (!is_whole && !latin.is_empty() && is_domain(&latin))
        || (before_a_path && (WORDS.contains(&last) || last.starts_with("xn--")))
}

/// The last of four numbers, with a path or a port.
fn is_address(before: &str, all_before: &[char], after: &str, behind: &[char]) -> bool {
    let is_number = |text: &str| text.len() <= 3 && text.parse::<u8>().is_ok();
    let text: String = all_before.iter().collect();
    let three = text.rsplit(|c: char| !(c.is_ascii_digit() || c == '.')).next().unwrap_or_default();
    is_number(before)
        && is_number(after)
        && matches!(behind, ['/' | ':', ..])
        && three.split('.').count() == 3
        && three.split('.').all(is_number)
}

fn label_before(characters: &[char]) -> String {
    let label: Vec<char> = characters.iter().rev().copied().take_while(|c| is_of_label(*c)).collect();
    label.into_iter().rev().collect()
}

fn is_of_label(character: char) -> bool {
    character.is_alphanumeric() || character == '-' || character == '_'
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{StoreName, TextRefused, ThanksMessage};

    #[test]
    fn what_is_a_link_is_refused_however_it_is_written() {
        for text in [
            "http://example.org",
            "https://evil.example/x",
            "HTTPS://EVIL",
            "hxxp://evil",
            "ftp://files",
            "kakaotalk://open",
            "h t t p : / / evil",
            "http:／／evil",
            "ｈｔｔｐｓ：／／ｅｖｉｌ．ｃｏｍ",
            "www.evil",
            "WWW．evil",
            "쿠폰 받기 evil.com",
            "evil.com에서 쿠폰을 받으세요",
            "evil。com",
            "evil｡com",
            "ｅｖｉｌ．ｃｏｍ",
            "evil․com",
            "evil . com",
            "evil .com",
            "evil(.)com",
            "evil[dot]com",
            "evil dot com",
            "e\u{200B}vil.\u{200B}com",
            "봉구네.한국",
            "봉구네.닷컴",
            "봉구네。한국",
            "xn--o39a.xn--3e0b707e",
            "shop.co.kr",
            "bit.ly/abc",
            "bit.ly",
            "t.me/baedal",
            "T.ME/baedal",
            "t . me / baedal",
            "youtu.be/x",
            "me2.do/x",
            "han.gl/x",
            "ⓔⓥⓘⓛ.ⓒⓞⓜ",
            "환불은 리뷰.shop",
            "sub.domain.evil.xyz",
            "evil.com:8080",
            "http//evil",
            "192.168.0.1/login",
            "192.168.0.1:8080",
            "name@evil.com",
            "고맙습니다!\nevil.com\n또 오세요",
        ] {
            assert!(holds_link(text), "{text:?}");
            assert_eq!(text.parse::<ThanksMessage>().err(), Some(TextRefused::Link), "{text:?}");
        }
    }

    #[test]
    fn what_has_dots_and_slashes_for_other_reasons_is_none() {
        for text in [
            "St. Mary",
            "St.Mary",
            "5.5닭갈비",
            "No.1 치킨",
            "no.1",
            "Mr. Kim's 김밥",
            "B.B.Q 망원점",
            "B.B.Q",
            "J.M. 커피",
            "24시 국밥. 망원점",
            "맛있게 드세요. 또 오세요.",
            "감사합니다...또 만나요",
            "고맙습니다.또 오세요.",
            "Thank you. Come again!",
            "Thanks.Bye",
            "치킨/피자",
            "1/2 마리",
            "3.14파이",
            "2.0 버거",
            "영업 11:00~22:30",
            "Dr.Pepper",
            "커피·빵",
            "떡볶이ㆍ순대ㆍ튀김",
            "김밥・라면",
            "A.M. 브런치",
            "맛있어요:) :/",
            "1.2.3.4 숫자",
            "점점점 . . . 끝",
            "dot 커피",
            "닷새 숙성",
            "com 없는 집",
        ] {
            assert!(!holds_link(text), "{text:?}");
            assert!(text.parse::<StoreName>().is_ok(), "{text:?}");
        }
    }

    #[test]
    fn where_links_may_stand_they_stay() {
        assert!("http://example.org".parse::<crate::Note>().is_ok());
    }
}
