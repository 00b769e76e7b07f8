//! Marks of unfinished work. What is left open belongs into the tracker, where it has an owner;
//! text that merely talks about open work is not looked at.

use super::finding::Finding;
use super::tree::{SourceFile, Tree};

/// Written in two parts so that this file does not find itself.
const MARKS: &[&str] = &[
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("todo", "!"),
    concat!("unimplemented", "!"),
];

/// Every line that carries a mark as a word of its own.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    tree.files().iter().flat_map(check_file).collect()
}

fn check_file(file: &SourceFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in file.lines() {
        if let Some(mark) = MARKS.iter().find(|mark| has_word(line, mark)) {
            let problem = format!("`{mark}` marks unfinished work");
            let remedy =
                "finish it, or open an entry in the tracker and describe the code as it is";
            findings.push(Finding::new("unfinished", &file.path, number, problem, remedy));
        }
    }
    findings
}

fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(start, _)| {
        let before = line[..start].chars().next_back();
        let after = line[start + word.len()..].chars().next();
        !continues_a_word(before) && (word.ends_with('!') || !continues_a_word(after))
    })
}

fn continues_a_word(neighbour: Option<char>) -> bool {
    neighbour.is_some_and(|letter| letter.is_alphanumeric() || letter == '_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::sample::{places, tree};

    #[test]
    fn each_mark_is_found_where_it_stands_as_a_word() {
        let lines: Vec<String> = MARKS.iter().map(|mark| format!("fine\n// {mark}: x\n")).collect();
        let text = lines.concat();
        let tree = tree(&[("docs/a.md", &text)]);
        assert_eq!(
            places(&check(&tree)),
            [
                "docs/a.md:2: unfinished",
                "docs/a.md:4: unfinished",
                "docs/a.md:6: unfinished",
                "docs/a.md:8: unfinished"
            ]
        );
    }

    #[test]
    fn a_longer_word_is_no_mark() {
        let text = format!("MAS{}N {}_LIST\n", MARKS[0], MARKS[0]);
        assert!(check(&tree(&[("docs/a.md", &text)])).is_empty());
    }
}
