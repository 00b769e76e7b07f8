//! What changes from one matrix to another, a line each. The sentences are those of
//! `towpath-config`; here they are put in order and marked.

use std::fmt::Write as _;

use towpath_config::{Change, Diff, Judgement};

use crate::report::block::folded;
use crate::report::style::{Style, Symbol, counted};

/// What `matrix diff` answers: a block of lines for each environment, in each first what is looser, then
/// what cannot be judged; then how many there are.
pub(crate) fn text(diff: &Diff, style: &Style) -> String {
    if diff.changes.is_empty() {
        return "0 changes: both mean the same\n".to_owned();
    }
    let mut text = String::new();
    for block in diff.changes.chunk_by(|one, next| one.environment == next.environment) {
        let mut block: Vec<&Change> = block.iter().collect();
        block.sort_by_key(|it| urgency(it.judgement));
        if !text.is_empty() {
            text.push('\n');
        }
        for change in block {
            let mark = match change.judgement {
                Judgement::Looser => style.symbol(Symbol::Warning),
                Judgement::Unclear => style.symbol(Symbol::Unknown),
                Judgement::Stricter | Judgement::Neutral => " ".to_owned(),
            };
            let sentence = folded(&change.sentence, INDENT, style.width).join(BREAK);
            let _ = writeln!(text, "{mark} {sentence}");
        }
    }
    let _ = write!(text, "\n{}, {} looser", counted(diff.changes.len(), "change"), diff.looser);
    if diff.unclear > 0 {
        let _ = write!(text, ", {} to check", diff.unclear);
    }
    text + "\n"
}

/// Columns before the second line of a sentence: two more than before its first.
const INDENT: usize = 4;
const BREAK: &str = "\n    ";

/// The smaller, the sooner it is read.
fn urgency(judgement: Judgement) -> u8 {
    match judgement {
        Judgement::Looser => 0,
        Judgement::Unclear => 1,
        Judgement::Stricter | Judgement::Neutral => 2,
    }
}

#[cfg(test)]
mod tests {
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
                "production: lease 30s -> 10s (stricter)",
                Judgement::Stricter,
            ),
            change(Some("production"), "production: region a -> b (check it)", Judgement::Unclear),
            change(
                Some("production"),
                "production: error trigger 5% -> 8% (looser)",
                Judgement::Looser,
            ),
        ];
        Diff { changes, looser: 1, unclear: 1 }
    }

    #[test]
    fn what_is_looser_has_a_mark_and_comes_first_and_environments_stand_apart() {
        let wanted = "  everywhere: freezes: holidays is added (stricter)\n\n  \
                      staging: title Staging -> Stage\n\n\
                      ! production: error trigger 5% -> 8% (looser)\n\
                      ? production: region a -> b (check it)\n  \
                      production: lease 30s -> 10s (stricter)\n\n5 changes, 1 looser, 1 to check\n";
        assert_eq!(text(&diff(), &samples::plain(NOW)), wanted);
        let coloured = Style { colour: true, ..samples::terminal(NOW) };
        assert!(
            text(&diff(), &coloured).contains("\u{1b}[33m!\u{1b}[0m production: error trigger")
        );
    }

    #[test]
    fn a_sentence_too_long_for_the_terminal_goes_on_below_itself() {
        let narrow = Style { width: Some(40), ..samples::plain(NOW) };
        let told = text(&diff(), &narrow);
        assert!(told.contains("! production: error trigger 5% -> 8%\n    (looser)\n"), "{told}");
    }

    #[test]
    fn two_that_mean_the_same_have_no_changes() {
        let none = Diff { changes: Vec::new(), looser: 0, unclear: 0 };
        assert_eq!(text(&none, &samples::plain(NOW)), "0 changes: both mean the same\n");
    }
}
