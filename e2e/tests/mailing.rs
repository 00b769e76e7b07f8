//! Mail goes over TLS, begun at once or by STARTTLS, to a server whose certificate this machine trusts, and
//! to no other: neither the message nor the password.

#![expect(clippy::unwrap_used, reason = "in a test program a failed expectation is the point")]

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use towpath_e2e::serving::Serving;
use towpath_e2e::{World, towpath};

const MATRIX: &str = r#"
version: 1
project: soundbite
environments:
  production:
    tier: production
    target: { kind: process, command: ["{artifact}"] }
notifiers:
"#;

/// What a server heard in secret, line by line, and what it heard before TLS began.
#[derive(Clone, Default)]
struct Heard {
    secret: Arc<Mutex<String>>,
    plain: Arc<Mutex<String>>,
}

/// A server of mail with this certificate, which speaks TLS at once or after STARTTLS; its port.
fn server(config: &Arc<ServerConfig>, at_once: bool, heard: &Heard) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (config, heard) = (Arc::clone(config), heard.clone());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            if !at_once {
                speak(&mut stream, "250-sink\r\n250 STARTTLS", &heard.plain);
            }
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream: StreamOwned<ServerConnection, TcpStream> =
                StreamOwned::new(connection, stream);
            let hello = "250-sink\r\n250 AUTH PLAIN";
            if at_once {
                speak(&mut stream, hello, &heard.secret);
            } else {
                // After STARTTLS nobody is greeted again (RFC 3207, section 4.2).
                converse(&mut stream, hello, &heard.secret);
            }
        }
    });
    port
}

fn speak(stream: &mut (impl Read + Write), hello: &str, heard: &Mutex<String>) {
    if stream.write_all(b"220 sink ESMTP\r\n").is_ok() {
        converse(stream, hello, heard);
    }
}

/// Answers until whoever speaks wants TLS, or goes.
fn converse(stream: &mut (impl Read + Write), hello: &str, heard: &Mutex<String>) {
    let mut is_text = false;
    while let Some(line) = line(stream) {
        heard.lock().unwrap().push_str(&line);
        let word = line.split_whitespace().next().unwrap_or_default();
        let answer = match word {
            "." => "250 queued",
            _ if is_text => continue,
            "EHLO" => hello,
            "STARTTLS" => "220 go on",
            "AUTH" => "235 welcome",
            "DATA" => "354 go on",
            "QUIT" => "221 bye",
            _ => "250 yes",
        };
        is_text = word == "DATA";
        if stream.write_all(format!("{answer}\r\n").as_bytes()).is_err() || word == "STARTTLS" {
            return;
        }
    }
}

/// One line; none where the other side has gone, or its bytes are no text.
fn line(stream: &mut impl Read) -> Option<String> {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while bytes.last() != Some(&b'\n') {
        match stream.read(&mut byte) {
            Ok(1) => bytes.push(byte[0]),
            _ => return None,
        }
    }
    String::from_utf8(bytes).ok()
}

/// A new certificate of `localhost`, and the file by which a machine trusts it.
fn certify(folder: &Path, name: &str) -> (Arc<ServerConfig>, std::path::PathBuf) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let file = folder.join(name);
    std::fs::write(&file, made.cert.pem()).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    (Arc::new(config), file)
}

#[test]
fn mail_goes_in_secret_to_a_server_that_is_trusted_and_to_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let (known, trusted) = certify(folder.path(), "known.pem");
    let (stranger, _) = certify(folder.path(), "stranger.pem");
    let [starttls, tls, strange] = [Heard::default(), Heard::default(), Heard::default()];
    let mut matrix = MATRIX.to_owned();
    for (name, security, port) in [
        ("starttls", "starttls", server(&known, false, &starttls)),
        ("tls", "tls", server(&known, true, &tls)),
        ("strange", "starttls", server(&stranger, false, &strange)),
    ] {
        let channel = "kind: smtp, from: towpath@example.org, to: [team@example.org], user: towpath, \
                       password_secret: WORD";
        let server = format!("server: \"localhost:{port}\", security: {security}");
        writeln!(matrix, "  {name}: {{ {channel}, {server} }}").unwrap();
    }
    matrix.push_str("secrets: { WORD: { kind: file, path: word } }\n");
    let world = World::new(&matrix);
    let word = world.root().join("word");
    std::fs::write(&word, "open sesame").unwrap();
    std::fs::set_permissions(&word, PermissionsExt::from_mode(0o600)).unwrap();
    let run = |words: &[&str]| {
        let mut command = Command::new(towpath());
        command.current_dir(world.root()).args(words).args(["--rehearsal", "60x"]);
        // What this machine trusts (rustls-native-certs, as OpenSSL has it).
        let ended = command.env("SSL_CERT_FILE", &trusted).output().unwrap();
        let said = [ended.stdout, ended.stderr].concat();
        (ended.status.code(), String::from_utf8_lossy(&said).into_owned())
    };
    for (name, heard) in [("starttls", &starttls), ("tls", &tls)] {
        let (code, said) = run(&["notify", "test", name]);
        assert_eq!(code, Some(0), "{name}: {said}");
        let secret = heard.secret.lock().unwrap().clone();
        assert!(secret.contains("AUTH PLAIN") && secret.contains("team@example.org"), "{secret}");
        let plain = heard.plain.lock().unwrap().clone();
        assert!(!plain.contains("AUTH") && !plain.contains("team@"), "{name}: {plain}");
    }
    let (code, said) = run(&["notify", "test", "strange"]);
    assert_ne!(code, Some(0), "{said}");
    assert!(said.contains("certificate"), "{said}");
    let plain = strange.plain.lock().unwrap().clone();
    assert!(plain.contains("STARTTLS") && !plain.contains("AUTH"), "{plain}");
    assert_eq!(*strange.secret.lock().unwrap(), "", "nothing is said to a stranger");
}

/// A server of mail on this machine that speaks in the clear; its port.
fn plain(heard: &Heard) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = heard.clone();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            speak(&mut stream, "250 sink", &heard.plain);
        }
    });
    port
}

/// What a server answers to a form of its own page.
fn sent(serving: &Serving, path: &str, form: &str) -> String {
    let mut stream = TcpStream::connect(serving.address).unwrap();
    let (host, length) = (serving.address, form.len());
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: {host}\r\norigin: http://{host}\r\nconnection: close\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {length}\r\n\r\n{form}"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn somebody_without_the_machine_signs_in_by_a_link_that_comes_by_mail() {
    let heard = Heard::default();
    let server = format!("server: \"127.0.0.1:{}\", security: none", plain(&heard));
    let channel = "kind: smtp, from: towpath@example.org, to: [team@example.org]";
    let whose = Command::new("id").arg("-un").output().unwrap().stdout;
    let whose = String::from_utf8(whose).unwrap();
    let people = format!(
        "people:\n  ada: {{ account: {}, roles: [lead] }}\n  bob: {{ email: bob@example.org, roles: [lead] }}\n",
        whose.trim()
    );
    let matrix = format!("{MATRIX}  post: {{ {channel}, {server} }}\n{people}");
    let world = World::new(&matrix);
    let serving = Serving::begin(world.root(), &["--rehearsal", "60x"]);
    world.must(&["matrix", "apply"], 0);
    let answer = sent(&serving, "/sign-in/mail", "name=bob");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let origin = serving.url("/sign-in/link/");
    let is_whole = || heard.plain.lock().unwrap().contains("\n.\r\n");
    world.until("a mail with a link", Duration::from_secs(20), is_whole);
    // Long lines are broken, and joined again by whoever reads mail (RFC 2045, section 6.7).
    let mail = heard.plain.lock().unwrap().replace("=\r\n", "");
    assert!(mail.contains("RCPT TO:<bob@example.org>") && !mail.contains("team@"), "{mail}");
    let found = mail.split_whitespace().find(|word| word.starts_with(&origin));
    let link = found.unwrap_or_else(|| panic!("{mail}")).strip_prefix(&serving.url("")).unwrap();
    let entered = sent(&serving, link, "to=/waiting");
    assert!(entered.starts_with("HTTP/1.1 303") && entered.contains("/waiting"), "{entered}");
    assert_eq!(serving.stop(), Some(0));
}
