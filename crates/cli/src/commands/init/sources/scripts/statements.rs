//! Statements of a script that mean the same wherever they stand: exported variables, and programs that
//! do the work. Repeats no secret.

use towpath_config::is_secret;

use super::shell::Fact;

/// Programs that build, deploy or change something.
pub(super) const PROGRAMS: &[&str] = &[
    "ansible-playbook",
    "aws",
    "az",
    "cdk",
    "docker",
    "docker-compose",
    "gcloud",
    "git",
    "gradle",
    "kubectl",
    "make",
    "mvn",
    "mysql",
    "npm",
    "npx",
    "pg_dump",
    "pm2",
    "pnpm",
    "psql",
    "rsync",
    "sam",
    "scp",
    "ssh",
    "systemctl",
    "terraform",
    "yarn",
];

/// The variables of `export NODE_ENV=staging LEVEL="a b" # why`, but for what a script says about itself.
pub(super) fn exported(statement: &str) -> Vec<Fact> {
    const OWN: [&str; 8] = ["ENV", "ENVIRONMENT", "HOST", "IFS", "LANG", "LC_ALL", "PATH", "PORT"];
    let Some(rest) = statement.trim().strip_prefix("export ") else { return Vec::new() };
    let judged = |word: &Word| {
        let (name, value) = word.text.split_once('=')?;
        let is_variable = name.starts_with(|it: char| it.is_ascii_alphabetic())
            && name.chars().all(|it| it.is_ascii_alphanumeric() || it == '_');
        if !is_variable || OWN.contains(&name) || name.len() > 100 || value.len() > 1000 {
            return None;
        }
        // What is computed is known to be a secret by its name alone.
        if is_secret(name, value) || (word.is_computed && is_secret(name, "some-value")) {
            return Some(Fact::Secret(name.to_owned()));
        }
        (!word.is_computed).then(|| Fact::Setting(name.to_owned(), value.to_owned()))
    };
    words(rest).iter().filter_map(judged).collect()
}

/// A line without the comment at its end: what stands behind a `#` that begins a word.
pub(super) fn without_comment(line: &str) -> &str {
    let mut cutting = Cutting::default();
    for (at, character) in line.char_indices() {
        if character == '#' && cutting.is_between() {
            return &line[..at];
        }
        cutting.take(character);
    }
    line
}

/// A word as a program would get it, without its quotes.
#[derive(Default)]
struct Word {
    text: String,
    /// Whether a shell would put something else into it, or it never ends.
    is_computed: bool,
}

/// The words of a command, up to a comment or to what is the shell's own.
fn words(text: &str) -> Vec<Word> {
    let mut cutting = Cutting::default();
    for character in text.chars() {
        if cutting.is_plain() && "|<>();&".contains(character)
            || (character == '#' && cutting.is_between())
        {
            break;
        }
        cutting.take(character);
    }
    let is_open = !cutting.is_plain();
    let mut words = cutting.words;
    if let Some(mut last) = cutting.word {
        last.is_computed |= is_open;
        words.push(last);
    }
    words
}

/// How far a text is cut into words. Quotes, `\`, `$(...)`, `${...}` and backticks hold a word together
/// (POSIX.1-2024, Shell Command Language, sections 2.2 and 2.3).
#[derive(Default)]
struct Cutting {
    words: Vec<Word>,
    word: Option<Word>,
    /// The quote or backtick that has not ended yet.
    quote: Option<char>,
    /// Brackets behind a `$` that have not ended yet.
    depth: usize,
    is_escaped: bool,
    is_behind_dollar: bool,
}

impl Cutting {
    /// Whether no word has begun.
    fn is_between(&self) -> bool {
        self.word.is_none() && self.is_plain()
    }

    /// Whether the next character means what it means outside of quotes and brackets.
    fn is_plain(&self) -> bool {
        self.quote.is_none() && self.depth == 0 && !self.is_escaped && !self.is_behind_dollar
    }

    fn take(&mut self, character: char) {
        let is_behind_dollar = std::mem::take(&mut self.is_behind_dollar);
        if std::mem::take(&mut self.is_escaped) {
            self.escaped(character);
        } else if self.depth > 0 || (is_behind_dollar && ['(', '{'].contains(&character)) {
            match character {
                '(' | '{' => self.depth += 1,
                ')' | '}' => self.depth -= 1,
                _ => {}
            }
        } else if self.quote.is_none() && character.is_whitespace() {
            self.words.extend(self.word.take());
        } else {
            self.quoted(character);
        }
    }

    fn escaped(&mut self, character: char) {
        let is_kept = self.quote == Some('"') && !['$', '`', '"', '\\'].contains(&character);
        let word = self.word.get_or_insert_default();
        if is_kept {
            word.text.push('\\');
        }
        word.text.push(character);
    }

    fn quoted(&mut self, character: char) {
        let word = self.word.get_or_insert_default();
        match (self.quote, character) {
            (Some(quote), _) if quote == character => self.quote = None,
            (None, '"' | '\'' | '`') => {
                self.quote = Some(character);
                word.is_computed |= character == '`';
            }
            (None | Some('"'), '\\') => self.is_escaped = true,
            (None | Some('"'), '$' | '`') => {
                self.is_behind_dollar = character == '$';
                word.is_computed = true;
            }
            (None, '~') if word.text.ends_with('=') => word.is_computed = true,
            _ => word.text.push(character),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(statement: &str) -> Vec<String> {
        let said = |fact| match fact {
            Fact::Setting(name, value) => format!("{name}={value}"),
            Fact::Secret(name) => format!("{name} is a secret"),
            other => format!("{other:?}"),
        };
        exported(statement).into_iter().map(said).collect()
    }

    #[test]
    fn each_variable_of_an_export_is_judged_by_itself() {
        for (statement, wanted) in [
            (
                "export LEVEL=info DB_PASSWORD=hunter2",
                &["LEVEL=info", "DB_PASSWORD is a secret"] as &[&str],
            ),
            ("export MODE=fast # hunter3", &["MODE=fast"]),
            ("export MODE=fast#1", &["MODE=fast#1"]),
            ("export A='a b' B=\"c # d\" C=e\\ f", &["A=a b", "B=c # d", "C=e f"]),
            ("export A=a\"b c\"'d e' B=", &["A=ab cd e", "B="]),
            ("export A=\"say \\\"x\\\" \\n\"", &["A=say \"x\" \\n"]),
            ("export A=$(env B=c d) E=f", &["E=f"]),
            ("export A=${B:-c d} E=`date +%s A=1` F=\"$G\" H='$5'", &["H=$5"]),
            (
                "export DB_PASSWORD=\"$(cat a b)\" TOKEN=$T",
                &["DB_PASSWORD is a secret", "TOKEN is a secret"],
            ),
            ("export A=b>out C=d", &["A=b"]),
            ("export A=\"b C=d", &[]),
            ("export A=~/x B PORT=1 1A=2 -n", &[]),
            ("exported A=b", &[]),
        ] {
            assert_eq!(said(statement), wanted, "{statement}");
        }
    }

    #[test]
    fn a_comment_begins_where_a_word_could() {
        for (line, wanted) in [
            ("a=b # c; export D=e", "a=b "),
            ("# c", ""),
            ("a=\"b # c\" d#e", "a=\"b # c\" d#e"),
            ("echo $# ${#a} \\# 'x # y'", "echo $# ${#a} \\# 'x # y'"),
        ] {
            assert_eq!(without_comment(line), wanted, "{line}");
        }
    }
}
