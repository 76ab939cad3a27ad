//! Ends a server when the process that started it has gone, however it went.

use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Reads from a pipe whose other end only the process holds that is watched: the end of the pipe is the end of that
/// process. `$1` is the signal that ends the server, `$2` the server, `$3` the folder to remove or nothing.
/// A server that was paused is let go on, so that it can hear; one that does not hear is told more firmly.
const SCRIPT: &str = r#"
trap '' HUP INT TERM
read -r nothing
for signal in "$1" QUIT KILL; do
    kill -s "$signal" "$2"
    kill -s CONT "$2"
    for second in 1 2 3 4 5 6 7 8 9 10; do
        kill -s 0 "$2" || break 2
        sleep 1
    done
done
if [ -n "$3" ]; then rm -rf -- "$3"; fi
"#;

/// Watches over us, for one server. Dropped, it leaves the server alone.
#[derive(Debug)]
pub struct Watchdog {
    /// It holds our end of the pipe.
    shell: Child,
}

impl Watchdog {
    /// Should we go, `server` gets `signal`, and when it has ended `remove` is removed.
    pub fn over_us(server: u32, signal: &str, remove: Option<&Path>) -> io::Result<Self> {
        let shell = Command::new("sh")
            .args(["-c", SCRIPT, "watchdog", signal, &server.to_string()])
            .arg(remove.unwrap_or(Path::new("")))
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Ctrl-C in a terminal is for us: the watchdog must outlive it.
            .process_group(0)
            .spawn()?;
        Ok(Self { shell })
    }
}

impl Drop for Watchdog {
    /// The server has been cared for. (The shell is ended before the pipe is closed, so that it does nothing.)
    fn drop(&mut self) {
        if let Err(error) = self.shell.kill().and_then(|()| self.shell.wait()) {
            eprintln!("baedal-servers: a watchdog cannot be dismissed: {error}");
        }
    }
}
