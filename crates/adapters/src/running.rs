//! A program that a question or a notice started. Owns its life: it and all that it starts are gone when it ended,
//! was given up or is dropped; what it says is its asker's.
//!
//! What leaves the program's process group *and* clears its environment is out of reach, and so is
//! what a program takes of memory, processor and disk: its limits are those of the engine.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::os::fd::OwnedFd;
use std::process::{ExitStatus, Stdio};

use futures_util::future::select_all;
use tokio::net::unix::pipe;
use tokio::process::{Child, ChildStdin, Command};
use towpath_ports::secret::CUT;
use towpath_ports::settings::Problem;

use crate::printable::escaped;
use crate::processes::{self, Identity, Wanted};

/// How much is kept of the beginning and of the end of what a program prints, in bytes each.
pub(crate) const KEPT: usize = 64 * 1024;
/// The name of the variable by which the program's processes are found.
const MARK: &str = "TOWPATH_RUN_ID";

/// Where a program's second output goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Errors {
    /// Among the first one's lines, in their order.
    Among,
    /// Apart, so that nothing in it can be taken for an answer.
    Apart,
}

/// What a program printed, safe to print again.
#[derive(Debug, Default)]
pub(crate) struct Said {
    /// Its first output, and the second where that is [`Errors::Among`] it.
    pub(crate) output: String,
    /// Its second output, where that is [`Errors::Apart`].
    pub(crate) errors: String,
    /// Its first output byte for byte, for whoever reads an answer in it; empty where something was left out.
    pub(crate) bytes: Vec<u8>,
    /// Whether something of the first output was left out.
    pub(crate) is_cut: bool,
}

/// What is wrong with a program and its arguments (`run`), and with its variables (`env`).
pub(crate) fn problems(run: &[String], env: &BTreeMap<String, String>) -> Vec<Problem> {
    let words = run.iter().enumerate();
    let wrong =
        words.filter(|(index, word)| word.contains('\0') || (*index == 0 && word.is_empty()));
    let mut problems: Vec<Problem> = wrong.map(|(index, _)| no_program(index)).collect();
    for (name, value) in env {
        if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
            let path = format!("env.{name}");
            problems.push(Problem::new(&path, format!("`{name}` is no variable"), "a variable"));
        }
    }
    problems
}

/// The problem of a word of `run` that cannot be one.
pub(crate) fn no_program(index: usize) -> Problem {
    let path = format!("run[{index}]");
    Problem::new(&path, format!("`{path}` names no program"), "a program")
}

/// A program under way. Dropping it ends the program and all that it started.
pub(crate) struct Running {
    mark: String,
    child: Child,
    leader: Option<Identity>,
    heard: Vec<Heard>,
    is_over: bool,
}

impl Running {
    /// Starts `command` without an input, in a process group of its own.
    pub(crate) fn start(command: Command, errors: Errors) -> io::Result<Self> {
        Self::with_input(command, errors, Stdio::null())
    }

    /// The same with an input, and what is to be written there.
    pub(crate) fn fed(command: Command, errors: Errors) -> io::Result<(Self, Option<ChildStdin>)> {
        let mut running = Self::with_input(command, errors, Stdio::piped())?;
        let input = running.child.stdin.take();
        Ok((running, input))
    }

    fn with_input(mut command: Command, errors: Errors, input: Stdio) -> io::Result<Self> {
        // Whoever started the engine by hand may have had a token for their own commands.
        command.env_remove("TOWPATH_TOKEN");
        let id = format!("{:032x}", rand::random::<u128>());
        let (first, writer) = Heard::new()?;
        let mut heard = vec![first];
        match errors {
            // One pipe for both outputs, so that their lines keep their order.
            Errors::Among => command.stderr(writer.try_clone()?),
            Errors::Apart => {
                let (second, writer) = Heard::new()?;
                heard.push(second);
                command.stderr(writer)
            }
        };
        command.stdout(writer).stdin(input).process_group(0).env(MARK, &id);
        let child = command.spawn()?;
        let leader = child.id().and_then(|pid| Identity::of(i32::try_from(pid).ok()?));
        let mark = format!("{MARK}={id}");
        Ok(Self { mark, child, leader, heard, is_over: false })
    }

    /// Takes what the program prints until it ends, not until its output does: a child that it left
    /// behind may hold that open for ever.
    pub(crate) async fn ended(&mut self) -> io::Result<ExitStatus> {
        loop {
            let open = self.heard.iter_mut().filter(|one| !one.is_over);
            let hearing: Vec<_> = open.map(|one| Box::pin(one.hear())).collect();
            if hearing.is_empty() {
                return self.child.wait().await;
            }
            tokio::select! {
                status = self.child.wait() => return status,
                (heard, ..) = select_all(hearing) => heard?,
            }
        }
    }

    /// Ends what is left and answers how many processes that were, and what was printed.
    pub(crate) async fn finish(mut self) -> (usize, Said) {
        let (mark, leader) = (self.mark.clone(), self.leader.clone());
        let end = move || processes::kill_all(&Wanted { mark: &mark, leader: leader.as_ref() });
        let left = tokio::task::spawn_blocking(end).await.unwrap_or(0);
        let _collected = self.child.wait().await;
        self.is_over = true;
        let mut said = Said::default();
        for (index, heard) in self.heard.iter_mut().enumerate() {
            while heard.take() == Taken::Some {}
            let text = heard.printed.text();
            if index == 0 {
                said.is_cut = heard.printed.dropped > 0;
                said.bytes = heard.printed.whole();
                said.output = text;
            } else {
                said.errors = text;
            }
        }
        (left, said)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.is_over {
            processes::kill_all(&Wanted { mark: &self.mark, leader: self.leader.as_ref() });
        }
    }
}

/// One output of a program.
struct Heard {
    output: pipe::Receiver,
    printed: Printed,
    is_over: bool,
}

impl Heard {
    /// And what the program is given to write to.
    fn new() -> io::Result<(Self, io::PipeWriter)> {
        let (reader, writer) = io::pipe()?;
        let output = pipe::Receiver::from_owned_fd(OwnedFd::from(reader))?;
        Ok((Self { output, printed: Printed::default(), is_over: false }, writer))
    }

    /// Waits for more, and takes it. Nothing is lost when it is dropped.
    async fn hear(&mut self) -> io::Result<()> {
        self.output.readable().await?;
        self.is_over = self.take() == Taken::End;
        Ok(())
    }

    fn take(&mut self) -> Taken {
        let mut buffer = [0; 8192];
        match self.output.try_read(&mut buffer) {
            Ok(0) => Taken::End,
            Ok(read) => {
                self.printed.add(&buffer[..read]);
                Taken::Some
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Taken::Nothing,
            Err(_) => Taken::End,
        }
    }
}

/// The beginning and the end of what was printed.
#[derive(Default)]
struct Printed {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    dropped: u64,
}

#[derive(Debug, PartialEq, Eq)]
enum Taken {
    Some,
    Nothing,
    End,
}

impl Printed {
    fn add(&mut self, bytes: &[u8]) {
        let (head, rest) = bytes.split_at(bytes.len().min(KEPT - self.head.len()));
        self.head.extend_from_slice(head);
        self.tail.extend(rest);
        let surplus = self.tail.len().saturating_sub(KEPT);
        self.tail.drain(..surplus);
        self.dropped += surplus as u64;
    }

    /// All of it; nothing where something was left out.
    fn whole(&self) -> Vec<u8> {
        if self.dropped > 0 {
            return Vec::new();
        }
        self.head.iter().chain(&self.tail).copied().collect()
    }

    /// The beginning without the half of a character at its end: what masks secrets knows no half of one.
    fn beginning(&self) -> &[u8] {
        let last = self.head.iter().rposition(|byte| *byte & 0xC0 != 0x80).unwrap_or(0);
        let is_half =
            std::str::from_utf8(&self.head[last..]).is_err_and(|error| error.error_len().is_none());
        if is_half { &self.head[..last] } else { &self.head }
    }

    fn text(&self) -> String {
        let lines = |bytes: &[u8]| {
            let lines: Vec<String> = bytes.split(|byte| *byte == b'\n').map(escaped).collect();
            lines.join("\n")
        };
        let tail: Vec<u8> = self.tail.iter().copied().collect();
        if self.dropped == 0 {
            return lines(&[&self.head[..], &tail].concat());
        }
        // Of a secret that lies on a cut nobody shall read the half: whatever masks it knows one that begins by
        // the mark, and one that ends is gone with the rest of its line.
        let begun = tail.iter().position(|byte| *byte == b'\n').map_or(tail.len(), |end| end + 1);
        let dropped = self.dropped + begun as u64;
        format!(
            "{}{CUT}\n[{dropped} bytes left out]\n{}",
            lines(self.beginning()),
            lines(&tail[begun..])
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_a_cut_stands_no_half_of_a_character() {
        for before in 0..4 {
            let mut printed = Printed::default();
            printed.add(&vec![b'x'; KEPT - before]);
            printed.add("\u{e4}\u{20ac}\u{1f600}".as_bytes());
            printed.add(&vec![b'y'; 3 * KEPT]);
            let text = printed.text();
            let (head, _) = text.split_once(CUT).unwrap();
            assert!(!head.contains("\\x"), "{before}: {}", &head[KEPT - 4..]);
            assert!(head.len() > KEPT - 8);
        }
    }
}
