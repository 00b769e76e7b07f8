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

use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
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
