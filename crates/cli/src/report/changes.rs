//! What changes from one matrix to another, a line each. The sentences are those of
//! `towpath-config`; here they are put in order and marked.

use std::fmt::Write as _;

use towpath_config::{Diff, Judgement};

use crate::report::style::{Style, Symbol, counted};

/// What `matrix diff` answers: a block of lines for each environment, then how many there are.
pub(crate) fn text(diff: &Diff, style: &Style) -> String {
    let mut text = String::new();
    let mut before = None;
    for change in &diff.changes {
        if before.is_some_and(|it| it != &change.environment) {
            text.push('\n');
        }
        before = Some(&change.environment);
        let mark = match change.judgement {
            Judgement::Looser => style.symbol(Symbol::Warning),
            Judgement::Stricter | Judgement::Neutral => " ".to_owned(),
        };
        let _ = writeln!(text, "{mark} {}", change.sentence);
    }
    if diff.changes.is_empty() {
        return "0 changes: both mean the same\n".to_owned();
    }
    format!("{text}\n{}, {} looser\n", counted(diff.changes.len(), "change"), diff.looser)
}

#[cfg(test)]
mod tests {
    use towpath_config::Change;

    use super::*;
    use crate::report::samples;

    const NOW: &str = "2027-01-12T15:31:08Z";

    fn change(environment: Option<&str>, sentence: &str, judgement: Judgement) -> Change {
        Change {
            path: String::new(),
            environment: environment.map(str::to_owned),
            service: None,
            was: None,
            now: None,
            was_from: None,
            now_from: None,
            sentence: sentence.to_owned(),
            judgement,
        }
    }

    fn diff() -> Diff {
        let changes = vec![
            change(None, "everywhere: freezes: holidays is added (stricter)", Judgement::Stricter),
            change(Some("staging"), "staging: title Staging -> Stage", Judgement::Neutral),
            change(
                Some("production"),
                "production: error trigger 5% -> 8% (looser)",
                Judgement::Looser,
            ),
            change(
                Some("production"),
                "production: lease 30s -> 10s (stricter)",
                Judgement::Stricter,
            ),
        ];
        Diff { changes, looser: 1 }
    }

    #[test]
    fn what_is_looser_has_a_mark_and_a_word_and_environments_stand_apart() {
        let wanted = "  everywhere: freezes: holidays is added (stricter)\n\n  \
                      staging: title Staging -> Stage\n\n\
                      ! production: error trigger 5% -> 8% (looser)\n  \
                      production: lease 30s -> 10s (stricter)\n\n4 changes, 1 looser\n";
        assert_eq!(text(&diff(), &samples::plain(NOW)), wanted);
        let coloured = Style { colour: true, ..samples::terminal(NOW) };
        assert!(
            text(&diff(), &coloured).contains("\u{1b}[33m!\u{1b}[0m production: error trigger")
        );
    }

    #[test]
    fn two_that_mean_the_same_have_no_changes() {
        let none = Diff { changes: Vec::new(), looser: 0 };
        assert_eq!(text(&none, &samples::plain(NOW)), "0 changes: both mean the same\n");
    }
}
