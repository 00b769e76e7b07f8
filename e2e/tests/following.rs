//! A server that follows the matrix in a git repository: what is pushed there is in force, as far as the rules let it
//! be, and whatever is wrong is seen and leaves in force what was.

#![expect(clippy::unwrap_used, reason = "in a test program a failed expectation is the point")]

use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::Value;
use towpath_e2e::serving::{Serving, get};
use towpath_e2e::{World, production};
use towpath_testkit::loopback::free_address;

/// Some looks at the repository.
const WITHIN: Duration = Duration::from_mins(1);

fn matrix(bake: &str) -> String {
    static LISTEN: OnceLock<String> = OnceLock::new();
    let steps = "rollout: { strategy: all-at-once, steps: [ { weight: 100%, bake: BAKE } ] }";
    let listen = LISTEN.get_or_init(|| free_address().to_string());
    production(1, &steps.replace("BAKE", bake)).replace("{listen}", listen)
}

/// The repository that people push to.
struct Pushed<'a>(&'a Path);

impl Pushed<'_> {
    fn git(&self, words: &[&str]) -> String {
        let mut command = Command::new("git");
        command.args(["-c", "user.name=Ada", "-c", "user.email=ada@example"]).args(words);
        let said = command.current_dir(self.0).env("GIT_CONFIG_GLOBAL", "/dev/null").output();
        let said = said.unwrap();
        assert!(said.status.success(), "{words:?} {}", String::from_utf8_lossy(&said.stderr));
        String::from_utf8(said.stdout).unwrap().trim().to_owned()
    }

    fn commit(&self, text: &str, words: &[&str]) -> String {
        std::fs::write(self.0.join("towpath.yaml"), text).unwrap();
        self.git(&["add", "--all"]);
        self.git(&[&["commit", "--quiet", "--message", "so"], words].concat());
        self.git(&["rev-parse", "HEAD"])
    }
}

fn followed(world: &World) -> Value {
    world.status()["following"].clone()
}

fn until(world: &World, state: &str, words: &str) {
    world.until(&format!("{state}: {words}"), WITHIN, || {
        let view = followed(world);
        view["state"] == state && view["sentence"].as_str().is_some_and(|it| it.contains(words))
    });
}

fn settings(world: &World, repository: &Path) {
    let text = format!("follow:\n  - {{ repository: {}, every: 5s }}\n", repository.display());
    std::fs::write(world.root().join("server.yaml"), text).unwrap();
}

#[test]
fn what_is_pushed_is_in_force_and_what_is_wrong_is_seen_and_changes_nothing() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("shop");
    std::fs::create_dir(&folder).unwrap();
    let pushed = Pushed(&folder);
    pushed.git(&["init", "--quiet", "--initial-branch=main"]);
    let first = pushed.commit(&matrix("30s"), &[]);
    let world = World::new(&matrix("30s"));
    settings(&world, &folder);
    let metrics = free_address().to_string();
    let options = ["--config", "server.yaml", "--rehearsal", "60x", "--metrics-listen", &metrics];
    let serving = Serving::begin(world.root(), &options);
    until(&world, "in_force", &first[..12]);
    let journal = world.must(&["audit", "export"], 0).out;
    let applied = journal.lines().find(|line| line.contains("matrix-applied")).unwrap();
    assert!(applied.contains("\"repository\"") && applied.contains(&first[..12]), "{applied}");
    let written = journal.lines().find(|line| line.contains("matrix-written")).unwrap();
    assert!(written.contains(&first) && written.contains("Ada <ada@example>"), "{written}");

    // One that is wrong is seen, wherever one looks, and the one before holds.
    pushed.commit(&matrix("never"), &[]);
    until(&world, "refused", "towpath.yaml:");
    assert!(world.must(&["status"], 0).out.contains("the matrix in"));
    let measured = get(metrics.parse().unwrap(), "/metrics", None);
    let trouble = "towpath_matrix_followed_trouble{project=\"soundbite\"} 1";
    assert!(measured.contains(trouble), "{measured}");
    let applied = |world: &World| {
        world
            .must(&["audit", "export"], 0)
            .out
            .lines()
            .filter(|it| it.contains("\"matrix-applied\""))
            .count()
    };
    assert_eq!(applied(&world), 1, "what was in force stays");

    let third = pushed.commit(&matrix("50s"), &[]);
    until(&world, "in_force", &third[..12]);
    assert_eq!(applied(&world), 2);

    // A history that is rewritten is taken only when a person has taken it.
    let rewritten = pushed.commit(&matrix("70s"), &["--amend"]);
    until(&world, "refused", "the history was rewritten");
    assert_eq!(applied(&world), 2);
    std::fs::write(world.root().join("towpath.yaml"), matrix("70s")).unwrap();
    world.must(&["matrix", "apply"], 0);
    until(&world, "in_force", &rewritten[..12]);

    // A repository that is away changes nothing, and is followed when it is back.
    let away = home.path().join("away");
    std::fs::rename(&folder, &away).unwrap();
    until(&world, "away", "cannot be fetched");
    std::fs::rename(&away, &folder).unwrap();
    let last = pushed.commit(&matrix("90s"), &[]);
    until(&world, "in_force", &last[..12]);
    assert_eq!(serving.stop(), Some(0));

    // The next server knows where the last one was.
    let serving = Serving::begin(world.root(), &options);
    until(&world, "in_force", &last[..12]);
    assert_eq!(serving.stop(), Some(0));
}

#[test]
fn a_change_that_people_must_agree_to_waits_for_them_wherever_it_comes_from() {
    let governed = |bake: &str| {
        matrix(bake)
            + "matrix_approvals: { lead: 1 }\npeople:\n  ada: { roles: [lead] }\n  bert: { roles: [lead] }\n"
    };
    let home = tempfile::tempdir().unwrap();
    let pushed = Pushed(home.path());
    pushed.git(&["init", "--quiet", "--initial-branch=main"]);
    let first = pushed.commit(&governed("30s"), &[]);
    let world = World::new(&governed("30s"));
    settings(&world, home.path());
    let options = ["--config", "server.yaml", "--rehearsal", "60x"];
    let serving = Serving::begin(world.root(), &options);
    until(&world, "in_force", &first[..12]);
    let second = pushed.commit(&governed("50s"), &[]);
    until(&world, "waiting", &second[..12]);
    world.must(&["matrix", "approve", &plan(&world), "--act-as", "bert"], 0);
    until(&world, "in_force", &second[..12]);
    // What people reject is not asked for again.
    let third = pushed.commit(&governed("70s"), &[]);
    until(&world, "waiting", &third[..12]);
    let note = ["--note", "too long", "--act-as", "ada"];
    world.must(&[&["matrix", "reject", &plan(&world)][..], &note].concat(), 0);
    until(&world, "refused", "it was rejected");
    assert_eq!(serving.stop(), Some(0));
}

/// The hash of the change that waits.
fn plan(world: &World) -> String {
    let shown = world.must(&["waiting", "--json"], 0).out;
    let (_, after) = shown.split_once("\"plan\"").unwrap_or_else(|| panic!("{shown}"));
    after.chars().filter(char::is_ascii_hexdigit).take(12).collect()
}
