//! The conversation of `towpath init`, by the real binary on a terminal: compared with the page in
//! `e2e/transcripts`, which `TOWPATH_BLESS=1` writes anew. What it writes is right by its own check.

use std::path::Path;

use towpath_e2e::{Transcript, World};

const MATRIX: &str = "
version: 1
project: other
environments:
  dev: { tier: development, target: { kind: process, command: [./start] } }
";

const COMPOSE: &str = r#"
services:
  soundbite-production:
    build: .
    command: [node, dist/main.js]
    ports: ["3002:3000"]
    healthcheck: { test: [CMD, curl, -f, "http://localhost:3000/health"], interval: 30s }
  soundbite-staging:
    build: .
    command: [node, dist/main.js]
    ports: ["3001:3000"]
  nginx: { image: nginx, ports: ["80:80"] }
"#;

fn write(world: &World, name: &str, text: &str) {
    let file = world.root().join(name);
    std::fs::create_dir_all(file.parent().expect("it has a folder")).expect("a folder");
    std::fs::write(file, text).expect("it is written");
}

#[test]
fn the_conversation_is_as_it_was_drawn_and_what_it_writes_is_right() {
    let world = World::new(MATRIX);
    let mut page = Transcript::new(&[]);
    write(&world, "docker-compose.yml", "services: { a: { image: a } }\n");
    write(&world, "docker-compose.multienv.yml", COMPOSE);
    let words = ["init", "--from", "compose", "--project", "soundbite", "--output", "starter.yaml"];
    let answers = [
        ("which one", "1\n"),
        ("environments  ", "dev, staging, production\n"),
        ("start command", "\n"),
        ("health path", "\n"),
    ];
    page.add(&words, &world.converse(&words, &answers));
    page.add(&words, &world.see(&words, None));
    let check = ["matrix", "check", "starter.yaml"];
    page.add(&check, &world.see(&check, None));
    let asks = ["init", "--from", "compose", "--output", "none.yaml", "--no-input"];
    page.add(&asks, &world.see(&asks, None));
    let none = ["init", "--from", "sam", "--output", "none.yaml"];
    page.add(&none, &world.see(&none, None));
    assert!(!world.root().join("none.yaml").exists());
    let checkout = std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo says where it is");
    let file = Path::new(&checkout).join("transcripts/init.txt");
    assert_eq!(page.differs(&file), None);
}

#[test]
fn a_starter_from_a_compose_file_carries_the_first_release_with_its_copies_and_settings() {
    let world = World::new("# {listen}");
    let matrix = world.root().join("towpath.yaml");
    let listen = std::fs::read_to_string(&matrix).expect("it was written");
    let (_, port) = listen.rsplit_once(':').expect("an address");
    std::fs::remove_file(&matrix).expect("it is ours");
    let said = world.root().join("said");
    let app = format!(
        "#!/bin/sh\necho \"$GREETING $CACHE $API_TOKEN\" >> '{}'\nexec '{}' sample-service\n",
        said.display(),
        towpath_e2e::towpath().display()
    );
    write(&world, "app", &app);
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(world.root().join("app"), mode).expect("its mode is set");
    write(&world, "web.env", "GREETING=hello\nAPI_TOKEN=not-a-real-token-1\n");
    let compose = format!(
        "services:
  web:
    build: .
    command: ./app
    ports: [\"{port}:3000\", \"9229:9229\"]
    env_file: web.env
    environment: {{ CACHE: 5m, PORT: 3000 }}
    deploy: {{ replicas: 2 }}
    healthcheck: {{ test: [CMD, curl, -f, \"http://localhost:3000/health\"], interval: 30s }}
  migrate: {{ build: ., command: ./app migrate, restart: \"no\" }}
"
    );
    write(&world, "compose.yaml", &compose);
    let told = world.must(&["init", "--from", "compose"], 0);
    for stays in ["port 9229 of web", "PORT of web", "migrate: it migrates and ends"] {
        assert!(told.err.contains(stays), "{stays}: {}", told.err);
    }
    let text = std::fs::read_to_string(&matrix).expect("it was written");
    assert!(text.contains("# Not carried over: port 9229 of web"), "{text}");
    assert!(!text.contains("not-a-real-token"), "{text}");
    world.must(&["matrix", "check"], 0);
    world.must(&["release", "create", "0.1.0", "--artifact", "web=."], 0);
    // The engine runs without the variable: the release does not start, and it is said why.
    let failed = world.must(&["promote", "dev", "--release", "0.1.0"], 1);
    let told = [failed.out, failed.err].concat();
    assert!(told.contains("the secret API_TOKEN of web/dev cannot be read"), "{told}");
    write(&world, "token", "not-a-real-token-1\n");
    let own = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(world.root().join("token"), own).expect("its mode is set");
    let kept = text.replace("API_TOKEN: { kind: env }", "API_TOKEN: { kind: file, path: token }");
    assert_ne!(kept, text);
    std::fs::write(&matrix, kept).expect("it is ours");
    world.must(&["promote", "dev", "--release", "0.1.0"], 0);
    let said = std::fs::read_to_string(said).expect("both copies said it");
    assert_eq!(said, "hello 5m not-a-real-token-1\n".repeat(2));
    world.must(&["engine", "stop", "--everything"], 0);
}

#[test]
fn a_file_of_ten_megabytes_is_refused_at_once_and_nothing_is_written() {
    let world = World::new(MATRIX);
    write(&world, "compose.yaml", &"# much\n".repeat(10 << 17));
    let said = world.must(&["init", "--from", "compose", "--output", "new.yaml"], 2).err;
    assert!(said.contains("it is larger than the 4,194,304 bytes that are read"), "{said}");
    assert!(!world.root().join("new.yaml").exists());
}
