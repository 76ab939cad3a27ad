//! Checks what `deploy/` ships: manifests, container recipe, systemd units and the settings in them.
//!
//! The tools go into `target/deploy`, so that the second time is quick.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use baedal_servers::CONTEXTS;

use tools::{anew, cargo, have, heard, install, make, once, read, run, told};

mod tools;

/// The overlays that are rendered and checked.
const OVERLAYS: [&str; 2] = ["small", "cooperative"];
/// What renders an overlay, and how it is told to. No registry that we install from has either.
const RENDERERS: [(&str, &str); 2] = [("kubectl", "kustomize"), ("kustomize", "build")];
/// The worst `systemd-analyze security` that we ship, in tenths: 0 is locked away, 100 is unconfined.
const EXPOSURE: &str = "15";

/// Everything under `deploy/`, with the real tools.
pub(crate) fn check() -> Result<(), String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("xtask is in no workspace")?;
    let place = Place { deploy: root.join("deploy"), made: root.join("target/deploy"), root: root.to_owned() };
    make(&place.made)?;
    place.units()?;
    let python = place.python()?;
    place.container(&python)?;
    if renders() {
        place.manifests(&python)?;
        place.settings_of_overlays()?;
    } else {
        eprintln!(
            "xtask: THE KUBERNETES MANIFESTS ARE NOT CHECKED: nothing here renders them; install kubectl 1.24 or newer"
        );
    }
    place.certificates()?;
    place.settings_of_units()
}

/// Whether this machine has a program that renders manifests.
fn renders() -> bool {
    RENDERERS.iter().any(|(program, _)| Command::new(program).arg("version").output().is_ok())
}

struct Place {
    root: PathBuf,
    deploy: PathBuf,
    /// Ours alone, in `target`: tools, and what is rendered.
    made: PathBuf,
}

impl Place {
    /// The units are understood by systemd, and confined.
    fn units(&self) -> Result<(), String> {
        have("systemd-analyze", "systemd")?;
        // A root of its own: no unit of this machine takes part, and the program need not be installed.
        let root = self.made.join("systemd");
        anew(&root)?;
        let units = root.join("etc/systemd/system");
        make(&units)?;
        make(&root.join("usr/bin"))?;
        run(Command::new("cp").arg("-r").arg(self.deploy.join("systemd/.")).arg(&units))?;
        run(Command::new("install").args(["-m", "755", "/bin/true"]).arg(root.join("usr/bin/baedal")))?;
        for unit in ["baedal.service", "baedal@order-1.service", "baedal@identity-1.service", "baedal.target"] {
            let mut verify = Command::new("systemd-analyze");
            verify.args(["verify", "--man=no", "--recursive-errors=no"]).arg(format!("--root={}", root.display()));
            let (_, complained) = heard(verify.arg(units.join(unit)))?;
            // It warns of what it does not know, and is content.
            if !complained.is_empty() {
                return Err(format!("systemd-analyze verify {unit} says:\n{complained}"));
            }
        }
        for unit in ["baedal.service", "baedal@.service"] {
            let mut security = Command::new("systemd-analyze");
            security.args(["security", "--offline=true", "--no-pager"]).arg(format!("--threshold={EXPOSURE}"));
            told(security.arg(units.join(unit)))?;
        }
        told(Command::new("systemd-sysusers").arg("--dry-run").arg(units.join("baedal.sysusers"))).map(drop)
    }

    /// The recipe is sound, and what it copies is all that cargo needs.
    fn container(&self, python: &Path) -> Result<(), String> {
        let recipe = self.deploy.join("container/Containerfile");
        run(Command::new(python.with_file_name("hadolint")).arg(&recipe))?;
        let context = self.made.join("context");
        anew(&context)?;
        for line in read(&recipe)?.lines() {
            let Some(copied) = line.strip_prefix("COPY ").filter(|copied| !copied.starts_with("--")) else { continue };
            let sources = copied.split(' ').rev().skip(1).map(|source| self.root.join(source));
            run(Command::new("cp").arg("-r").args(sources).arg(&context))?;
        }
        let tree = ["tree", "--locked", "--offline", "--package", "baedal", "--edges", "normal,build"];
        told(cargo().args(tree).current_dir(&context)).map(drop)
    }

    /// The overlays render, and are what Kubernetes takes.
    fn manifests(&self, python: &Path) -> Result<(), String> {
        let rendered = self.made.join("rendered");
        anew(&rendered)?;
        let mut check = Command::new(python);
        check.arg(self.deploy.join("checks/kubernetes.py")).arg(&rendered);
        for overlay in OVERLAYS {
            let file = rendered.join(format!("{overlay}.yaml"));
            let text = self.render(&self.deploy.join("kubernetes/overlays").join(overlay))?;
            fs::write(&file, text).map_err(|error| format!("{}: {error}", file.display()))?;
            check.arg(file);
        }
        run(&mut check)
    }

    /// By the kubectl or kustomize of this machine.
    fn render(&self, overlay: &Path) -> Result<String, String> {
        let mut why = Vec::new();
        for (program, verb) in RENDERERS {
            match told(Command::new(program).arg(verb).arg(overlay)) {
                Ok(rendered) => return Ok(rendered),
                Err(error) => why.push(error),
            }
        }
        Err(format!("{}\nNothing here renders the manifests.", why.join("\n")))
    }

    /// A Python of our own, with the schemas and the linter.
    fn python(&self) -> Result<PathBuf, String> {
        let folder = self.made.join("python");
        let python = folder.join("bin/python");
        let wanted = self.deploy.join("checks/requirements.txt");
        once(&folder, &wanted, || {
            let venv = || run(Command::new("python3").args(["-m", "venv"]).arg(&folder));
            // Debian's Python comes without what `venv` needs.
            venv().or_else(|_| install("python3-venv").and_then(|()| venv()))?;
            let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"];
            run(Command::new(&python).args(pip).arg(&wanted))
        })?;
        Ok(python)
    }

    /// Certificates are made, and made again, and the authority vouches for each.
    fn certificates(&self) -> Result<(), String> {
        let folder = self.made.join("certificates");
        anew(&folder)?;
        for _ in 0..2 {
            run(Command::new(self.deploy.join("make-certificates.sh")).arg(&folder).arg("10.0.0.7"))?;
        }
        for name in CONTEXTS.into_iter().chain(["nats"]) {
            let mut verify = Command::new("openssl");
            verify.args(["verify", "-purpose", "sslserver", "-verify_ip", "10.0.0.7", "-CAfile"]);
            told(verify.arg(folder.join("authority.pem")).arg(folder.join(format!("{name}.pem"))))?;
        }
        Ok(())
    }

    /// The program takes every settings file and every variable that we ship with the units,
    fn settings_of_units(&self) -> Result<(), String> {
        let etc = self.deploy.join("systemd/etc");
        let mut secrets = variables(&etc.join("secrets.env.example"))?;
        // Such as it will be; what makes it works.
        let made = self.made.join("secrets");
        if made.exists() {
            fs::remove_dir_all(&made).map_err(|error| format!("{}: {error}", made.display()))?;
        }
        run(Command::new(self.deploy.join("make-secrets.sh")).arg(&made))?;
        secrets.push(("BAEDAL_PEERS__KNOWN".to_owned(), read(&made.join("known"))?));
        let instances = fs::read_dir(etc.join("instances")).map_err(|error| format!("no instances: {error}"))?;
        for instance in instances {
            let file = instance.map_err(|error| format!("an instance cannot be read: {error}"))?.path();
            let name = file.file_name().ok_or("an instance has no name")?;
            let own = variables(&made.join(name))?;
            self.accepted(&etc.join("baedal.toml"), secrets.iter().cloned().chain(own).chain(variables(&file)?))?;
        }
        Ok(())
    }

    /// and those in the manifests.
    fn settings_of_overlays(&self) -> Result<(), String> {
        for overlay in OVERLAYS {
            let file = self.made.join("rendered").join(overlay);
            self.accepted(&file.with_extension("toml"), variables(&file.with_extension("env"))?)?;
        }
        Ok(())
    }

    fn accepted(&self, file: &Path, variables: impl IntoIterator<Item = (String, String)>) -> Result<(), String> {
        let mut config = cargo();
        config.args(["run", "--quiet", "--package", "baedal", "--", "config", "--config"]).arg(file);
        told(config.envs(variables).current_dir(&self.root)).map(drop)
    }
}

/// The lines `NAME=value` of a file.
fn variables(file: &Path) -> Result<Vec<(String, String)>, String> {
    let text = read(file)?;
    let lines = text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('='));
    Ok(lines.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}
