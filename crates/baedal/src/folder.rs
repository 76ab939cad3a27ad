//! The data folder: there, owner-only, and ours alone while we run.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// A data folder that no other process uses. The lock ends with the value, however the process ends.
#[derive(Debug)]
pub struct DataFolder {
    path: PathBuf,
    _lock: File,
}

impl DataFolder {
    /// Takes a folder, making it where there is none.
    ///
    /// # Errors
    /// Where it cannot be made, another process uses it, or others than its owner may use it or what is in it.
    pub fn take(path: &Path) -> Result<Self> {
        let what = || format!("cannot use the data folder {}", path.display());
        make(path).with_context(what)?;
        if is_empty(path).with_context(what)? {
            make_private(path).with_context(what)?;
        }
        must_be_private(path).with_context(what)?;
        let lock = open_lock(&path.join("lock")).with_context(what)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => {
                bail!("the data folder {} is in use by another process", path.display())
            }
            Err(TryLockError::Error(error)) => Err(error).with_context(what),
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file of a context's database.
    #[must_use]
    pub fn database(&self, context: &str) -> PathBuf {
        self.path.join(format!("{context}.db"))
    }
}

/// Everybody's names, addresses and door codes are in there: the folder and each file of it must be its owner's alone,
/// also what was there before us, as a copy that was put back.
#[cfg(unix)]
fn must_be_private(folder: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let check = |path: &Path| {
        let mode = std::fs::symlink_metadata(path)?.permissions().mode() & 0o777;
        anyhow::ensure!(
            mode & 0o077 == 0,
            "{} can be used by others than its owner (mode {mode:03o}); run: chmod -R go= {}",
            path.display(),
            quoted(folder)
        );
        Ok(())
    };
    // A folder may be reached by a link, whose own mode says nothing.
    check(&folder.canonicalize()?)?;
    for entry in folder.read_dir()? {
        let entry = entry?;
        if !entry.file_type()?.is_symlink() {
            check(&entry.path())?;
        }
    }
    Ok(())
}

/// Whether nothing is in it that anybody could have read.
fn is_empty(folder: &Path) -> std::io::Result<bool> {
    Ok(folder.read_dir()?.next().is_none())
}

#[cfg(unix)]
fn make_private(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "where files have no mode, nothing can be refused by it")]
fn make_private(_folder: &Path) -> std::io::Result<()> {
    Ok(())
}

/// A path as a shell reads it.
#[cfg(unix)]
fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "where files have no mode, nothing can be refused by it")]
fn must_be_private(_folder: &Path) -> Result<()> {
    Ok(())
}

fn open_lock(path: &Path) -> std::io::Result<File> {
    let mut options = File::options();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(unix)]
fn make(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

#[cfg(not(unix))]
fn make(path: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(path)
}

#[cfg(test)]
mod tests {
    use super::DataFolder;

    #[test]
    fn a_folder_has_one_user_at_a_time() {
        let parent = tempfile::tempdir().expect("a temporary folder");
        let path = parent.path().join("data");
        let first = DataFolder::take(&path).expect("a new folder");
        let refused = DataFolder::take(&path).expect_err("a folder in use");
        assert!(refused.to_string().ends_with("is in use by another process"), "{refused}");
        drop(first);
        DataFolder::take(&path).expect("a folder that was left");
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_that_others_may_use_is_refused_with_the_command_that_mends_it() {
        use std::fs;
        use std::os::unix::fs::PermissionsExt;
        use std::path::Path;
        use std::process::Command;

        let set = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
        let parent = tempfile::tempdir().expect("a temporary folder");
        let path = parent.path().join("it's data");
        drop(DataFolder::take(&path).expect("a new folder"));
        let file = path.join("order.db-wal");
        fs::write(&file, "secrets").expect("a file");
        set(&file, 0o600);
        for (wrong, mode) in [(&path, 0o750), (&path, 0o701), (&file, 0o640), (&file, 0o604)] {
            set(wrong, mode);
            let refused = format!("{:#}", DataFolder::take(&path).expect_err("a folder of everybody"));
            let (said, command) = refused.split_once("; run: ").expect("a command");
            assert!(said.contains(&format!("mode {mode:03o}")) && said.contains(&*wrong.to_string_lossy()), "{said}");
            assert!(Command::new("sh").args(["-c", command]).status().expect("a shell").success(), "{command}");
            DataFolder::take(&path).expect("a folder that was mended");
        }
    }
}
