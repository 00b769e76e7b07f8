//! Values as people write them: why each is refused, and that what is proposed is right when it is
//! pasted. A new case needs no Rust.

use std::fmt::Write as _;

use towpath_config::{Diagnostic, Symbols, report};

use crate::check_as_the_program;

const TABLE: &str = include_str!("fixtures/wrong-values.txt");

const BEFORE: &str = "version: 1
project: shop
environments:
  dev:
    tier: development
    target: { kind: process, command: [./app] }
  live:
";
const NEEDED: [&str; 3] =
    ["after: dev", "tier: production", "target: { kind: process, command: [./app] }"];

/// A matrix with the value of one line of the table in its place.
fn matrix(place: &str, value: &str) -> String {
    let key = place.split(':').next().unwrap_or_default();
    let filled = place.replace('@', value);
    let levels = filled.split(" / ").enumerate();
    let levels = levels.map(|(deep, line)| format!("{}{line}\n", "  ".repeat(deep + 2)));
    if key == "goals" {
        let top = levels.map(|line| line[4..].to_owned()).collect::<String>();
        let needed = NEEDED.map(|line| format!("    {line}\n")).concat();
        return format!(
            "{}{needed}",
            BEFORE.replace("environments:\n", &(top + "environments:\n"))
        );
    }
    let needed = NEEDED.into_iter().filter(|line| line.split(':').next() != Some(key));
    let needed = needed.map(|line| format!("    {line}\n"));
    BEFORE.to_owned() + &needed.chain(levels).collect::<String>()
}

/// What can be pasted of a sentence: what stands in backticks, or else what follows `write` or a
/// colon, with ` or ` between alternatives.
fn proposals(next: &str) -> Vec<String> {
    let ticked: Vec<_> = next.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    if !ticked.is_empty() {
        return ticked;
    }
    let (_, bare) = ["such as ", "quotes: ", "list: ", "write "]
        .iter()
        .find_map(|lead| next.split_once(lead))
        .unwrap_or_default();
    let bare = bare.split_once(": what").map_or(bare, |(bare, _)| bare);
    bare.split(" or ").filter(|it| !it.is_empty()).map(str::to_owned).collect()
}

/// `text` with `value` in place of what `found` is about.
fn pasted(text: &str, found: &Diagnostic, value: &str) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let line: Vec<char> = lines[found.line - 1].chars().collect();
    let (before, after) = (&line[..found.column - 1], &line[found.column - 1 + found.length..]);
    lines[found.line - 1] =
        before.iter().collect::<String>() + value + &after.iter().collect::<String>();
    lines.join("\n") + "\n"
}

/// What is not as the line has it.
fn judge(place: &str, value: &str, proposed: &str, message: &str) -> Result<(), String> {
    let text = matrix(place, value);
    let checked = check_as_the_program(&text);
    let all = report(&checked, Symbols::Ascii);
    let [found] = checked.errors.as_slice() else { return Err(format!("one error:\n{all}")) };
    if !found.message.contains(message) {
        return Err(format!("the message:\n{all}"));
    }
    let next = found.next.as_deref().unwrap_or_default();
    if proposed == "-" {
        let explains = next.starts_with("towpath matrix check --explain");
        return if explains { Ok(()) } else { Err(format!("a proposal:\n{all}")) };
    }
    if !next.contains(proposed) {
        return Err(format!("the proposal:\n{all}"));
    }
    for proposal in proposals(next) {
        let again = check_as_the_program(&pasted(&text, found, &proposal));
        if !again.errors.is_empty() {
            let told = report(&again, Symbols::Ascii);
            return Err(format!("pasted `{proposal}`:\n{told}\nfrom:\n{all}"));
        }
    }
    Ok(())
}

#[test]
fn a_wrong_value_is_told_with_its_cause_and_what_is_proposed_is_right_when_pasted() {
    let (mut failures, mut checked) = (String::new(), 0);
    let lines = TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    for line in lines {
        let columns: Vec<_> = line.split(" | ").collect();
        let [place, value, proposed, message] = columns[..] else {
            panic!("four columns: {line}");
        };
        checked += 1;
        if let Err(wrong) = judge(place, value, proposed, message) {
            let _ = writeln!(failures, "{line}\nis wrong in {wrong}\n");
        }
    }
    assert!(failures.is_empty(), "{failures}");
    assert!(checked > 100, "the table is read: {checked}");
}

#[test]
fn days_in_a_list_that_mean_several_are_told_with_the_whole_list() {
    for (value, right) in [
        ("[mon-wed, fri]", "[mon, tue, wed, fri]"),
        ("[Mon-Fri]", "[mon, tue, wed, thu, fri]"),
        ("[weekend]", "[sat, sun]"),
    ] {
        let checked = check_as_the_program(&matrix("windows: [{ days: @ }]", value));
        let [found] = checked.errors.as_slice() else { panic!("{:?}", checked.errors) };
        let next = found.next.as_deref();
        assert_eq!(next, Some(&*format!("write the whole list: {right}")), "{value}");
        assert_eq!(check_as_the_program(&matrix("windows: [{ days: @ }]", right)).errors, []);
    }
}

#[test]
fn hours_may_go_over_midnight_and_a_day_may_be_the_last_of_february() {
    for (place, value) in [
        ("windows: [{ days: [mon], hours: @ }]", "22:00-06:00"),
        ("windows: [{ days: [mon], hours: @ }]", "09:00-00:00"),
        ("freezes: [{ from: @ }]", "2028-02-29"),
        ("slo: / latency_p99: @", "<200ms"),
    ] {
        assert_eq!(check_as_the_program(&matrix(place, value)).errors, [], "{value}");
    }
}

#[test]
fn the_words_of_other_tools_are_told_with_what_ours_mean() {
    let process = "target: { kind: process, command: [./app], @ }";
    for (place, strange, near, reason) in [
        (process, "replicas: 3", "instances", "how many copies run"),
        ("target: { kind: process, @ }", "entrypoint: [x]", "command", "the program"),
        ("target: { command: [./app], @ }", "type: process", "kind", "which one it is"),
        ("@", "needs: [dev]", "after", "which environment a release comes from"),
        ("@", "depends_on: dev", "after", "which environment a release comes from"),
        ("@", "replicas: 3", "target", "`instances` in it says how many copies run"),
    ] {
        let checked = check_as_the_program(&matrix(place, strange));
        let found = checked.errors.iter().find(|it| it.message.contains("has no key"));
        let found = found.unwrap_or_else(|| panic!("{strange}: {:?}", checked.errors));
        assert_eq!(found.nearest.as_deref(), Some(near), "{strange}");
        assert_eq!(checked.errors.len(), 1, "{strange}: what it stands for is not missed as well");
        assert!(found.label.contains(reason), "{strange}: {}", found.label);
        assert!(found.next.as_ref().is_some_and(|it| it.contains(&format!("write `{near}`"))));
    }
}
