//! Against a server that answers in the shapes of GitHub's published schema, refuses as it does, and
//! misbehaves as anything between may.

mod hub;
mod protected;
mod refused;

use serde_json::{Value, json};
use towpath_core::check::CheckAnswer;
use towpath_core::check::CheckResult::{self, Fail, Inconclusive, Pass, Pending};

use crate::question::testing::{Evidence, NOW, check, problems, request, site};
use crate::reports::testing::says;
use hub::{
    HEAD, Hub, MERGED, by_a, file, listed, merged, object, pull, review, runs, stale, statuses,
};

/// What the check says of `commit`.
async fn ask(hub: &Hub, commit: &str, settings: Value) -> CheckAnswer {
    let mut settings = settings;
    settings["url"] = json!(hub.url());
    settings["repository"] = json!("octo/api");
    let asked = check("github", &settings, &site(std::path::Path::new("/"), 1));
    let evidence = Evidence { commit: Some(commit.to_owned()), ..Evidence::default() };
    asked.ask(&request(&[], evidence)).await
}

#[track_caller]
fn begins(answer: &CheckAnswer, result: CheckResult, sentence: &str) {
    assert_eq!(answer.result, result, "{answer:?}");
    assert!(answer.sentence.contains(sentence), "{answer:?}");
}

#[track_caller]
fn waits(answer: &CheckAnswer, sentence: &str) {
    assert!(matches!(answer.result, Pending { .. }), "{answer:?}");
    assert_eq!(answer.sentence, sentence);
}

#[tokio::test]
async fn as_many_people_must_have_approved_the_newest_commit_as_are_asked_for() {
    let hub = Hub::new().await;
    let two = json!({ "reviews": 2 });
    hub.gives("pulls/7/reviews", &json!([]));
    waits(&ask(&hub, HEAD, two.clone()).await, "#7 has 0 of 2 approvals");
    let ada = review("ada", "APPROVED");
    hub.gives("pulls/7/reviews", &json!([ada, ada, review("ada", "COMMENTED")]));
    waits(&ask(&hub, HEAD, two.clone()).await, "#7 has 1 of 2 approvals (ada)");
    let not_counted = json!([
        ada,
        review("carol", "APPROVED"),
        review("renovate[bot]", "APPROVED"),
        stale("bilal"),
        by_a("NONE", "mallory", "APPROVED"),
        by_a("CONTRIBUTOR", "oscar", "APPROVED"),
        review("chen", "DISMISSED"),
        review("dora", "PENDING")
    ]);
    hub.gives("pulls/7/reviews", &not_counted);
    let said = "#7 has 1 of 2 approvals (ada); not counted: carol (the author), renovate[bot] (a \
                program), bilal (for an older commit), mallory (no member), oscar (no member)";
    waits(&ask(&hub, HEAD, two.clone()).await, said);
    hub.gives("pulls/7/reviews", &json!([ada, stale("bilal"), review("bilal", "APPROVED")]));
    says(&ask(&hub, HEAD, two).await, Pass, "#7 has 2 approvals (ada, bilal)");
}

#[tokio::test]
async fn who_approved_and_took_it_back_does_not_count_and_who_asks_for_changes_is_heard() {
    let hub = Hub::new().await;
    let one = json!({ "reviews": 1 });
    let (yes, no) = (review("ada", "APPROVED"), review("ada", "CHANGES_REQUESTED"));
    hub.gives("pulls/7/reviews", &json!([review("bilal", "APPROVED"), yes, no]));
    says(&ask(&hub, HEAD, one.clone()).await, Fail, "ada asks for changes in #7");
    hub.gives("pulls/7/reviews", &json!([no, review("ada", "COMMENTED")]));
    says(&ask(&hub, HEAD, one.clone()).await, Fail, "ada asks for changes in #7");
    hub.gives("pulls/7/reviews", &json!([no, yes]));
    says(&ask(&hub, HEAD, one.clone()).await, Pass, "#7 has 1 approval (ada)");
    hub.gives("pulls/7/reviews", &json!([yes, review("ada", "DISMISSED")]));
    waits(&ask(&hub, HEAD, one.clone()).await, "#7 has 0 of 1 approvals");
    // A stranger's no is no more than his yes; a program was let in by somebody.
    let stranger = by_a("NONE", "mallory", "CHANGES_REQUESTED");
    hub.gives("pulls/7/reviews", &json!([yes, stranger]));
    assert_eq!(ask(&hub, HEAD, one.clone()).await.result, Pass);
    let program = by_a("NONE", "scanner[bot]", "CHANGES_REQUESTED");
    hub.gives("pulls/7/reviews", &json!([yes, program]));
    assert_eq!(ask(&hub, HEAD, one.clone()).await.result, Fail);
    let mut gone = yes.clone();
    gone["user"] = Value::Null;
    hub.gives("pulls/7/reviews", &json!([gone]));
    waits(&ask(&hub, HEAD, one).await, "#7 has 0 of 1 approvals");
}

#[tokio::test]
async fn the_pull_request_is_the_one_whose_newest_commit_or_merge_the_release_is() {
    let hub = Hub::new().await;
    let one = json!({ "reviews": 0 });
    let reviewed = |number: u64| hub.gives(&format!("pulls/{number}/reviews"), &json!([]));
    for number in [7, 8, 9] {
        reviewed(number);
    }
    says(&ask(&hub, HEAD, one.clone()).await, Pass, "#7 has 0 approvals");
    // What GitHub tries out while it is open is no merge.
    let said = format!(
        "{} is neither the newest commit of a pull request nor what one was merged as; it only occurs \
         in #7 into `main`",
        &MERGED[..7]
    );
    says(&ask(&hub, MERGED, one.clone()).await, Fail, &said);
    hub.has(&[merged(7)]);
    for commit in [HEAD, MERGED] {
        assert_eq!(ask(&hub, commit, one.clone()).await.result, Pass);
    }
    let mut closed = pull(7);
    closed["state"] = json!("closed");
    hub.has(&[closed]);
    begins(&ask(&hub, HEAD, one.clone()).await, Fail, "is neither the newest commit");
    let mut elsewhere = pull(7);
    elsewhere["base"]["repo"]["full_name"] = json!("mallory/api");
    hub.has(&[elsewhere]);
    begins(&ask(&hub, HEAD, one.clone()).await, Fail, "is neither the newest commit");
    hub.has(&[]);
    let said = format!("no pull request brought {}; open one and have it reviewed", &HEAD[..7]);
    says(&ask(&hub, HEAD, one.clone()).await, Fail, &said);

    let mut onward = pull(8);
    onward["base"]["ref"] = json!("develop");
    hub.has(&[pull(7), onward]);
    let said = format!(
        "several pull requests are about {}: #7 into `main`, #8 into `develop`; say with `branch` \
         which is meant",
        &HEAD[..7]
    );
    says(&ask(&hub, HEAD, one.clone()).await, Inconclusive, &said);
    let into = json!({ "reviews": 0, "branch": "develop" });
    says(&ask(&hub, HEAD, into).await, Pass, "#8 has 0 approvals");
    // Of what is in the default branch GitHub names the one alone that brought it there.
    let mut brought = merged(7);
    brought["base"]["ref"] = json!("develop");
    brought["merge_commit_sha"] = json!(HEAD);
    let onward = |head: &str| {
        let mut onward = pull(9);
        onward["head"]["sha"] = json!(head);
        hub.gives("pulls/9", &onward);
        hub.gives("pulls", &json!([onward]));
    };
    hub.has(&[brought]);
    let into = json!({ "reviews": 0, "branch": "main" });
    onward(HEAD);
    says(&ask(&hub, HEAD, into.clone()).await, Pass, "#9 has 0 approvals");
    onward(MERGED);
    let said = format!(
        "{} is neither the newest commit of a pull request into `main` nor what one was merged as; it \
         only occurs in #7 into `develop`",
        &HEAD[..7]
    );
    says(&ask(&hub, HEAD, into).await, Fail, &said);
    hub.has(&[pull(8), merged(9)]);
    says(&ask(&hub, HEAD, one).await, Pass, "#9 has 0 approvals");
}

#[tokio::test]
async fn where_older_pull_requests_were_not_looked_at_it_may_be_among_them() {
    let hub = Hub::new().await;
    let mut brought = merged(7);
    brought["base"]["ref"] = json!("develop");
    brought["merge_commit_sha"] = json!(HEAD);
    hub.has(&[brought]);
    let other = |number: u64| {
        let mut other = pull(number);
        other["head"]["sha"] = json!(MERGED);
        other
    };
    let into = json!({ "reviews": 0, "branch": "main" });
    for (last, result) in [(198, Fail), (199, Inconclusive)] {
        let others: Vec<Value> = (100..=last).map(other).collect();
        hub.gives("pulls", &json!(others));
        begins(&ask(&hub, HEAD, into.clone()).await, result, "is neither the newest commit");
    }
}

#[tokio::test]
async fn a_pull_request_must_come_from_a_branch_of_this_repository_that_is_named() {
    let hub = Hub::new().await;
    let asked = json!({ "branch": "main", "from": ["develop", "hotfix/*"] });
    let of = |branch: &str, home: Value| {
        let mut open = pull(7);
        open["head"]["ref"] = json!(branch);
        open["head"]["repo"] = home;
        open
    };
    let here = json!({ "id": 1, "full_name": "Octo/API" });
    let fork = json!({ "id": 2, "full_name": "mallory/api" });
    for (branch, home, result, said) in [
        ("develop", here.clone(), Pass, "#7 comes from `develop`"),
        ("hotfix/leak", here.clone(), Pass, "#7 comes from `hotfix/leak`"),
        (
            "feature/x",
            here.clone(),
            Fail,
            "#7 comes from `feature/x`, wanted `develop` or `hotfix/*`",
        ),
        ("not-develop", here.clone(), Fail, "wanted `develop`"),
        ("develop/x", here, Fail, "wanted `develop`"),
        ("develop", fork, Fail, "#7 comes from `develop` of mallory/api, wanted"),
        ("develop", Value::Null, Fail, "a repository that is gone"),
    ] {
        hub.has(&[of(branch, home)]);
        begins(&ask(&hub, HEAD, asked.clone()).await, result, said);
    }
    let odd = json!({ "from": ["a b"], "url": "https://api.github.com" });
    assert!(problems("github", &odd).iter().any(|one| one.contains("from[0]")));
}

#[tokio::test]
async fn checks_must_have_succeeded_on_the_releases_own_commit() {
    let hub = Hub::new().await;
    let wanted = json!({ "checks": ["build", "test"] });
    let at = |runs: &Value, statuses: &Value| {
        hub.gives(&format!("commits/{HEAD}/check-runs"), runs);
        hub.gives(&format!("commits/{HEAD}/status"), statuses);
    };
    let good = |name| (name, "completed", Some("success"));
    at(&runs(&[good("build"), good("test"), good("lint")]), &statuses(&[]));
    says(&ask(&hub, HEAD, wanted.clone()).await, Pass, "2 checks succeeded on 1111111");
    at(&runs(&[good("build")]), &statuses(&[("test", "success")]));
    assert_eq!(ask(&hub, HEAD, wanted.clone()).await.result, Pass);
    for (conclusion, shown) in [
        (Some("failure"), "failure"),
        (Some("skipped"), "skipped"),
        (Some("neutral"), "neutral"),
        (Some("cancelled"), "cancelled"),
        (None, "no conclusion"),
    ] {
        at(&runs(&[good("build"), ("test", "completed", conclusion)]), &statuses(&[]));
        let said = format!("on 1111111 did not succeed: `test` ({shown})");
        says(&ask(&hub, HEAD, wanted.clone()).await, Fail, &said);
    }
    // Several of one name, as of two workflows: the worst counts, wherever it stands.
    at(
        &runs(&[("test", "completed", Some("failure")), good("test"), good("build")]),
        &statuses(&[]),
    );
    assert_eq!(ask(&hub, HEAD, wanted.clone()).await.result, Fail);
    at(&runs(&[good("test"), good("build")]), &statuses(&[("test", "error")]));
    assert_eq!(ask(&hub, HEAD, wanted.clone()).await.result, Fail);
    at(&runs(&[good("test"), ("build", "in_progress", None)]), &statuses(&[]));
    waits(&ask(&hub, HEAD, wanted.clone()).await, "on 1111111 still run: `build`");
    at(&runs(&[good("test")]), &statuses(&[("build", "pending")]));
    waits(&ask(&hub, HEAD, wanted.clone()).await, "on 1111111 still run: `build`");
    at(&runs(&[good("lint")]), &statuses(&[]));
    let said = "on 1111111 did not run: `build`, `test`; what ran there: lint";
    says(&ask(&hub, HEAD, wanted.clone()).await, Inconclusive, said);
    let mut short = runs(&[good("build"), good("test")]);
    short["total_count"] = json!(3);
    at(&short, &statuses(&[]));
    let said = "GitHub counts more checks of 1111111 than it lists";
    says(&ask(&hub, HEAD, wanted).await, Inconclusive, said);
}

#[tokio::test]
async fn an_owner_of_each_changed_file_must_have_approved() {
    let hub = Hub::new().await;
    let settings = json!({ "reviews": 1, "branch": "main", "code_owners": true });
    hub.gives("pulls/7/reviews", &json!([review("ada", "APPROVED")]));
    hub.gives("pulls/7/files", &json!([file("src/lib.rs")]));
    let answer = ask(&hub, HEAD, settings.clone()).await;
    begins(&answer, Inconclusive, "`main` has no file CODEOWNERS at the base of #7; add");
    let owners = |text: &str| hub.answers("contents/.github/CODEOWNERS", 200, &[], text);
    owners("*.rs @Ada @bilal\n");
    let said = "#7 has 1 approval (ada); owners approved 1 changed file of #7";
    says(&ask(&hub, HEAD, settings.clone()).await, Pass, said);
    owners("*.rs @bilal\n");
    let said = "#7 changes 1 file that no owner approved: src/lib.rs (@bilal)";
    waits(&ask(&hub, HEAD, settings.clone()).await, said);
    owners("*.md @bilal\n");
    begins(&ask(&hub, HEAD, settings.clone()).await, Pass, "owners approved 0 changed files");
    owners("*.rs ada@example.com\n");
    let answer = ask(&hub, HEAD, settings.clone()).await;
    begins(&answer, Inconclusive, "nobody can tell whose address ada@example.com is");
    owners("*.rs @bilal\n*.rs bilal\n");
    let answer = ask(&hub, HEAD, settings.clone()).await;
    begins(&answer, Inconclusive, "line 2 of CODEOWNERS cannot be understood: *.rs bilal");
    // What it was called before is changed too.
    owners("/old/ @bilal\n");
    let mut renamed = file("src/lib.rs");
    renamed["previous_filename"] = json!("old/lib.rs");
    hub.gives("pulls/7/files", &json!([renamed]));
    begins(
        &ask(&hub, HEAD, settings.clone()).await,
        Pending { ask_again_at: at(300) },
        "old/lib.rs",
    );
    hub.gives("pulls/7/files", &json!([]));
    let said = "GitHub lists 0 of the files that #7 changes, and not all";
    says(&ask(&hub, HEAD, settings).await, Inconclusive, said);
}

/// The moment so many seconds after the question.
fn at(seconds: u64) -> towpath_core::units::Timestamp {
    NOW.plus(towpath_core::units::Span::seconds(seconds))
}

#[tokio::test]
async fn a_team_owns_files_through_its_members() {
    let hub = Hub::new().await;
    let settings = json!({ "branch": "main", "code_owners": true });
    hub.gives("pulls/7/reviews", &json!([review("ada", "APPROVED")]));
    hub.gives("pulls/7/files", &json!([file("src/lib.rs")]));
    hub.answers("contents/.github/CODEOWNERS", 200, &[], "* @octo/backend\n");
    let answer = ask(&hub, HEAD, settings.clone()).await;
    begins(&answer, Inconclusive, "GitHub shows no team @octo/backend (Not Found)");
    let team = json!({ "id": 1, "slug": "backend", "name": "Backend" });
    hub.answers("/orgs/octo/teams/backend", 200, &[], &team.to_string());
    let answer = ask(&hub, HEAD, settings.clone()).await;
    begins(&answer, Pending { ask_again_at: at(300) }, "src/lib.rs (@octo/backend)");
    let member = |state: &str| {
        let body = json!({ "url": "", "role": "member", "state": state }).to_string();
        hub.answers("/orgs/octo/teams/backend/memberships/ada", 200, &[], &body);
    };
    member("pending");
    assert!(matches!(ask(&hub, HEAD, settings.clone()).await.result, Pending { .. }));
    member("active");
    assert_eq!(ask(&hub, HEAD, settings).await.result, Pass);
}

#[tokio::test]
async fn github_must_have_verified_every_commit() {
    let hub = Hub::new().await;
    let settings = json!({ "signed": true });
    hub.gives("pulls/7/commits", &json!([listed(HEAD, true)]));
    says(&ask(&hub, HEAD, settings.clone()).await, Pass, "1 commit verified by GitHub");
    hub.has(&[merged(7)]);
    hub.gives(&format!("git/commits/{MERGED}"), &object(MERGED, "t", true));
    says(&ask(&hub, MERGED, settings.clone()).await, Pass, "2 commits verified by GitHub");
    hub.gives(&format!("git/commits/{MERGED}"), &object(MERGED, "t", false));
    let said = "1 of 2 commits not verified by GitHub; first: 2222222 (unsigned)";
    says(&ask(&hub, MERGED, settings.clone()).await, Fail, said);
    hub.gives("pulls/7/commits", &json!([listed(HEAD, false)]));
    assert_eq!(ask(&hub, HEAD, settings.clone()).await.result, Fail);
    hub.gives("pulls/7/commits", &json!([listed(HEAD, true), listed(MERGED, true)]));
    let said = "GitHub lists 2 of the commits in #7, and not all";
    says(&ask(&hub, HEAD, settings).await, Inconclusive, said);
}

#[tokio::test]
async fn a_pull_request_must_have_had_all_of_the_branch() {
    let hub = Hub::new().await;
    let settings = json!({ "branch": "main", "up_to_date": true });
    let behind = |count: u64| {
        let value = json!({ "status": "diverged", "ahead_by": 1, "behind_by": count,
            "total_commits": 1, "commits": [] });
        hub.gives(&format!("compare/main...{HEAD}"), &value);
    };
    behind(0);
    says(&ask(&hub, HEAD, settings.clone()).await, Pass, "#7 is up to date with `main`");
    behind(3);
    let said = "#7 lacks commits of `main`; update its branch";
    says(&ask(&hub, HEAD, settings.clone()).await, Fail, said);
    hub.has(&[merged(7)]);
    hub.gives(&format!("git/commits/{HEAD}"), &object(HEAD, "tree", true));
    hub.gives(&format!("git/commits/{MERGED}"), &object(MERGED, "tree", true));
    says(&ask(&hub, MERGED, settings.clone()).await, Pass, "#7 is up to date with `main`");
    hub.gives(&format!("git/commits/{MERGED}"), &object(MERGED, "other", true));
    let said = "#7 was not up to date with `main` when it was merged: what was merged is not what was \
                reviewed";
    says(&ask(&hub, MERGED, settings).await, Fail, said);
}

#[tokio::test]
async fn of_several_questions_the_worst_answer_counts_and_all_are_kept() {
    let hub = Hub::new().await;
    hub.gives("pulls/7/reviews", &json!([review("ada", "APPROVED")]));
    hub.gives(
        &format!("commits/{HEAD}/check-runs"),
        &runs(&[("test", "completed", Some("failure"))]),
    );
    hub.gives(&format!("commits/{HEAD}/status"), &statuses(&[]));
    let answer = ask(&hub, HEAD, json!({ "reviews": 1, "checks": ["test"] })).await;
    says(&answer, Fail, "on 1111111 did not succeed: `test` (failure)");
    let output = "holds: #7 has 1 approval (ada)\ndoes not hold: on 1111111 did not succeed: `test` \
                  (failure)";
    assert_eq!(answer.output.as_deref(), Some(output));
}

/// `CODEOWNERS` is read from the forge at three fixed places below the repository.
#[test]
fn cve_b09_no_name_of_a_repository_is_a_path() {
    for name in ["../api", "octo/..", "octo/../x", "a/../../b", "/etc/passwd", "./api", "octo/."] {
        let given = json!({ "repository": name, "reviews": 1 });
        assert_eq!(problems("github", &given), ["repository"], "{name}");
    }
}

#[test]
fn what_github_could_not_be_asked_is_refused_when_the_matrix_is_checked() {
    let wrong = |more: Value| {
        let mut given = json!({ "repository": "octo/api", "reviews": 1 });
        given.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        problems("github", &given)
    };
    assert_eq!(wrong(json!({})), [""; 0]);
    for name in
        ["api", "octo/", "/api", "octo/api/x", "octo/..", "octo/a b", "https://github.com/o/r"]
    {
        assert_eq!(wrong(json!({ "repository": name })), ["repository"], "{name}");
    }
    assert_eq!(wrong(json!({ "branch": "--x" })), ["branch"]);
    assert_eq!(wrong(json!({ "protection": ["main", "a..b"] })), ["protection[1]"]);
    assert_eq!(wrong(json!({ "checks": ["build", " "] })), ["checks[1]"]);
    for key in ["required_checks", "code_owners", "up_to_date"] {
        assert_eq!(wrong(json!({ key: true })), ["branch"], "{key}");
        assert_eq!(wrong(json!({ key: true, "branch": "main" })), [""; 0], "{key}");
    }
    assert_eq!(wrong(json!({ "url": "http://169.254.169.254/" })), ["url"]);
    let with_token = json!({ "url": "http://github.example.com", "token_file": "token" });
    assert_eq!(wrong(with_token), ["url"]);
    assert_eq!(problems("github", &json!({ "repository": "octo/api" })), ["reviews"]);
    assert_eq!(problems("github", &json!({ "reviews": 21 })), ["reviews"]);
}

#[test]
fn without_a_repository_nobody_can_be_asked() {
    let kinds = crate::checks::KINDS;
    let entry = &kinds.iter().find(|kind| kind.entry.name == "github").unwrap().entry;
    let checked = towpath_ports::settings::check(entry, &json!({ "reviews": 1 })).unwrap();
    let built = crate::build(kinds, "github", &checked, &site(std::path::Path::new("/"), 1));
    assert!(built.err().unwrap().contains("add `repository: OWNER/NAME` to the check"));
}
