//! Signing in at the pages with the real binary: whoever has the machine needs no password.

#![expect(clippy::unwrap_used, reason = "in a test program a failed expectation is the point")]

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;

use towpath_e2e::serving::Serving;
use towpath_e2e::{World, production};

/// What is sent and answered, head and body.
fn asked(serving: &Serving, method: &str, path: &str, headers: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(serving.address).unwrap();
    let (host, length) = (serving.address, body.len());
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-length: {length}\r\n\
         content-type: application/x-www-form-urlencoded\r\n{headers}\r\n"
    );
    stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn header(answer: &str, name: &str) -> String {
    let (head, _) = answer.split_once("\r\n\r\n").unwrap();
    let found = head.lines().filter_map(|line| line.split_once(": "));
    let mut found = found.filter(|(key, _)| key.eq_ignore_ascii_case(name));
    found.next().map(|(_, value)| value.to_owned()).unwrap_or_default()
}

/// A session of whoever has the machine, as the header that a browser sends.
fn signed_in(world: &World, serving: &Serving) -> String {
    let made = world.must(&["login", "--web"], 0);
    let origin = serving.url("");
    let link = made.out.trim().strip_prefix(&origin).unwrap().to_owned();
    let own = format!("origin: {origin}\r\n");
    let entered = asked(serving, "POST", &link, &own, "to=/waiting");
    assert!(entered.starts_with("HTTP/1.1 303"), "{entered}");
    format!("cookie: {}\r\n", header(&entered, "set-cookie").split(';').next().unwrap())
}

#[test]
fn a_matrix_that_was_applied_from_elsewhere_is_shown_with_the_lines_of_its_file() {
    let whose = Command::new("id").arg("-un").output().unwrap().stdout;
    let whose = String::from_utf8(whose).unwrap();
    let people = format!("\npeople:\n  ada: {{ account: {}, roles: [lead] }}\n", whose.trim());
    let steps = "rollout: { strategy: all-at-once, steps: [ { weight: 100%, bake: 30s } ] }";
    let text = production(1, steps) + &people;
    let world = World::new(&text);
    let serving = Serving::begin(world.root(), &["--rehearsal", "60x"]);
    world.must(&["matrix", "apply"], 0);
    let may = ["token", "create", "desk", "--may", "apply_matrix"];
    let token = world.must(&may, 0).out;
    let home = tempfile::tempdir().unwrap();
    let written = std::fs::read_to_string(world.root().join("towpath.yaml")).unwrap();
    let changed = written.replace("bake: 30s", "bake: 47s");
    let line = changed.lines().position(|line| line.contains("47s")).unwrap() + 1;
    std::fs::write(home.path().join("towpath.yaml"), changed).unwrap();
    std::fs::write(home.path().join("token"), token).unwrap();
    let url = serving.url("");
    let mut command = Command::new(towpath_e2e::towpath());
    command.current_dir(home.path()).env("XDG_CONFIG_HOME", home.path().join("settings"));
    command.args(["matrix", "apply", "--server", &url, "--token-file", "token"]);
    let applied = command.output().unwrap();
    assert!(applied.status.success(), "{}", String::from_utf8_lossy(&applied.stderr));

    let cookie = signed_in(&world, &serving);
    let page = asked(&serving, "GET", "/matrix", &cookie, "");
    assert!(page.contains("the file of what is in force is kept"), "{page}");
    let page = asked(&serving, "GET", "/matrix?show=resolved", &cookie, "");
    assert!(page.contains(&format!("?show=file#L{line}")), "{page}");
    assert!(page.contains("built-in default") && page.contains("47s"), "{page}");
    let page = asked(&serving, "GET", "/matrix?show=file", &cookie, "");
    assert!(page.contains("bake: 47s"), "{page}");
    assert_eq!(serving.stop(), Some(0));
}

#[test]
fn whoever_has_the_machine_signs_in_by_a_link_that_works_once() {
    let whose = Command::new("id").arg("-un").output().unwrap().stdout;
    let whose = String::from_utf8(whose).unwrap();
    let people = format!("\npeople:\n  ada: {{ account: {}, roles: [lead] }}\n", whose.trim());
    let steps = "rollout: { strategy: all-at-once, steps: [ { weight: 100%, bake: 30s } ] }";
    let world = World::new(&(production(1, steps) + &people));
    let serving = Serving::begin(world.root(), &["--rehearsal", "60x"]);
    world.must(&["matrix", "apply"], 0);
    let led = asked(&serving, "GET", "/waiting", "", "");
    assert!(led.starts_with("HTTP/1.1 303"), "{led}");
    assert_eq!(header(&led, "location"), "/sign-in?to=%2Fwaiting");

    let made = world.must(&["login", "--web"], 0);
    let origin = serving.url("");
    let link = made.out.trim().strip_prefix(&origin).unwrap().to_owned();
    let looked = asked(&serving, "GET", &link, "", "");
    assert!(looked.contains("You will be signed in as <b>ada</b>"), "{looked}");
    let own = format!("origin: {origin}\r\n");
    let forged = asked(&serving, "POST", &link, "origin: https://evil.example\r\n", "to=/waiting");
    assert!(forged.starts_with("HTTP/1.1 403"), "{forged}");
    let entered = asked(&serving, "POST", &link, &own, "to=/waiting");
    assert!(entered.starts_with("HTTP/1.1 303"), "{entered}");
    assert_eq!(header(&entered, "location"), "/waiting");
    let cookie = header(&entered, "set-cookie");
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
    let cookie = format!("cookie: {}\r\n", cookie.split(';').next().unwrap());
    let page = asked(&serving, "GET", "/waiting", &cookie, "");
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("ada"), "{page}");
    let again = asked(&serving, "POST", &link, &own, "to=/waiting");
    assert!(again.starts_with("HTTP/1.1 404"), "{again}");
    // A cookie orders nothing of the API.
    let freeze = asked(&serving, "POST", "/v1/freezes", &format!("{own}{cookie}"), "{}");
    assert!(freeze.starts_with("HTTP/1.1 401"), "{freeze}");
    assert_eq!(serving.stop(), Some(0));
}
