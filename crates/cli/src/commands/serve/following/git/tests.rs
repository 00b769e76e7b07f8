//! Real repositories on this machine, followed as a server follows them.

use std::os::unix::fs::PermissionsExt as _;

use super::*;

/// A repository that people push to.
struct Origin {
    folder: tempfile::TempDir,
}

impl Origin {
    fn new() -> Self {
        let origin = Self { folder: tempfile::tempdir().unwrap() };
        origin.git(&["init", "--quiet", "--initial-branch=main"]);
        origin
    }

    fn git(&self, words: &[&str]) -> String {
        let mut command = Command::new("git");
        command.args([
            "-c",
            "user.name=Ada",
            "-c",
            "user.email=ada@example",
            "-c",
            "gpg.format=ssh",
        ]);
        command.args(words).current_dir(self.folder.path()).env("GIT_CONFIG_GLOBAL", "/dev/null");
        let said = command.output().unwrap();
        assert!(said.status.success(), "{words:?} {}", String::from_utf8_lossy(&said.stderr));
        String::from_utf8(said.stdout).unwrap().trim().to_owned()
    }

    fn commit(&self, text: &str) -> String {
        std::fs::write(self.folder.path().join("towpath.yaml"), text).unwrap();
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", "so"]);
        self.git(&["rev-parse", "HEAD"])
    }

    fn mirror(&self, folder: &tempfile::TempDir, signers: Option<PathBuf>) -> Mirror {
        let follow = Follow {
            project: None,
            repository: self.folder.path().display().to_string(),
            is_local: true,
            branch: "main".to_owned(),
            path: "towpath.yaml".to_owned(),
            every: Duration::from_mins(1),
            allowed_signers: signers,
        };
        Mirror::new(folder.path().join("matrix.git"), &follow)
    }
}

#[test]
fn a_new_commit_is_fetched_and_a_rewritten_one_does_not_come_after_the_first() {
    let (origin, place) = (Origin::new(), tempfile::tempdir().unwrap());
    let mirror = origin.mirror(&place, None);
    assert!(mirror.fetch().unwrap_err().contains("cannot be fetched"), "it has no branch yet");
    let first = origin.commit("one");
    assert_eq!(mirror.fetch(), Ok(first.clone()));
    assert_eq!(mirror.file(&first, "towpath.yaml", 100), Ok(b"one".to_vec()));
    assert_eq!(mirror.author(&first), Ok("Ada <ada@example>".to_owned()));
    assert_eq!(mirror.taken(), Ok(None));
    mirror.take(&first).unwrap();
    let second = origin.commit("two");
    assert_eq!(mirror.fetch(), Ok(second.clone()));
    assert_eq!(mirror.is_before(&first, &second), Ok(true));
    assert_eq!(mirror.taken(), Ok(Some(first.clone())));
    origin.git(&["reset", "--quiet", "--hard", &first]);
    origin.git(&["commit", "--quiet", "--amend", "--message", "another past"]);
    let rewritten = origin.git(&["rev-parse", "HEAD"]);
    assert_eq!(
        mirror.fetch(),
        Ok(rewritten.clone()),
        "a forced push is seen, and judged by others"
    );
    assert_eq!(mirror.is_before(&second, &rewritten), Ok(false));
}

#[test]
fn t12_what_a_repository_brings_is_neither_run_nor_read_without_end() {
    let (origin, place) = (Origin::new(), tempfile::tempdir().unwrap());
    let mirror = origin.mirror(&place, None);
    std::os::unix::fs::symlink("/etc/passwd", origin.folder.path().join("link.ics")).unwrap();
    std::fs::create_dir(origin.folder.path().join("folder")).unwrap();
    std::fs::write(origin.folder.path().join("folder/a.ics"), "a").unwrap();
    let commit = origin.commit(&"x".repeat(5000));
    mirror.fetch().unwrap();
    for (path, said) in [
        ("link.ics", "there is no file"),
        ("folder", "there is no file"),
        ("none.yaml", "there is no file"),
        ("towpath.yaml", "larger than 4999 bytes"),
    ] {
        let refused = mirror.file(&commit, path, 4999).unwrap_err();
        assert!(refused.contains(said), "{path}: {refused}");
    }
    // A hook of the copy, as one that somebody put there, is run by nothing.
    let hooks = place.path().join("matrix.git/hooks");
    std::fs::create_dir_all(&hooks).unwrap();
    let marker = place.path().join("ran");
    for hook in ["reference-transaction", "post-merge", "post-checkout"] {
        let file = hooks.join(hook);
        std::fs::write(&file, format!("#!/bin/sh\ntouch {}\n", marker.display())).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let next = origin.commit("two");
    assert_eq!(mirror.fetch(), Ok(next.clone()));
    mirror.take(&next).unwrap();
    assert!(!marker.exists(), "a hook ran");
}

#[test]
fn where_a_signature_is_asked_for_only_one_of_the_named_keys_counts() {
    let (origin, place) = (Origin::new(), tempfile::tempdir().unwrap());
    let key = |name: &str| {
        let file = place.path().join(name);
        let mut command = Command::new("ssh-keygen");
        command.args(["-q", "-t", "ed25519", "-N", "", "-C", name, "-f"]).arg(&file);
        assert!(command.status().unwrap().success());
        file
    };
    let (known, stranger) = (key("known"), key("stranger"));
    let public = std::fs::read_to_string(known.with_extension("pub")).unwrap();
    let signers = place.path().join("signers");
    std::fs::write(&signers, format!("ada@example {public}")).unwrap();
    let mirror = origin.mirror(&place, Some(signers));
    let plain = origin.commit("plain");
    mirror.fetch().unwrap();
    assert!(mirror.verify(&plain).unwrap_err().contains("signed by nobody"));
    for (file, is_good) in [(stranger, false), (known, true)] {
        let key = format!("user.signingKey={}", file.display());
        origin.git(&["-c", &key, "commit", "--quiet", "--amend", "--no-edit", "--gpg-sign"]);
        let commit = mirror.fetch().unwrap();
        assert_eq!(mirror.verify(&commit).is_ok(), is_good, "{:?}", mirror.verify(&commit));
    }
}

#[test]
fn what_a_killed_git_left_behind_keeps_no_later_one_away() {
    let (origin, place) = (Origin::new(), tempfile::tempdir().unwrap());
    let mirror = origin.mirror(&place, None);
    let first = origin.commit("one");
    mirror.fetch().unwrap();
    mirror.take(&first).unwrap();
    for lock in ["shallow.lock", "packed-refs.lock", "refs/towpath/seen.lock", "config.lock"] {
        std::fs::write(mirror.folder.join(lock), "").unwrap();
    }
    let second = origin.commit("two");
    assert_eq!(mirror.fetch(), Ok(second.clone()));
    assert_eq!(mirror.take(&second), Ok(()));
    assert!(size(&mirror.folder) > 0, "what came as loose objects is not counted");
}

#[test]
fn f35_a_server_that_stops_waits_for_no_repository() {
    let (origin, place) = (Origin::new(), tempfile::tempdir().unwrap());
    let mirror = origin.mirror(&place, None);
    origin.commit("one");
    mirror.fetch().unwrap();
    let begun = place.path().join("begun");
    let hangs = format!("alias.hangs=!touch {}; sleep 100", begun.display());
    let mirror = std::sync::Arc::new(mirror);
    let running = std::sync::Arc::clone(&mirror);
    let hung = std::thread::spawn(move || {
        running.run(&["-c", &hangs, "hangs"], FETCHED_WITHIN, 0).map(|said| said.status)
    });
    while !begun.exists() {
        std::thread::yield_now();
    }
    let stopped = Instant::now();
    mirror.stop();
    assert!(hung.join().unwrap().unwrap_err().contains("was ended"));
    assert!(stopped.elapsed() < Duration::from_secs(30));
    assert_eq!(mirror.fetch(), Err("the server stops".to_owned()));
}
