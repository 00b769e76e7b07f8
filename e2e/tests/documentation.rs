//! Every command in the documentation does what its page says.

use std::path::{Path, PathBuf};

use towpath_e2e::{Folder, Script, steps, towpath};

/// Asked for when the test runs: clones that share a target directory share what is compiled in.
fn checkout() -> PathBuf {
    let own = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let own = own.expect("cargo says where the package is");
    own.parent().expect("the package lies in the workspace").to_path_buf()
}

fn pages(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("it is there").flatten() {
        let path = entry.path();
        if path.is_dir() {
            pages(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path);
        }
    }
}

/// Follows a page in an empty folder.
fn follow(page: &str) {
    let text =
        std::fs::read_to_string(checkout().join("docs/src").join(page)).expect("it is there");
    let steps = steps(&text);
    assert!(!steps.is_empty(), "{page} has no commands");
    let folder = Folder::new();
    let program = towpath();
    let work = folder.path().join("work");
    std::fs::create_dir(&work).expect("it is there");
    let mut script = Script::begin(&work, &[program.parent().expect("it is there")]);
    script.follow(page, &steps, |text| folder.here(text));
}

#[test]
fn the_tutorial_can_be_followed_to_the_letter() {
    follow("tutorial.md");
}

#[test]
fn promotions_are_traced_as_the_page_says() {
    follow("how-to/trace-promotions.md");
}

#[test]
fn a_repository_is_followed_as_the_page_says() {
    follow("how-to/follow-a-repository.md");
}

#[test]
fn rolling_back_works_as_its_page_says() {
    follow("how-to/roll-back.md");
}

#[test]
fn what_is_served_twice_is_as_its_page_says() {
    follow("how-to/let-no-visitor-see-a-bad-release.md");
}

#[test]
fn leaving_a_wiki_page_works_as_its_page_says() {
    follow("how-to/from-a-wiki-matrix.md");
}

#[test]
fn leaving_bash_scripts_works_as_its_page_says() {
    follow("how-to/from-bash-scripts.md");
}

#[test]
fn releases_are_created_and_kept_as_their_page_says() {
    follow("how-to/releases.md");
}

#[test]
fn going_without_a_demand_works_as_its_page_says() {
    follow("how-to/what-is-not-enforced.md");
}

#[test]
fn judging_by_figures_works_as_its_page_says() {
    follow("how-to/judge-by-figures.md");
}

#[test]
fn promotions_keep_to_windows_as_their_page_says() {
    follow("how-to/keep-promotions-to-windows.md");
}

#[test]
fn reports_open_a_gate_as_their_page_says() {
    follow("how-to/let-reports-open-a-gate.md");
}

#[test]
fn a_program_opens_a_gate_as_its_page_says() {
    follow("how-to/let-a-program-open-a-gate.md");
}

#[test]
fn looking_at_evidence_does_what_it_says() {
    follow("how-to/look-at-evidence.md");
}

#[test]
fn figures_open_a_gate_as_their_page_says() {
    follow("how-to/let-figures-open-a-gate.md");
}

#[test]
fn bills_and_provenance_open_a_gate_as_their_page_says() {
    follow("how-to/let-bills-and-provenance-open-a-gate.md");
}

#[test]
fn a_repository_opens_a_gate_as_its_page_says() {
    follow("how-to/let-the-repository-open-a-gate.md");
}

#[test]
fn the_type_of_a_change_is_told_as_its_page_says() {
    follow("how-to/types-of-change.md");
}

#[test]
fn what_happened_is_proven_as_its_page_says() {
    follow("how-to/prove-what-happened.md");
}

#[test]
fn people_are_told_as_their_page_says() {
    follow("how-to/tell-people.md");
}

#[test]
fn a_change_of_the_matrix_is_reviewed_as_its_page_says() {
    follow("how-to/review-a-change.md");
}

#[test]
fn serving_a_team_does_what_it_says() {
    follow("how-to/serve-a-team.md");
}

#[test]
fn who_may_do_what_is_said_and_enforced_as_its_page_says() {
    follow("how-to/say-who-may.md");
}

#[test]
fn a_script_acts_as_its_page_says() {
    follow("how-to/let-a-script-act.md");
}

#[test]
fn settings_change_alone_as_the_page_says() {
    follow("how-to/change-settings-alone.md");
}

#[test]
fn people_are_asked_as_the_page_says() {
    follow("how-to/ask-people.md");
}

#[test]
fn words_are_signed_as_their_page_says() {
    follow("how-to/sign-what-you-say.md");
}

#[test]
fn a_policy_is_tested_as_its_page_says() {
    follow("how-to/test-a-policy.md");
}

#[test]
fn what_is_said_about_exit_codes_is_so() {
    follow("reference/exit-codes.md");
}

#[test]
fn what_is_said_about_the_format_is_so() {
    follow("reference/matrix-format.md");
}

#[test]
fn the_rules_of_a_promotion_are_as_their_page_says() {
    follow("explanation/rules-of-a-promotion.md");
}

#[test]
fn what_is_said_about_deaths_is_so() {
    follow("explanation/what-happens-when-something-dies.md");
}

#[test]
fn every_page_is_in_the_table_of_contents_and_every_page_with_commands_is_followed() {
    let root = checkout().join("docs/src");
    let contents = std::fs::read_to_string(root.join("SUMMARY.md")).expect("it is there");
    let own = std::fs::read_to_string(checkout().join("e2e/tests/documentation.rs"))
        .expect("it is there");
    let mut found = Vec::new();
    pages(&root, &mut found);
    assert!(found.len() > 6, "only {} pages", found.len());
    for path in found {
        let name = path
            .strip_prefix(&root)
            .expect("it is there")
            .to_str()
            .expect("it is there")
            .to_owned();
        if name == "SUMMARY.md" {
            continue;
        }
        assert!(contents.contains(&format!("({name})")), "{name} is not in SUMMARY.md");
        let commands = steps(&std::fs::read_to_string(&path).expect("it is there")).len();
        let is_followed = own.contains(&format!("follow(\"{name}\")"));
        assert!(commands == 0 || is_followed, "{name} has {commands} commands nobody follows");
    }
}

#[test]
fn a_hotfix_and_broken_glass_owe_what_their_page_says() {
    follow("how-to/mend-in-a-hurry.md");
}

#[test]
fn a_changed_matrix_needs_the_words_that_its_page_says() {
    follow("how-to/govern-the-matrix.md");
}
