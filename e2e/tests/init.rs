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
fn a_file_of_ten_megabytes_is_refused_at_once_and_nothing_is_written() {
    let world = World::new(MATRIX);
    write(&world, "compose.yaml", &"# much\n".repeat(10 << 17));
    let said = world.must(&["init", "--from", "compose", "--output", "new.yaml"], 2).err;
    assert!(said.contains("it is larger than the 4,194,304 bytes that are read"), "{said}");
    assert!(!world.root().join("new.yaml").exists());
}
