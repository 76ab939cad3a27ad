//! Documents of views, the tags they are found by, and lists of them.

use std::sync::Arc;

use super::{Answered, committed, conflicts, delete, ids, put, writing};
use crate::database::{Commit, Database, Direction, Document, Query, Select, TagRange, Write};

fn expecting(version: u64, write: Write) -> Commit {
    writing([Write { expected_version: Some(version), ..write }])
}

fn by_tag(tag: &str) -> Query {
    Query { select: Select::Tag(tag.to_owned()), direction: Direction::Ascending, after: None, limit: 100 }
}

fn by_prefix(prefix: &str) -> Query {
    Query { select: Select::Prefix(prefix.to_owned()), ..by_tag("") }
}

async fn list(database: &Arc<dyn Database>, query: Query) -> Vec<Document> {
    database.list("orders", query).await.answered()
}

/// Its version counts how often it was written.
pub async fn a_document_comes_changes_and_goes(database: Arc<dyn Database>) {
    assert_eq!(database.get("orders", "a").await.answered(), None);
    committed(&database, writing([put("orders", "a", r#"{"n":1}"#, &["red"])])).await;
    let document = |version, body: &str, tags: &[&str]| Document {
        id: "a".to_owned(),
        version,
        body: body.as_bytes().to_vec(),
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
    };
    assert_eq!(database.get("orders", "a").await.answered(), Some(document(1, r#"{"n":1}"#, &["red"])));
    committed(&database, writing([put("orders", "a", r#"{"n":2}"#, &[])])).await;
    assert_eq!(database.get("orders", "a").await.answered(), Some(document(2, r#"{"n":2}"#, &[])));
    committed(&database, writing([delete("orders", "a")])).await;
    committed(&database, writing([delete("orders", "a")])).await;
    assert_eq!(database.get("orders", "a").await.answered(), None);
    committed(&database, writing([put("orders", "a", "3", &[])])).await;
    assert_eq!(database.get("orders", "a").await.answered(), Some(document(1, "3", &[])));
}

/// 0 means that it must not exist.
pub async fn an_unexpected_version_is_a_conflict(database: Arc<dyn Database>) {
    conflicts(&database, expecting(1, put("orders", "a", "1", &[]))).await;
    conflicts(&database, expecting(1, delete("orders", "a"))).await;
    committed(&database, expecting(0, delete("orders", "a"))).await;
    committed(&database, expecting(0, put("orders", "a", "1", &[]))).await;
    conflicts(&database, expecting(0, put("orders", "a", "2", &[]))).await;
    committed(&database, expecting(1, put("orders", "a", "2", &[]))).await;
    conflicts(&database, expecting(1, put("orders", "a", "3", &[]))).await;
    conflicts(&database, expecting(1, delete("orders", "a"))).await;
    committed(&database, expecting(2, delete("orders", "a"))).await;
}

/// The last word counts, and expectations see what came before them.
pub async fn writes_of_a_commit_happen_in_order(database: Arc<dyn Database>) {
    let second = Write { expected_version: Some(1), ..put("orders", "a", "2", &["two"]) };
    committed(&database, writing([put("orders", "a", "1", &["one"]), second, put("orders", "b", "1", &["one"])])).await;
    committed(&database, writing([put("orders", "b", "2", &["two"]), delete("orders", "b")])).await;
    assert_eq!(database.get("orders", "a").await.answered().map(|document| document.version), Some(2));
    assert_eq!(list(&database, by_tag("one")).await, []);
    assert_eq!(ids(&list(&database, by_tag("two")).await), ["a"]);
}

/// Nor tags.
pub async fn views_do_not_share_ids(database: Arc<dyn Database>) {
    committed(&database, writing([put("orders", "a", "1", &["red"]), put("orders2", "a", "2", &["red"])])).await;
    committed(&database, writing([delete("orders2", "a")])).await;
    assert_eq!(database.get("orders", "a").await.answered().map(|document| document.body), Some(b"1".to_vec()));
    assert_eq!(ids(&list(&database, by_tag("red")).await), ["a"]);
    assert_eq!(database.list("orders2", by_tag("red")).await.answered(), []);
}

/// And not by those they had.
pub async fn documents_are_found_by_the_tags_they_have_now(database: Arc<dyn Database>) {
    committed(&database, writing([put("orders", "a", "1", &["red", "big"]), put("orders", "b", "1", &["red"])])).await;
    assert_eq!(ids(&list(&database, by_tag("red")).await), ["a", "b"]);
    committed(&database, writing([put("orders", "a", "2", &["big", "blue"])])).await;
    assert_eq!(ids(&list(&database, by_tag("red")).await), ["b"]);
    let found = list(&database, by_tag("blue")).await;
    assert_eq!(found, [database.get("orders", "a").await.answered()].into_iter().flatten().collect::<Vec<_>>());
    assert_eq!(ids(&list(&database, by_tag("big")).await), ["a"]);
    committed(&database, writing([delete("orders", "a")])).await;
    for tag in ["big", "blue", "bi"] {
        assert_eq!(list(&database, by_tag(tag)).await, []);
    }
}

/// What carries several of the tags comes once; pages go on behind an id as with one tag.
pub async fn documents_are_found_by_any_of_several_tags(database: Arc<dyn Database>) {
    let puts = [
        put("orders", "a", "1", &["red", "big"]),
        put("orders", "b", "1", &["blue"]),
        put("orders", "c", "1", &["red"]),
    ];
    committed(&database, writing(puts)).await;
    let any = |tags: &[&str]| Query {
        select: Select::AnyTag(tags.iter().map(|tag| (*tag).to_owned()).collect()),
        ..by_tag("")
    };
    assert_eq!(ids(&list(&database, any(&["red", "big", "blue", "none"])).await), ["a", "b", "c"]);
    assert_eq!(ids(&list(&database, any(&["big", "blue"])).await), ["a", "b"]);
    assert_eq!(list(&database, any(&[])).await, []);
    let back = Query { direction: Direction::Descending, limit: 2, ..any(&["red", "blue"]) };
    assert_eq!(ids(&list(&database, back.clone()).await), ["c", "b"]);
    assert_eq!(ids(&list(&database, Query { after: Some("b".to_owned()), ..back }).await), ["a"]);
}

/// Tags that count are an index: what comes first is found first, in pages, and nothing of the rest is read.
pub async fn documents_come_in_the_order_of_their_tags(database: Arc<dyn Database>) {
    let puts = [
        put("orders", "a", "1", &["due:07", "red"]),
        put("orders", "b", "1", &["due:03", "due:03", "due:08"]),
        put("orders", "c", "1", &["due:07"]),
        put("orders", "d", "1", &["due:", "due:09", "dud"]),
        put("orders2", "e", "1", &["due:01"]),
    ];
    committed(&database, writing(puts)).await;
    let range = |from: &str, after: Option<&str>, before: &str| TagRange {
        from: from.to_owned(),
        after: after.map(str::to_owned),
        before: before.to_owned(),
    };
    let found = async |range: TagRange, limit| {
        let found = database.list_by_tag("orders", range, limit).await.answered();
        found.into_iter().map(|(tag, document)| format!("{} {tag}", document.id)).collect::<Vec<_>>()
    };
    let all = ["b due:03", "a due:07", "c due:07", "b due:08"];
    assert_eq!(found(range("due:0", None, "due:09"), 10).await, all);
    assert_eq!(found(range("due:03", None, "due:08"), 10).await, all[..3]);
    assert_eq!(found(range("due:03", Some("b"), "due:09"), 10).await, all[1..]);
    assert_eq!(found(range("due:07", Some("a"), "due:09"), 1).await, all[2..3]);
    assert_eq!(found(range("due:07", Some("b"), "due:09"), 10).await, all[2..], "nothing stands at `b` of `due:07`");
    assert_eq!(found(range("due:07", Some("c"), "due:08"), 10).await, all[..0]);
    committed(&database, writing([put("orders", "a", "2", &["due:04"]), delete("orders", "b")])).await;
    assert_eq!(found(range("due:0", None, "due:09"), 10).await, ["a due:04", "c due:07"]);
}

/// Quotes, line ends, nothing at all.
pub async fn tags_may_be_said_twice_and_hold_anything(database: Arc<dyn Database>) {
    let tags = ["customer:\"김\"", "a\nb", "", "a%", "a%"];
    committed(&database, writing([put("orders", "a", "1", &tags)])).await;
    committed(&database, writing([put("orders", "a", "2", &tags)])).await;
    for tag in tags {
        assert_eq!(ids(&list(&database, by_tag(tag)).await), ["a"], "{tag:?}");
    }
    assert_eq!(list(&database, by_tag("ab")).await, []);
    committed(&database, writing([put("orders", "a", "3", &[])])).await;
    for tag in tags {
        assert_eq!(list(&database, by_tag(tag)).await, [], "{tag:?}");
    }
}

/// By tag and by prefix, each page behind the one before.
pub async fn lists_come_in_pages_in_both_directions(database: Arc<dyn Database>) {
    let all: Vec<_> = (0..25).map(|number| format!("o{number:02}")).collect();
    committed(&database, writing(all.iter().map(|id| put("orders", id, "{}", &["all"])))).await;
    committed(&database, writing([put("orders", "n", "{}", &[]), put("orders", "p", "{}", &[])])).await;
    for direction in [Direction::Ascending, Direction::Descending] {
        for start in [by_tag("all"), by_prefix("o")] {
            let mut expected = all.clone();
            if direction == Direction::Descending {
                expected.reverse();
            }
            let mut query = Query { direction, limit: 10, ..start };
            let mut found = Vec::new();
            for length in [10, 10, 5, 0] {
                let page = list(&database, query.clone()).await;
                assert_eq!(page.len(), length, "{query:?}");
                found.extend(page.iter().map(|document| document.id.clone()));
                query.after = found.last().cloned();
            }
            assert_eq!(found, expected);
        }
    }
    let between = Query { after: Some("o03x".to_owned()), limit: 2, ..by_prefix("o") };
    assert_eq!(ids(&list(&database, between.clone()).await), ["o04", "o05"]);
    let between = Query { direction: Direction::Descending, ..between };
    assert_eq!(ids(&list(&database, between).await), ["o03", "o02"]);
    let behind = |after: &str, direction| Query { after: Some(after.to_owned()), direction, ..by_prefix("o") };
    assert_eq!(list(&database, behind("a", Direction::Ascending)).await.len(), 25);
    assert_eq!(list(&database, behind("a", Direction::Descending)).await.len(), 0);
    assert_eq!(list(&database, behind("z", Direction::Ascending)).await.len(), 0);
    assert_eq!(list(&database, behind("z", Direction::Descending)).await.len(), 25);
}

/// Byte for byte: no wildcard, no letter case, no end at a zero.
pub async fn a_prefix_means_what_it_says(database: Arc<dyn Database>) {
    let mut all = [
        "",
        "A",
        "a",
        "a%",
        "a%b",
        "a_",
        "a_b",
        "ab",
        "a\0",
        "a\0b",
        "a'",
        "a\u{7f}",
        "a\u{10ffff}",
        "a\u{10ffff}z",
        "\u{10ffff}",
        "\u{d7ff}x",
        "\u{e000}x",
        "김",
        "김밥",
        "깁",
        "b",
    ];
    all.sort_unstable();
    committed(&database, writing(all.iter().map(|id| put("orders", id, "{}", &["all"])))).await;
    assert_eq!(ids(&list(&database, by_tag("all")).await), all);
    for prefix in all.iter().copied().chain(["a%%", "a\u{10fffe}", "\u{d7ff}", "c"]) {
        let mut expected: Vec<_> = all.iter().copied().filter(|id| id.starts_with(prefix)).collect();
        assert_eq!(ids(&list(&database, by_prefix(prefix)).await), expected, "{prefix:?}");
        expected.reverse();
        let backwards = Query { direction: Direction::Descending, ..by_prefix(prefix) };
        assert_eq!(ids(&list(&database, backwards).await), expected, "{prefix:?}");
    }
}

/// A quarter of a million bytes, some of them written twice.
pub async fn a_large_document_is_kept_whole(database: Arc<dyn Database>) {
    for length in [250_000, 3, 120_000] {
        let body = format!("\"{}\"", "가".repeat(length / 3));
        committed(&database, writing([put("orders", "a", &body, &["all"])])).await;
        let found = list(&database, by_tag("all")).await.pop().map(|document| document.body);
        assert!(found.is_some_and(|found| found == body.as_bytes()));
    }
}

/// Other views stay as they are.
pub async fn a_cleared_view_is_empty_but_for_what_is_written_then(database: Arc<dyn Database>) {
    let writes = ["a", "b", "c"].map(|id| put("orders", id, "1", &["red"]));
    committed(&database, writing(writes.into_iter().chain([put("orders@1", "a", "1", &["red"])]))).await;
    let mut commit = writing([Write { expected_version: Some(0), ..put("orders", "b", "2", &["blue"]) }]);
    commit.cleared_views.push("orders".to_owned());
    commit.cleared_views.push("nothing".to_owned());
    committed(&database, commit).await;
    assert_eq!(ids(&list(&database, by_prefix("")).await), ["b"]);
    assert_eq!(list(&database, by_tag("red")).await, []);
    assert_eq!(ids(&list(&database, by_tag("blue")).await), ["b"]);
    assert_eq!(database.get("orders", "a").await.answered(), None);
    assert_eq!(ids(&database.list("orders@1", by_tag("red")).await.answered()), ["a"]);
}
