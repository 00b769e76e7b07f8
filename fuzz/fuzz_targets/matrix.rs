//! Any bytes as a matrix: there is an answer in every form, nothing panics, and what is right means
//! the same when it is printed. Knows no kinds but those of the tests, so that little is built.

#![no_main]

#[path = "../../crates/config/tests/matrix/catalogue.rs"]
mod catalogue;

use libfuzzer_sys::fuzz_target;
use towpath_config::{
    Code, MAX_PROBLEMS, Symbols, brief, parse, report, report_json, resolved_yaml,
};

fuzz_target!(|bytes: &[u8]| {
    let catalogue = catalogue::catalogue();
    let checked = parse("towpath.yaml", bytes, &catalogue);
    let printed = report(&checked, Symbols::Ascii) + &brief(&checked, Symbols::Unicode);
    assert!(!printed.contains(|it: char| it.is_control() && it != '\n'));
    assert!(checked.errors.len() <= MAX_PROBLEMS + 1);
    assert!(checked.warnings.len() <= MAX_PROBLEMS);
    assert!(report_json(&checked).is_object());
    let resolved = resolved_yaml(&checked);
    assert_eq!(resolved.is_empty(), checked.matrix.is_none());
    if checked.matrix.is_some() {
        let again = parse("towpath.yaml", resolved.as_bytes(), &catalogue);
        // What many environments share is written out in each, which may be more than is read.
        if again.errors.iter().any(|it| matches!(it.code, Code::TooLarge | Code::TooMuch)) {
            return;
        }
        // Secrets of development stand in the file and are not printed.
        assert_eq!(again.matrix, checked.shown);
        assert_eq!(again.not_enforced, checked.not_enforced);
    }
});
