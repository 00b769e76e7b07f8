//! Snapshots of reports, on a terminal and off it. Each is a transcript that a person can judge.

mod frozen;
mod looking;
mod moving;
mod telling;
mod wrong;

use crate::report::style::Style;

/// An answer and what follows it, as both appear on a screen.
fn screen((answer, next): (String, String)) -> String {
    format!("{answer}{next}")
}

/// The same report on a terminal and off it.
fn both(now: &str, report: impl Fn(&Style) -> (String, String)) -> String {
    let terminal = screen(report(&crate::report::samples::terminal(now)));
    let plain = screen(report(&crate::report::samples::plain(now)));
    assert!(plain.is_ascii(), "off a terminal there are only ASCII characters:\n{plain}");
    format!("{terminal}--- off a terminal\n{plain}")
}
