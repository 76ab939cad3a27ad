//! Holds that the pages of the repository point at what is there.

use std::fs;
use std::path::{Path, PathBuf};

/// The pages, by folder; those below are not looked for.
const FOLDERS: [&str; 4] = [".", "docs", "docs/decisions", "deploy"];

/// The files that a page links to, as they stand in it.
fn links(page: &str) -> impl Iterator<Item = &str> {
    page.split("](").skip(1).filter_map(|rest| rest.split([')', ' ', '\n']).next()).filter_map(|target| {
        let file = target.split('#').next().unwrap_or_default();
        (!file.is_empty() && !target.contains("://")).then_some(file)
    })
}

#[test]
fn every_page_links_to_files_that_are_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let folders = FOLDERS.iter().map(|folder| root.join(folder)).filter(|folder| folder.is_dir());
    let files = folders.flat_map(|folder| fs::read_dir(folder).expect("a folder"));
    let pages: Vec<PathBuf> = files
        .map(|file| file.expect("a file").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    assert!(pages.iter().any(|page| page.ends_with("ARCHITECTURE.md")), "{pages:?}");
    let mut broken = Vec::new();
    for page in pages {
        let (text, folder) = (fs::read_to_string(&page).expect("a page"), page.parent().expect("its folder"));
        let missing = links(&text).filter(|file| !folder.join(file).exists());
        broken.extend(missing.map(|file| format!("{}: {file}", page.display())));
    }
    assert_eq!(broken, Vec::<String>::new());
}
