//! A few lines at the bottom of a terminal that are drawn over and over. Knows what it drew last;
//! nothing else may write in between.

use std::fmt::Write as _;
use std::io::Write as _;

use crate::report::style::{Style, width};

/// What was drawn last.
#[derive(Debug, Default)]
pub(crate) struct Screen {
    drawn: usize,
}

impl Screen {
    /// Replaces what was drawn last. A line wider than the terminal is cut, because a line that
    /// wraps would be counted wrong.
    pub(crate) fn draw(&mut self, text: &str, style: &Style) {
        let frame = frame(self.drawn, text, style.width);
        self.drawn = text.lines().count();
        let mut err = std::io::stderr().lock();
        // A terminal that hung up has nobody to tell.
        let _ = err.write_all(frame.as_bytes()).and_then(|()| err.flush());
    }

    /// Leaves what was drawn where it is; what follows comes below it.
    pub(crate) fn leave(&mut self) {
        self.drawn = 0;
    }
}

/// Up over what was drawn, down to the end cleared (ECMA-48: CUU, ED), and the new lines.
fn frame(drawn: usize, text: &str, columns: Option<usize>) -> String {
    let mut frame = String::new();
    if drawn > 0 {
        let _ = write!(frame, "\x1b[{drawn}A\r\x1b[J");
    }
    for line in text.lines() {
        frame.push_str(&cut(line, columns));
        frame.push('\n');
    }
    frame
}

fn cut(line: &str, columns: Option<usize>) -> String {
    let Some(columns) = columns.filter(|columns| width(line) > *columns) else {
        return line.to_owned();
    };
    let mut kept = String::new();
    let mut inside_escape = false;
    for character in line.chars() {
        inside_escape |= character == '\x1b';
        let ends = inside_escape && character == 'm';
        if !inside_escape && width(&kept) + width(character.encode_utf8(&mut [0; 4])) > columns {
            break;
        }
        kept.push(character);
        inside_escape &= !ends;
    }
    // Whatever colour was on when the line was cut ends here.
    if line.contains('\x1b') { kept + "\x1b[0m" } else { kept }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_frame_begins_where_the_first_did() {
        assert_eq!(frame(0, "a\nb\n", None), "a\nb\n");
        assert_eq!(frame(2, "c\n", None), "\x1b[2A\r\x1b[Jc\n");
    }

    #[test]
    fn a_line_that_is_too_wide_is_cut_by_columns_and_not_by_bytes() {
        assert_eq!(cut("✓ staging", Some(5)), "✓ sta");
        assert_eq!(cut("\x1b[32m✓\x1b[0m staging", Some(3)), "\x1b[32m✓\x1b[0m s\x1b[0m");
        assert_eq!(cut("short", Some(80)), "short");
    }
}
