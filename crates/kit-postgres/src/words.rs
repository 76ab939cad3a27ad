//! What the replicas of a context tell each other, as payloads of NOTIFY.
//!
//! A payload is less than 8000 bytes and may not be sent twice in one transaction: so what is long is said in
//! several words, and each has a number. Source: <https://www.postgresql.org/docs/15/sql-notify.html>.

use std::collections::{HashMap, HashSet};
use std::ops::Not;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How many feeds are named in one word: 16 digits each.
const FEEDS: usize = 400;
/// How many characters are said in one word: each is 6 bytes at the most.
const CHARACTERS: usize = 1200;
/// The longest that somebody may say.
const LONGEST: usize = 1 << 20;

/// Who is concerned by what was committed: those who look at these feeds, or everybody.
pub(crate) enum Concerned {
    These(HashSet<u64>),
    Everybody,
}

/// One payload.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Word {
    /// Who says it.
    pub(crate) from: Uuid,
    /// Its number; each is another.
    number: u64,
    /// The journal's last position.
    pub(crate) head: u64,
    /// Whether jobs changed.
    #[serde(skip_serializing_if = "Not::not")]
    pub(crate) jobs: bool,
    /// Whether everybody who looks at anything is to look again.
    #[serde(skip_serializing_if = "Not::not")]
    pub(crate) all_feeds: bool,
    /// The hashes of feeds, 16 hexadecimal digits each.
    #[serde(skip_serializing_if = "String::is_empty")]
    feeds: String,
    /// What somebody says, or a part of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    said: Option<String>,
    /// Whether the next word goes on with it.
    #[serde(skip_serializing_if = "Not::not")]
    goes_on: bool,
}

/// One who says something.
pub(crate) struct Speaker {
    id: Uuid,
    number: u64,
}

impl Speaker {
    pub(crate) fn new(id: Uuid) -> Self {
        Self { id, number: 0 }
    }

    /// All of it as payloads, in order; one at the least.
    pub(crate) fn words(&mut self, head: u64, jobs: bool, feeds: &Concerned, said: &[String]) -> Vec<String> {
        let mut words = vec![Word { head, jobs, ..Word::default() }];
        match feeds {
            Concerned::Everybody => words[0].all_feeds = true,
            Concerned::These(these) => {
                let these: Vec<_> = these.iter().map(|hash| format!("{hash:016x}")).collect();
                words.extend(these.chunks(FEEDS).map(|these| Word { head, feeds: these.concat(), ..Word::default() }));
            }
        }
        for said in said {
            let mut rest = said.as_str();
            loop {
                let end = rest.char_indices().nth(CHARACTERS).map_or(rest.len(), |(end, _)| end);
                let (part, behind) = rest.split_at(end);
                rest = behind;
                let goes_on = !rest.is_empty();
                words.push(Word { head, said: Some(part.to_owned()), goes_on, ..Word::default() });
                if !goes_on {
                    break;
                }
            }
        }
        // The first says the least: where there are others it need not be said.
        if words.len() > 1 && !words[0].jobs && !words[0].all_feeds {
            words.remove(0);
        }
        words.into_iter().map(|word| self.number(word)).collect()
    }

    fn number(&mut self, mut word: Word) -> String {
        self.number += 1;
        (word.from, word.number) = (self.id, self.number);
        // It has text keys only, which JSON holds.
        serde_json::to_string(&word).unwrap_or_default()
    }
}

impl Word {
    /// The feeds it names.
    pub(crate) fn feeds(&self) -> impl Iterator<Item = u64> + '_ {
        let digits = self.feeds.as_bytes().chunks(16);
        digits.filter_map(|digits| u64::from_str_radix(str::from_utf8(digits).ok()?, 16).ok())
    }
}

/// One who hears what others say, and puts it together again.
#[derive(Default)]
pub(crate) struct Listener {
    unfinished: HashMap<Uuid, String>,
}

impl Listener {
    /// What was said, once it is complete.
    pub(crate) fn hear(&mut self, word: &Word) -> Option<Arc<str>> {
        let said = word.said.as_ref()?;
        let unfinished = self.unfinished.entry(word.from).or_default();
        if unfinished.len() < LONGEST {
            unfinished.push_str(said);
        }
        if word.goes_on { None } else { self.unfinished.remove(&word.from).map(Arc::from) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_heard_however_long_it_is() {
        let feeds: HashSet<u64> = (0..3000_u64).map(|number| number.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
        let said = ["".to_owned(), "\u{1}\0\"".repeat(3000), "같은 말".repeat(2000), "같은 말".repeat(2000)];
        let mut speaker = Speaker::new(Uuid::now_v7());
        let mut words = speaker.words(7, true, &Concerned::These(feeds.clone()), &said);
        words.extend(speaker.words(7, true, &Concerned::These(HashSet::new()), &[]));
        assert!(words.iter().all(|word| word.len() < 8000), "{:?}", words.iter().map(String::len).max());
        assert_eq!(words.iter().collect::<HashSet<_>>().len(), words.len());
        let words: Vec<Word> = words.iter().map(|word| serde_json::from_str(word).unwrap()).collect();
        assert!(words.iter().all(|word| word.head == 7) && words[0].jobs);
        assert_eq!(words.iter().flat_map(Word::feeds).collect::<HashSet<_>>(), feeds);
        let mut listener = Listener::default();
        let heard: Vec<_> = words.iter().filter_map(|word| listener.hear(word)).collect();
        assert_eq!(heard.iter().map(|heard| &**heard).collect::<Vec<_>>(), said);
    }

    #[test]
    fn even_nothing_is_a_word() {
        let mut speaker = Speaker::new(Uuid::now_v7());
        assert_eq!(speaker.words(7, false, &Concerned::These(HashSet::new()), &[]).len(), 1);
        let words = speaker.words(7, false, &Concerned::Everybody, &["x".to_owned()]);
        let words: Vec<Word> = words.iter().map(|word| serde_json::from_str(word).unwrap()).collect();
        assert!(words.iter().any(|word| word.all_feeds));
    }
}
