//! The writes to one document in one commit, reduced to one.

use std::collections::{BTreeMap, BTreeSet};

use baedal_kit::database::Write;

use super::{Stop, json, signed};
use crate::text::{array, keep};

/// A document after a commit.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) view: String,
    pub(crate) id: String,
    /// The version it must have before, if that matters.
    pub(crate) expected: Option<i64>,
    /// Whether it begins anew, because it goes in between.
    pub(crate) is_anew: bool,
    /// How often it is written: its version then, or what is added to its version.
    pub(crate) writes: i64,
    pub(crate) tags: String,
    /// `None`: it goes.
    pub(crate) body: Option<String>,
}

/// What is known of a document in the middle of a commit.
#[derive(Default)]
struct Draft {
    expected: Option<i64>,
    is_anew: bool,
    writes: i64,
    /// Its body and tags.
    last: Option<(Vec<u8>, Vec<String>)>,
}

/// One for each document, by view and id.
pub(super) fn reduce(writes: Vec<Write>, cleared_views: &BTreeSet<String>) -> Result<Vec<Document>, Stop> {
    let mut drafts: BTreeMap<(String, String), Draft> = BTreeMap::new();
    for write in writes {
        let Write { view, id, expected_version, body, tags, left_tags: _ } = write;
        let draft = drafts
            .entry((keep(view), keep(id)))
            .or_insert_with_key(|(view, _)| Draft { is_anew: cleared_views.contains(view), ..Draft::default() });
        if let Some(expected) = expected_version {
            draft.expect(signed(expected))?;
        }
        match body {
            Some(body) => {
                draft.writes += 1;
                draft.last = Some((body, tags));
            }
            None => *draft = Draft { expected: draft.expected, is_anew: true, writes: 0, last: None },
        }
    }
    drafts.into_iter().map(|((view, id), draft)| draft.finish(view, id)).collect()
}

impl Draft {
    /// It must have this version now.
    fn expect(&mut self, expected: i64) -> Result<(), Stop> {
        // Its version now is what it was before, unless it began anew, and as much more as it was written.
        let before = expected - self.writes;
        let fits = if self.is_anew { before == 0 } else { before >= 0 && self.expected.is_none_or(|it| it == before) };
        if !fits {
            return Err(Stop::Conflict);
        }
        if !self.is_anew {
            self.expected = Some(before);
        }
        Ok(())
    }

    fn finish(self, view: String, id: String) -> Result<Document, Stop> {
        let Self { expected, is_anew, writes, last } = self;
        let (body, tags) = match last {
            Some((body, tags)) => (Some(json("a document", body)?), array(&tags)),
            None => (None, array(&[])),
        };
        Ok(Document { view, id, expected, is_anew, writes, tags, body })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(expected_version: impl Into<Option<u64>>) -> Write {
        Write {
            view: "orders".to_owned(),
            id: "a".to_owned(),
            expected_version: expected_version.into(),
            body: Some(b"{}".to_vec()),
            tags: Vec::new(),
            left_tags: Vec::new(),
        }
    }

    fn delete(expected_version: impl Into<Option<u64>>) -> Write {
        Write { body: None, ..put(expected_version) }
    }

    /// What is expected before, whether it begins anew, how often it is written, whether it is there.
    type Sum = (Option<i64>, bool, i64, bool);

    fn sum(writes: impl IntoIterator<Item = Write>, is_cleared: bool) -> Option<Sum> {
        let cleared = is_cleared.then(|| "orders".to_owned()).into_iter().collect();
        let document = reduce(writes.into_iter().collect(), &cleared).ok()?.pop()?;
        Some((document.expected, document.is_anew, document.writes, document.body.is_some()))
    }

    #[test]
    fn writes_add_up() {
        assert_eq!(sum([put(None)], false), Some((None, false, 1, true)));
        assert_eq!(sum([put(3), put(4), put(None)], false), Some((Some(3), false, 3, true)));
        assert_eq!(sum([put(None), put(1)], false), Some((Some(0), false, 2, true)));
        assert_eq!(sum([put(None), put(8)], false), Some((Some(7), false, 2, true)));
        assert_eq!(sum([put(2), delete(3), put(0), put(1)], false), Some((Some(2), true, 2, true)));
        assert_eq!(sum([put(None), delete(None)], false), Some((None, true, 0, false)));
        assert_eq!(sum([delete(0)], false), Some((Some(0), true, 0, false)));
        assert_eq!(sum([put(0), put(1)], true), Some((None, true, 2, true)));
    }

    #[test]
    fn what_contradicts_itself_is_a_conflict() {
        for writes in
            [vec![put(3), put(3)], vec![put(None), put(0)], vec![delete(None), put(1)], vec![put(1), delete(1)]]
        {
            assert_eq!(sum(writes, false), None);
        }
        assert_eq!(sum([put(1)], true), None);
    }
}
