//! Walks the README's order through, as it is printed.

use std::fs::File;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use baedal_journeys::World;
use tokio::process::Command;

/// The longest that the walk may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// The `bash` block of a page of the repository.
fn walk(page: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(page);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{page}: {error}"));
    let block = text.split_once("```bash\n").and_then(|(_, rest)| rest.split_once("```"));
    block.unwrap_or_else(|| panic!("{page} has no walk")).0.to_owned()
}

#[test]
fn both_languages_walk_the_same_way() {
    assert_eq!(walk("README.md"), walk("README.ko.md"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_goes_through_as_printed() {
    for tool in ["bash", "curl"] {
        let found = Command::new(tool).arg("--version").output().await;
        assert!(found.is_ok(), "the README's walk needs {tool}, and this machine has none: {found:?}");
    }
    let world = World::start().await;
    let (usual, here) = ("api=http://localhost:8080\n", format!("api=http://{}\n", world.address()));
    let printed = walk("README.md");
    assert!(printed.starts_with(usual), "the walk begins by saying where the platform is");

    let folder = tempfile::tempdir().expect("a temporary folder");
    let said = folder.path().join("said");
    let (out, err) = (File::create(&said).expect("a file"), folder.path().join("complained"));
    let mut bash = Command::new("bash")
        .args(["-euo", "pipefail", "-c", &printed.replacen(usual, &here, 1)])
        .stdout(out)
        .stderr(Stdio::from(File::create(&err).expect("a file")))
        .kill_on_drop(true)
        .spawn()
        .expect("bash");
    let ended = tokio::time::timeout(PATIENCE, bash.wait()).await;
    let read = |path| std::fs::read_to_string(path).expect("what the walk said");
    let (said, complained) = (read(&said), read(&err));
    let is_well = matches!(&ended, Ok(Ok(status)) if status.success());
    assert!(is_well, "{ended:?}\n{said}\n{complained}");

    assert!(!said.contains("/problems/"), "a step was refused:\n{said}");
    assert!(said.contains(r#""status":"completed""#), "the order is not completed:\n{said}");
    assert!(said.contains(r#""template":"thanks_sent""#), "nobody said thank you:\n{said}");
    assert!(said.contains("맛있게 드셨길 바라요. 또 만나요!"), "the store did not speak in its own words:\n{said}");
}
