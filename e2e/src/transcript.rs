//! What was typed and what came of it, as a page that is the same at each run. Owns what is replaced:
//! times, measured durations, counts of visitors, hashes, addresses, the person and the folder.

use std::fmt::Write as _;
use std::path::Path;

use crate::Ended;

/// A transcript that grows command by command.
#[derive(Debug)]
pub struct Transcript {
    /// Texts of this run and what stands for them.
    known: Vec<(String, &'static str)>,
    text: String,
}

impl Transcript {
    /// An empty one; `known` are texts of this run and what stands for them.
    pub fn new(known: &[(String, &'static str)]) -> Self {
        Self { known: known.to_vec(), text: String::new() }
    }

    /// Adds one command.
    pub fn add(&mut self, words: &[&str], ended: &Ended) {
        let typed: Vec<String> = words.iter().map(|word| quoted(word)).collect();
        let gap = if self.text.is_empty() { "" } else { "\n" };
        let said = format!("{}{}", ended.out, ended.err);
        let said = self.steady(said.trim_end());
        let _ = write!(self.text, "{gap}$ towpath {}\n{said}", typed.join(" "));
        let _ = writeln!(self.text, "exit {}", ended.code);
    }

    /// Compares with the file, or writes it under `TOWPATH_BLESS=1`. Answers what differs.
    ///
    /// # Panics
    /// When the file cannot be written.
    pub fn differs(&self, file: &Path) -> Option<String> {
        if std::env::var_os("TOWPATH_BLESS").is_some() {
            std::fs::write(file, &self.text).expect("the transcript is written");
            return None;
        }
        let wanted = std::fs::read_to_string(file).unwrap_or_default();
        let mut lines = wanted.lines().zip(self.text.lines());
        let place = file.display();
        if let Some((wanted, said)) = lines.find(|(wanted, said)| wanted != said) {
            return Some(format!("{place}\n  wanted {wanted}\n  said   {said}"));
        }
        (wanted != self.text).then(|| format!("{place}\n  another length\n{}", self.text))
    }

    fn steady(&self, said: &str) -> String {
        said.lines().map(|line| self.steady_line(line) + "\n").collect()
    }

    fn steady_line(&self, line: &str) -> String {
        let mut line = line.to_owned();
        for (text, stands) in &self.known {
            line = line.replace(text, stands);
        }
        let mut steady = String::new();
        let mut rest = line.as_str();
        while let Some(first) = rest.chars().next() {
            let inside = steady.ends_with(|last: char| last.is_alphanumeric() || last == '.');
            let found = if inside { None } else { replaced(&steady, rest, &line) };
            let (length, stands) = match found {
                Some((length, stands)) => (length, stands),
                None => (first.len_utf8(), &rest[..first.len_utf8()]),
            };
            steady.push_str(stands);
            rest = &rest[length..];
        }
        whichever_test(cut_short(narrow(&steady)))
    }
}

fn quoted(word: &str) -> String {
    if word.contains(' ') { format!("\"{word}\"") } else { word.to_owned() }
}

/// Columns are as wide as what is in them; between them there are three spaces here.
fn narrow(line: &str) -> String {
    let indent = line.len() - line.trim_start().len();
    let (lead, text) = line.split_at(indent);
    let mut narrow = lead.to_owned();
    let mut spaces = 0;
    for character in text.chars() {
        if character == ' ' {
            spaces += 1;
            continue;
        }
        narrow.push_str(&" ".repeat(spaces.min(3)));
        spaces = 0;
        narrow.push(character);
    }
    narrow
}

/// A sentence that was cut to fit its column is cut at another letter when its figures are others.
fn cut_short(line: String) -> String {
    match line.split_once(" requests while") {
        Some((kept, cut)) if cut.ends_with("...") => format!("{kept} requests while ..."),
        _ => line,
    }
}

/// Which test weighed most hangs on the order of the visitors; that something broke its limit is said
/// only where that test did.
fn whichever_test(line: String) -> String {
    let limit = line.find("; the limit is ").filter(|_| line.contains("; by chance"));
    match limit.zip(line.find("; by chance")) {
        Some((from, to)) if from < to => format!("{}{}", &line[..from], &line[to..]),
        _ => line,
    }
}

/// What stands here for the beginning of `rest`, and how long that is. `before` is what was written.
fn replaced(before: &str, rest: &str, line: &str) -> Option<(usize, &'static str)> {
    let ends = |length: usize| {
        let after = rest[length..].chars().next();
        after.is_none_or(|after| !after.is_alphanumeric())
    };
    if let Some(length) = [
        "dddd-dd-ddTdd:dd:ddZ",
        "aaa d aaa dd:dd",
        "aaa dd aaa dd:dd",
        "dd aaa dd:dd",
        "d aaa dd:dd",
        "dd:dd:dd",
        "dd:dd",
    ]
    .iter()
    .find(|form| is_like(form, rest))
    .map(|form| form.len())
        && ends(length)
    {
        return Some((length, "TIME"));
    }
    let bar = rest.chars().take_while(|character| "█░".contains(*character)).map(char::len_utf8);
    let bar: usize = bar.sum();
    if bar > 0 {
        return Some((bar, "BAR"));
    }
    let hex = rest.chars().take_while(char::is_ascii_hexdigit).count();
    if (hex == 12 || hex == 64) && ends(hex) {
        return Some((hex, "HASH"));
    }
    number(before, rest, line)
}

fn number(before: &str, rest: &str, line: &str) -> Option<(usize, &'static str)> {
    let is_part = |character: &char| character.is_ascii_digit() || ".,".contains(*character);
    let whole: String = rest.chars().take_while(is_part).collect();
    let whole = whole.trim_end_matches(['.', ',']);
    if whole.is_empty() || whole.matches('.').count() > 1 {
        return None;
    }
    if before.ends_with("127.0.0.1:") {
        return Some((whole.len(), "PORT"));
    }
    let after = &rest[whole.len()..];
    let unit = ["ms", "s", "m"].iter().find(|unit| {
        let next = after.strip_prefix(**unit).map(|after| after.chars().next());
        next.is_some_and(|next| next.is_none_or(|next| !next.is_alphanumeric()))
    });
    if let Some(unit) = unit {
        let length = whole.len() + unit.len();
        let follows = &rest[length..];
        let measured = whole.contains('.')
            || *unit == "ms"
            || follows.starts_with(" ago")
            || ["after ", "in "].iter().any(|word| before.ends_with(word))
            || (before.ends_with("  ") && follows.starts_with("  "));
        return measured.then_some((length, "DURATION"));
    }
    let is_judged = line.contains("blue") || line.contains("green failed");
    let judged = is_judged && (after.starts_with(" of ") || before.ends_with(" of "));
    let counted = after.starts_with(" requests")
        || after.starts_with(" rollouts")
        || after.starts_with(" events")
        || before.ends_with("1 to ")
        || before.ends_with("sign up to ")
        || (["harmed ", "rescued "].iter().any(|word| before.ends_with(word)) && whole != "0")
        || ["requests\":", "requests\": ", "seconds\":", "seconds\": "]
            .iter()
            .any(|field| before.ends_with(field) && !before.ends_with(&format!("bake_{field}")))
            && !before.ends_with("_requests\":");
    (judged || counted).then_some((whole.len(), "N"))
}

/// Whether the text begins as the form: `d` is a digit, `a` a letter, all else itself.
fn is_like(form: &str, text: &str) -> bool {
    let mut characters = text.chars();
    form.chars().all(|wanted| {
        characters.next().is_some_and(|found| match wanted {
            'd' => found.is_ascii_digit(),
            'a' => found.is_ascii_alphabetic(),
            other => found == other,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_between_runs_is_replaced_and_nothing_else() {
        let transcript = Transcript::new(&[("ada".to_owned(), "PERSON")]);
        for (said, steady) in [
            ("plan 7f3a91c20be4   Tue 12 Jan 14:05 UTC", "plan HASH   TIME UTC"),
            ("2027-01-12T14:20:44Z started after 0.1s", "TIME started after DURATION"),
            ("1% for 3m → 10% for 2s, serves 1.4.2", "1% for 3m → 10% for 2s, serves 1.4.2"),
            (
                "green failed 6 of 48 requests while blue failed 1 of 437; the limit is 5%; by chance \
                 less than once in 650 rollouts",
                "green failed N of N requests while blue failed N of N; by chance less than once in N \
                 rollouts",
            ),
            ("2 of 2 instances, harmed 0, rescued 0", "2 of 2 instances, harmed 0, rescued 0"),
            ("1,393 requests: harmed 12, rescued 4", "N requests: harmed N, rescued N"),
            ("http://127.0.0.1:3000/ready", "http://127.0.0.1:PORT/ready"),
            ("  x   10%  ███░░  0.5s of 2s", "  x   10%  BAR  DURATION of 2s"),
            ("149  13 Jan 06:00      by ada   20m", "149  TIME   by PERSON   20m"),
            (
                r#"{"bake_seconds":2.0,"seconds":3.2,"requests":86,"harmed_requests":0}"#,
                r#"{"bake_seconds":2.0,"seconds":N,"requests":N,"harmed_requests":0}"#,
            ),
        ] {
            assert_eq!(transcript.steady_line(said), steady);
        }
    }
}
