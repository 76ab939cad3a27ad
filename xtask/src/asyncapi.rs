//! Checks that `docs/asyncapi.json` is an AsyncAPI 3.0 document, against the schema that AsyncAPI publishes.
//!
//! That it says what the code does, a test of `baedal-kit-nats` sees to. The validator is installed into
//! `target/asyncapi`, so that the second time is quick.

use std::fs;
use std::path::Path;
use std::process::Command;

const PACKAGES: [&str; 3] = ["@asyncapi/specs@6.11.1", "ajv@8.20.0", "ajv-formats@3.0.1"];

/// The schema brings the draft that it is written in with it, so the validator must not know that already.
const VALIDATE: &str = r#"
const document = JSON.parse(require('fs').readFileSync(process.argv[1], 'utf8'));
const Ajv = require('ajv');
const ajv = new Ajv({ strict: false, allErrors: true, meta: false, validateSchema: false });
require('ajv-formats')(ajv);
const validate = ajv.compile(require('@asyncapi/specs/schemas/3.0.0.json'));
if (!validate(document)) {
    for (const error of validate.errors.slice(0, 20)) {
        console.error(`${error.instancePath || '/'}: ${error.message} ${JSON.stringify(error.params)}`);
    }
    process.exit(1);
}
"#;

/// Validates the document; installs the validator where it is not there yet.
pub(crate) fn check() -> Result<(), String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("xtask is in no workspace")?;
    let made = root.join("target/asyncapi");
    fs::create_dir_all(&made).map_err(|error| format!("{}: {error}", made.display()))?;
    let manifest = made.join("package.json");
    let wanted = format!("{{ \"private\": true, \"description\": \"{}\" }}\n", PACKAGES.join(" "));
    if !fs::read_to_string(&manifest).is_ok_and(|found| found.contains(&PACKAGES.join(" "))) {
        fs::write(&manifest, wanted).map_err(|error| format!("{}: {error}", manifest.display()))?;
        let installing = ["install", "--no-audit", "--no-fund", "--no-save", "--silent"];
        if let Err(error) = run(Command::new("npm").args(installing).args(PACKAGES).current_dir(&made)) {
            // So that the next attempt installs, too.
            let _ = fs::remove_file(&manifest);
            return Err(error);
        }
    }
    let document = root.join("docs/asyncapi.json");
    run(Command::new("node").args(["-e", VALIDATE]).arg(&document).current_dir(&made))
        .map_err(|error| format!("{} is no AsyncAPI 3.0 document: {error}", document.display()))
}

fn run(command: &mut Command) -> Result<(), String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let done = command.output().map_err(|error| {
        format!("{program} cannot start ({error}); install Node.js 18 or newer (Debian: apt-get install nodejs npm)")
    })?;
    if done.status.success() {
        return Ok(());
    }
    Err(format!("{program} failed ({}):\n{}", done.status, String::from_utf8_lossy(&done.stderr)))
}
