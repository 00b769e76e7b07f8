//! Commands that stand in a page, and a shell in a folder of its own that runs them in order. Owns
//! how a page states what comes of a command; knows no page.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use towpath_testkit::loopback::free_address;

use crate::towpath;

/// How long one command of a page may take; the longest is a rollout in a rehearsal.
const LIMIT: Duration = Duration::from_mins(2);
/// Begins every address that a page says.
const HOST: &str = "127.0.0.1:";
/// Begins the line that tells how a command ended; no program writes it.
const MARK: &str = "\u{1}ended ";

/// One command of a page and what the page says comes of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// The line of the page on which it stands, from 1.
    pub line: usize,
    /// What is typed; several lines when it goes on.
    pub typed: String,
    /// Lines that must come out in this order, others between them; `…` stands for anything.
    pub output: Vec<String>,
    /// The exit code; 0 unless the page says another.
    pub exit: i32,
}

/// The commands of a page, in order. A block that is fenced as `sh` is one command, which ends with
/// 0. In one fenced as `console`, a line that begins with `$ ` is a command, further lines belong to
/// it as long as a line ends with `\`, `exit N` is how it ends, and other lines are what comes out.
pub fn steps(page: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut fence = None;
    for (index, text) in page.lines().enumerate() {
        let line = index + 1;
        if let Some(kind) = text.strip_prefix("```") {
            fence = if fence.is_some() { None } else { Some(kind.trim().to_owned()) };
            if fence.as_deref() == Some("sh") {
                steps.push(Step { line, ..Step::default() });
            }
            continue;
        }
        match (fence.as_deref(), steps.last_mut()) {
            (Some("sh"), Some(step)) => {
                let _ = writeln!(step.typed, "{text}");
            }
            (Some("console"), step) => {
                let begun = console(step, line, text);
                steps.extend(begun);
            }
            _ => {}
        }
    }
    steps
}

/// Reads one line of a `console` block: a new command, or what belongs to the last one.
fn console(last: Option<&mut Step>, line: usize, text: &str) -> Option<Step> {
    if let Some(typed) = text.strip_prefix("$ ") {
        return Some(Step { line, typed: typed.to_owned(), ..Step::default() });
    }
    let step = last?;
    let exit = text.strip_prefix("exit ").and_then(|code| code.parse().ok());
    if step.typed.ends_with('\\') {
        let _ = write!(step.typed, "\n{text}");
    } else if let Some(exit) = exit {
        step.exit = exit;
    } else if !text.trim().is_empty() {
        step.output.push(text.trim_end().to_owned());
    }
    None
}

/// A folder with what a page finds when it is followed in a checkout: the example in
/// `examples/soundbite`, the built programs in `target/debug`, and ports that are free.
pub struct Folder {
    own: tempfile::TempDir,
    /// What the page says, and what is free here instead.
    ports: Vec<(String, String)>,
}

impl Folder {
    /// A folder for pages that use the addresses 127.0.0.1:3000 to 3004.
    ///
    /// # Panics
    /// When it cannot be made.
    pub fn new() -> Self {
        let own = tempfile::tempdir().expect("a folder");
        let program = towpath();
        let debug = program.parent().expect("a program lies in a folder");
        let target = own.path().join("target");
        std::fs::create_dir(&target).expect("a new folder is empty");
        std::os::unix::fs::symlink(debug, target.join("debug")).expect("a link");
        let ports = (3000..=3004)
            .map(|said: u16| (format!("127.0.0.1:{said}"), free_address().to_string()))
            .collect();
        Self { own, ports }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.own.path()
    }

    /// The text with the addresses that are free here, in one pass: a free address may begin as one
    /// that the page says, 127.0.0.1:30042 for one.
    pub fn here(&self, text: &str) -> String {
        let (mut done, mut rest) = (String::new(), text);
        while let Some(at) = rest.find(HOST) {
            let (before, from) = rest.split_at(at);
            done += before;
            let digits = from[HOST.len()..].bytes().take_while(u8::is_ascii_digit).count();
            let (address, after) = from.split_at(HOST.len() + digits);
            let free = self.ports.iter().find(|(said, _)| said == address);
            done += free.map_or(address, |(_, free)| free);
            rest = after;
        }
        done + rest
    }

    /// Copies a folder of the checkout to the same place in this one, with the addresses that are
    /// free here. Answers where the copy is.
    ///
    /// # Panics
    /// When something cannot be read or written.
    pub fn copy(&self, checkout: &Path, below: &str) -> PathBuf {
        let copy = self.path().join(below);
        self.copy_all(&checkout.join(below), &copy);
        copy
    }

    fn copy_all(&self, from: &Path, to: &Path) {
        std::fs::create_dir_all(to).expect("a folder");
        for entry in std::fs::read_dir(from).expect("the folder is there").flatten() {
            let name = entry.file_name();
            let (from, to) = (entry.path(), to.join(&name));
            if from.is_dir() {
                if name != ".towpath" {
                    self.copy_all(&from, &to);
                }
                continue;
            }
            match std::fs::read_to_string(&from) {
                Ok(text) => std::fs::write(&to, self.here(&text)).expect("the copy is written"),
                // Some file in an example that is no text has no addresses either.
                Err(_) => drop(std::fs::copy(&from, &to).expect("the copy is written")),
            }
            let mode = entry.metadata().expect("the file is there").permissions();
            std::fs::set_permissions(&to, mode).expect("its mode is set");
        }
    }

    /// A `cargo` that builds the packages it is told to as the tests have built them, into the same
    /// folder and whatever the place where it is called: otherwise their dependencies would be built
    /// once more with other features. Answers the folder in which it lies.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn cargo(&self, checkout: &Path) -> PathBuf {
        let bin = self.path().join("bin");
        std::fs::create_dir_all(&bin).expect("a folder");
        let program = towpath();
        let target = program.ancestors().nth(2).expect("TARGET/PROFILE/towpath");
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
        let text = format!(
            "#!/bin/sh\nexport CARGO_TARGET_DIR='{}'\ncd '{}' || exit\n\
             for word; do case \"$word\" in\n\
             build | --package) ;;\n\
             *) '{cargo}' pkgid --quiet \"$word\" || exit ;;\n\
             esac; done\n\
             exec '{cargo}' test --quiet --workspace --no-run --test binary --test process\n",
            target.display(),
            checkout.display()
        );
        let file = bin.join("cargo");
        std::fs::write(&file, text).expect("the program is written");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755))
            .expect("its mode is set");
        bin
    }
}

impl Default for Folder {
    fn default() -> Self {
        Self::new()
    }
}

/// A shell that runs the commands of a page. What runs in its folder is ended when it is dropped.
pub struct Script {
    shell: Child,
    input: ChildStdin,
    lines: Receiver<String>,
    folder: PathBuf,
}

impl Script {
    /// A shell in `folder`, which finds programs in `first` before others.
    ///
    /// # Panics
    /// When there is no `sh`.
    pub fn begin(folder: &Path, first: &[&Path]) -> Self {
        let mut paths: Vec<PathBuf> = first.iter().map(|path| path.to_path_buf()).collect();
        let inherited = std::env::var_os("PATH").unwrap_or_default();
        paths.extend(std::env::split_paths(&inherited));
        let path = std::env::join_paths(paths).expect("paths without colons");
        let mut command = Command::new("sh");
        command.current_dir(folder).env("PATH", path).env("LC_ALL", "C.UTF-8");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut shell = command.spawn().expect("a shell starts");
        let input = shell.stdin.take().expect("it is piped");
        let output = shell.stdout.take().expect("it is piped");
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
                if sender.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                    return;
                }
            }
        });
        Self { shell, input, lines, folder: folder.to_path_buf() }
    }

    /// Types one command and answers what came out and its exit code.
    ///
    /// # Panics
    /// When it does not end in time.
    pub fn run(&mut self, typed: &str) -> (String, i32) {
        let typed = typed.trim_end();
        // What it reads must not be what is typed next.
        let text = format!("{{ {typed}\n}} 2>&1 </dev/null; printf '\\n\\001ended %d\\n' $?\n");
        self.input.write_all(text.as_bytes()).expect("the shell takes commands");
        self.input.flush().expect("the shell takes commands");
        let mut output = String::new();
        loop {
            match self.lines.recv_timeout(LIMIT) {
                Ok(line) => match line.strip_prefix(MARK) {
                    Some(code) => return (output, code.parse().expect("an exit code")),
                    None => output = output + &line + "\n",
                },
                Err(error) => panic!("no end within {LIMIT:?} ({error}) of: {typed}\n{output}"),
            }
        }
    }

    /// Runs all steps; each must end and say as its page says.
    ///
    /// # Panics
    /// At the first that does not, with its line and what came out.
    pub fn follow(&mut self, page: &str, steps: &[Step], here: impl Fn(&str) -> String) {
        for step in steps {
            let (output, exit) = self.run(&here(&step.typed));
            let place = format!("{page}:{}: {}\n{output}", step.line, step.typed);
            assert_eq!(exit, step.exit, "{place}");
            if let Some(missing) = missing(&step.output, &output, &here) {
                panic!("not said: {missing}\n{place}");
            }
        }
    }
}

/// The first line that was to come out and did not, after those before it.
fn missing(wanted: &[String], output: &str, here: impl Fn(&str) -> String) -> Option<String> {
    let mut said = output.lines();
    let mut all = wanted.iter().map(|line| here(line));
    all.find(|line| !said.any(|said| is_like(line.trim_end(), said.trim_end())))
}

/// Whether a line is as the page says; `…` stands for anything.
fn is_like(wanted: &str, said: &str) -> bool {
    let mut parts = wanted.split('…');
    let Some(mut rest) = parts.next().and_then(|first| said.strip_prefix(first)) else {
        return false;
    };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    rest.ends_with(last)
}

impl Drop for Script {
    fn drop(&mut self) {
        // What a page left running ends with its test; what has ended already needs no end.
        for entry in [self.folder.clone()].into_iter().chain(folders(&self.folder)) {
            if entry.join("towpath.yaml").is_file() {
                let mut command = Command::new(towpath());
                command.current_dir(entry).args(["engine", "stop", "--everything", "--yes"]);
                let _ = command.output();
            }
        }
        let _ = self.shell.kill();
        let _ = self.shell.wait();
    }
}

fn folders(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "\
text `$ not this`
```sh
cd a
b
```
```console
$ towpath status \\
    --json
+ … is whole: … events
$ false
exit 1
```
```
$ nor this
```
";

    #[test]
    fn a_free_address_that_begins_as_one_of_the_page_is_not_replaced_again() {
        let own = tempfile::tempdir().expect("a folder");
        let ports = [("3000", "30042"), ("3004", "30001")]
            .map(|(said, free)| (format!("{HOST}{said}"), format!("{HOST}{free}")));
        let folder = Folder { own, ports: ports.to_vec() };
        let text = "on 127.0.0.1:3000, http://127.0.0.1:3004/ and 127.0.0.1:30005";
        let here = "on 127.0.0.1:30042, http://127.0.0.1:30001/ and 127.0.0.1:30005";
        assert_eq!(folder.here(text), here);
    }

    #[test]
    fn commands_their_output_and_their_exit_codes_are_read_from_a_page() {
        let steps = steps(PAGE);
        assert_eq!(steps.len(), 3);
        assert_eq!((steps[0].typed.as_str(), steps[0].exit), ("cd a\nb\n", 0));
        assert_eq!(steps[1].typed, "towpath status \\\n    --json");
        assert_eq!(steps[1].output, ["+ … is whole: … events"]);
        assert_eq!((steps[2].line, steps[2].exit), (10, 1));
    }

    #[test]
    fn dots_stand_for_anything_and_lines_must_come_in_order() {
        let said = "one 1 two\nthree\n";
        let missing = |lines: &[&str]| {
            let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
            missing(&lines, said, str::to_owned)
        };
        assert_eq!(missing(&["one … two", "three"]), None);
        assert_eq!(missing(&["three", "one … two"]).as_deref(), Some("one … two"));
        assert_eq!(missing(&["one 2 two"]).as_deref(), Some("one 2 two"));
        assert_eq!(missing(&["one … three"]).as_deref(), Some("one … three"));
    }

    #[test]
    fn a_command_that_ends_otherwise_than_its_page_says_is_found() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut script = Script::begin(folder.path(), &[]);
        assert_eq!(script.run("echo one; (exit 3)"), ("one\n\n".to_owned(), 3));
        script.run("word=kept");
        assert_eq!(script.run("echo $word").0.trim(), "kept");
        let wrong = [Step { typed: "false".to_owned(), ..Step::default() }];
        let followed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            script.follow("page", &wrong, str::to_owned);
        }));
        assert!(followed.is_err());
    }
}
