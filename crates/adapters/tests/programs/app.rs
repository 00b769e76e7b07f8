//! A program that behaves as `BEHAVIOUR` says; what the process target has to cope with.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it is a program that says things")]
#![expect(clippy::zombie_processes, reason = "it leaves processes behind on purpose")]

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsFd as _;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

/// Longer than any test.
const FOREVER: Duration = Duration::from_mins(10);

fn main() -> ExitCode {
    let behaviour = std::env::var("BEHAVIOUR").unwrap_or_default();
    println!("started as {behaviour:?}");
    match behaviour.as_str() {
        "hang" => std::thread::sleep(FOREVER),
        "crash" => {
            eprintln!("cannot read its configuration");
            return ExitCode::from(7);
        }
        "daemon" => {
            // The parent leaves, the child serves on in a process group of its own.
            use std::os::unix::process::CommandExt as _;
            let own = std::env::current_exe().expect("it runs");
            let mut child = Command::new(own);
            child.env("BEHAVIOUR", "serve").process_group(0).stdout(Stdio::null());
            let _left_behind = child.spawn().expect("starts");
            std::thread::sleep(Duration::from_millis(200));
            return ExitCode::SUCCESS;
        }
        "parent" => {
            // The child listens, without the mark; the parent only waits for it.
            let kept = ["PORT", "HOST"].map(|name| (name, std::env::var(name).expect("given")));
            let own = std::env::current_exe().expect("it runs");
            let mut child = Command::new(own);
            child.env_clear().envs(kept).env("BEHAVIOUR", "serve");
            let _ended = child.spawn().expect("starts").wait();
        }
        "tell" => {
            tell();
            serve();
        }
        "mute" => {
            let listener = listen();
            let open: Vec<_> = listener.incoming().collect();
            drop(open);
        }
        "stubborn" => {
            // A shell, because it can ignore a signal without unsafe code; what it ignores stays ignored in the program that takes its place.
            use std::os::unix::process::CommandExt as _;
            let own = std::env::current_exe().expect("it runs");
            let mut shell = Command::new("/bin/sh");
            shell.args(["-c", "trap '' TERM; exec \"$0\""]).arg(own).env("BEHAVIOUR", "serve");
            eprintln!("cannot become a shell: {}", shell.exec());
        }
        "worker" => {
            // A shell for the same reason.
            let script = "trap '' TERM; sleep 600 & wait; sleep 600";
            let _worker = Command::new("/bin/sh").args(["-c", script]).spawn().expect("starts");
            serve();
        }
        "flood" => {
            std::thread::spawn(|| {
                let chunk = [b"\x1b[31m\xff no end of line".as_slice(); 300].concat();
                let chunk = [&chunk[..], b"\n"].concat();
                // Not through `stdout()`, whose lock the other thread needs as well.
                let out = std::io::stdout().as_fd().try_clone_to_owned();
                let mut out = std::fs::File::from(out.expect("a descriptor is left"));
                while out.write_all(&chunk).is_ok() {}
            });
            serve();
        }
        _ => serve(),
    }
    ExitCode::SUCCESS
}

/// Prints its secret in two pieces, and whole in JSON.
fn tell() {
    let secret = std::env::var("DB_PASSWORD").unwrap_or_default();
    let (first, second) = secret.split_at(secret.len() / 2);
    print!("it is {first}");
    std::io::stdout().flush().expect("somebody reads");
    std::thread::sleep(Duration::from_millis(50));
    println!("{second}, so it is");
    eprintln!("{{\"password\": {secret:?}}}");
}

/// Answers `/ready` with 200, `/env/NAME` with the variable, `/exit` by ending.
fn serve() {
    for connection in listen().incoming().flatten() {
        answer(connection);
    }
}

fn listen() -> TcpListener {
    let port = std::env::var("PORT").expect("a port is given").parse().expect("a number");
    let host = std::env::var("HOST").expect("a host is given");
    match TcpListener::bind((host.as_str(), port)) {
        Ok(listener) => {
            println!("listens on {port}");
            listener
        }
        Err(error) => {
            eprintln!("cannot listen: {error}");
            std::process::exit(9);
        }
    }
}

fn answer(mut connection: TcpStream) {
    let mut buffer = [0; 4096];
    let read = connection.read(&mut buffer).unwrap_or(0);
    let request = String::from_utf8_lossy(&buffer[..read]).into_owned();
    let path = request.split(' ').nth(1).unwrap_or("/");
    let (status, body) = match path {
        "/ready" => ("200 OK", String::new()),
        "/exit" => std::process::exit(3),
        "/pid" => ("200 OK", std::process::id().to_string()),
        "/names" => ("200 OK", std::env::vars().map(|(name, _)| name + "\n").collect()),
        _ => match path.strip_prefix("/env/") {
            Some(name) => ("200 OK", std::env::var(name).unwrap_or_default()),
            None => ("404 Not Found", String::new()),
        },
    };
    let length = body.len();
    let answer =
        format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
    let _client_may_be_gone = connection.write_all(answer.as_bytes());
}
