//! The file CODEOWNERS: who owns which files of a repository. Owns how it is read; whose word is enough is
//! said by whoever asks.
//!
//! As described at docs.github.com, "About code owners". What GitHub would pass over as invalid is
//! not passed over here: a rule that nobody can read protects nothing.

use globset::{GlobBuilder, GlobMatcher};

use crate::reports::short;

/// Where GitHub looks for it; the first one counts.
pub(crate) const PLACES: [&str; 3] = [".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"];

/// One line of the file: later ones win.
pub(crate) struct Rule {
    pattern: Vec<GlobMatcher>,
    owners: Vec<Owner>,
}

/// Who owns something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    User(String),
    Team(String, String),
    /// An address of e-mail, of which nobody outside of GitHub knows the account.
    Address(String),
}

impl Owner {
    fn read(word: &str) -> Option<Self> {
        if let Some(name) = word.strip_prefix('@') {
            return match name.split_once('/') {
                Some((organisation, team)) if !organisation.is_empty() && !team.is_empty() => {
                    Some(Self::Team(organisation.to_owned(), team.to_owned()))
                }
                None if !name.is_empty() => Some(Self::User(name.to_owned())),
                _ => None,
            };
        }
        word.contains('@').then(|| Self::Address(word.to_owned()))
    }

    /// As the file writes it.
    pub(crate) fn written(&self) -> String {
        match self {
            Self::User(name) => format!("@{name}"),
            Self::Team(organisation, team) => format!("@{organisation}/{team}"),
            Self::Address(address) => address.clone(),
        }
    }

    /// As a sentence names it.
    pub(crate) fn shown(&self) -> String {
        short(&self.written())
    }
}

/// Every rule, in the order of the file.
///
/// # Errors
/// One sentence: a line of it cannot be understood.
pub(crate) fn read(text: &str) -> Result<Vec<Rule>, String> {
    let mut rules = Vec::new();
    for (number, line) in (1..).zip(text.trim_start_matches('\u{feff}').lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let rule = rule(line).ok_or_else(|| {
            format!("line {number} of CODEOWNERS cannot be understood: {}", short(line))
        })?;
        rules.push(rule);
    }
    Ok(rules)
}

fn rule(line: &str) -> Option<Rule> {
    let (pattern, rest) = split(line);
    let words = rest.split_whitespace().take_while(|word| !word.starts_with('#'));
    let owners = words.map(Owner::read).collect::<Option<_>>()?;
    Some(Rule { pattern: matchers(&pattern)?, owners })
}

/// The pattern and what follows it: a blank in it stands behind a backslash.
fn split(line: &str) -> (String, &str) {
    let mut pattern = String::new();
    let mut signs = line.char_indices();
    while let Some((place, sign)) = signs.next() {
        match sign {
            '\\' => {
                pattern.push(sign);
                pattern.extend(signs.next().map(|(_, escaped)| escaped));
            }
            sign if sign.is_whitespace() => return (pattern, &line[place..]),
            sign => pattern.push(sign),
        }
    }
    (pattern, "")
}

/// What a pattern stands for, by the rules of files that git ignores (gitignore(5)), without `!` and
/// `[]`, which GitHub does not know: with a slash other than the last it begins at the root; a folder
/// stands for all in it, and a last `*` for files of that folder alone.
fn matchers(pattern: &str) -> Option<Vec<GlobMatcher>> {
    if pattern.starts_with('!') || pattern.contains(['[', ']']) {
        return None;
    }
    let body = pattern.trim_end_matches('/');
    let is_folder = body.len() < pattern.len();
    let is_rooted = body.contains('/');
    let body = body.trim_start_matches('/').replace('{', "\\{").replace('}', "\\}");
    if body.is_empty() {
        return None;
    }
    let start = if is_rooted || body.starts_with("**") { "" } else { "**/" };
    let holds_files_alone = is_rooted && (body.ends_with("/*") || body == "*");
    let mut globs = Vec::new();
    if !is_folder {
        globs.push(format!("{start}{body}"));
    }
    if !holds_files_alone {
        globs.push(format!("{start}{body}/**"));
    }
    let built = globs.iter().map(|glob| {
        let mut builder = GlobBuilder::new(glob);
        builder.literal_separator(true).backslash_escape(true).build()
    });
    built.map(|glob| glob.ok().map(|glob| glob.compile_matcher())).collect()
}

/// The owners of `file`; empty where nobody is named.
pub(crate) fn owners_of<'a>(rules: &'a [Rule], file: &str) -> &'a [Owner] {
    let rule = rules.iter().rev().find(|rule| rule.pattern.iter().any(|it| it.is_match(file)));
    rule.map_or(&[], |rule| rule.owners.as_slice())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The owners of `file` by these lines.
    fn owners(lines: &str, file: &str) -> String {
        let rules = read(lines).unwrap();
        let owners: Vec<String> = owners_of(&rules, file).iter().map(Owner::shown).collect();
        owners.join(" ")
    }

    #[test]
    fn patterns_stand_for_what_githubs_own_page_says_of_them() {
        let lines = "# the page's own example\n\
            *       @global-owner1 @global-owner2\n\
            *.js    @js-owner # an inline comment\n\
            *.go docs@example.com\n\
            *.txt @octo-org/octocats\n\
            /build/logs/ @doctocat\n\
            docs/* @docs\n\
            apps/ @octocat\n\
            /scripts/ @doctocat @octocat\n\
            **/logs @logs\n\
            /apps/github\n\
            with\\ blank.md @blank\n";
        for (file, wanted) in [
            ("README.md", "@global-owner1 @global-owner2"),
            ("deep/in/it.rs", "@global-owner1 @global-owner2"),
            ("src/a.js", "@js-owner"),
            ("main.go", "docs@example.com"),
            ("a/b.txt", "@octo-org/octocats"),
            ("build/logs/x/y.log", "@logs"),
            ("docs/getting-started.md", "@docs"),
            ("docs/build-app/troubleshooting.md", "@global-owner1 @global-owner2"),
            ("web/apps/x.rs", "@octocat"),
            ("scripts/run.sh", "@doctocat @octocat"),
            ("other/scripts/run.sh", "@global-owner1 @global-owner2"),
            ("deeply/nested/logs/a", "@logs"),
            ("apps/github/x", ""),
            ("with blank.md", "@blank"),
        ] {
            assert_eq!(owners(lines, file), wanted, "{file}");
        }
        assert_eq!(owners("/build/logs/ @doctocat\n", "build/logs/x/y.log"), "@doctocat");
        assert_eq!(owners("/build/logs/ @doctocat\n", "a/build/logs/x"), "");
        assert_eq!(owners("/* @root\n", "a.md"), "@root");
        assert_eq!(owners("/* @root\n", "a/b.md"), "");
        assert_eq!(owners("{a,b}.md @x\n", "a.md"), "");
    }

    #[test]
    fn a_line_that_nobody_understands_is_not_passed_over() {
        for line in ["!*.rs @a", "*.[ch] @a", "*.rs someone", "*.rs @", "*.rs @/team", "/ @a"] {
            assert!(
                read(&format!("* @b\n{line}\n")).is_err_and(|why| why.contains("line 2")),
                "{line}"
            );
        }
    }
}
