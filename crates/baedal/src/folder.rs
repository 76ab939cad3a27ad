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
    /// Where it cannot be made or another process uses it.
    pub fn take(path: &Path) -> Result<Self> {
        let what = || format!("cannot use the data folder {}", path.display());
        make(path).with_context(what)?;
        let lock =
            File::options().create(true).truncate(false).write(true).open(path.join("lock")).with_context(what)?;
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
}
