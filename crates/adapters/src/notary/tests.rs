//! That what is signed follows from what was signed before, and where it is kept.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use towpath_core::ids::Digest;
use towpath_core::units::Timestamp;

use super::*;

struct Place {
    folder: tempfile::TempDir,
    notary: FolderNotary,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        fs::create_dir(&state).unwrap();
        let notary = FolderNotary::new(&state, folder.path(), Name::new("shop").unwrap());
        Self { folder, notary }
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.folder.path().join(file)).unwrap()
    }

    fn rules(files: &[&str], repositories: &[&str]) -> AuditRules {
        let owned = |texts: &[&str]| texts.iter().map(|it| (*it).to_owned()).collect();
        AuditRules {
            files: owned(files),
            repositories: owned(repositories),
            ..AuditRules::default()
        }
    }
}

fn checkpoint(events: u64) -> Checkpoint {
    Checkpoint {
        origin: towpath_audit::origin("shop", 1, &Digest::of(b"1")),
        events,
        hash: Digest::of(&events.to_be_bytes()),
        at: Timestamp(1_800_000_000_000_000),
    }
}

#[tokio::test]
async fn the_key_is_made_once_for_its_owner_alone_and_is_in_no_list() {
    let place = Place::new();
    let key = place.notary.key().await.unwrap();
    let file = place.folder.path().join("state/audit.key");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(place.notary.key().await.unwrap(), key);
    assert_eq!(place.read("state/audit.pub").trim_end(), key);
    place.notary.keep(&checkpoint(5)).await.unwrap();
    let secret = place.read("state/audit.key");
    // What is encoded may hold the sign that parts it from what stands before.
    let secret = secret.trim_end().splitn(5, '+').last().unwrap();
    assert!(secret.len() > 40, "the whole of it");
    for public in ["state/audit.pub", "state/checkpoints"] {
        assert!(!place.read(public).contains(secret), "{public}");
    }
}

#[tokio::test]
async fn a_key_that_others_may_read_or_that_is_no_key_signs_nothing() {
    let place = Place::new();
    place.notary.key().await.unwrap();
    let file = place.folder.path().join("state/audit.key");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    let said = place.notary.keep(&checkpoint(5)).await.unwrap_err();
    assert!(said.contains("chmod 600"), "{said}");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let other = SigningKey::generate("towpath-other").unwrap().text();
    for wrong in ["hush", "", &other] {
        fs::write(&file, wrong).unwrap();
        let said = place.notary.keep(&checkpoint(5)).await.unwrap_err();
        assert!(said.contains("audit.key") && !said.contains("hush"), "{said}");
    }
    assert!(!place.folder.path().join("state/checkpoints").exists());
}

#[tokio::test]
async fn what_was_signed_last_is_read_back_whatever_a_crash_left() {
    let place = Place::new();
    assert_eq!(place.notary.last().await, Ok(None));
    for events in [5, 9] {
        place.notary.keep(&checkpoint(events)).await.unwrap();
        assert_eq!(place.notary.last().await, Ok(Some(checkpoint(events))));
    }
    let whole = place.read("state/checkpoints");
    let file = place.folder.path().join("state/checkpoints");
    fs::write(&file, format!("{whole}\ntowpath.dev/journal/sh")).unwrap();
    assert_eq!(place.notary.last().await, Ok(Some(checkpoint(9))));
    place.notary.keep(&checkpoint(12)).await.unwrap();
    assert!(place.read("state/checkpoints").starts_with(&whole));
    assert_eq!(split(&place.read("state/checkpoints")).len(), 3);
    fs::write(&file, whole.replace("\n9\n", "\n8\n")).unwrap();
    assert!(place.notary.last().await.unwrap_err().contains("not signed by this project"));
}

#[tokio::test]
async fn a_list_outside_gets_what_it_lacks_in_order_and_is_never_shortened() {
    let place = Place::new();
    let rules = Place::rules(&["outside/list"], &[]);
    for events in [5, 9] {
        place.notary.keep(&checkpoint(events)).await.unwrap();
        let said = place.notary.copy(&rules).await.unwrap_err();
        assert!(said[0].contains("there is no folder"), "{said:?}");
    }
    fs::create_dir(place.folder.path().join("outside")).unwrap();
    place.notary.copy(&rules).await.unwrap();
    assert_eq!(place.read("outside/list"), place.read("state/checkpoints"));
    place.notary.copy(&rules).await.unwrap();
    assert_eq!(place.read("outside/list"), place.read("state/checkpoints"), "nothing twice");
    let torn = format!("{}\nhalf a no", place.read("outside/list"));
    fs::write(place.folder.path().join("outside/list"), &torn).unwrap();
    place.notary.keep(&checkpoint(12)).await.unwrap();
    place.notary.copy(&rules).await.unwrap();
    let outside = place.read("outside/list");
    assert!(outside.starts_with(&torn), "{outside}");
    let notes = split(&outside);
    assert_eq!(notes.len(), 4, "{notes:?}");
    assert_eq!(notes.last(), split(&place.read("state/checkpoints")).last());
}

#[tokio::test]
async fn a_repository_has_each_checkpoint_committed_and_runs_nothing_of_its_own() {
    let place = Place::new();
    let repository = place.folder.path().join("repository");
    let rules = Place::rules(&[], &["repository"]);
    place.notary.keep(&checkpoint(5)).await.unwrap();
    assert!(place.notary.copy(&rules).await.is_err());
    fs::create_dir(&repository).unwrap();
    assert!(place.notary.copy(&rules).await.is_err(), "it is no repository");
    assert!(fs::read_dir(&repository).unwrap().next().is_none(), "and nothing was written");
    let git = |words: &[&str]| {
        let done = Command::new("git").args(words).current_dir(&repository).output().unwrap();
        assert!(done.status.success(), "{words:?} {done:?}");
        String::from_utf8(done.stdout).unwrap()
    };
    git(&["init", "--quiet"]);
    let hook = repository.join(".git/hooks/pre-commit");
    fs::create_dir_all(hook.parent().unwrap()).unwrap();
    fs::write(&hook, "#!/bin/sh\nexit 1\n").unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(repository.join(".gitignore"), "*\n").unwrap();
    place.notary.copy(&rules).await.unwrap();
    place.notary.copy(&rules).await.unwrap();
    place.notary.keep(&checkpoint(9)).await.unwrap();
    place.notary.copy(&rules).await.unwrap();
    assert_eq!(git(&["log", "--format=%s"]).lines().count(), 2);
    assert_eq!(git(&["show", "HEAD:shop.checkpoints"]), place.read("state/checkpoints"));
}

#[tokio::test]
async fn places_outside_tell_what_this_key_signed_and_the_list_here_lacks() {
    let place = Place::new();
    let repository = place.folder.path().join("repository");
    fs::create_dir(&repository).unwrap();
    let init = Command::new("git").args(["init", "--quiet"]).current_dir(&repository).status();
    assert!(init.unwrap().success());
    let rules = Place::rules(&["list", "gone/list"], &["repository", "none"]);
    for events in [5, 9, 12] {
        place.notary.keep(&checkpoint(events)).await.unwrap();
    }
    place.notary.copy(&rules).await.unwrap_err();
    assert_eq!(place.notary.outside(&rules).await, Ok(Vec::new()));
    let whole = place.read("state/checkpoints");
    let own = place.folder.path().join("state/checkpoints");
    let notes = split(&whole);
    let counts = async |rules: &AuditRules| {
        let found = place.notary.outside(rules).await.unwrap();
        let mut counts: Vec<u64> = found.iter().map(|it| it.events).collect();
        counts.sort_unstable();
        counts
    };
    // Shortened, put into another order, without one in between, and gone.
    let cases = [
        (format!("{}\n{}", notes[0], notes[1]), vec![12]),
        (format!("{}\n{}\n{}", notes[0], notes[2], notes[1]), vec![12]),
        (format!("{}\n{}", notes[0], notes[2]), vec![9]),
        (String::new(), vec![5, 9, 12]),
    ];
    for (list, missing) in cases {
        fs::write(&own, &list).unwrap();
        for rules in [&rules, &Place::rules(&["list"], &[]), &Place::rules(&[], &["repository"])] {
            assert_eq!(counts(rules).await, missing, "{list}");
        }
    }
    // What others wrote there stops nobody.
    fs::write(&own, &whole).unwrap();
    let other = SigningKey::generate("towpath-shop").unwrap();
    let forged = notes[2].replace("\n12\n", "\n99\n");
    let others = other.signed(&towpath_audit::text(&checkpoint(98)));
    let list = format!("{whole}\n{others}\n{forged}\nnonsense");
    fs::write(place.folder.path().join("list"), list).unwrap();
    assert!(counts(&rules).await.is_empty());
}

#[test]
fn keys_are_read_from_a_file_with_words_for_people() {
    let key = SigningKey::generate("towpath-shop").unwrap();
    let text = format!("# handed out by ada\n\n{}\n", key.public());
    assert_eq!(public_keys(&text), Ok(vec![key.public().clone()]));
    assert!(public_keys("# nothing\n").is_err());
    assert!(public_keys("nonsense\n").is_err());
}
