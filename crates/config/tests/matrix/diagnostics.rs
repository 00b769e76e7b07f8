//! What is said about a wrong matrix, word for word.

use insta::assert_snapshot;
use towpath_config::{Symbols, report};

use crate::check;

#[test]
fn three_mistakes_are_told_in_one_run_as_the_command_line_shows_them() {
    let checked = check(include_str!("fixtures/three-mistakes.yaml"));
    assert_snapshot!(report(&checked, Symbols::Unicode));
}
