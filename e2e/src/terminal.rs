//! A terminal for one command: what a person sees of it at its end. Owns the few control sequences
//! that our program writes; knows no other.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::{Ended, World, towpath};

/// As many as the command line is drawn for.
const COLUMNS: u16 = 100;
/// No sequence moves the cursor further up than this.
const ROWS: u16 = 60;
/// How long a command may take until it asks what is answered.
const ASKED_WITHIN: Duration = Duration::from_secs(30);

impl World {
    /// Runs one command as [`World::run`] does, on a terminal of 100 columns in UTC, without colours.
    /// `answer` is a text that it says and what is typed then. All that it said is in `out`, as it
    /// stands on the screen at the end.
    ///
    /// # Panics
    /// When the system has no terminals, or the command never says what is to be answered.
    pub fn see(&self, words: &[&str], answer: Option<(&str, &str)>) -> Ended {
        self.converse(words, answer.as_slice())
    }

    /// As [`World::see`], with an answer to each of several questions, in their order. No two
    /// questions may be the same.
    ///
    /// # Panics
    /// When the system has no terminals, or the command does not ask one of the questions.
    pub fn converse(&self, words: &[&str], answers: &[(&str, &str)]) -> Ended {
        let own = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&own).expect("it is ours");
        unlockpt(&own).expect("it is ours");
        let size = Winsize { ws_row: ROWS, ws_col: COLUMNS, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&own, size).expect("it takes a size");
        let name = ptsname(&own, Vec::new()).expect("it has a name");
        let name = name.into_string().expect("a path of ASCII");
        let no_controlling_terminal = rustix::fs::OFlags::NOCTTY.bits().cast_signed();
        let other = File::options()
            .read(true)
            .write(true)
            .custom_flags(no_controlling_terminal)
            .open(name)
            .expect("its other side");
        let side = || Stdio::from(other.try_clone().expect("a file can be had twice"));
        let mut command = Command::new(towpath());
        command.current_dir(self.root()).args(words).args(["--rehearsal", "60x"]);
        command.stdin(side()).stdout(side()).stderr(side());
        for (variable, value) in
            [("TZ", "UTC"), ("TERM", "xterm"), ("LC_ALL", "C.UTF-8"), ("NO_COLOR", "1")]
        {
            command.env(variable, value);
        }
        let mut child = command.spawn().expect("the binary starts");
        // The command holds its own copies; with ours gone, its end is the end of what is read.
        drop((command, other));
        let mut own = File::from(own);
        let said = Arc::new(Mutex::new(Vec::new()));
        let reader = std::thread::spawn({
            let (mut own, said) = (own.try_clone().expect("twice"), Arc::clone(&said));
            move || {
                let mut buffer = [0; 4096];
                while let Ok(read @ 1..) = own.read(&mut buffer) {
                    said.lock().expect("no holder panics").extend_from_slice(&buffer[..read]);
                }
            }
        });
        for (asked, typed) in answers {
            let deadline = Instant::now() + ASKED_WITHIN;
            let is_asked = || {
                let said = said.lock().expect("no holder panics");
                String::from_utf8_lossy(&said).contains(asked)
            };
            while !is_asked() {
                assert!(Instant::now() < deadline, "it never said: {asked}");
                std::thread::sleep(Duration::from_millis(10));
            }
            own.write_all(typed.as_bytes()).expect("it takes what is typed");
        }
        let code = child.wait().expect("it ends").code().unwrap_or(-1);
        reader.join().expect("reading does not break down");
        let out = screen(&said.lock().expect("no holder panics"));
        Ended { code, out, err: String::new() }
    }
}

/// The text that stands on a screen of any height after these bytes (ECMA-48: CUU, ED, SGR).
fn screen(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut lines: Vec<Vec<char>> = vec![Vec::new()];
    let (mut row, mut column) = (0_usize, 0_usize);
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\r' => column = 0,
            '\n' => {
                row += 1;
                if row == lines.len() {
                    lines.push(Vec::new());
                }
            }
            '\x1b' => {
                assert_eq!(characters.next(), Some('['), "an unknown sequence: {text:?}");
                let mut number = String::new();
                let end = characters.by_ref().find(|character| {
                    number.push(*character);
                    character.is_ascii_alphabetic()
                });
                number.pop();
                match end {
                    Some('A') => row -= number.parse::<usize>().expect("a count of lines"),
                    Some('J') => {
                        lines.truncate(row + 1);
                        lines[row].truncate(column);
                    }
                    Some('m') => {}
                    other => panic!("an unknown sequence, {other:?}: {text:?}"),
                }
            }
            other => {
                let line = &mut lines[row];
                line.resize(line.len().max(column + 1), ' ');
                line[column] = other;
                column += 1;
            }
        }
    }
    let lines = lines.into_iter().map(|line| line.into_iter().collect::<String>());
    lines.fold(String::new(), |text, line| text + line.trim_end() + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_drawn_again_stands_there_once() {
        let bytes = b"head\r\none\r\ntwo\r\n\x1b[2A\r\x1b[Jthree\r\n\r\nend\r\n";
        assert_eq!(screen(bytes), "head\nthree\n\nend\n\n");
    }
}
