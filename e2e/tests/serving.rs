//! A server on the network: several projects on one port, tokens that open only their own, and the command
//! line that behaves there as it does on the machine itself.

#![expect(clippy::unwrap_used, reason = "in a test program a failed expectation is the point")]

use std::path::Path;
use std::process::Command;

use towpath_e2e::serving::{Serving, get};
use towpath_e2e::{Ended, World, production, towpath};
use towpath_testkit::loopback::free_address;

const PEOPLE: &str = "
people:
  ada: { account: ACCOUNT, roles: [lead] }
  ci: { bot: true, roles: [lead] }
";

/// A project of this name whose only environment is production, in which whoever runs this test is ada.
fn project(name: &str) -> World {
    let whose = Command::new("id").arg("-un").output().unwrap().stdout;
    let whose = String::from_utf8(whose).unwrap();
    let people = PEOPLE.replace("ACCOUNT", whose.trim());
    let matrix =
        production(1, "rollout: { strategy: all-at-once, steps: [ { weight: 100%, bake: 30s } ] }");
    World::new(&(matrix.replace("project: soundbite", &format!("project: {name}")) + &people))
}

/// One command, typed where there is no project; its settings are in `home`.
fn typed(home: &Path, words: &[&str], stdin: &str) -> Ended {
    use std::io::Write as _;
    use std::process::Stdio;
    let mut command = Command::new(towpath());
    command.current_dir(home).env("XDG_CONFIG_HOME", home.join("settings")).args(words);
    command.env_remove("TOWPATH_SERVER").env_remove("TOWPATH_TOKEN");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
    child.wait_with_output().unwrap().into()
}

/// The same, and it must end with `code`.
fn must(home: &Path, words: &[&str], stdin: &str, code: i32) -> Ended {
    let ended = typed(home, words, stdin);
    assert_eq!(ended.code, code, "towpath {}\n{}\n{}", words.join(" "), ended.out, ended.err);
    ended
}

fn token(world: &World, words: &[&str]) -> String {
    let mut all = vec!["token", "create", "phone"];
    all.extend(words);
    world.must(&["matrix", "apply"], 0);
    world.must(&all, 0).out.trim().to_owned()
}

#[test]
fn two_projects_of_one_server_know_nothing_of_each_other() {
    let (shop, desk) = (project("shop"), project("desk"));
    let config = shop.root().join("server.yaml");
    let folders = format!("projects: [{}, {}]\n", shop.root().display(), desk.root().display());
    std::fs::write(&config, folders).unwrap();
    let metrics = free_address();
    let options =
        ["--config", "server.yaml", "--rehearsal", "60x", "--metrics-listen", &metrics.to_string()];
    let serving = Serving::begin(shop.root(), &options);
    let (of_shop, of_desk) = (token(&shop, &[]), token(&desk, &[]));

    for path in ["/v1/projects/shop/status", "/v1/projects/desk/status", "/v1/projects/none/status"]
    {
        let nobody = serving.get(path, None);
        assert!(nobody.starts_with("HTTP/1.1 401") && nobody.contains("\"nobody\""), "{nobody}");
    }
    let well = serving.get("/v1/projects/shop/status", Some(&of_shop));
    assert!(well.starts_with("HTTP/1.1 200") && well.contains("\"shop\""), "{well}");
    // What there is not and what is somebody else's cannot be told apart (T19).
    let body = |path: &str| {
        let answer = serving.get(path, Some(&of_desk));
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.lines().next().unwrap().to_owned(), without_id(body))
    };
    let foreign = body("/v1/projects/shop/status");
    assert_eq!(foreign, body("/v1/projects/none/status"));
    assert_eq!(foreign.0, "HTTP/1.1 401 Unauthorized");
    // With several projects there is no usual one.
    assert!(serving.get("/v1/status", Some(&of_shop)).starts_with("HTTP/1.1 401"));

    assert!(serving.get("/healthz", None).ends_with("well\n"));
    assert!(serving.get("/readyz", None).ends_with("ready\n"));
    let measured = get(metrics, "/metrics", None);
    for project in ["shop", "desk"] {
        let ready = format!("towpath_engine_ready{{project=\"{project}\"}} 1");
        assert!(measured.contains(&ready), "{measured}");
    }
    assert_eq!(serving.stop(), Some(0));
}

/// The answer without the number of the request, which is another each time.
fn without_id(body: &str) -> String {
    let mut body: serde_json::Value = serde_json::from_str(body).unwrap();
    body.as_object_mut().unwrap().remove("request_id");
    body.to_string()
}

#[test]
fn the_command_line_behaves_through_a_server_as_it_does_on_its_machine() {
    let world = project("shop");
    let serving = Serving::begin(world.root(), &["--rehearsal", "60x"]);
    let full = token(&world, &["--may", "promote", "--may", "rollback"]);
    world.release("1.0.0", &[]);
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let url = serving.url("/projects/shop");

    let unknown = must(home, &["status", "--server", &url], "", 4);
    assert!(unknown.err.contains("towpath login URL"), "{}", unknown.err);
    must(home, &["login", &url], "", 2);
    must(home, &["login", &url, "--token-file", "-"], "towpath_wrong", 4);
    let known = must(home, &["login", &url, "--token-file", "-"], &full, 0);
    assert!(known.out.contains("you are ada"), "{}", known.out);
    let kept = std::fs::read_dir(home.join("settings/towpath")).unwrap().flatten();
    for file in kept {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }

    let on = ["--server", "shop"];
    let run = |words: &[&str], code| must(home, &[words, &on].concat(), "", code);
    let promoted = run(&["promote", "production", "--release", "1.0.0", "--yes"], 0);
    assert!(promoted.out.contains("1.0.0"), "{}", promoted.out);
    let far = run(&["status", "--json"], 0).last_object();
    assert_eq!(far["lanes"][0]["serves"]["release"], "1.0.0");
    run(&["promote", "production", "--release", "9.9.9", "--yes"], 5);
    run(&["promote", "nowhere", "--yes"], 5);
    run(&["freeze", "production", "--reason", "no"], 4);
    run(&["engine", "stop"], 2);
    let whole = run(&["audit", "verify"], 0);
    assert!(whole.out.contains("the journal is whole"), "{} {}", whole.out, whole.err);
    assert!(whole.err.contains("of its own journal"), "{}", whole.err);
    assert!(run(&["history"], 0).out.contains("1.0.0"));
    assert!(run(&["doctor"], 0).out.contains("server"));
    let wrong = must(home, &["status", "--server", "shpo"], "", 2);
    assert!(wrong.err.contains("--server shop"), "{}", wrong.err);

    let measured = serving.get("/metrics", Some(&full));
    let counted = "towpath_promotions_total{project=\"shop\",service=\"api\",environment=\"production\",\
                   kind=\"promote\",result=\"succeeded\"} 1";
    assert!(measured.contains(counted), "{measured}");
    let arm = "towpath_traffic_weight_ratio{project=\"shop\",service=\"api\",environment=\"production\",arm=\"blue\"} 1";
    assert!(measured.contains(arm), "{measured}");
    assert!(serving.get("/metrics", None).starts_with("HTTP/1.1 401"));

    must(home, &["logout", "shop"], "", 0);
    must(home, &["status", "--server", "shop"], "", 2);
    drop(serving);
    let gone = must(home, &["status", "--server", &url], "", 1);
    assert!(gone.err.contains("does not answer"), "{}", gone.err);
}

#[test]
fn a_release_that_is_created_through_a_server_brings_its_bytes_and_serves() {
    let world = project("shop");
    let serving = Serving::begin(world.root(), &["--rehearsal", "60x"]);
    let may = ["--may", "promote", "--may", "create_release"];
    let builder = token(&world, &may);
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let url = serving.url("/projects/shop");
    must(home, &["login", &url, "--token-file", "-"], &builder, 0);
    let app = home.join("app");
    let program = format!("#!/bin/sh\nexec '{}' sample-service\n", towpath().display());
    std::fs::write(&app, program).unwrap();
    std::fs::set_permissions(&app, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    std::fs::write(home.join("report.xml"), "<testsuite tests=\"1\"/>").unwrap();
    let create = [
        "release",
        "create",
        "2.0.0",
        "--artifact",
        "api=app",
        "--evidence",
        "unit=report.xml",
        "--server",
        "shop",
    ];
    let created = must(home, &create, "", 0);
    assert!(created.err.contains("sending "), "{}", created.err);
    let again = must(home, &create, "", 0);
    assert!(!again.err.contains("sending "), "it is there already: {}", again.err);
    assert!(!home.join(".towpath").exists(), "nothing stays where it was typed");
    let promote = ["promote", "production", "--release", "2.0.0", "--yes", "--server", "shop"];
    must(home, &promote, "", 0);
    let status = must(home, &["status", "--json", "--server", "shop"], "", 0).last_object();
    assert_eq!(status["lanes"][0]["serves"]["release"], "2.0.0");
    let shown = must(home, &["release", "show", "2.0.0", "--json", "--server", "shop"], "", 0);
    assert!(shown.out.contains("unit"), "{}", shown.out);

    // Other bytes than those of the digest are not kept.
    let digest = format!("sha256:{}", "0".repeat(64));
    let kept = world.state().join("artifacts/sha256");
    let before = std::fs::read_dir(&kept).unwrap().count();
    let path = format!("/v1/uploads/{digest}");
    let refused = serving.post(&path, &builder, b"other bytes");
    assert!(refused.contains("wrong-digest"), "{refused}");
    let escaping = serving.post("/v1/uploads/..%2f..%2fetc%2fpasswd", &builder, b"x");
    assert!(escaping.starts_with("HTTP/1.1 400"), "{escaping}");
    assert_eq!(std::fs::read_dir(&kept).unwrap().count(), before);
    assert_eq!(std::fs::read_dir(world.state().join("artifacts/temporary")).unwrap().count(), 0);

    // Whoever may only look sends nothing.
    let eyes = world.must(&["token", "create", "eyes"], 0).out.trim().to_owned();
    assert!(serving.post(&path, &eyes, b"x").starts_with("HTTP/1.1 403"));
    must(home, &["login", &url, "--name", "eyes", "--token-file", "-"], &eyes, 0);
    std::fs::write(&app, "#!/bin/sh\n").unwrap();
    let refused = ["release", "create", "3.0.0", "--artifact", "api=app", "--server", "eyes"];
    must(home, &refused, "", 4);
}

#[test]
fn a_taken_address_that_somebody_chose_is_an_error_and_names_another() {
    let world = project("shop");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let refused = world.must(&["serve", "--listen", &address], 6);
    assert!(refused.err.contains(&address) && refused.err.contains("--listen"), "{}", refused.err);
    let refused = world.must(&["serve", "--tls-cert", "a.pem", "--tls-key", "b.pem"], 2);
    assert!(refused.err.contains("a.pem"), "{}", refused.err);
}

#[test]
fn the_journal_is_exported_and_bundled_over_a_server_as_on_its_machine() {
    let world = project("shop");
    let serving = Serving::begin(world.root(), &["--rehearsal", "60x"]);
    let eyes = token(&world, &[]);
    world.release("1.0.0", &[]);
    world.must(&["promote", "production", "--release", "1.0.0", "--yes"], 0);
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    must(home, &["login", &serving.url("/projects/shop"), "--token-file", "-"], &eyes, 0);
    let far = |words: &[&str], code| must(home, &[words, &["--server", "shop"]].concat(), "", code);
    let read = |file: &Path| std::fs::read(file).unwrap();

    // The bundle first: it has the end of the journal signed, and nothing is written after that.
    let here = world.root().join("here.tar");
    world.must(&["audit", "evidence", "1", "--output", here.to_str().unwrap()], 0);
    let bundled = far(&["audit", "evidence", "1", "--output", "far.tar"], 0);
    assert_eq!(read(&here), read(&home.join("far.tar")), "{}", bundled.out);
    let key = world.state().join("audit.pub");
    must(home, &["audit", "verify", "far.tar", "--key", key.to_str().unwrap()], "", 0);

    for format in ["jsonl", "csv"] {
        let here = world.root().join(format!("here.{format}"));
        let to = ["audit", "export", "--format", format, "--output"];
        world.must(&[&to[..], &[here.to_str().unwrap()]].concat(), 0);
        let name = format!("far.{format}");
        far(&[&to[..], &[&name]].concat(), 0);
        let (own, far) = (read(&here), read(&home.join(&name)));
        assert!(own.len() > 1000 && own == far, "{format}: {} and {} bytes", own.len(), far.len());
    }
    must(home, &["audit", "verify", "far.jsonl"], "", 0);
    let part = far(&["audit", "export", "--from", "3"], 0);
    let whole = String::from_utf8(read(&home.join("far.jsonl"))).unwrap();
    assert_eq!(part.out, whole.split_inclusive('\n').skip(2).collect::<String>());
    far(&["audit", "export", "--from", "99999"], 5);
    let refused = far(&["audit", "export", "--with-secrets"], 2);
    assert!(refused.err.contains("on the machine of the server"), "{}", refused.err);
    far(&["audit", "evidence", "7"], 5);
    assert!(serving.get("/v1/audit/export", None).starts_with("HTTP/1.1 401"));
}
