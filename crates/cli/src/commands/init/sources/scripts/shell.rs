//! What the lines of a shell script say about environments. Knows the shapes that people write, and no
//! shell: what is computed stays unknown.

use super::super::names::{hyphenated, is_environment_word, nearest};
use super::super::words::path_of_url;
use super::statements::{PROGRAMS, exported, without_comment};

/// Most names or facts of one kind that are kept of one script.
const MOST: usize = 200;

/// Words that scripts take in the place of an environment and that are none.
const VERBS: &[&str] = &[
    "build",
    "clean",
    "configure",
    "deploy",
    "destroy",
    "down",
    "health",
    "help",
    "init",
    "install",
    "list",
    "logs",
    "promote",
    "restart",
    "rollback",
    "run",
    "setup",
    "shell",
    "start",
    "status",
    "stop",
    "up",
    "update",
    "validate",
];

/// Everything that one script says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    /// Environments in `ENVIRONMENTS=(a b c)`.
    pub(super) listed: Vec<String>,
    /// Environments among the patterns of `case`.
    pub(super) cases: Vec<String>,
    /// Environments in `usage: promote.sh <a|b|c>`.
    pub(super) usage: Vec<String>,
    /// Environments in `[ "$ENVIRONMENT" = a ]`.
    pub(super) compared: Vec<String>,
    /// Programs that do the work, each once.
    pub(super) programs: Vec<String>,
    /// Facts, with the environment that they stand under, if they stand under one.
    pub(super) facts: Vec<(Option<String>, Fact)>,
}

/// One thing that a line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fact {
    /// A port of this machine.
    Port(u16),
    /// A path that is asked whether all is well.
    Path(String),
    /// Where people reach it.
    Url(String),
    /// Seconds that one answer may take.
    Timeout(u64),
    /// A variable that programs are told, and its value.
    Setting(String, String),
    /// A variable that holds a secret, which is not repeated.
    Secret(String),
}

/// Reads a script called `name`.
pub(super) fn read(name: &str, text: &str) -> Said {
    let mut reader = Reader { name, said: Said::default(), blocks: Vec::new(), list: None };
    for line in text.lines().take(20_000) {
        reader.line(line.trim());
    }
    reader.said
}

/// One `case`, from `in` to `esac`.
struct Block {
    /// The patterns that the lines now stand under; none while a pattern is awaited.
    under: Option<Vec<String>>,
}

struct Reader<'a> {
    name: &'a str,
    said: Said,
    blocks: Vec<Block>,
    /// The array whose closing parenthesis has not come yet.
    list: Option<String>,
}

impl Reader<'_> {
    fn line(&mut self, line: &str) {
        if let Some(variable) = self.list.take() {
            let (inside, ends) = line.split_once(')').map_or((line, false), |(it, _)| (it, true));
            self.array(&variable, inside);
            if !ends {
                self.list = Some(variable);
            }
            return;
        }
        self.usage(line);
        if line.starts_with('#') {
            return;
        }
        self.assignment(line);
        self.comparison(line);
        self.control(without_comment(line));
    }

    /// `case`, its patterns and `esac`; everything else is the body that stands under a pattern.
    fn control(&mut self, line: &str) {
        let mut rest = line;
        // A line has at most so many parts that matter.
        for _ in 0..50 {
            rest = rest.trim();
            if rest.is_empty() {
                return;
            }
            if rest == "esac" || rest.starts_with("esac ") || rest.starts_with("esac;") {
                self.blocks.pop();
                rest = rest["esac".len()..].trim_start_matches(';');
                continue;
            }
            if let Some((subject, after)) =
                rest.strip_prefix("case ").and_then(|it| it.split_once(" in"))
                && (after.is_empty() || after.starts_with([' ', '\t']))
                && subject.len() < 100
            {
                self.blocks.push(Block { under: None });
                rest = after;
                continue;
            }
            let awaits = self.blocks.last().is_some_and(|block| block.under.is_none());
            if awaits {
                let Some((pattern, after)) = rest.split_once(')') else { return };
                self.pattern(pattern);
                rest = after;
                continue;
            }
            let (body, after) = match rest.split_once(";;") {
                Some((body, after)) => (body, Some(after)),
                None => (rest, None),
            };
            for statement in body.split([';', '&']).map(str::trim).filter(|it| !it.is_empty()) {
                self.statement(statement);
            }
            let Some(after) = after else { return };
            if let Some(block) = self.blocks.last_mut() {
                block.under = None;
            }
            rest = after;
        }
    }

    fn pattern(&mut self, pattern: &str) {
        let outer = self.environment();
        let alternatives = pattern.trim_start_matches('(').split('|').map(plain);
        let mut names: Vec<String> = alternatives.filter_map(environment_words).collect();
        match outer.as_deref().filter(|_| !names.is_empty()) {
            // `dev)` and inside it `aws)`: together they are `dev-aws`.
            Some(outer) => {
                for name in &mut names {
                    *name = format!("{outer}-{name}");
                }
                self.said.cases.retain(|known| known != outer);
            }
            None => names.retain(|name| says(name)),
        }
        for name in &names {
            add(&mut self.said.cases, name);
        }
        if let Some(block) = self.blocks.last_mut() {
            block.under = Some(names);
        }
    }

    /// The one environment that the lines now stand under.
    fn environment(&self) -> Option<String> {
        let under = self.blocks.iter().rev().filter_map(|block| block.under.as_ref());
        let one = under.filter(|names| !names.is_empty()).find(|names| names.len() == 1)?;
        one.first().cloned()
    }

    fn statement(&mut self, body: &str) {
        let environment = self.environment();
        let mut facts = Vec::new();
        facts.extend(exported(body));
        let program =
            body.split_whitespace().find(|word| !["if", "!", "then", "do"].contains(word));
        if let Some(program) = program.filter(|it| PROGRAMS.contains(it)) {
            add(&mut self.said.programs, program);
        }
        if let Some((variable, value)) = body.trim().split_once('=')
            && last_word(variable).to_ascii_uppercase().contains("PORT")
        {
            facts.extend(plain(value).parse().ok().filter(|it| *it > 0).map(Fact::Port));
        }
        let asks = ["curl ", "wget "].iter().any(|it| body.contains(it));
        let sends = [" -X POST", " -d ", " --data", " -X PUT", "HOOK"];
        let asks = asks && !sends.iter().any(|it| body.contains(it));
        let words: Vec<&str> = body.split_whitespace().collect();
        for (index, word) in words.iter().enumerate() {
            facts.extend(port_of(word).map(Fact::Port));
            facts.extend(url_of(word).map(Fact::Url));
            if asks && (is_here(word) || word.contains("/health")) {
                facts.extend(path_of_url(word).map(Fact::Path));
            }
            if asks && ["--max-time", "-m"].contains(word) {
                let seconds = words.get(index + 1).and_then(|it| it.parse().ok());
                let seconds = seconds.filter(|it| (1..=300).contains(it));
                facts.extend(seconds.map(Fact::Timeout));
            }
        }
        for fact in facts {
            self.fact(environment.clone(), fact);
        }
    }

    fn fact(&mut self, environment: Option<String>, fact: Fact) {
        let fact = (environment, fact);
        if self.said.facts.len() < MOST && !self.said.facts.contains(&fact) {
            self.said.facts.push(fact);
        }
    }

    /// `ENVIRONMENTS=(a b)`, `ENVIRONMENTS="a b"` and `PORTS=([a]=3000 [b]=3001)`.
    fn assignment(&mut self, line: &str) {
        let Some((variable, value)) = line.split_once('=') else { return };
        let variable = last_word(variable).to_ascii_uppercase();
        if let Some(inside) = value.strip_prefix('(') {
            let (inside, ends) =
                inside.split_once(')').map_or((inside, false), |(it, _)| (it, true));
            self.array(&variable, inside);
            if !ends {
                self.list = Some(variable);
            }
        } else if is_list_name(&variable) && value.contains(' ') {
            self.array(&variable, &plain(value));
        }
    }

    fn array(&mut self, variable: &str, inside: &str) {
        for word in inside.split_whitespace().take_while(|it| !it.starts_with('#')) {
            if let Some((key, value)) = word.strip_prefix('[').and_then(|it| it.split_once("]=")) {
                let Some(name) = environment_words(plain(key)).filter(|it| says(it)) else {
                    continue;
                };
                let value = plain(value);
                if variable.contains("PORT")
                    && let Some(port) = value.parse().ok().filter(|it| *it > 0)
                {
                    self.fact(Some(name), Fact::Port(port));
                } else if let Some(url) = url_of(&value) {
                    self.fact(Some(name), Fact::Url(url));
                }
            } else if is_list_name(variable)
                && let Some(name) = environment_words(plain(word))
            {
                add(&mut self.said.listed, &name);
            }
        }
    }

    /// `usage: promote.sh <a|b|c>`, in comments and messages too.
    fn usage(&mut self, line: &str) {
        let lower = line.to_ascii_lowercase();
        if !(lower.contains("usage") || line.contains(self.name)) {
            return;
        }
        let words: Vec<String> = line.split_whitespace().map(plain).collect();
        for (index, word) in words.iter().enumerate().filter(|(_, word)| word.contains('|')) {
            let names: Vec<String> =
                word.split('|').map(plain).filter_map(environment_words).collect();
            let before = index.checked_sub(1).and_then(|it| words.get(it));
            let before = before.filter(|it| is_environment_word(it));
            if names.len() < 2 || !(before.is_some() || names.iter().any(|name| says(name))) {
                continue;
            }
            for name in names {
                let name = before.map_or(name.clone(), |before| format!("{before}-{name}"));
                add(&mut self.said.usage, &name);
            }
        }
    }

    /// `[ "$ENVIRONMENT" = production ]` and `[[ $ENV == "staging" ]]`.
    fn comparison(&mut self, line: &str) {
        let words: Vec<&str> = line.split_whitespace().collect();
        for triple in words.windows(3) {
            let asks = triple[0].contains('$') && triple[0].to_ascii_uppercase().contains("ENV");
            if asks && ["=", "==", "!="].contains(&triple[1]) {
                let name = environment_words(plain(triple[2])).filter(|name| says(name));
                if let Some(name) = name {
                    add(&mut self.said.compared, &name);
                }
            }
        }
    }
}

fn add(list: &mut Vec<String>, name: &str) {
    if list.len() < MOST && !list.iter().any(|known| known == name) {
        list.push(name.to_owned());
    }
}

fn is_list_name(variable: &str) -> bool {
    variable.contains("ENVIRONMENTS") || variable.contains("ENVS") || variable.contains("STAGES")
}

fn last_word(text: &str) -> &str {
    text.split_whitespace().next_back().unwrap_or_default()
}

/// A word without quotes and brackets around it.
fn plain(word: impl AsRef<str>) -> String {
    word.as_ref().trim().trim_matches(|it: char| "\"'`<>[](){};,".contains(it)).trim().to_owned()
}

fn says(name: &str) -> bool {
    name.split('-').any(is_environment_word)
}

/// A pattern such as `staging`, or `dev localstack` with the verb before it left out; none for what
/// is no plain name.
fn environment_words(text: impl AsRef<str>) -> Option<String> {
    let text = text.as_ref();
    let fits = |it: char| it.is_ascii_alphanumeric() || "-_ ".contains(it);
    if text.is_empty() || text.len() > 63 || !text.chars().all(fits) || text.starts_with('-') {
        return None;
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    let verbs = words.iter().take_while(|word| VERBS.contains(word)).count();
    let name = hyphenated(&words[verbs..].join("-"));
    nearest(&name).filter(|_| !VERBS.contains(&name.as_str())).map(|it| it.as_str().to_owned())
}

/// Whether a URL is of this machine, or begins with a variable of the script.
fn is_here(word: &str) -> bool {
    let word = plain(word);
    let host = word.split_once("://").map_or(word.as_str(), |(_, rest)| rest);
    host.starts_with("localhost") || host.starts_with("127.0.0.1") || host.starts_with('$')
}

/// The port in `localhost:3000/health`.
fn port_of(word: &str) -> Option<u16> {
    let (_, rest) = word.split_once("localhost:").or_else(|| word.split_once("127.0.0.1:"))?;
    let end = rest.find(|it: char| !it.is_ascii_digit()).unwrap_or(rest.len());
    rest[..end].parse().ok().filter(|port| *port > 0)
}

/// The place of a service that people reach, without its path; none for this machine and for what
/// is computed.
fn url_of(word: &str) -> Option<String> {
    let start = word.find("https://").or_else(|| word.find("http://"))?;
    let (scheme, rest) = word[start..].split_once("://")?;
    let end = rest.find(|it: char| !(it.is_ascii_alphanumeric() || "-.:".contains(it)));
    let (host, after) = rest.split_at(end.unwrap_or(rest.len()));
    let computed = after.starts_with(['$', '{', '<', '@']);
    let named = host.contains('.') && !host.starts_with("127.") && !host.starts_with("0.0.0.0");
    let whole =
        host.chars().all(|it| it != ':') && host.starts_with(|it: char| it.is_ascii_alphanumeric());
    (named && whole && !computed && host.len() <= 253).then(|| format!("{scheme}://{host}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Said {
        read("promote.sh", text)
    }

    #[test]
    fn environments_are_found_in_the_shapes_that_people_write() {
        let said =
            of("ENVIRONMENTS=(dev \"staging\" production) # all\nreadonly VALID_ENVS=\"a b\"");
        assert_eq!(said.listed, ["dev", "staging", "production", "a", "b"]);
        let said = of("ENVIRONMENTS=(\n  dev\n  qa # tests\n  prod\n)\ncase x in\n  uat) ;;\nesac");
        assert_eq!((said.listed.len(), said.cases), (3, vec!["uat".to_owned()]));
        let said =
            of("case \"$1\" in\n  dev|staging) ;;\n  \"production\") go ;;\n  *) exit 1 ;;\nesac");
        assert_eq!(said.cases, ["dev", "staging", "production"]);
        let said =
            of("case $1 in dev) case $2 in localstack) a ;; aws) b ;; esac ;; deploy) x ;; esac");
        assert_eq!(said.cases, ["dev-localstack", "dev-aws"]);
        let said = of("case \"$1 $2\" in \"dev aws\" | \"deploy staging\") ;; start|stop) ;; esac");
        assert_eq!(said.cases, ["dev-aws", "staging"]);
        let said = of("# Usage: promote.sh <dev|staging|production> [up|down]");
        assert_eq!(said.usage, ["dev", "staging", "production"]);
        let said = of("echo 'promote.sh dev localstack|aws|aws-deployed'");
        assert_eq!(said.usage, ["dev-localstack", "dev-aws", "dev-aws-deployed"]);
        let said = of("if [[ \"$ENVIRONMENT\" == \"production\" ]]; then\n[ $1 = staging ]");
        assert_eq!(said.compared, ["production"]);
    }

    #[test]
    fn ports_paths_and_addresses_belong_to_the_environment_they_stand_under() {
        let said = of("case $ENV in
  staging)
    PORT=3001
    URL=\"https://staging-api.example.com/v1\" ;;
  production) curl -f --max-time 5 http://localhost:3002/ready ;;
esac
curl -sf \"$BASE_URL/health\"
curl -X POST \"$SLACK/hook\"
curl https://hooks.example.com/services/x
declare -A PORTS=([dev]=3000 [other]=1)");
        let staging = Some("staging".to_owned());
        let production = Some("production".to_owned());
        assert_eq!(
            said.facts,
            [
                (staging.clone(), Fact::Port(3001)),
                (staging, Fact::Url("https://staging-api.example.com".to_owned())),
                (production.clone(), Fact::Timeout(5)),
                (production.clone(), Fact::Port(3002)),
                (production, Fact::Path("/ready".to_owned())),
                (None, Fact::Path("/health".to_owned())),
                (None, Fact::Url("https://hooks.example.com".to_owned())),
                (Some("dev".to_owned()), Fact::Port(3000)),
            ]
        );
    }

    #[test]
    fn exported_variables_are_settings_and_secrets_are_names_alone() {
        let said = of("export NODE_ENV=production
export API_TOKEN=\"abc-not-real-123\"; export DB_PASSWORD=$(cat file)
export GREETING='hello you' PORT=1
export ENVIRONMENT=staging PATH=$PATH:/x
case $1 in staging) export LOG_LEVEL=debug ;; esac # as before; export OLD=1
if ! docker compose up -d; then ssh host; fi");
        let setting = |name: &str, value: &str| Fact::Setting(name.to_owned(), value.to_owned());
        let secret = |name: &str| Fact::Secret(name.to_owned());
        assert_eq!(
            said.facts,
            [
                (None, setting("NODE_ENV", "production")),
                (None, secret("API_TOKEN")),
                (None, secret("DB_PASSWORD")),
                (None, setting("GREETING", "hello you")),
                (Some("staging".to_owned()), setting("LOG_LEVEL", "debug")),
            ]
        );
        assert_eq!(said.programs, ["docker", "ssh"]);
    }

    #[test]
    fn broken_scripts_say_little_and_never_panic() {
        for text in
            ["case", "case x in", "esac\nesac", "case x in (", "A=(", ";;", "=", "case é in é) ;;"]
        {
            let _ = of(text);
        }
        let deep = "case x in a) ".repeat(10_000);
        assert_eq!(of(&deep).cases, Vec::<String>::new());
    }
}
