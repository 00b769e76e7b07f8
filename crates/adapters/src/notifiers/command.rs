//! Notifier `command`: a program of one's own passes the notice on. Owns what the program is given and
//! what its status means; the notice is data on its input and never part of a command line.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use towpath_core::notices::Notice;
use towpath_core::units::Span;
use towpath_ports::notifier::{Delivery, Failure, Notifier, Taken};
use towpath_ports::settings::Problem;
use towpath_ports::{Family, Field, FieldType, Kind, KindEntry, KindState, Site};

use super::{object, said};
use crate::printable::escaped;
use crate::running::{self, Errors, Running};

/// The longest time that the engine gives one attempt, whatever the channel.
const LONGEST: Span = Span::minutes(2);
/// `EX_DATAERR` of sysexits.h: what was given will never do.
const NEVER: i32 = 65;

pub(super) const KIND: Kind<dyn Notifier> = Kind {
    entry: KindEntry {
        family: Family::Notifier,
        name: "command",
        summary: "A program gets the notice as JSON and ends with status 0 (taken), 65 (never) or \
                  another (try again).",
        example: "{ kind: command, run: [./tell.sh] }",
        state: KindState::Built,
        capabilities: &[],
        fields: &[
            Field::required(
                "run",
                FieldType::Argv,
                "The program and its arguments, without a shell, run in the matrix's folder. The \
                 notice is one JSON object on its input; TOWPATH_NOTICE_ID, \
                 TOWPATH_NOTICE_OCCASION and TOWPATH_NOTICE_SUBJECT hold what is asked for most.",
            ),
            Field::optional(
                "env",
                FieldType::TextMap,
                "Environment variables over those of the engine.",
            ),
            Field {
                name: "timeout",
                of: FieldType::Span,
                default: Some("30s"),
                doc: "How long the program may take; then it is ended, and run again later.",
            },
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
    if settings.timeout > LONGEST.milliseconds() {
        let message =
            format!("`timeout` is longer than {LONGEST}, after which a notice is tried anew");
        problems.push(Problem::new("timeout", message, format!("at most {LONGEST}")));
    }
    problems
}

/// Checked settings; the fields of [`KIND`] say what each is.
#[derive(Clone, Debug, Deserialize)]
struct Settings {
    run: Vec<String>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    timeout: u64,
}

struct Run {
    settings: Settings,
    root: PathBuf,
}

impl Run {
    fn new(settings: &Value, site: &Site) -> Result<Self, String> {
        let settings = Settings::deserialize(settings);
        let settings = settings.map_err(|error| format!("notifier `command`: {error}"))?;
        Ok(Self { settings, root: site.root.clone() })
    }

    fn command(&self, notice: &Notice) -> Command {
        let mut command = Command::new(&self.settings.run[0]);
        command
            .args(&self.settings.run[1..])
            .current_dir(&self.root)
            .envs(&self.settings.env)
            .env("TOWPATH_NOTICE_ID", &notice.id)
            .env("TOWPATH_NOTICE_OCCASION", notice.occasion.key())
            .env("TOWPATH_NOTICE_SUBJECT", &notice.subject);
        command
    }

    fn judge(&self, status: ExitStatus, printed: &str) -> Result<Taken, Failure> {
        let program = self.program();
        let with = |sentence: String| match printed {
            "" => sentence,
            said => format!("{sentence}: {said}"),
        };
        match (status.code(), status.signal()) {
            (Some(0), _) => Ok(Taken { sentence: format!("`{program}` took it") }),
            (Some(NEVER), _) => {
                Err(Failure::never(with(format!("`{program}` refused it (status {NEVER})"))))
            }
            (Some(code), _) => {
                Err(Failure::later(with(format!("`{program}` ended with status {code}"))))
            }
            (None, signal) => {
                let signal = signal.unwrap_or_default();
                Err(Failure::later(with(format!("`{program}` was ended by signal {signal}"))))
            }
        }
    }

    fn program(&self) -> String {
        escaped(self.settings.run[0].as_bytes())
    }
}

#[async_trait]
impl Notifier for Run {
    async fn deliver(&self, delivery: &Delivery<'_>) -> Result<Taken, Failure> {
        let notice = delivery.notice;
        let started = Running::fed(self.command(notice), Errors::Among).map_err(|error| {
            Failure::later(format!("`{}` could not be started: {error}", self.program()))
        })?;
        let (mut running, input) = started;
        let body = format!("{}\n", object(notice));
        let feeding = async move {
            if let Some(mut input) = input {
                // A program that does not read is judged by its status like any other.
                let _ = input.write_all(body.as_bytes()).await;
            }
        };
        let timeout = Duration::from_millis(self.settings.timeout);
        let ended =
            tokio::time::timeout(timeout, async { tokio::join!(feeding, running.ended()).1 }).await;
        let (left, printed) = running.finish().await;
        let last = printed.output.trim_end().lines().last().unwrap_or_default();
        let printed = said(delivery, last.as_bytes());
        match ended {
            Ok(Ok(status)) => self.judge(status, &printed),
            Ok(Err(error)) => {
                Err(Failure::later(format!("`{}` was lost: {error}", self.program())))
            }
            Err(_) => Err(Failure::later(format!(
                "`{}` did not end within {}; it was ended, with {left} processes in all",
                self.program(),
                Span(self.settings.timeout)
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::notifiers::testing::{build, deliver, notice};

    fn shell(script: &str, timeout: &str) -> (tempfile::TempDir, Arc<dyn Notifier>) {
        let folder = tempfile::tempdir().unwrap();
        let settings = json!({ "run": ["/bin/sh", "-c", script], "timeout": timeout });
        let notifier = build("command", &settings, folder.path()).unwrap();
        (folder, notifier)
    }

    #[tokio::test]
    async fn the_program_gets_the_whole_notice_and_its_status_is_the_answer() {
        let script = "cat > got; echo \"$TOWPATH_NOTICE_ID $TOWPATH_NOTICE_OCCASION\" > id";
        let (folder, notifier) = shell(script, "20s");
        for _ in 0..2 {
            let taken = deliver(&*notifier, &[]).await.unwrap();
            assert_eq!(taken.sentence, "`/bin/sh` took it");
        }
        let got = std::fs::read_to_string(folder.path().join("got")).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&got).unwrap(), object(&notice()));
        let id = std::fs::read_to_string(folder.path().join("id")).unwrap();
        assert_eq!(id, "6635b5a8dc000-3-17-0 rolled_back\n");
    }

    #[tokio::test]
    async fn a_program_that_fails_is_run_again_unless_it_says_never() {
        for (script, later) in [("exit 1", true), ("exit 75", true), ("exit 65", false)] {
            let (_folder, notifier) = shell(script, "20s");
            let failure = deliver(&*notifier, &[]).await.unwrap_err();
            assert_eq!(failure.may_help_later, later, "{failure:?}");
        }
        let (_folder, notifier) = shell("kill -9 $$", "20s");
        let failure = deliver(&*notifier, &[]).await.unwrap_err();
        assert_eq!(failure.sentence, "`/bin/sh` was ended by signal 9");
    }

    #[tokio::test]
    async fn a_program_that_hangs_or_does_not_read_holds_nobody_up() {
        let (_folder, notifier) = shell("sleep 600", "300ms");
        let failure = deliver(&*notifier, &[]).await.unwrap_err();
        assert!(failure.may_help_later, "{failure:?}");
        assert!(failure.sentence.contains("did not end within 300ms"), "{failure:?}");
        let (_folder, notifier) = shell("exec <&-; exit 0", "20s");
        assert!(deliver(&*notifier, &[]).await.is_ok());
    }

    #[tokio::test]
    async fn what_it_printed_last_is_told_on_one_line_and_without_secrets() {
        let script = "echo first; printf 'no token hunter2-hunter2\\033[2J'; exit 3";
        let (_folder, notifier) = shell(script, "20s");
        let failure =
            deliver(&*notifier, &[("token_secret", "hunter2-hunter2")]).await.unwrap_err();
        let expected = "`/bin/sh` ended with status 3: no token ***\\u{1b}[2J";
        assert_eq!(failure.sentence, expected);
    }
}
