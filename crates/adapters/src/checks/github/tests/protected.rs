//! Protected branches, by the table of seed 004.

use super::hub::refusal;
use super::*;

/// "branch-protection" as seed 004 wants `main` protected.
fn of_main() -> Value {
    json!({
        "url": "", "required_status_checks": { "url": "", "strict": true,
            "contexts": ["validation"], "checks": [{ "context": "validation", "app_id": 15368 }] },
        "required_pull_request_reviews": { "url": "", "dismiss_stale_reviews": true,
            "require_code_owner_reviews": true, "required_approving_review_count": 2,
            "require_last_push_approval": false },
        "required_signatures": { "url": "", "enabled": true },
        "enforce_admins": { "url": "", "enabled": true },
        "required_linear_history": { "enabled": false }, "allow_force_pushes": { "enabled": false }
    })
}

/// Items of "repository-rule-detailed" that ask the same.
fn rules_of_main() -> Value {
    let set = |kind: &str, parameters: Value| {
        json!({ "type": kind, "parameters": parameters, "ruleset_source_type": "Repository",
            "ruleset_source": "octo/api", "ruleset_id": 42 })
    };
    json!([
        set("deletion", Value::Null),
        set(
            "pull_request",
            json!({ "dismiss_stale_reviews_on_push": true,
            "require_code_owner_review": true, "require_last_push_approval": false,
            "required_approving_review_count": 2, "required_review_thread_resolution": false })
        ),
        set(
            "required_status_checks",
            json!({ "strict_required_status_checks_policy": true,
            "required_status_checks": [{ "context": "validation", "integration_id": 15368 }] })
        ),
        set("required_signatures", Value::Null)
    ])
}

/// The check with what the matrix says of `main` and `develop`, as seed 004 has it.
async fn compared(hub: &Hub, branches: &[&str]) -> CheckAnswer {
    let kinds = crate::checks::KINDS;
    let entry = &kinds.iter().find(|kind| kind.entry.name == "github").unwrap().entry;
    let given = json!({ "repository": "octo/api", "url": hub.url(), "protection": branches });
    let mut checked = towpath_ports::settings::check(entry, &given).unwrap();
    // As the matrix's own section `branches` is handed on.
    checked["branches"] = json!({
        "main": { "approvals": 2, "status_checks": true, "up_to_date": true, "code_owners": true,
            "signed_commits": true, "dismiss_stale_reviews": true, "from": "develop" },
        "develop": { "approvals": 1, "status_checks": true, "up_to_date": true,
            "dismiss_stale_reviews": true }
    });
    let built = crate::build(kinds, "github", &checked, &site(std::path::Path::new("/"), 1));
    let evidence = Evidence { commit: Some(HEAD.to_owned()), ..Evidence::default() };
    built.unwrap().ask(&request(&[], evidence)).await
}

fn seen(hub: &Hub, branch: &str) {
    hub.gives(&format!("branches/{branch}"), &json!({ "name": branch, "protected": true }));
    hub.gives(&format!("rules/branches/{branch}"), &json!([]));
    let none = refusal("Branch not protected");
    hub.answers(&format!("branches/{branch}/protection"), 404, &[], &none);
}

#[tokio::test]
async fn every_line_of_the_table_is_compared() {
    let hub = Hub::new().await;
    seen(&hub, "main");
    hub.gives("branches/main/protection", &of_main());
    let said = "GitHub protects `main` as the matrix says";
    says(&compared(&hub, &["main"]).await, Pass, said);
    let without = |path: &[&str], value: Value, missing: &'static str| {
        let mut protection = of_main();
        let mut place = &mut protection;
        for key in path {
            place = &mut place[*key];
        }
        *place = value;
        (protection, missing)
    };
    let reviews = "required_pull_request_reviews";
    for (protection, missing) in [
        without(
            &[reviews, "required_approving_review_count"],
            json!(1),
            "approvals: 2 (it asks for 1)",
        ),
        without(&["required_status_checks", "strict"], json!(false), "up_to_date: true"),
        without(&[reviews, "require_code_owner_reviews"], json!(false), "code_owners: true"),
        without(&["required_signatures", "enabled"], json!(false), "signed_commits: true"),
        without(&[reviews, "dismiss_stale_reviews"], json!(false), "dismiss_stale_reviews: true"),
        without(&["required_status_checks"], Value::Null, "status_checks: true, up_to_date: true"),
    ] {
        hub.gives("branches/main/protection", &protection);
        let said = format!(
            "GitHub does not ask of `main` what the matrix says: {missing}; set it in the repository's \
             settings"
        );
        says(&compared(&hub, &["main"]).await, Fail, &said);
    }
    seen(&hub, "main");
    begins(&compared(&hub, &["main"]).await, Fail, "approvals: 2 (it asks for 0), status_checks");
}

#[tokio::test]
async fn rulesets_and_protection_hold_together() {
    let hub = Hub::new().await;
    seen(&hub, "main");
    hub.gives("rules/branches/main", &rules_of_main());
    assert_eq!(compared(&hub, &["main"]).await.result, Pass);
    // Whoever may not see the protection still sees that rulesets are enough.
    hub.answers("branches/main/protection", 404, &[], &refusal("Not Found"));
    assert_eq!(compared(&hub, &["main"]).await.result, Pass);
    let mut some = rules_of_main();
    some.as_array_mut().unwrap().pop();
    hub.gives("rules/branches/main", &some);
    let answer = compared(&hub, &["main"]).await;
    begins(
        &answer,
        Inconclusive,
        "no ruleset asks of `main` signed_commits: true, and its protection",
    );
    hub.answers("branches/main/protection", 403, &[], &refusal("Must have admin rights"));
    begins(&compared(&hub, &["main"]).await, Inconclusive, "Must have admin rights");
    let mut protection = of_main();
    protection["required_pull_request_reviews"] = Value::Null;
    protection["required_status_checks"] = Value::Null;
    hub.gives("branches/main/protection", &protection);
    assert_eq!(compared(&hub, &["main"]).await.result, Pass);
}

#[tokio::test]
async fn each_branch_is_compared_with_its_own_rules() {
    let hub = Hub::new().await;
    seen(&hub, "main");
    seen(&hub, "develop");
    hub.gives("branches/develop/protection", &of_main());
    let mut less = of_main();
    less["required_pull_request_reviews"]["required_approving_review_count"] = json!(1);
    less["required_signatures"]["enabled"] = json!(false);
    less["required_pull_request_reviews"]["require_code_owner_reviews"] = json!(false);
    hub.gives("branches/develop/protection", &less);
    assert_eq!(compared(&hub, &["develop"]).await.result, Pass);
    hub.gives("branches/main/protection", &less);
    begins(&compared(&hub, &["develop", "main"]).await, Fail, "of `main` what the matrix says");
    let answer = compared(&hub, &["gone"]).await;
    begins(&answer, Inconclusive, "GitHub shows no branch `gone` (Not Found)");
    seen(&hub, "other");
    let answer = compared(&hub, &["other"]).await;
    begins(&answer, Inconclusive, "the matrix says nothing of the branch `other`");
}

#[tokio::test]
async fn the_checks_that_a_branch_asks_for_are_asked_about() {
    let hub = Hub::new().await;
    seen(&hub, "main");
    let settings = json!({ "required_checks": true, "branch": "main" });
    hub.gives(&format!("commits/{HEAD}/status"), &statuses(&[]));
    let ran = |conclusion| {
        let run = ("validation", "completed", Some(conclusion));
        hub.gives(&format!("commits/{HEAD}/check-runs"), &runs(&[run]));
    };
    ran("success");
    let answer = ask(&hub, HEAD, settings.clone()).await;
    begins(&answer, Inconclusive, "GitHub asks for no checks before a change enters `main`");
    hub.gives("rules/branches/main", &rules_of_main());
    says(&ask(&hub, HEAD, settings.clone()).await, Pass, "1 check succeeded on 1111111");
    ran("failure");
    assert_eq!(ask(&hub, HEAD, settings.clone()).await.result, Fail);
    ran("success");
    hub.answers("branches/main/protection", 404, &[], &refusal("Not Found"));
    assert_eq!(ask(&hub, HEAD, settings).await.result, Inconclusive, "there may be more");
}
