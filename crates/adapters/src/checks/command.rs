//! Check `command`: a program of one's own says yes or no. Owns what its status means; what it is asked
//! and answers as JSON is [`contract`]'s, and the program's life [`crate::running`]'s.

mod contract;

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::sync::Arc;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use towpath_core::check::CheckAnswer;
use towpath_core::ids::Digest;
use towpath_core::units::Span;
use towpath_ports::check::{Check, CheckRequest};
use towpath_ports::settings::Problem;
use towpath_ports::{Family, Field, FieldType, Kind, KindEntry, KindState, Site};

use crate::printable::escaped;
use crate::question;
use crate::running::{self, Errors, Running, Said};

/// `EX_TEMPFAIL` of sysexits.h: not now, try again.
const TEMPORARY_FAILURE: i32 = 75;
/// After how long a program that said "not now" is asked again.
const ASK_AGAIN_AFTER: Span = Span::minutes(1);

pub(super) const KIND: Kind<dyn Check> = Kind {
    entry: KindEntry {
        family: Family::Check,
        name: "command",
        summary: "A program answers by its status, 0 (pass), 75 (ask again in a minute) or another (fail), or \
                  with a JSON object.",
        example: "{ check: command, run: [npm, run, \"test:smoke\", --, \"{green}\"] }",
        state: KindState::Built,
        capabilities: &["green"],
        fields: &[
            Field {
                name: "run",
                of: FieldType::Argv,
                default: None,
                doc: "The program and its arguments, without a shell, run in the matrix's folder; \
                      {green} is the first instance of the release as http://ADDRESS:PORT, and \
                      TOWPATH_GREEN holds all of them.",
            },
            Field {
                name: "env",
                of: FieldType::TextMap,
                default: Some(""),
                doc: "Environment variables over those of the engine.",
            },
            Field::optional(
                "answer",
                FieldType::Word(&["status", "json"]),
                "How it answers; left out, by its status. json: it reads the question as one JSON object, and \
                 prints one such as { \"result\": \"pass\", \"sentence\": \"41 journeys work\" }, with status 0.",
            ),
        ],
        validate,
    },
    build: Some(|settings, site| Ok(Arc::new(Run::new(settings, site)?))),
};

fn validate(settings: &Value) -> Vec<Problem> {
    let settings = match Settings::deserialize(settings) {
        Ok(settings) => settings,
        Err(error) => return vec![Problem::new("", error.to_string(), "the documented settings")],
    };
    let mut problems = running::problems(&settings.run, &settings.env);
    if settings.run.first().is_some_and(|program| program.contains(question::PLACE)) {
        problems.push(running::no_program(0));
    }
    problems
}

/// Checked settings; the fields of [`KIND`] say what each is.
#[derive(Clone, Debug, Deserialize)]
struct Settings {
    run: Vec<String>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    #[serde(default)]
    answer: Form,
}

/// How the program answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Form {
    #[default]
    Status,
    Json,
}

struct Run {
    settings: Settings,
    site: Site,
}

impl Run {
    fn new(settings: &Value, site: &Site) -> Result<Self, String> {
        let settings = Settings::deserialize(settings);
        let settings = settings.map_err(|error| format!("check `command`: {error}"))?;
        Ok(Self { settings, site: site.clone() })
    }

    /// What is known of the question goes into the environment: nothing is ever put together into
    /// a command line.
    fn command(&self, words: &[String], request: &CheckRequest) -> Command {
        let mut command = Command::new(&words[0]);
        let green: Vec<String> =
            request.green.iter().map(|one| question::url(one.address)).collect();
        command
            .args(&words[1..])
            .current_dir(&self.site.root)
            .envs(&self.settings.env)
            .env("TOWPATH_SERVICE", request.lane.service.as_str())
            .env("TOWPATH_ENVIRONMENT", request.lane.environment.as_str())
            .env("TOWPATH_RELEASE", request.release.version.as_str())
            .env("TOWPATH_PROMOTION", request.promotion.to_string())
            .env("TOWPATH_GREEN", green.join(" "));
        // That of the engine's own environment is of whoever started the engine.
        command.env_remove("TRACEPARENT").env_remove("TRACESTATE");
        if let Some(trace) = request.trace {
            command.env("TRACEPARENT", trace.to_string());
        }
        command
    }

    async fn run(&self, words: &[String], request: &CheckRequest) -> CheckAnswer {
        let shown = escaped(words[0].as_bytes());
        let (question, errors) = match self.settings.answer {
            Form::Status => (String::new(), Errors::Among),
            Form::Json => match contract::question(request).await {
                Ok(question) => (question, Errors::Apart),
                Err(answer) => return answer,
            },
        };
        let (mut running, input) = match Running::fed(self.command(words, request), errors) {
            Ok(started) => started,
            Err(error) => {
                return CheckAnswer::inconclusive(format!(
                    "`{shown}` could not be started: {error}"
                ));
            }
        };
        let feeding = async move {
            if let Some(mut input) = input {
                // A program that does not read is judged by what it says like any other.
                let _ = input.write_all(question.as_bytes()).await;
            }
        };
        let both = async { tokio::join!(feeding, running.ended()).1 };
        let ended = tokio::time::timeout(question::patience(request), both).await;
        let (left, said) = running.finish().await;
        let status = ended.as_ref().ok().and_then(|ended| ended.as_ref().ok());
        let status = status.and_then(ExitStatus::code);
        // Its arguments may hold a secret as text: they are kept as a digest, by which they can be known again.
        let arguments = Digest::of_json(&words[1..].to_vec());
        let mut told = json!({
            "program": words[0], "arguments": arguments, "status": status, "output": said.output,
        });
        if errors == Errors::Apart {
            told["errors"] = said.errors.clone().into();
        }
        question::keep(request, "command.json", &told);
        let answer = match ended {
            Ok(Ok(status)) if self.settings.answer == Form::Json => {
                self.answered(&shown, status, &said, request).await
            }
            Ok(Ok(status)) => self.judge(&shown, status, request),
            Ok(Err(error)) => CheckAnswer::inconclusive(format!("`{shown}` was lost: {error}")),
            Err(_) => CheckAnswer::inconclusive(format!(
                "`{shown}` did not end within {}; it was ended, with {left} processes in all",
                request.timeout
            )),
        };
        let printed = if errors == Errors::Apart { said.errors } else { said.output };
        if printed.is_empty() { answer } else { answer.with_output(printed) }
    }

    /// What a program says that answers with an object: one that did not end well says nothing.
    async fn answered(
        &self,
        shown: &str,
        status: ExitStatus,
        said: &Said,
        request: &CheckRequest,
    ) -> CheckAnswer {
        let nothing = |why: String| CheckAnswer::inconclusive(format!("`{shown}` {why}"));
        match (status.code(), status.signal()) {
            (Some(0), _) if said.is_cut => nothing("prints more than is read".to_owned()),
            (Some(0), _) => contract::answer(&said.bytes, shown, request, &self.site).await,
            (Some(code), _) => nothing(format!("ended with status {code}, and gave no answer")),
            (None, signal) => {
                let signal = signal.unwrap_or_default();
                nothing(format!("was ended by signal {signal}, and gave no answer"))
            }
        }
    }

    fn judge(&self, shown: &str, status: ExitStatus, request: &CheckRequest) -> CheckAnswer {
        match (status.code(), status.signal()) {
            (Some(0), _) => CheckAnswer::pass(format!("`{shown}` ended with status 0")),
            (Some(TEMPORARY_FAILURE), _) => CheckAnswer::pending(
                request.now.plus(ASK_AGAIN_AFTER.faster(self.site.speed)),
                format!("`{shown}` says that it is too early (status {TEMPORARY_FAILURE})"),
            ),
            (Some(code), _) => CheckAnswer::fail(format!("`{shown}` ended with status {code}")),
            (None, Some(signal)) => {
                CheckAnswer::fail(format!("`{shown}` was ended by signal {signal}"))
            }
            (None, None) => CheckAnswer::fail(format!("`{shown}` ended without a status")),
        }
    }
}

#[async_trait]
impl Check for Run {
    async fn ask(&self, request: &CheckRequest) -> CheckAnswer {
        let words = self.settings.run.iter().map(|word| question::first(word, request));
        match words.collect::<Result<Vec<_>, _>>() {
            Ok(words) => self.run(&words, request).await,
            Err(answer) => answer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::processes::{self, Wanted};
    use crate::question::testing::{Evidence, NOW, check, problems, request, site};
    use crate::running::KEPT;
    use serde_json::json;
    use towpath_core::check::CheckResult;

    async fn ask(run: &[&str], timeout: Span) -> CheckAnswer {
        let folder = tempfile::tempdir().unwrap();
        let check = check("command", &json!({ "run": run }), &site(folder.path(), 1));
        let mut request = request(&["127.0.0.1:4000".parse().unwrap()], Evidence::default());
        request.timeout = timeout;
        check.ask(&request).await
    }

    async fn shell(script: &str) -> CheckAnswer {
        ask(&["/bin/sh", "-c", script], Span::seconds(20)).await
    }

    /// Whether any process carries `entry` in its environment.
    fn exists(entry: &str) -> bool {
        !processes::find(&Wanted { mark: entry, leader: None }).is_empty()
    }

    #[tokio::test]
    async fn the_status_is_the_answer_and_the_output_is_kept() {
        let answer = shell("echo out; echo err >&2; exit 0").await;
        assert_eq!(
            answer,
            CheckAnswer::pass("`/bin/sh` ended with status 0").with_output("out\nerr\n")
        );
        assert_eq!(shell("exit 3").await, CheckAnswer::fail("`/bin/sh` ended with status 3"));
        assert_eq!(shell("kill -9 $$").await, CheckAnswer::fail("`/bin/sh` was ended by signal 9"));
        let later = CheckResult::Pending { ask_again_at: NOW.plus(Span::minutes(1)) };
        assert_eq!(shell("exit 75").await.result, later);
        let absent = ask(&["/no/such/program"], Span::seconds(1)).await;
        assert_eq!(absent.result, CheckResult::Inconclusive);
    }

    #[tokio::test]
    async fn values_are_arguments_and_variables_and_never_read_by_a_shell() {
        let answer =
            ask(&["/bin/echo", "$(id)", "--at={green};ls", "`x`"], Span::seconds(20)).await;
        assert_eq!(answer.output.unwrap(), "$(id) --at=http://127.0.0.1:4000;ls `x`\n");
        let answer = shell("echo $TOWPATH_RELEASE $TOWPATH_ENVIRONMENT $TOWPATH_GREEN").await;
        assert_eq!(answer.output.unwrap(), "1.2.0 live http://127.0.0.1:4000\n");
    }

    #[tokio::test]
    async fn a_hung_program_is_ended_with_all_that_it_started() {
        let script = "trap '' TERM; export A=hung-$$; (setsid sleep 600 &) ; sleep 600 & \
                      echo $A; wait; sleep 600";
        let answer = ask(&["/bin/sh", "-c", script], Span(700)).await;
        assert_eq!(answer.result, CheckResult::Inconclusive);
        assert!(answer.sentence.contains("did not end within 700ms"), "{answer:?}");
        let mark = answer.output.unwrap();
        assert!(mark.starts_with("hung-"), "it ran");
        assert!(!exists(&format!("A={}", mark.trim())));
    }

    #[tokio::test]
    async fn a_daemon_that_holds_the_output_neither_hangs_the_check_nor_stays() {
        let answer = shell("export B=daemon-$$; (setsid sleep 600 &); echo $B; exit 0").await;
        assert_eq!(answer.result, CheckResult::Pass);
        assert!(!exists(&format!("B={}", answer.output.unwrap().trim())));
    }

    #[tokio::test]
    async fn a_check_that_is_given_up_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let unique = format!("given-up-{}", std::process::id());
        let settings = json!({ "run": ["/bin/sleep", "600"], "env": { "C": unique } });
        let check = check("command", &settings, &site(folder.path(), 1));
        let request = request(&[], Evidence::default());
        let mut asked = check.ask(&request);
        let given_up = std::time::Duration::from_millis(100);
        assert!(tokio::time::timeout(given_up, &mut asked).await.is_err());
        assert!(exists(&format!("C={unique}")));
        drop(asked);
        assert!(!exists(&format!("C={unique}")));
    }

    #[tokio::test]
    async fn a_flood_keeps_its_beginning_and_its_end() {
        let script = "echo first; i=0; while [ $i -lt 4000 ]; do i=$((i+1)); \
                      echo 'a line of a hundred bytes that goes on and on and on and on and on until here'; \
                      done; printf '\\033[31m\\377last'";
        let output = shell(script).await.output.unwrap();
        assert!(output.starts_with("first\n") && output.ends_with("\\u{1b}[31m\\xfflast"));
        assert!(output.contains(" bytes left out]") && output.len() < 3 * KEPT, "{}", output.len());
    }

    #[test]
    fn a_program_that_is_none_is_refused_when_the_matrix_is_checked() {
        assert_eq!(problems("command", &json!({ "run": ["{green}"] })), ["run[0]"]);
        assert_eq!(
            problems("command", &json!({ "run": ["a"], "env": { "A=B": "c" } })),
            ["env.A=B"]
        );
    }
}
