//! Receivers of what is told, on this machine: a server of webhooks and one of mail. Own what they heard,
//! byte for byte, and answer as their addresses ask; check nothing.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};

/// One that was heard: to which path or mailbox it was sent, and all of it.
#[derive(Clone, Debug)]
pub struct Heard {
    /// The path of a webhook, or the mailbox.
    pub place: String,
    /// Headers, an empty line, and the body; without the line of the request and the name of the host.
    pub text: String,
}

/// A server in a thread of its own, for as long as the test runs.
pub struct Receiver {
    /// Where it listens.
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    heard: Mutex<Vec<Heard>>,
    says: Mutex<String>,
}

impl Receiver {
    /// Takes webhooks. Whatever has `gone` in its path is answered 410 with what it [`Self::says`], whatever has
    /// `down` 503, everything else 200.
    pub fn of_hooks() -> Self {
        Self::serve(hook)
    }

    /// Takes mail, from whoever signs in by whatever password. A mailbox of `left@` is refused with what it
    /// [`Self::says`], one of `full@` is told to come again.
    pub fn of_mail() -> Self {
        Self::serve(mail)
    }

    fn serve(each: fn(&TcpStream, &Shared) -> std::io::Result<()>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("it listens");
        let own = Arc::new(Shared::default());
        let shared = Arc::clone(&own);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                // Who breaks off was not heard.
                std::thread::spawn(move || drop(each(&stream, &shared)));
            }
        });
        Self { address, shared: own }
    }

    /// What it says from now on when it takes something not.
    pub fn says(&self, text: &str) {
        text.clone_into(&mut locked(&self.shared.says));
    }

    /// What was heard until now.
    pub fn heard(&self) -> Vec<Heard> {
        locked(&self.shared.heard).clone()
    }
}

fn locked<T>(one: &Mutex<T>) -> MutexGuard<'_, T> {
    one.lock().expect("no holder of this lock panics")
}

fn hook(mut stream: &TcpStream, shared: &Shared) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let place = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let (mut text, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
        if name == "content-length" {
            length = line["content-length:".len()..].trim().parse().unwrap_or(0);
        }
        if name != "host" {
            text.push_str(&line);
        }
        if line.trim_end().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    text.push_str(&String::from_utf8_lossy(&body));
    let says = locked(&shared.says).clone();
    let (status, says) = match &place {
        place if place.contains("gone") => (410, &*says),
        place if place.contains("down") => (503, &*says),
        _ => (200, ""),
    };
    locked(&shared.heard).push(Heard { place, text });
    let head = format!("HTTP/1.1 {status} So\r\nconnection: close\r\n");
    write!(stream, "{head}content-length: {}\r\n\r\n{says}", says.len())
}

fn mail(mut stream: &TcpStream, shared: &Shared) -> std::io::Result<()> {
    let reader = BufReader::new(stream.try_clone()?);
    let mut mailbox = String::new();
    let mut text: Option<String> = None;
    writeln!(stream, "220 sink ESMTP\r")?;
    for line in reader.lines() {
        let line = line?;
        if let Some(mut whole) = text.take() {
            if line == "." {
                locked(&shared.heard).push(Heard { place: mailbox.clone(), text: whole });
                writeln!(stream, "250 queued\r")?;
            } else {
                // A line that begins with a dot was sent with one more (RFC 5321, 4.5.2).
                whole.push_str(line.strip_prefix('.').unwrap_or(&line));
                whole.push('\n');
                text = Some(whole);
            }
            continue;
        }
        let answer = match line.split(' ').next().unwrap_or_default() {
            "EHLO" => "250-sink\r\n250-AUTH PLAIN\r\n250 8BITMIME".to_owned(),
            "AUTH" => "235 welcome".to_owned(),
            "RCPT" if line.contains("left@") => format!("550 {}", locked(&shared.says)),
            "RCPT" if line.contains("full@") => format!("452 {}", locked(&shared.says)),
            "DATA" => {
                text = Some(String::new());
                "354 go on".to_owned()
            }
            "QUIT" => "221 bye".to_owned(),
            _ => "250 yes".to_owned(),
        };
        if line.starts_with("RCPT") {
            mailbox = line;
        }
        writeln!(stream, "{answer}\r")?;
    }
    Ok(())
}
