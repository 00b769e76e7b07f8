//! A changed matrix counts when people agreed to it: the stricter of old and new, nobody's own word, one
//! plan, one no, for a time.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use towpath_core::approvals::Need;
use towpath_core::governing::{MatrixWord, can_be_changed, changes, needed};
use towpath_core::ids::Person;
use towpath_core::journal::Event;
use towpath_core::matrix::Matrix;
use towpath_core::people::Verb;
use towpath_core::project::Project;
use towpath_core::reason::RefusalKind;
use towpath_core::units::{Span, Timestamp};
use towpath_testkit::declared;

const NOW: Timestamp = Timestamp(1_000_000);
const PEOPLE: &str =
    "people: ada lead; bilal lead; chen security; dora developer; bot robot lead\n";

fn person(name: &str) -> Person {
    Person::new(name).unwrap()
}

/// A matrix with these steps, to which so many people of each role agree.
fn matrix(steps: &str, asked: &[(&str, u32)]) -> Matrix {
    let text = format!("{PEOPLE}production: root, tier production, steps {steps}");
    let mut matrix = declared::matrix(&text).unwrap();
    matrix.approvals = asked
        .iter()
        .map(|(role, people)| Need { role: declared::name(role).unwrap(), people: *people })
        .collect();
    matrix
}

/// A project in which `now` is in force and `ada` proposed `next`.
fn proposed(now: &Matrix, next: &Matrix) -> Project {
    let mut project = Project::default();
    let first = project.common.apply_matrix(Box::new(now.clone()), person("ada"), None, NOW);
    assert!(matches!(first, Event::MatrixApplied { .. }), "the first one counts at once");
    project.apply(None, &first, NOW);
    let second = project.common.apply_matrix(Box::new(next.clone()), person("ada"), None, NOW);
    project.apply(None, &second, NOW);
    project
}

fn word(project: &Project, by: &str, agrees: bool) -> MatrixWord {
    let plan = project.common.proposed.as_ref().unwrap().plan.hex()[..12].to_owned();
    MatrixWord { by: person(by), plan, agrees, note: None, signed: None }
}

/// Says it, and answers why it did not count.
fn say(project: &mut Project, by: &str, agrees: bool, at: Timestamp) -> Result<(), RefusalKind> {
    let word = word(project, by, agrees);
    let events = project.common.word_about_matrix(&word, at).map_err(|refusal| refusal.kind)?;
    for event in &events {
        project.apply(None, event, at);
    }
    Ok(())
}

fn is_in_force(project: &Project, matrix: &Matrix) -> bool {
    project.common.matrix.as_ref() == Some(matrix)
}

#[test]
fn whoever_takes_a_rule_out_is_held_to_it_and_whoever_brings_one_in_as_well() {
    let (old, new) = (matrix("100%/1s", &[("lead", 2)]), matrix("100%/2s", &[("security", 1)]));
    let both = needed(Some(&old), &new);
    let both: Vec<_> = both.iter().map(|one| (one.role.as_str(), one.people)).collect();
    assert_eq!(both, [("lead", 2), ("security", 1)]);
    let fewer = matrix("100%/1s", &[("lead", 1)]);
    assert_eq!(needed(Some(&old), &fewer)[0].people, 2);
    assert_eq!(needed(Some(&fewer), &old)[0].people, 2);
    assert_eq!(needed(None, &old), [], "nobody could agree to the first one");
    let mut nobody = old.clone();
    nobody.people.clear();
    assert_eq!(needed(Some(&nobody), &old), [], "nor where nobody is named");
}

#[test]
fn it_counts_once_everybody_who_must_has_agreed_and_nobodys_own_word_does() {
    let (old, new) = (matrix("100%/1s", &[("lead", 1), ("security", 1)]), matrix("100%/2s", &[]));
    let mut project = proposed(&old, &new);
    assert!(is_in_force(&project, &old), "until then what was in force stays");
    for other in ["ada", "dora", "robot", "mallory"] {
        assert_eq!(say(&mut project, other, true, NOW), Err(RefusalKind::NotAllowed), "{other}");
    }
    say(&mut project, "bilal", true, NOW).unwrap();
    say(&mut project, "bilal", true, NOW).unwrap();
    assert!(is_in_force(&project, &old), "one person is one");
    say(&mut project, "chen", true, NOW).unwrap();
    assert!(is_in_force(&project, &new));
    assert_eq!(project.common.proposed, None);
}

#[test]
fn one_no_takes_it_off_and_whoever_proposed_it_may_say_it() {
    let (old, new) = (matrix("100%/1s", &[("lead", 1)]), matrix("100%/2s", &[]));
    for by in ["bilal", "ada"] {
        let mut project = proposed(&old, &new);
        say(&mut project, by, false, NOW).unwrap();
        assert_eq!(project.common.proposed, None);
        assert!(is_in_force(&project, &old));
    }
    let mut project = proposed(&old, &new);
    assert_eq!(say(&mut project, "dora", false, NOW), Err(RefusalKind::NotAllowed));
    assert!(project.common.proposed.is_some(), "a no of others is worth what their yes is");
}

#[test]
fn a_word_is_about_one_change_in_place_of_what_is_in_force() {
    let old = matrix("100%/1s", &[("lead", 1)]);
    let (new, newer) = (matrix("100%/2s", &[]), matrix("100%/3s", &[]));
    let mut project = proposed(&old, &new);
    let stale = word(&project, "bilal", true);
    let next = project.common.apply_matrix(Box::new(newer.clone()), person("ada"), None, NOW);
    project.apply(None, &next, NOW);
    let refusal = project.common.word_about_matrix(&stale, NOW).unwrap_err();
    assert_eq!((refusal.kind, refusal.code.as_str()), (RefusalKind::Conflict, "stale-plan"));
    say(&mut project, "bilal", true, NOW).unwrap();
    assert!(is_in_force(&project, &newer));
    let again = project.common.word_about_matrix(&stale, NOW).unwrap_err();
    assert_eq!(again.kind, RefusalKind::NotFound, "nothing waits any more");
}

#[test]
fn what_nobody_agreed_to_in_time_is_over_and_may_be_proposed_anew() {
    let (old, new) = (matrix("100%/1s", &[("lead", 1)]), matrix("100%/2s", &[]));
    let mut project = proposed(&old, &new);
    assert!(project.common.waits_for_agreement(&new, NOW));
    let late = NOW.plus(Span::hours(72));
    assert_eq!(say(&mut project, "bilal", true, late), Err(RefusalKind::NotFound));
    assert!(!project.common.waits_for_agreement(&new, late));
    let again = project.common.apply_matrix(Box::new(new.clone()), person("ada"), None, late);
    project.apply(None, &again, late);
    say(&mut project, "bilal", true, late).unwrap();
    assert!(is_in_force(&project, &new));
}

#[test]
fn what_differs_is_told_by_its_places() {
    let (old, new) = (matrix("100%/1s", &[]), matrix("100%/2s", &[("lead", 1)]));
    assert_eq!(changes(Some(&old), &old), Vec::<String>::new());
    let told = changes(Some(&old), &new);
    assert!(told.contains(&"matrix_approvals".to_owned()), "{told:?}");
    assert!(told.contains(&"environments.production.rollout.steps".to_owned()), "{told:?}");
    assert_eq!(changes(None, &new), ["everything"]);
}

#[test]
fn a_matrix_that_nobody_could_agree_to_change_is_known() {
    for (asked, can) in [
        (&[][..], true),
        (&[("lead", 1)][..], true),
        (&[("lead", 2)][..], true),
        (&[("lead", 3)][..], false),
        (&[("security", 2)][..], false),
        (&[("lead", 2), ("security", 1)][..], true),
        (&[("lead", 2), ("security", 1), ("developer", 1)][..], false),
    ] {
        assert_eq!(can_be_changed(&matrix("100%/1s", asked)), can, "{asked:?}");
    }
    let limited = |verb: Verb, role: &str| {
        let mut matrix = matrix("100%/1s", &[("lead", 1)]);
        matrix.who_may.insert(verb, vec![declared::name(role).unwrap()]);
        can_be_changed(&matrix)
    };
    assert!(limited(Verb::ApplyMatrix, "security"), "one lead agrees to what chen proposes");
    assert!(!limited(Verb::Approve, "security"), "no lead may agree");
    let mut alone = matrix("100%/1s", &[("security", 1)]);
    alone.who_may.insert(Verb::ApplyMatrix, vec![declared::name("security").unwrap()]);
    assert!(
        !can_be_changed(&alone),
        "the only one who may propose is the only one who could agree"
    );
}

#[test]
fn a_role_that_nobody_has_yet_is_asked_for_in_vain_and_that_is_known_at_once() {
    let old = matrix("100%/1s", &[("lead", 1)]);
    let project = proposed(&old, &matrix("100%/2s", &[]));
    let next = matrix("100%/1s", &[("auditor", 1)]);
    let missing = project.common.nobody_could_agree(&next, &person("ada"), NOW);
    assert_eq!(missing, [declared::name("auditor").unwrap()]);
    let fine = matrix("100%/3s", &[]);
    assert_eq!(project.common.nobody_could_agree(&fine, &person("ada"), NOW), []);
}

#[test]
fn another_order_of_environments_is_a_change() {
    let text = format!("{PEOPLE}one: root, steps 100%/1s\ntwo: root, steps 100%/1s");
    let old = declared::matrix(&text).unwrap();
    let mut next = old.clone();
    next.environments.reverse();
    assert_eq!(changes(Some(&old), &next), ["environments"]);
}
