//! The program itself, as an operator meets it: what it prints, what it refuses, how it stops.

#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

#[cfg(target_os = "linux")]
use std::io::Read;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
#[cfg(target_os = "linux")]
use std::time::{Duration, Instant};

struct Running {
    child: Child,
    address: String,
    admin_address: String,
}

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_baedal"));
    command.env("BAEDAL_LOG", "warn").stdin(Stdio::null());
    command
}

fn serve(data: &Path) -> Running {
    serve_by(program(), data)
}

fn serve_by(mut command: Command, data: &Path) -> Running {
    let mut child = command
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(data)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut output = BufReader::new(child.stdout.take().expect("its output"));
    let mut printed = |beginning: &str| {
        let mut line = String::new();
        output.read_line(&mut line).expect("a line");
        line.trim().strip_prefix(beginning).expect("what it prints when it is ready").to_owned()
    };
    let admin_address = printed("health and metrics on http://");
    let address = printed("ready on http://");
    Running { child, address, admin_address }
}

impl Running {
    fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status().expect("kill");
        assert!(sent.success());
    }

    /// Stops it as an operator does; it must end well.
    fn stop(mut self) {
        self.signal("-TERM");
        assert_eq!(self.child.wait().expect("its end").code(), Some(0));
    }
}

#[cfg(target_os = "linux")]
impl Running {
    /// What `/health/ready` tells operators: its status, and why.
    fn readiness(&self) -> (u16, String) {
        let mut stream = std::net::TcpStream::connect(&self.admin_address).expect("a connection");
        stream.write_all(b"GET /health/ready HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").expect("a request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
        (status.expect("a status"), answer)
    }

    /// Waits until it answers so, and returns the answer.
    fn until_readiness_is(&self, wanted: u16) -> String {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let (status, answer) = self.readiness();
            if status == wanted {
                return answer;
            }
            assert!(Instant::now() < deadline, "never {wanted}: {answer}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// From now on no file of its may be written beyond so many bytes: to SQLite that is a disk that is full.
    fn limit_files(&self, bytes: &str) {
        let pid = self.child.id().to_string();
        let set = Command::new("prlimit").args(["--pid", &pid, &format!("--fsize={bytes}:")]).status();
        assert!(set.expect("prlimit").success());
    }
}

/// A test that fails leaves nothing behind.
impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn refused(output: &Output) -> String {
    assert!(!output.status.success());
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(told.trim().lines().count(), 1, "one clear line: {told}");
    told
}

fn run(arguments: &[&str]) -> Output {
    program().args(arguments).output().expect("the program")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

#[test]
fn it_stops_gracefully_and_starts_again() {
    let folder = tempfile::tempdir().expect("a folder");
    for _ in 0..2 {
        let running = serve(folder.path());
        assert!(running.address.starts_with("127.0.0.1:"));
        running.stop();
    }
}

#[cfg(target_os = "linux")]
#[test]
fn on_a_full_disk_it_is_not_ready_though_nobody_writes_anything_and_ready_when_there_is_room() {
    let folder = tempfile::tempdir().expect("a folder");
    // Too large a file is an error then, and not the end of the process.
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' XFSZ; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_baedal")]);
    shell.env("BAEDAL_LOG", "off").stdin(Stdio::null());
    let running = serve_by(shell, folder.path());
    running.until_readiness_is(200);
    running.limit_files("4096");
    let answer = running.until_readiness_is(503);
    assert!(answer.contains("\"status\":\"not_ready\""), "{answer}");
    running.limit_files("unlimited");
    running.until_readiness_is(200);
    running.stop();
}

#[test]
fn an_address_in_use_is_one_clear_line() {
    let (one, other) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let running = serve(one.path());
    let told = refused(&run(&["serve", "--listen", &running.address, "--data", text(other.path())]));
    assert!(told.contains("cannot listen on") && told.contains(&running.address), "{told}");
}

#[test]
fn a_data_folder_in_use_is_one_clear_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let running = serve(folder.path());
    let told = refused(&run(&["serve", "--listen", "127.0.0.1:0", "--data", text(folder.path())]));
    assert!(told.contains("in use by another process"), "{told}");
    running.stop();
}

#[test]
fn a_bad_setting_is_one_clear_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("settings.toml");
    for (content, named) in [
        ("listen = 7\n", "listen"),
        ("colour = \"red\"\n", "colour"),
        ("[order]\npayment_window = \"soon\"\n", "payment_window"),
    ] {
        std::fs::write(&file, content).expect("a file");
        let told = refused(&run(&["serve", "--config", text(&file), "--data", text(&folder.path().join("data"))]));
        assert!(told.contains(named), "{told}");
    }
    assert!(refused(&run(&["serve", "--config", "/nowhere.toml"])).contains("/nowhere.toml"));
    assert!(!folder.path().join("data").exists(), "nothing was begun");
}

#[test]
fn a_damaged_or_newer_data_folder_is_refused_and_left_untouched() {
    for (damage, named) in [(Damage::Garbage, "order.db"), (Damage::Newer, "order.db")] {
        let folder = tempfile::tempdir().expect("a folder");
        serve(folder.path()).stop();
        let file = folder.path().join("order.db");
        damage.inflict(&file);
        let before = std::fs::read(&file).expect("the file");
        let told = refused(&run(&["serve", "--listen", "127.0.0.1:0", "--data", text(folder.path())]));
        assert!(told.contains(named), "{told}");
        assert!(std::fs::read(&file).expect("the file") == before, "left untouched");
    }
}

enum Damage {
    Garbage,
    Newer,
}

impl Damage {
    fn inflict(&self, file: &Path) {
        let mut bytes = std::fs::read(file).expect("the file");
        match self {
            Self::Garbage => bytes[..64].fill(0x5a),
            // `user_version` is the big-endian word at offset 60 of the header: https://www.sqlite.org/fileformat.html
            Self::Newer => bytes[60..64].copy_from_slice(&9_999_u32.to_be_bytes()),
        }
        std::fs::File::create(file).and_then(|mut file| file.write_all(&bytes)).expect("the file");
    }
}

#[test]
fn the_first_operator_is_made_from_a_password_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let (data, secret) = (folder.path().join("data"), folder.path().join("secret"));
    std::fs::write(&secret, "a long enough password\n").expect("a file");
    let create = [
        "operator",
        "create",
        "--phone",
        "010-9000-0001",
        "--name",
        "운영자",
        "--password-file",
        text(&secret),
        "--data",
        text(&data),
    ];
    let created = run(&create);
    assert!(created.status.success(), "{}", String::from_utf8_lossy(&created.stderr));
    assert!(refused(&run(&create)).contains("010"), "the phone is taken");
    let running = serve(&data);
    assert!(refused(&run(&create)).contains("in use by another process"));
    running.stop();
}

#[cfg(unix)]
#[test]
fn the_signing_key_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    serve(folder.path()).stop();
    let key = folder.path().join("identity-key.pem");
    assert_eq!(std::fs::metadata(&key).expect("the key").permissions().mode() & 0o777, 0o600);
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).expect("opened to all");
    let told = refused(&run(&["serve", "--listen", "127.0.0.1:0", "--data", text(folder.path())]));
    assert!(told.contains("identity-key.pem"), "{told}");
}

#[test]
fn the_settings_in_force_can_be_printed_and_read_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let printed = run(&["config", "--listen", "127.0.0.1:9999"]);
    assert!(printed.status.success(), "{}", String::from_utf8_lossy(&printed.stderr));
    let file = folder.path().join("settings.toml");
    std::fs::write(&file, &printed.stdout).expect("a file");
    let again = run(&["config", "--config", text(&file)]);
    assert_eq!(String::from_utf8_lossy(&again.stdout), String::from_utf8_lossy(&printed.stdout));
    assert!(String::from_utf8_lossy(&printed.stdout).contains("127.0.0.1:9999"));
}

#[test]
fn the_demo_can_be_reached_from_outside_only_when_that_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let told = refused(&run(&["demo", "--listen", "0.0.0.0:0", "--data", text(folder.path())]));
    assert!(told.contains("--reachable-from-outside"), "{told}");
}
