//! Against real repositories, made by the same `git` in temporary folders, with real ssh keys.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use towpath_core::check::CheckResult::{self, Fail, Inconclusive, Pass};

use super::*;
use crate::git_of_tests::git;
use crate::question::testing::{Evidence, check, problems, request, site};
use crate::reports::testing::says;

/// A repository whose branch `main` has one commit.
struct Repo {
    folder: tempfile::TempDir,
}

impl Repo {
    fn new() -> Self {
        let repo = Self { folder: tempfile::tempdir().unwrap() };
        repo.git(&["init", "--quiet", "--initial-branch=main"]);
        repo.commit("first");
        repo
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn git(&self, words: &[&str]) -> String {
        git(self.path(), words)
    }

    /// An empty commit with this subject, and its name.
    fn commit(&self, subject: &str) -> String {
        self.git(&["commit", "--quiet", "--allow-empty", "-m", subject]);
        self.head()
    }

    /// The same, signed with the key of this name.
    fn signed(&self, subject: &str, key: &str) -> String {
        let key = format!("user.signingkey={}", self.key(key).display());
        let words =
            ["-c", "gpg.format=ssh", "-c", &key, "commit", "--quiet", "--allow-empty", "-S"];
        self.git(&[&words[..], &["-m", subject]].concat());
        self.head()
    }

    fn head(&self) -> String {
        self.git(&["rev-parse", "HEAD"])
    }

    /// The private key of this name, made when it is first asked for.
    fn key(&self, name: &str) -> PathBuf {
        let path = self.path().join(".git").join(name);
        if !path.exists() {
            let mut keygen = Command::new("ssh-keygen");
            keygen.args(["-q", "-t", "ed25519", "-N", "", "-C", name, "-f"]).arg(&path);
            assert!(keygen.status().unwrap().success());
        }
        path
    }

    /// A file of allowed signers with these lines before the public key of that name.
    fn signers(&self, keys: &[(&str, &str)]) -> String {
        let line = |(principal, key): &(&str, &str)| {
            let public = self.key(key).with_extension("pub");
            format!("{principal} {}", fs::read_to_string(public).unwrap())
        };
        let path = self.path().join(".git/signers");
        fs::write(&path, keys.iter().map(line).collect::<String>()).unwrap();
        path.to_str().unwrap().to_owned()
    }

    async fn ask(&self, commit: &str, settings: &Value) -> CheckAnswer {
        ask(self.path(), Some(commit), settings).await
    }
}

async fn ask(root: &Path, commit: Option<&str>, settings: &Value) -> CheckAnswer {
    let check = check("git", settings, &site(root, 1));
    let evidence = Evidence { commit: commit.map(str::to_owned), ..Evidence::default() };
    check.ask(&request(&[], evidence)).await
}

fn short(commit: &str) -> &str {
    &commit[..7]
}

#[track_caller]
fn begins(answer: &CheckAnswer, result: CheckResult, sentence: &str) {
    assert_eq!(answer.result, result, "{answer:?}");
    assert!(answer.sentence.contains(sentence), "{answer:?}");
}

#[tokio::test]
async fn a_commit_is_up_to_date_when_it_has_all_of_the_branch() {
    let repo = Repo::new();
    let first = repo.head();
    repo.git(&["checkout", "--quiet", "-b", "feature"]);
    let change = repo.commit("change");
    let settings = json!({ "up_to_date_with": "main" });
    let said = format!("{} is up to date with `main`", short(&change));
    says(&repo.ask(&change, &settings).await, Pass, &said);
    says(
        &repo.ask(&first, &settings).await,
        Pass,
        &format!("{} is up to date with `main`", short(&first)),
    );
    repo.git(&["checkout", "--quiet", "main"]);
    let newer = repo.commit("another change");
    let said = format!(
        "{} lacks 1 commit of `main`, which is at {}; bring the branch up to date and create a release \
         of the result",
        short(&change),
        short(&newer)
    );
    says(&repo.ask(&change, &settings).await, Fail, &said);
    repo.git(&["checkout", "--quiet", "feature"]);
    repo.git(&["merge", "--quiet", "--no-edit", "main"]);
    assert_eq!(repo.ask(&repo.head(), &settings).await.result, Pass);
}

#[tokio::test]
async fn a_commit_is_contained_once_it_is_merged_and_branches_of_remotes_are_named_with_it() {
    let repo = Repo::new();
    repo.git(&["checkout", "--quiet", "-b", "feature"]);
    let change = repo.commit("change");
    let settings = json!({ "contained_in": "main" });
    begins(&repo.ask(&change, &settings).await, Fail, "is not in `main`, which is at");
    repo.git(&["checkout", "--quiet", "main"]);
    repo.git(&["merge", "--quiet", "--no-ff", "--no-edit", "feature"]);
    let said = format!("{} is in `main`", short(&change));
    says(&repo.ask(&change, &settings).await, Pass, &said);

    let clone = tempfile::tempdir().unwrap();
    let to = clone.path().to_str().unwrap();
    repo.git(&["clone", "--quiet", "--no-local", ".", to]);
    let of_remote = json!({ "contained_in": "origin/main" });
    assert_eq!(ask(clone.path(), Some(&change), &of_remote).await.result, Pass);
    let absent = ask(clone.path(), Some(&change), &json!({ "contained_in": "develop" })).await;
    let said = format!(
        "{to} has no branch or tag `develop`; run `git fetch` there, or correct `contained_in`"
    );
    says(&absent, Inconclusive, &said);
}

#[tokio::test]
async fn every_commit_that_is_asked_about_must_be_signed_by_a_known_key() {
    let repo = Repo::new();
    repo.git(&["checkout", "--quiet", "-b", "feature"]);
    repo.signed("one", "ada");
    let two = repo.signed("two", "ada");
    let signers = repo.signers(&[("ada@example.com", "ada")]);
    let settings = json!({ "signed": true, "since": "main", "allowed_signers": signers });
    says(&repo.ask(&two, &settings).await, Pass, "2 commits since `main` signed by known keys");
    let by_nobody = json!({ "signed": true, "since": "main" });
    let answer = repo.ask(&two, &by_nobody).await;
    begins(&answer, Fail, "2 of 2 commits since `main` not signed by known keys; first: ");
    begins(&answer, Fail, "signed by a key that nobody vouches for (SHA256:");
    begins(&answer, Fail, "; keys of ssh are known by `allowed_signers`");

    let unsigned = repo.commit("three");
    let three = repo.signed("four", "ada");
    let said = format!(
        "1 of 4 commits since `main` not signed by known keys; first: {} by Ada, `three`: not signed",
        short(&unsigned)
    );
    says(&repo.ask(&three, &settings).await, Fail, &said);
    // The commit before is signed and stays so; the first one of all is not, and nothing is left out.
    assert_eq!(repo.ask(&two, &settings).await.result, Pass);
    let whole = json!({ "signed": true, "allowed_signers": signers });
    begins(&repo.ask(&two, &whole).await, Fail, "1 of 3 commits up to");
    let stranger = repo.signed("five", "mallory");
    begins(&repo.ask(&stranger, &settings).await, Fail, "`five`: signed by a key that nobody");
    let old = repo.signers(&[("ada@example.com valid-before=\"20200101\"", "ada")]);
    let expired = json!({ "signed": true, "since": "main", "allowed_signers": old });
    assert_eq!(repo.ask(&two, &expired).await.result, Fail);
    let absent = json!({ "signed": true, "since": "main", "allowed_signers": "/no/signers" });
    let said = "/no/signers is no file; correct `allowed_signers`";
    says(&repo.ask(&two, &absent).await, Inconclusive, said);
}

#[tokio::test]
async fn a_signature_over_something_else_is_bad() {
    let repo = Repo::new();
    repo.git(&["checkout", "--quiet", "-b", "feature"]);
    let good = repo.signed("pay ten", "ada");
    let forged = repo.git(&["cat-file", "commit", &good]).replace("pay ten", "pay all") + "\n";
    let path = repo.path().join(".git/forged");
    fs::write(&path, forged).unwrap();
    let forged =
        repo.git(&["hash-object", "-t", "commit", "-w", "--literally", path.to_str().unwrap()]);
    let signers = repo.signers(&[("ada@example.com", "ada")]);
    let settings = json!({ "signed": true, "since": "main", "allowed_signers": signers });
    assert_eq!(repo.ask(&good, &settings).await.result, Pass);
    begins(&repo.ask(&forged, &settings).await, Fail, "`pay all`: its signature is bad");
}

#[tokio::test]
async fn what_is_merged_is_asked_about_as_what_it_brought() {
    let repo = Repo::new();
    let signers = repo.signers(&[("ada@example.com", "ada")]);
    repo.git(&["checkout", "--quiet", "-b", "feature"]);
    let unsigned = repo.commit("one");
    repo.git(&["checkout", "--quiet", "main"]);
    let key = format!("user.signingkey={}", repo.key("ada").display());
    let merge = ["-c", "gpg.format=ssh", "-c", &key, "merge", "--quiet", "--no-ff", "-S"];
    repo.git(&[&merge[..], &["--no-edit", "feature"]].concat());
    let merged = repo.head();
    repo.signed("later", "ada");
    let settings = json!({ "contained_in": "main", "signed": true, "allowed_signers": signers });
    let said = format!(
        "1 of 2 commits that {} brought to `main` not signed by known keys; first: {} by Ada, `one`: \
         not signed",
        short(&merged),
        short(&unsigned)
    );
    says(&repo.ask(&merged, &settings).await, Fail, &said);
    let first = repo.git(&["rev-list", "--max-parents=0", "HEAD"]);
    begins(&repo.ask(&first, &settings).await, Fail, "1 of 1 commit that");
}

#[tokio::test]
async fn a_merge_makes_a_history_that_is_not_linear() {
    let repo = Repo::new();
    repo.git(&["checkout", "--quiet", "-b", "feature"]);
    let straight = repo.commit("one");
    let settings = json!({ "linear": true, "since": "main" });
    says(&repo.ask(&straight, &settings).await, Pass, "no merge is among the commits since `main`");
    repo.git(&["checkout", "--quiet", "-b", "side", "main"]);
    repo.commit("two");
    repo.git(&["checkout", "--quiet", "feature"]);
    repo.git(&["merge", "--quiet", "--no-edit", "side"]);
    let said = format!(
        "{} is a merge among the commits since `main`; rebase them instead",
        short(&repo.head())
    );
    says(&repo.ask(&repo.head(), &settings).await, Fail, &said);
    let both = json!({ "linear": true, "up_to_date_with": "main" });
    begins(&repo.ask(&repo.head(), &both).await, Fail, "is a merge among");
}

#[tokio::test]
async fn a_release_whose_commit_is_not_known_or_not_there_is_no_pass() {
    let repo = Repo::new();
    let settings = json!({ "contained_in": "main" });
    let none = ask(repo.path(), None, &settings).await;
    let said = "nobody knows from which commit release 1.2.0 was made; create one of a new version \
                with `--commit \"$(git rev-parse HEAD)\"`";
    says(&none, Inconclusive, said);
    let head = repo.head();
    begins(&repo.ask(&format!("{head}-dirty"), &settings).await, Fail, "made from a tree that");
    for odd in [&head[..7], "HEAD", "--all", "main", "r1234"] {
        begins(&repo.ask(odd, &settings).await, Inconclusive, "is not the whole name of one");
    }
    assert_eq!(repo.ask(&head.to_uppercase(), &settings).await.result, Pass);
    let absent = "0123456789".repeat(4);
    begins(&repo.ask(&absent, &settings).await, Inconclusive, "commit 0123456 is not in ");
    // A tree and a tag have names of the same form, and are no commits.
    let tree = repo.git(&["rev-parse", "HEAD^{tree}"]);
    begins(&repo.ask(&tree, &settings).await, Inconclusive, "is not in ");
    let down = Evidence { is_down: true, ..Evidence::default() };
    let asked = check("git", &settings, &site(repo.path(), 1));
    let answer = asked.ask(&request(&[], down)).await;
    says(&answer, Inconclusive, "release 1.2.0 cannot be read: no database");
}

#[tokio::test]
async fn a_folder_that_is_no_whole_repository_is_no_pass() {
    let repo = Repo::new();
    repo.commit("second");
    let head = repo.head();
    let settings = json!({ "contained_in": "main" });
    let empty = tempfile::tempdir().unwrap();
    let answer = ask(empty.path(), Some(&head), &settings).await;
    begins(&answer, Inconclusive, "is no git repository that can be asked: fatal: not a git");
    let elsewhere = json!({ "contained_in": "main", "repository": "no/such/folder" });
    begins(&repo.ask(&head, &elsewhere).await, Inconclusive, "there is no folder ");
    let shallow = tempfile::tempdir().unwrap();
    let to = shallow.path().to_str().unwrap();
    let from = format!("file://{}", repo.path().display());
    repo.git(&["clone", "--quiet", "--depth=1", &from, to]);
    let answer = ask(shallow.path(), Some(&head), &settings).await;
    begins(&answer, Inconclusive, "holds only a part of its history; run `git fetch --unshallow`");
}

#[tokio::test]
async fn a_folder_of_its_own_may_hold_the_repository() {
    let repo = Repo::new();
    let project = tempfile::tempdir().unwrap();
    let elsewhere = repo.path().to_str().unwrap();
    let settings = json!({ "contained_in": "main", "repository": elsewhere });
    let answer = ask(project.path(), Some(&repo.head()), &settings).await;
    assert_eq!(answer.result, Pass, "{answer:?}");
}

#[tokio::test]
async fn nothing_that_the_repository_names_is_run_or_believed() {
    let repo = Repo::new();
    let unsigned = repo.head();
    let good = repo.signed("signed", "ada");
    let signers = repo.signers(&[("ada@example.com", "ada")]);
    repo.git(&["checkout", "--quiet", "-b", "feature", &unsigned]);
    let change = repo.commit("unsigned");
    let later = repo.signed("later", "ada");
    let ran = repo.path().join(".git/ran");
    let script = repo.path().join(".git/script");
    let text = format!("#!/bin/sh\necho \"$0 $*\" >> {}\necho Good\nexit 0\n", ran.display());
    fs::write(&script, text).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let script = script.to_str().unwrap();
    for key in [
        "core.fsmonitor",
        "core.pager",
        "core.sshCommand",
        "gpg.program",
        "gpg.ssh.program",
        "gpg.x509.program",
        "core.editor",
        "credential.helper",
        "diff.external",
        "uploadpack.packObjectsHook",
        "alias.rev-list",
    ] {
        repo.git(&["config", key, script]);
    }
    for (key, value) in [
        ("gpg.ssh.allowedSignersFile", signers.as_str()),
        ("log.showSignature", "true"),
        ("color.ui", "always"),
        ("log.mailmap", "true"),
    ] {
        repo.git(&["config", key, value]);
    }
    let settings = json!({ "signed": true, "since": "main", "allowed_signers": signers });
    begins(&repo.ask(&change, &settings).await, Fail, "`unsigned`: not signed");
    // The keys that count are not the repository's to name.
    let by_nobody = json!({ "signed": true, "since": "feature" });
    begins(&repo.ask(&good, &by_nobody).await, Fail, "signed by a key that nobody vouches for");
    // A signed commit in the place of the unsigned one, and a history that ends before it.
    repo.git(&["update-ref", &format!("refs/replace/{change}"), &good]);
    begins(&repo.ask(&change, &settings).await, Fail, "`unsigned`: not signed");
    repo.git(&["update-ref", "-d", &format!("refs/replace/{change}")]);
    fs::write(repo.path().join(".git/info/grafts"), format!("{later}\n")).unwrap();
    begins(&repo.ask(&later, &settings).await, Fail, "1 of 2 commits since `main`");
    assert!(!ran.exists(), "{}", fs::read_to_string(&ran).unwrap_or_default());
}

#[tokio::test]
async fn a_gate_that_is_given_no_time_is_inconclusive() {
    let repo = Repo::new();
    let settings = json!({ "contained_in": "main" });
    let asked = check("git", &settings, &site(repo.path(), 1));
    let evidence = Evidence { commit: Some(repo.head()), ..Evidence::default() };
    let mut request = request(&[], evidence);
    request.timeout = towpath_core::units::Span(0);
    begins(&asked.ask(&request).await, Inconclusive, "git did not answer within 0");
}

#[test]
fn what_git_could_not_be_asked_is_refused_when_the_matrix_is_checked() {
    assert_eq!(problems("git", &json!({})), ["up_to_date_with"]);
    assert_eq!(problems("git", &json!({ "signed": false })), ["up_to_date_with"]);
    assert_eq!(problems("git", &json!({ "contained_in": "main", "since": "v1" })), ["since"]);
    let signers = json!({ "contained_in": "main", "allowed_signers": "signers" });
    assert_eq!(problems("git", &signers), ["allowed_signers"]);
    assert_eq!(
        problems("git", &json!({ "contained_in": "main", "repository": "../x" })),
        ["repository"]
    );
    for name in ["--all", "-x", "a..b", "a b", "main~1", "x^{tree}", "a:b", "@{1}", "@", "a/", ""] {
        let given = problems("git", &json!({ "contained_in": name }));
        assert_eq!(given, ["contained_in"], "{name}");
    }
    for name in ["main", "origin/develop", "release/1.x", "feature/ünder", "v1.0.0"] {
        assert_eq!(problems("git", &json!({ "contained_in": name })), [""; 0], "{name}");
    }
}

/// `develop` has what is merged into `main` at times, and more.
fn of_two_branches() -> (Repo, String) {
    let repo = Repo::new();
    repo.git(&["checkout", "--quiet", "-b", "develop"]);
    repo.commit("released");
    repo.git(&["checkout", "--quiet", "main"]);
    repo.git(&["merge", "--quiet", "--no-ff", "-m", "release", "develop"]);
    let released = repo.head();
    repo.git(&["checkout", "--quiet", "develop"]);
    repo.commit("not released yet");
    (repo, released)
}

#[tokio::test]
async fn a_fix_that_is_cut_from_a_branch_is_told_from_one_that_is_cut_elsewhere() {
    let (repo, released) = of_two_branches();
    let settings = json!({ "cut_from": "main" });
    says(
        &repo.ask(&released, &settings).await,
        Pass,
        &format!("{} is in `main`", short(&released)),
    );
    repo.git(&["checkout", "--quiet", "-b", "hotfix/login", "main"]);
    repo.commit("half of the fix");
    let fix = repo.commit("the fix");
    let said = format!("{} was cut from `main` at {}", short(&fix), short(&released));
    says(&repo.ask(&fix, &settings).await, Pass, &said);
    repo.git(&["checkout", "--quiet", "-b", "hotfix/other", "develop"]);
    let other = repo.commit("a fix with what is not released");
    begins(&repo.ask(&other, &settings).await, Fail, "which was merged into `main` from elsewhere");
    // Bringing the branch up to date does not make it one that was cut there.
    repo.git(&["merge", "--quiet", "--no-ff", "-m", "update", "main"]);
    begins(&repo.ask(&repo.head(), &settings).await, Fail, "was not made from `main`");
    // Nor does bringing what is not released into one that was.
    repo.git(&["checkout", "--quiet", "hotfix/login"]);
    repo.git(&["merge", "--quiet", "--no-ff", "-m", "more than a fix", "develop"]);
    begins(&repo.ask(&repo.head(), &settings).await, Fail, "was not made from `main`");
}

#[tokio::test]
async fn a_fix_that_was_merged_or_brought_up_to_date_still_comes_from_its_branch() {
    let (repo, _) = of_two_branches();
    let settings = json!({ "cut_from": "main" });
    repo.git(&["checkout", "--quiet", "-b", "hotfix/login", "main"]);
    repo.commit("the fix");
    repo.git(&["checkout", "--quiet", "main"]);
    let newer = repo.commit("another fix");
    repo.git(&["checkout", "--quiet", "hotfix/login"]);
    repo.git(&["merge", "--quiet", "--no-ff", "-m", "update", "main"]);
    let fix = repo.head();
    let said = format!("{} was cut from `main` at {}", short(&fix), short(&newer));
    says(&repo.ask(&fix, &settings).await, Pass, &said);
    for branch in ["main", "develop"] {
        repo.git(&["checkout", "--quiet", branch]);
        repo.git(&["merge", "--quiet", "--no-ff", "-m", "the fix comes back", "hotfix/login"]);
        begins(&repo.ask(&fix, &settings).await, Pass, short(&fix));
    }
}

#[tokio::test]
async fn where_a_change_was_cut_is_not_told_without_the_branch() {
    let (repo, released) = of_two_branches();
    let settings = json!({ "cut_from": "trunk" });
    begins(&repo.ask(&released, &settings).await, Inconclusive, "no branch or tag `trunk`");
    repo.git(&["checkout", "--quiet", "--orphan", "elsewhere"]);
    let stranger = repo.commit("no history");
    let settings = json!({ "cut_from": "main" });
    begins(&repo.ask(&stranger, &settings).await, Fail, "they have no commit in common");
}
