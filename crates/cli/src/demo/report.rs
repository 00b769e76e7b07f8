//! The closing report, and whether the story went as told.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use serde_json::json;
use towpath_core::promotion::state::Outcome;

use crate::demo::Shown;
use crate::demo::matrix::{CHAPTERS, Chapter, ENVIRONMENTS, SPEED};
use crate::demo::screen::share;
use crate::demo::story::{Told, Walked};
use crate::report::style::grouped;

/// Prints the report, or one JSON object on one line.
pub(super) fn print(shown: &Shown, told: &Told, root: &Path) {
    let text = if shown.json { format!("{}\n", machine(told)) } else { people(shown, told, root) };
    // A reader that has gone away is no failure of the story.
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}

/// What differs from the story as it was to be told; none when nothing does.
pub(super) fn difference(told: &Told) -> Option<String> {
    for chapter in &CHAPTERS {
        let walked: Vec<_> =
            told.walked.iter().filter(|one| one.release == chapter.version).collect();
        let last = walked.last()?;
        match (chapter.caught_in, last.outcome) {
            (None, Outcome::Succeeded) if last.to == ENVIRONMENTS[4] => {}
            (Some(place), Outcome::RolledBack) if last.to == place => {}
            (None, _) => {
                return Some(format!(
                    "{} was to go all the way, and ended {} in {}: {}",
                    chapter.version,
                    last.outcome.as_str(),
                    last.to,
                    last.sentence
                ));
            }
            (Some(place), _) => {
                return Some(format!("{} was not caught in {place}", chapter.version));
            }
        }
    }
    if told.met.lost > 0 {
        return Some(format!("{} visitors got no answer", told.met.lost));
    }
    (!told.verified).then(|| "the journal does not verify".to_owned())
}

fn machine(told: &Told) -> serde_json::Value {
    json!({
        "promotions": told.walked,
        "visitors": told.met,
        "journal": { "events": told.events, "verified": told.verified },
    })
}

fn people(shown: &Shown, told: &Told, root: &Path) -> String {
    let mark = |symbol: &'static str, ascii: &'static str| {
        if shown.style.ascii { ascii } else { symbol }
    };
    let mut text = String::new();
    match difference(told) {
        Some(difference) => {
            let cross = mark("✗", "x");
            let _ = writeln!(text, "{cross} the demo did not go as told: {difference}\n");
        }
        None => {
            let _ = writeln!(
                text,
                "That was five releases in {:.0} seconds, on this machine only, at {SPEED} times the \
                 declared speed.\n",
                told.seconds
            );
        }
    }
    text.push_str(&table(told, mark));
    text.push('\n');
    for chapter in CHAPTERS.iter().filter(|chapter| chapter.caught_in.is_some()) {
        text.push_str(&paragraph(told, chapter));
    }
    let met = told.met;
    let _ = writeln!(
        text,
        "\n  visitors   {} requests   lost {}   harmed {}",
        grouped(met.requests),
        met.lost,
        met.harmed
    );
    let verified = if told.verified { "verified" } else { "NOT whole" };
    let _ = writeln!(text, "  journal    {} events, {verified}\n", grouped(told.events));
    text.push_str(&next(shown, root));
    text
}

fn next(shown: &Shown, root: &Path) -> String {
    if shown.keep {
        let root = root.display();
        return format!(
            "next  cd {root} && towpath status     it is all still running; play with it\n      \
             towpath login --web                  in that folder: another link to its pages\n      \
             towpath rollback production          in that folder: the old release comes back\n      \
             towpath engine stop --everything     in that folder: ends all of it\n"
        );
    }
    "next  towpath demo --keep        the same, and it stays up for you to play with\n      \
     towpath init               your own project\n"
        .to_owned()
}

fn table(told: &Told, mark: impl Fn(&'static str, &'static str) -> &'static str) -> String {
    let widths = ENVIRONMENTS.map(|name| name.len().max(3));
    let mut text = format!("  {:<9}", "release");
    for (name, width) in ENVIRONMENTS.iter().zip(widths) {
        let _ = write!(text, " {name:<width$}  ");
    }
    text = text.trim_end().to_owned();
    text.push('\n');
    let serves = told
        .walked
        .iter()
        .rev()
        .find(|one| one.to == ENVIRONMENTS[4] && one.outcome == Outcome::Succeeded);
    for chapter in &CHAPTERS {
        let mut line = format!("  {:<9}", chapter.version);
        for (name, width) in ENVIRONMENTS.iter().zip(widths) {
            let one =
                told.walked.iter().find(|one| one.release == chapter.version && one.to == *name);
            let cell = match one {
                None => format!("{} never got there", mark("·", ".")),
                Some(one) if one.outcome == Outcome::Succeeded => {
                    let now = serves.is_some_and(|serves| std::ptr::eq(serves, one));
                    format!("{}{}", mark("✓", "+"), if now { " serves now" } else { "" })
                }
                Some(one) => format!("{} went back at {}", mark("✗", "x"), share(one.weight)),
            };
            let _ = write!(line, " {cell:<width$}  ");
        }
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

fn paragraph(told: &Told, chapter: &Chapter) -> String {
    let caught = told
        .walked
        .iter()
        .find(|one: &&Walked| one.release == chapter.version && one.outcome == Outcome::RolledBack);
    let Some(caught) = caught else { return String::new() };
    let harmed = match caught.harmed_requests {
        0 => "No visitor got a failure from it.".to_owned(),
        1 => "1 visitor got a failure from it.".to_owned(),
        many => format!("{} visitors got a failure from it.", grouped(many)),
    };
    let mut sentence = caught.sentence.clone();
    if let Some(first) = sentence.get_mut(0..1) {
        first.make_ascii_uppercase();
    }
    let told = format!("{} {sentence}. {harmed}", chapter.moral);
    folded(chapter.version, &told)
}

/// A paragraph of 100 columns beside its name.
fn folded(name: &str, told: &str) -> String {
    /// Where the words begin, and how far they go (cli.md is drawn in 100 columns).
    const LEFT: usize = 10;
    const WIDTH: usize = 96;
    let mut text = format!("  {name:<width$}", width = LEFT - 2);
    let mut at = LEFT;
    for word in told.split_whitespace() {
        if at + word.len() + 1 > WIDTH {
            let _ = write!(text, "\n{:LEFT$}", "");
            at = LEFT;
        } else if at > LEFT {
            text.push(' ');
            at += 1;
        }
        text.push_str(word);
        at += word.len();
    }
    text.push('\n');
    text
}
