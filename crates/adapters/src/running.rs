//! A program that is run for its answer: ended with all that it started, whatever becomes of whoever
//! asked; what it prints is bounded. Judges nothing.

use std::collections::VecDeque;
use std::io;
use std::os::fd::OwnedFd;
use std::process::ExitStatus;

use tokio::net::unix::pipe;
use tokio::process::{Child, Command};

use crate::printable::escaped;
use crate::processes::{self, Identity, Wanted};

/// How much is kept of the beginning and of the end of what a program prints, in bytes each.
pub(crate) const KEPT: usize = 64 * 1024;

/// A program under way. Dropping it ends the program and all that it started.
pub(crate) struct Running {
    mark: String,
    child: Child,
    leader: Option<Identity>,
    output: pipe::Receiver,
    printed: Printed,
    is_over: bool,
}

impl Running {
    /// Starts what `command` makes of an id that no other program has; its processes are found by the
    /// variable `mark` that holds it.
    pub(crate) fn start(mark: &str, command: impl FnOnce(&str) -> Command) -> io::Result<Self> {
        let id = format!("{:032x}", rand::random::<u128>());
        // One pipe for both outputs, so that their lines keep their order.
        let (reader, writer) = io::pipe()?;
        let output = pipe::Receiver::from_owned_fd(OwnedFd::from(reader))?;
        let mut command = command(&id);
        command.env(mark, &id);
        command.stdout(writer.try_clone()?).stderr(writer);
        let child = command.spawn()?;
        let leader = child.id().and_then(|pid| Identity::of(i32::try_from(pid).ok()?));
        let mark = format!("{mark}={id}");
        Ok(Self { mark, child, leader, output, printed: Printed::default(), is_over: false })
    }

    /// Its standard input, once, where it has one.
    pub(crate) fn input(&mut self) -> Option<tokio::process::ChildStdin> {
        self.child.stdin.take()
    }

    /// Takes what the program prints until it ends, not until its output does: a child that it left
    /// behind may hold that open for ever.
    pub(crate) async fn ended(&mut self) -> io::Result<ExitStatus> {
        loop {
            tokio::select! {
                status = self.child.wait() => return status,
                ready = self.output.readable() => {
                    ready?;
                    if self.printed.take(&self.output) == Taken::End {
                        return self.child.wait().await;
                    }
                }
            }
        }
    }

    /// Ends what is left and answers how many processes that were, and what was printed.
    pub(crate) async fn finish(mut self) -> (usize, String) {
        let (mark, leader) = (self.mark.clone(), self.leader.clone());
        let end = move || processes::kill_all(&Wanted { mark: &mark, leader: leader.as_ref() });
        let left = tokio::task::spawn_blocking(end).await.unwrap_or(0);
        let _collected = self.child.wait().await;
        self.is_over = true;
        while self.printed.take(&self.output) == Taken::Some {}
        (left, self.printed.text())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.is_over {
            processes::kill_all(&Wanted { mark: &self.mark, leader: self.leader.as_ref() });
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
    fn take(&mut self, output: &pipe::Receiver) -> Taken {
        let mut buffer = [0; 8192];
        match output.try_read(&mut buffer) {
            Ok(0) => Taken::End,
            Ok(read) => {
                self.add(&buffer[..read]);
                Taken::Some
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Taken::Nothing,
            Err(_) => Taken::End,
        }
    }

    fn add(&mut self, bytes: &[u8]) {
        let (head, rest) = bytes.split_at(bytes.len().min(KEPT - self.head.len()));
        self.head.extend_from_slice(head);
        self.tail.extend(rest);
        let surplus = self.tail.len().saturating_sub(KEPT);
        self.tail.drain(..surplus);
        self.dropped += surplus as u64;
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
        format!("{}\n[{} bytes left out]\n{}", lines(&self.head), self.dropped, lines(&tail))
    }
}
