//! Clocks of their own for processes: libfaketime shows each a time that is so far from the machine's as a file says.
//!
//! Only the time of day is another one; the monotonic clock, by which a process waits, is left alone, as it is where
//! somebody sets a machine's clock.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The variable that names the library `libfaketimeMT.so.1`.
pub const FAKETIME: &str = "TEST_FAKETIME";

/// The library, in Debian's folders and others'.
const LIBRARY: &str = "faketime/libfaketimeMT.so.1";

/// The library that shows a process another time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Clocks {
    library: PathBuf,
}

impl Clocks {
    /// Looks for it in `TEST_FAKETIME`, else where Debian and others install it.
    pub fn find() -> Result<Self, String> {
        if let Some(given) = env::var_os(FAKETIME).filter(|given| !given.is_empty()).map(PathBuf::from) {
            return match given.is_file() {
                true => Ok(Self { library: given }),
                false => Err(format!("{FAKETIME}: {} is no file", given.display())),
            };
        }
        let multiarch = format!("/usr/lib/{}-linux-gnu", env::consts::ARCH);
        let folders = [multiarch.as_str(), "/usr/lib64", "/usr/lib", "/usr/local/lib"];
        let found = folders.map(|folder| Path::new(folder).join(LIBRARY)).into_iter().find(|path| path.is_file());
        found.map(|library| Self { library }).ok_or_else(|| "libfaketime is missing".to_owned())
    }

    /// The library.
    pub fn library(&self) -> &Path {
        &self.library
    }

    /// Has a process look at `file` for its clock; it is right at first, unless the file says otherwise already.
    pub(crate) fn give(&self, command: &mut Command, file: &Path) -> Result<(), String> {
        if !file.exists() {
            set(file, 0)?;
        }
        command.env("LD_PRELOAD", &self.library);
        // It looks whenever it asks for the time: a clock that was set is set.
        command.env("FAKETIME_TIMESTAMP_FILE", file).env("FAKETIME_NO_CACHE", "1");
        command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        Ok(())
    }
}

/// Sets the clock of whoever looks at this file, so many seconds ahead of the machine's, or behind it.
pub(crate) fn set(file: &Path, ahead_seconds: i64) -> Result<(), String> {
    // Whoever looks sees the old line or the new one.
    let new = file.with_extension("new");
    let written = fs::write(&new, format!("{ahead_seconds:+}\n")).and_then(|()| fs::rename(&new, file));
    written.map_err(|error| format!("{}: {error}", file.display()))
}

/// Removes what the library leaves in shared memory where a process was killed: the next process of that number
/// could not start.
pub(crate) fn tidy_after(process: u32) {
    for left in [format!("faketime_shm_{process}"), format!("sem.faketime_sem_{process}")] {
        // Where the process had no such clock, or has tidied up itself, there is nothing.
        let _ = fs::remove_file(Path::new("/dev/shm").join(OsStr::new(&left)));
    }
}
