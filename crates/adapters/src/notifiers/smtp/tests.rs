//! Mail to a server of the test's own, which speaks the part of SMTP that a client needs.

use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use towpath_core::matrix::AdapterSpec;

use super::*;
use crate::notifiers::testing::{build, deliver};

/// How the server behaves.
#[derive(Clone, Copy, Default)]
struct Manner {
    /// What it offers beside mail, one line each.
    offers: &'static [&'static str],
    /// What it answers to receivers and to logins instead of yes.
    receivers: Option<&'static str>,
    /// The receiver that alone gets that answer; none: all.
    unwanted: Option<&'static str>,
    logins: Option<&'static str>,
}

/// All that a client said, line by line.
type Heard = UnboundedReceiver<String>;

async fn server(manner: Manner) -> (u16, Heard) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, receiver) = unbounded_channel();
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            let (reading, mut writing) = connection.into_split();
            let mut lines = BufReader::new(reading).lines();
            writing.write_all(b"220 sink ESMTP\r\n").await.unwrap();
            let mut in_data = false;
            while let Ok(Some(line)) = lines.next_line().await {
                sender.send(line.clone()).unwrap();
                let answer = answer(&line, &mut in_data, manner);
                if writing.write_all(answer.as_bytes()).await.is_err() {
                    break;
                }
            }
        }
    });
    (port, receiver)
}

fn answer(line: &str, in_data: &mut bool, manner: Manner) -> String {
    let verb = line.split(' ').next().unwrap_or_default().to_ascii_uppercase();
    match verb.as_str() {
        "." if *in_data => {
            *in_data = false;
            "250 queued as 7\r\n".to_owned()
        }
        _ if *in_data => String::new(),
        "EHLO" => {
            let offers = manner.offers.iter().map(|offer| format!("250-{offer}\r\n"));
            format!("250-sink\r\n{}250 8BITMIME\r\n", offers.collect::<String>())
        }
        "DATA" => {
            *in_data = true;
            "354 go on\r\n".to_owned()
        }
        "RCPT" if manner.unwanted.is_none_or(|one| line.contains(one)) => {
            format!("{}\r\n", manner.receivers.unwrap_or("250 yes"))
        }
        "AUTH" => format!("{}\r\n", manner.logins.unwrap_or("235 welcome")),
        "QUIT" => "221 bye\r\n".to_owned(),
        _ => "250 yes\r\n".to_owned(),
    }
}

fn smtp(port: u16, more: &Value) -> Arc<dyn Notifier> {
    let mut settings = json!({
        "server": format!("127.0.0.1:{port}"),
        "from": "Towpath <towpath@example.org>",
        "to": ["team@example.org", "ops@example.org"],
        "security": "none",
        "timeout": "20s",
    });
    for (key, value) in more.as_object().unwrap() {
        settings[key] = value.clone();
    }
    build("smtp", &settings, "/".as_ref()).unwrap()
}

fn heard(lines: &mut Heard) -> String {
    let mut all = String::new();
    while let Ok(line) = lines.try_recv() {
        all.push_str(&line);
        all.push('\n');
    }
    all
}

#[tokio::test]
async fn a_mail_arrives_whole_and_under_the_same_id_each_time() {
    let (port, mut lines) = server(Manner::default()).await;
    let notifier = smtp(port, &json!({}));
    for _ in 0..2 {
        let taken = deliver(&*notifier, &[]).await.unwrap();
        assert_eq!(taken.sentence, format!("127.0.0.1:{port} took it: queued as 7"));
        let mail = heard(&mut lines);
        for receiver in ["team", "ops"] {
            assert!(mail.contains(&format!("RCPT TO:<{receiver}@example.org>\n")), "{mail}");
        }
        assert_eq!(mail.matches("\nRCPT TO:").count(), 2, "{mail}");
        let id = "Message-ID: <towpath.soundbite.6635b5a8dc000-3-17-0.slack@example.org>";
        assert!(mail.contains(id), "{mail}");
        assert!(mail.contains("Subject: [soundbite] production went back to 1.3.2:"), "{mail}");
        assert!(mail.contains("harmed 3, rescued 12"), "{mail}");
    }
}

#[tokio::test]
async fn a_login_reads_its_secret_and_a_refused_one_is_tried_again_without_showing_it() {
    let manner = Manner { offers: &["AUTH PLAIN"], ..Manner::default() };
    let login = json!({ "user": "towpath", "password_secret": "MAIL_PASSWORD" });
    let password = [("password_secret", "hunter2-hunter2")];
    let (port, mut lines) = server(manner).await;
    deliver(&*smtp(port, &login), &password).await.unwrap();
    let plain = "AUTH PLAIN AHRvd3BhdGgAaHVudGVyMi1odW50ZXIy";
    assert!(heard(&mut lines).contains(plain));
    let refusing = Manner { logins: Some("535 wrong: AHRvd3BhdGgAaHVudGVyMi1odW50ZXIy"), ..manner };
    let (port, _lines) = server(refusing).await;
    let failure = deliver(&*smtp(port, &login), &password).await.unwrap_err();
    assert!(failure.may_help_later, "{failure:?}");
    assert!(failure.sentence.contains("535") || failure.sentence.contains("wrong"), "{failure:?}");
    assert!(!failure.sentence.contains("aHVudGVyMi1odW50ZXIy"), "{failure:?}");
    assert!(!failure.sentence.contains("odW50ZXIyLWh1bnRlcj"), "{failure:?}");
}

#[tokio::test]
async fn a_receiver_that_is_not_known_is_never_and_a_full_box_is_later() {
    for (answer, later) in [("550 no such user", false), ("452 the box is full", true)] {
        let (port, _lines) = server(Manner { receivers: Some(answer), ..Manner::default() }).await;
        let failure = deliver(&*smtp(port, &json!({})), &[]).await.unwrap_err();
        assert_eq!(failure.may_help_later, later, "{failure:?}");
        assert!(failure.sentence.contains(&answer[4..]), "{failure:?}");
    }
}

#[tokio::test]
async fn a_receiver_who_left_keeps_the_mail_from_nobody_else() {
    for (answer, later) in [("550 no such user", false), ("452 the box is full", true)] {
        let unwanted = Some("team@");
        let manner = Manner { receivers: Some(answer), unwanted, ..Manner::default() };
        let (port, mut lines) = server(manner).await;
        let sent = deliver(&*smtp(port, &json!({})), &[]).await;
        assert!(heard(&mut lines).contains("harmed 3, rescued 12"), "the other one got it");
        match sent {
            Ok(taken) => {
                assert!(!later && taken.sentence.contains("took it for 1 of them"), "{taken:?}");
                assert!(taken.sentence.contains("no such user"), "{taken:?}");
            }
            Err(failure) => assert!(later && failure.may_help_later, "{failure:?}"),
        }
    }
}

#[tokio::test]
async fn a_server_without_tls_gets_neither_mail_nor_password() {
    let (port, mut lines) = server(Manner { offers: &["AUTH PLAIN"], ..Manner::default() }).await;
    let login =
        json!({ "security": "starttls", "user": "towpath", "password_secret": "MAIL_PASSWORD" });
    let failure =
        deliver(&*smtp(port, &login), &[("password_secret", "hunter2-hunter2")]).await.unwrap_err();
    assert!(failure.may_help_later, "{failure:?}");
    let said = heard(&mut lines);
    assert!(!said.contains("AUTH") && !said.contains("MAIL FROM"), "{said}");
}

#[tokio::test]
async fn a_server_that_says_nothing_holds_nobody_up() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let failure = deliver(&*smtp(port, &json!({ "timeout": "80ms" })), &[]).await.unwrap_err();
    assert!(failure.may_help_later, "{failure:?}");
}

#[test]
fn what_could_not_work_is_refused_when_the_matrix_is_checked() {
    let problems = |more: Value| {
        let mut settings = json!({ "server": "smtp.example.org:587", "from": "a@example.org", "to": "b@example.org" });
        for (key, value) in more.as_object().unwrap() {
            settings[key] = value.clone();
        }
        build("smtp", &settings, "/".as_ref()).err().unwrap_or_default()
    };
    assert_eq!(problems(json!({})), [""; 0]);
    assert_eq!(problems(json!({ "server": "smtp.example.org" })), ["server"]);
    assert_eq!(problems(json!({ "server": "smtp example:25" })), ["server"]);
    assert_eq!(
        problems(json!({ "from": "nobody", "to": ["a@b.example\nBcc: c@d.example"] })),
        ["from", "to[0]"]
    );
    assert_eq!(problems(json!({ "user": "a" })), ["password_secret"]);
    assert_eq!(problems(json!({ "security": "none" })), ["security"]);
}

#[tokio::test]
async fn what_is_for_one_person_goes_to_their_address_alone_by_kinds_that_can() {
    let (port, mut lines) = server(Manner::default()).await;
    let settings = json!({
        "server": format!("127.0.0.1:{port}"), "from": "towpath@example.org",
        "to": ["team@example.org"], "security": "none",
    });
    let spec = |kind: &str| AdapterSpec { kind: kind.to_owned(), settings: settings.clone() };
    let own = crate::notifiers::addressed(&spec("smtp"), "bob@example.org").unwrap();
    let notifier = build("smtp", &own.settings, "/".as_ref()).unwrap();
    deliver(&*notifier, &[]).await.unwrap();
    let mail = heard(&mut lines);
    assert_eq!(mail.matches("RCPT TO:<bob@example.org>\n").count(), 1, "{mail}");
    assert!(!mail.contains("team@example.org"), "{mail}");
    for kind in ["webhook", "command", "folder", "none-such"] {
        assert_eq!(crate::notifiers::addressed(&spec(kind), "bob@example.org"), None, "{kind}");
    }
}
