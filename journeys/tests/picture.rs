//! Holds the picture of the house: who depends on whom, and which event goes where.
//!
//! The pictures are in `journeys/pictures/`. A change of the structure is a visible change of a picture;
//! `UPDATE_PICTURES=1 cargo test -p baedal-journeys --test picture` draws them anew.

#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

const CONTEXTS: [&str; 7] = ["identity", "order", "payment", "store", "delivery", "notification", "tracking"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Compares a picture with the one that is checked in.
fn hold(name: &str, drawn: &str) {
    let path = root().join("journeys/pictures").join(name);
    if std::env::var_os("UPDATE_PICTURES").is_some() {
        fs::create_dir_all(path.parent().expect("a folder")).expect("the folder of pictures");
        fs::write(&path, drawn).expect("a picture");
    }
    assert_eq!(drawn, read(&path), "the structure changed: look at it, and draw {name} anew if it is meant");
}

/// The project's own crates that a crate needs to run, tests aside.
fn dependencies(manifest: &str) -> BTreeSet<String> {
    let section = manifest.split("\n[dependencies]\n").nth(1).unwrap_or_default();
    let section = section.split("\n[").next().unwrap_or_default();
    section
        .lines()
        .filter_map(|line| line.strip_prefix("baedal-"))
        .filter_map(|line| line.split(['.', ' ']).next())
        .map(str::to_owned)
        .collect()
}

fn crate_graph() -> BTreeMap<String, BTreeSet<String>> {
    let folders = fs::read_dir(root().join("crates")).expect("the crates");
    folders
        .map(|folder| folder.expect("a crate"))
        .map(|folder| (folder.file_name().into_string().expect("a name"), read(&folder.path().join("Cargo.toml"))))
        .map(|(name, manifest)| (name, dependencies(&manifest)))
        .collect()
}

/// All the Rust source of a part of a context, tests aside.
fn source(path: &Path) -> String {
    if path.is_dir() {
        let mut files: Vec<_> =
            fs::read_dir(path).expect("a folder").map(|file| file.expect("a file").path()).collect();
        files.sort();
        return files.iter().filter(|file| !file.ends_with("tests.rs")).map(|file| source(file)).collect();
    }
    if path.exists() { acting(&read(path)) } else { String::new() }
}

/// What a file acts on: its lines without comments, without the module of its tests, and without the arms of
/// a match that answer with nothing.
fn acting(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let lines: Vec<_> = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let mut acting: Vec<&str> = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        acting.push(line);
        let Some((_, answer)) = line.split_once(" => ") else { continue };
        // An answer that did not fit beside its pattern stands on the next line, within braces.
        let answer = if answer == "{" { lines.get(number + 1).map_or("", |answer| answer.trim()) } else { answer };
        if matches!(answer.trim_end_matches(','), "{}" | "None" | "Ok(())" | "return Ok(())" | "vec![]") {
            leave_out_pattern(&mut acting);
        }
    }
    acting.join("\n")
}

/// Takes away the pattern that ends with the last line: as it is formatted, what is further in, begins with
/// `|` or closes a bracket goes on from the line before.
fn leave_out_pattern(lines: &mut Vec<&str>) {
    let depth = |line: &str| line.len() - line.trim_start().len();
    let Some(arm) = lines.last().map(|line| depth(line)) else { return };
    while let Some(line) = lines.pop() {
        if depth(line) == arm && !line.trim_start().starts_with(['|', ')']) {
            return;
        }
    }
}

/// The public events of a context, from its module of the contracts.
fn told(context: &str) -> Vec<String> {
    let text = read(&root().join(format!("crates/contracts/src/{context}.rs")));
    let body = text.split("pub enum Event {").nth(1).unwrap_or_default();
    let body = body.split("\n}").next().unwrap_or_default();
    body.lines()
        .filter(|line| line.starts_with("    ") && !line.starts_with("     "))
        .filter_map(|line| line.trim().split([' ', '{', ',']).next())
        .filter(|name| name.chars().next().is_some_and(char::is_uppercase))
        .map(str::to_owned)
        .collect()
}

#[test]
fn who_depends_on_whom() {
    let mut drawn = String::from("Who depends on whom, tests aside.\n\n");
    for (name, needs) in crate_graph() {
        let needs: Vec<_> = needs.into_iter().collect();
        writeln!(drawn, "{name:13}→ {}", if needs.is_empty() { "nobody".to_owned() } else { needs.join(" ") })
            .expect("text");
    }
    hold("crates.txt", &drawn);
}

#[test]
fn no_context_depends_on_another_and_the_kit_on_none() {
    let graph = crate_graph();
    for (name, needs) in &graph {
        let is_inner = CONTEXTS.contains(&name.as_str()) || name == "kit" || name.starts_with("kit-");
        let reached: Vec<_> = needs.iter().filter(|need| CONTEXTS.contains(&need.as_str())).collect();
        assert!(!is_inner || reached.is_empty(), "{name} depends on {reached:?}");
    }
}

#[test]
fn which_event_goes_where() {
    let mut drawn = String::from("Which public event goes where: what each context tells, and who acts on it.\n");
    for teller in CONTEXTS.iter().filter(|context| **context != "tracking") {
        writeln!(drawn, "\n{teller} tells").expect("text");
        for event in told(teller) {
            let hearers: Vec<_> = CONTEXTS
                .iter()
                .filter(|context| *context != teller)
                .filter(|context| {
                    let rooms = root().join("crates").join(context).join("src");
                    let heard: String = ["policy.rs", "policy", "views.rs", "views"]
                        .iter()
                        .map(|room| source(&rooms.join(room)))
                        .collect();
                    heard.split(|c: char| !c.is_alphanumeric()).any(|word| word == event)
                })
                .copied()
                .collect();
            writeln!(
                drawn,
                "  {event:26}→ {}",
                if hearers.is_empty() { "the trace alone".to_owned() } else { hearers.join(" ") }
            )
            .expect("text");
        }
    }
    hold("events.txt", &drawn);
}
