//! Who PostgreSQL runs as: it refuses root, so root hands it to a user without rights.

use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

/// The number of the user who may do everything.
pub(crate) const ROOT: u32 = 0;

/// A user that root runs a program as.
#[derive(Clone, Debug)]
pub(crate) struct User {
    name: &'static str,
    uid: u32,
    gid: u32,
}

/// The number of the user that we are.
pub(crate) fn own() -> Result<u32, String> {
    id(&["-u"]).ok_or_else(|| "`id -u` does not tell who we are".into())
}

/// Whom to run PostgreSQL as; `None` is ourselves.
pub(crate) fn for_postgres() -> Result<Option<User>, String> {
    if own()? != ROOT {
        return Ok(None);
    }
    ["postgres", "nobody"]
        .into_iter()
        .find_map(|name| Some(User { name, uid: id(&["-u", name])?, gid: id(&["-g", name])? }))
        .map(Some)
        .ok_or_else(|| "PostgreSQL refuses to run as root, and there is neither a user postgres nor nobody".into())
}

impl User {
    pub(crate) fn name(&self) -> &str {
        self.name
    }

    /// Gives a file or folder to this user.
    pub(crate) fn own(&self, path: &Path) -> Result<(), String> {
        chown(path, Some(self.uid), Some(self.gid))
            .map_err(|error| format!("{} cannot be given to {}: {error}", path.display(), self.name))
    }

    /// Has this user run the command.
    pub(crate) fn run(&self, command: &mut Command) {
        command.uid(self.uid).gid(self.gid);
    }

    /// Whether this user can get into the folder: temporary folders are often closed to everybody else.
    pub(crate) fn reaches(&self, folder: &Path) -> bool {
        let mut enter = Command::new("/bin/sh");
        enter.args(["-c", r#"cd "$1" 2>/dev/null"#, "sh"]).arg(folder).current_dir("/");
        self.run(&mut enter);
        enter.status().is_ok_and(|status| status.success())
    }
}

fn id(arguments: &[&str]) -> Option<u32> {
    let output = Command::new("id").args(arguments).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}
