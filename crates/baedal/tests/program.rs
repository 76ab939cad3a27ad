//! The program itself, as an operator meets it: what it prints, what it refuses, how it stops.

#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;
#[cfg(target_os = "linux")]
use std::time::Instant;

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
    let mut demo = program();
    demo.args(["demo", "--listen", "0.0.0.0:0", "--data", text(folder.path())]);
    let mut demo = demo.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program");
    // It says so and ends, or that it is ready and goes on.
    let mut ready = String::new();
    BufReader::new(demo.stdout.take().expect("its output")).read_line(&mut ready).expect("its output");
    if !ready.is_empty() {
        demo.kill().expect("its end");
    }
    let told = refused(&demo.wait_with_output().expect("its end"));
    assert!(ready.is_empty() && told.contains("--reachable-from-outside"), "{ready} {told}");
}

const SECRET: &str = "s3cret-s3cret-s3cret-s3cret-s3cret";

/// A process of order alone, which needs a secret to ask the others with.
fn order_alone(variables: &[(&str, &str)], file: Option<&str>) -> Output {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = folder.path().join("settings.toml");
    let mut command = program();
    command.args(["serve", "--roles", "order", "--listen", "127.0.0.1:0", "--data"]).arg(folder.path().join("data"));
    command.env("BAEDAL_NATS__URLS", "[\"nats://127.0.0.1:1\"]");
    command.env("BAEDAL_PEERS__ADDRESSES", "{payment=[],identity=[],store=[],delivery=[],notification=[],tracking=[]}");
    if let Some(file) = file {
        std::fs::write(&settings, file).expect("a file");
        command.arg("--config").arg(&settings);
    }
    command.envs(variables.iter().copied()).output().expect("the program")
}

#[test]
fn a_peer_secret_that_is_none_is_refused_wherever_it_is_set() {
    let printed = program().arg("config").env("BAEDAL_PEERS__SECRET", SECRET).output().expect("the program");
    let printed = String::from_utf8(printed.stdout).expect("text");
    assert!(!printed.contains("s3cret"), "{printed}");
    let copied = printed.lines().find_map(|line| line.strip_prefix("secret = ")).expect("a secret").trim_matches('"');
    let short = "s3cret-s3cret-s3cret-s3cret-s3c";
    assert_eq!(short.len(), 31);
    let strange = "s3cret s3cret s3cret s3cret s3cret";
    for (secret, why) in [
        ("", "it is not set"),
        (copied, "`baedal config` shows in place of a secret"),
        (short, "fewer than 32 characters"),
        (strange, "visible ASCII"),
    ] {
        let file = format!("[peers]\nsecret = \"{secret}\"\n");
        for output in [order_alone(&[("BAEDAL_PEERS__SECRET", secret)], None), order_alone(&[], Some(&file))] {
            let told = refused(&output);
            assert!(told.contains("`peers.secret` cannot be used") && told.contains(why), "{secret}: {told}");
            assert!(!told.contains("s3cret"), "{told}");
        }
    }
    // All that `baedal config` printed, as a file: what was hidden is missed.
    let told = refused(&order_alone(&[], Some(&printed)));
    assert!(!told.contains("s3cret"), "{told}");
    // One that can be used is not what it stops at.
    let told = refused(&order_alone(&[("BAEDAL_PEERS__SECRET", SECRET)], None));
    assert!(told.contains("peers.known") && !told.contains("s3cret"), "{told}");
}

#[test]
fn what_is_malformed_in_the_environment_or_on_the_command_line_shows_no_secret() {
    let malformed = [
        ("PEERS__SECRET", "[\"s3cret\"]"),
        ("PEERS__SECRET", "{s3cret=1}"),
        ("PEERS__SECRET__S3CRET", "1"),
        ("PEERS", "s3cret"),
        ("NATS", "s3cret"),
        ("PEERS__KNOWN", "s3cret"),
        ("PEERS__KNOWN", "{gateway=s3cret}"),
        ("POSTGRES", "s3cret"),
        ("POSTGRES__URL", "[s3cret]"),
        ("NATS__URLS", "nats://order:s3cret@127.0.0.1:4222"),
        ("NATS__URLS", "[[s3cret]]"),
        ("NATS__PASSWORD", "{s3cret=s3cret}"),
    ];
    for (variable, value) in malformed {
        let output = program().arg("config").env(format!("BAEDAL_{variable}"), value).output().expect("the program");
        let told = refused(&output).to_lowercase();
        let section = variable.split("__").next().unwrap_or_default().to_lowercase();
        assert!(told.contains(&section), "{variable}={value}: {told}");
        assert!(!told.contains("s3cret") && output.stdout.is_empty(), "{variable}={value}: {told}");
    }
    // A number is no text, also where it was meant as one.
    let number =
        program().arg("config").env("BAEDAL_PEERS__SECRET", "31415926535897932").output().expect("the program");
    let told = refused(&number);
    assert!(told.contains("`peers.secret` (in the environment) is a number") && !told.contains("31415"), "{told}");
    // There is no flag for a secret, and whoever thinks so is not quoted.
    for flags in [&["--peers.secret=s3cret"][..], &["--secret=s3cret"], &["--postgres-url=s3cret"]] {
        let output = program().arg("serve").args(flags).output().expect("the program");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && !told.contains("s3cret"), "{flags:?}: {told}");
    }
}

/// A platform whose log goes to a file, and what was asked of it.
struct Watched {
    running: Running,
    folder: tempfile::TempDir,
}

impl Watched {
    fn serve(level: &str) -> Self {
        Self::serve_with(level, &[])
    }

    fn serve_with(level: &str, variables: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let log = std::fs::File::create(folder.path().join("log")).expect("a file");
        let mut command = program();
        command.env("BAEDAL_LOG", level).envs(variables.iter().copied()).stderr(log);
        let running = serve_by(command, &folder.path().join("data"));
        Self { running, folder }
    }

    fn ask(&self, method: &str, path: &str, headers: &str, body: &str) -> String {
        let mut stream = std::net::TcpStream::connect(&self.running.address).expect("a connection");
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n\
             content-length: {length}\r\n{headers}\r\n{body}"
        );
        stream.write_all(request.as_bytes()).expect("a request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).expect("a log")
    }
}

/// What stands in quotation marks behind a name in JSON.
fn field<'a>(answer: &'a str, name: &str) -> &'a str {
    let rest = answer.split_once(&format!("\"{name}\":\"")).unwrap_or_else(|| panic!("no {name} in {answer}")).1;
    rest.split_once('"').expect("an end").0
}

/// Whether a word stands somewhere, and not as a part of another.
fn stands_in(bytes: &[u8], word: &str) -> bool {
    let is_part = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_alphanumeric);
    bytes
        .windows(word.len())
        .enumerate()
        .any(|(at, found)| found == word.as_bytes() && !is_part(at.checked_sub(1)) && !is_part(Some(at + word.len())))
}

#[test]
fn codes_that_were_sent_to_phones_stand_nowhere_and_the_log_says_that_they_prove_nothing() {
    let watched = Watched::serve("debug");
    let mut codes = Vec::new();
    for number in 0..6 {
        let phone = format!("0101234000{number}");
        let asked = format!("{{\"phone\":\"{phone}\",\"purpose\":\"register\"}}");
        let sent = watched.ask("POST", "/api/phone-codes", "", &asked);
        let code = field(&sent, "code").to_owned();
        // One is never used, one is used twice, one is tried for another number, and one comes with what is malformed.
        let account = |phone: &str, rest: &str| {
            format!(
                "{{\"role\":\"customer\",\"name\":\"김하늘\",\"phone\":\"{phone}\",\
                 \"password\":\"correct horse\",\"code\":\"{code}\"{rest}}}"
            )
        };
        let opened = match number {
            0 => String::new(),
            1 => watched.ask("POST", "/api/accounts", "", &account("01099990000", "")),
            2 => watched.ask("POST", "/api/accounts", "", &account(&phone, ",\"strange\":1")),
            _ => watched.ask("POST", "/api/accounts", "", &account(&phone, "")),
        };
        let status = opened.split(' ').nth(1).unwrap_or("none").to_owned();
        assert_eq!(status, ["none", "422", "422", "201", "201", "201"][number], "{opened}");
        if number == 3 {
            watched.ask("POST", "/api/accounts", "", &account(&phone, ""));
        }
        codes.push(code);
    }
    let signed_in = watched.ask("POST", "/api/token", "", "{\"phone\":\"01012340003\",\"password\":\"correct horse\"}");
    let bearer = format!("authorization: Bearer {}\r\n", field(&signed_in, "access_token"));
    let notices = watched.ask("GET", "/api/notices", &bearer, "");
    assert!(notices.contains("200 OK"), "{notices}");
    watched.running.signal("-TERM");
    let Watched { mut running, folder } = watched;
    assert_eq!(running.child.wait().expect("its end").code(), Some(0));
    let mut found_phone = false;
    let data = std::fs::read_dir(folder.path().join("data")).expect("the data");
    let files = data.map(|entry| entry.expect("a file").path()).chain([folder.path().join("log")]);
    for file in files.filter(|file| file.is_file()) {
        let bytes = std::fs::read(&file).expect("a file");
        found_phone |= stands_in(&bytes, "01012340003");
        for code in &codes {
            assert!(!stands_in(&bytes, code), "{} is in {}", code, file.display());
        }
    }
    assert!(found_phone, "what is looked for would be found");
    for code in &codes {
        assert!(!stands_in(notices.as_bytes(), code), "{notices}");
    }
    let log = std::fs::read_to_string(folder.path().join("log")).expect("a log");
    assert!(log.contains("phone numbers are not proven"), "{log}");
}

#[test]
fn addresses_that_are_told_and_not_believed_are_warned_of_once() {
    let watched = Watched::serve("warn");
    let warnings = |log: &str| log.lines().filter(|line| line.contains("gateway.trusted_proxies")).count();
    watched.ask("GET", "/api/stores?lat=37.5&lng=126.9", "", "");
    assert_eq!(warnings(&watched.log()), 0);
    for last in 1..=5 {
        watched.ask("GET", "/api/stores?lat=37.5&lng=126.9", &format!("x-forwarded-for: 198.51.100.{last}\r\n"), "");
        assert_eq!(warnings(&watched.log()), 1);
    }
}

/// What comes over a connection until it is closed.
fn all_of(stream: &mut std::net::TcpStream) -> String {
    let mut read = Vec::new();
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a time limit");
    // That it is closed while something was not read is an error, and an end.
    if let Err(error) = stream.read_to_end(&mut read) {
        assert_ne!(error.kind(), std::io::ErrorKind::WouldBlock, "it is never closed");
    }
    String::from_utf8_lossy(&read).into_owned()
}

#[test]
fn what_one_address_may_hold_is_what_the_settings_say() {
    let watched = Watched::serve_with(
        "warn",
        &[
            ("BAEDAL_GATEWAY__CONNECTIONS_PER_ADDRESS", "3"),
            ("BAEDAL_GATEWAY__HEAD_BYTES_PER_ADDRESS", "8192"),
            ("BAEDAL_GATEWAY__HEAD_TIME_LIMIT", "1s"),
            ("BAEDAL_GATEWAY__BODY_TIME_LIMIT", "1s"),
            ("BAEDAL_GATEWAY__UNFINISHED_REQUESTS_PER_ADDRESS", "1"),
        ],
    );
    let connect = || std::net::TcpStream::connect(&watched.running.address).expect("a connection");
    let send = |text: &str| {
        let mut stream = connect();
        stream.write_all(text.as_bytes()).expect("a socket");
        stream
    };
    // A large head, of which the end does not come, has no room; a small one has a second.
    let large = send(&format!("GET / HTTP/1.1\r\nhost: x\r\nx: {}", "y".repeat(12_600)));
    assert!(all_of(&mut { large }).starts_with("HTTP/1.1 429 "));
    let late = send("GET / HTTP/1.1\r\nhost: ");
    assert!(all_of(&mut { late }).starts_with("HTTP/1.1 408 "));
    // One body may be on its way, and for a second.
    let begun = "POST /api/token HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n\
                 content-length: 100\r\n\r\n{";
    let answers = [send(begun), send(begun)].map(|mut stream| all_of(&mut stream));
    let mut statuses = answers.each_ref().map(|answer| answer.get(9..12).unwrap_or_default());
    statuses.sort_unstable();
    assert_eq!(statuses, ["408", "429"], "{answers:?}");
    // So many connections, and whoever comes beyond them is told; the others send nothing for a second.
    let mut held = [connect(), connect(), connect(), connect()];
    let told: Vec<_> = held.iter_mut().map(all_of).collect();
    assert!(told.iter().any(|told| told.starts_with("HTTP/1.1 429 ")), "{told:?}");
}
