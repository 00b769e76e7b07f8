//! Target `process`: programs of this machine, each under a supervisor of its own. Owns how a
//! deployment is started, found again and ended; what keeps a program alive is the supervisor's.

mod command;
mod fence;
mod folder;
mod log;
mod port;
mod ready;
mod starting;
mod stopping;
mod supervisor;
mod work;

use std::io;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::Value;
use towpath_core::deployment::Endpoint;
use towpath_core::ids::{Epoch, LaneId, PromotionNumber};
use towpath_core::units::Span;
use towpath_ports::secret::Secret;
use towpath_ports::settings::Problem;
use towpath_ports::target::{
    DeployRequest, InstanceStatus, LogLine, Target, TargetError, TargetErrorKind,
};
use towpath_ports::{Family, Field, FieldType, Kind, KindEntry, KindState, Site};

use crate::processes::Identity;
use fence::Fence;
use folder::DeploymentFolder;
use ready::Readiness;
use stopping::Stopping;
pub use supervisor::supervise;
use work::blocking;

pub(super) const KIND: Kind<dyn Target> = Kind {
    entry: KindEntry {
        family: Family::Target,
        name: "process",
        summary: "Programs of this machine, each supervised, beside what runs already.",
        example: "{ kind: process, command: [./app, --data, \"{artifact:data}\"], stop_within: 10s }",
        state: KindState::Built,
        capabilities: &["beside", "epoch", "instances", "logs", "restart", "survives_engine"],
        fields: &[
            Field {
                name: "command",
                of: FieldType::Argv,
                default: None,
                doc: "The program and its arguments, without a shell; a relative program lies in \
                      the artefact named like the service, {artifact} and {artifact:NAME} are \
                      paths of kept artefacts.",
            },
            Field {
                name: "directory",
                of: FieldType::Word(&["private", "artifact"]),
                default: Some("private"),
                doc: "Where it starts: a folder of its own per instance, or the artefact's.",
            },
            Field {
                name: "start_within",
                of: FieldType::Span,
                default: Some(""),
                doc: "How long it may take until it is ready; left out: what the engine allows.",
            },
            Field {
                name: "ready",
                of: FieldType::Text,
                default: Some(""),
                doc: "Path that answers 2xx on a ready instance; left out: the environment's first \
                      health endpoint, and without one an open port. What answers must be the \
                      program or one that it started.",
            },
            Field {
                name: "stop_within",
                of: FieldType::Span,
                default: Some("10s"),
                doc: "How long it may take to end after SIGTERM, before SIGKILL.",
            },
            Field {
                name: "crash_loop",
                of: FieldType::Count(1, folder::ENDS_KEPT as u64),
                default: Some("5"),
                doc: "A start fails when the program ended so often within `crash_window`.",
            },
            Field {
                name: "crash_window",
                of: FieldType::Span,
                default: Some("60s"),
                doc: "See `crash_loop`.",
            },
            Field {
                name: "restart_delay",
                of: FieldType::Span,
                default: Some("30s"),
                doc: "The longest pause before a restart; the first is 100ms and each doubles.",
            },
            Field {
                name: "log_limit",
                // A page of text at least; at most what a person would still open.
                of: FieldType::Size(4096, 1 << 30),
                default: Some("10MiB"),
                doc: "The most that one log file holds; two are kept per instance.",
            },
        ],
        validate,
    },
    build: Some(|settings, site| Ok(Arc::new(Process::new(settings, site)?))),
};

fn validate(settings: &Value) -> Vec<Problem> {
    let settings = match Settings::deserialize(settings) {
        Ok(settings) => settings,
        Err(error) => return vec![Problem::new("", error.to_string(), "the documented settings")],
    };
    let mut problems = Vec::new();
    if let Some(wrong) = command::validate(&settings.command) {
        let expected = "a program inside the artefact, {artifact} or {artifact:NAME}";
        problems.push(Problem::new("command", wrong, expected));
    }
    if let Some(ready) = settings.ready.filter(|path| !path.starts_with('/')) {
        let wrong = format!("`{ready}` does not begin with /");
        problems.push(Problem::new("ready", wrong, "a path such as /ready"));
    }
    problems
}

/// Checked settings; the fields of [`KIND`] say what each is.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    command: Vec<String>,
    directory: Directory,
    start_within: Option<Span>,
    ready: Option<String>,
    stop_within: Span,
    crash_loop: usize,
    crash_window: Span,
    restart_delay: Span,
    log_limit: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Directory {
    Private,
    Artifact,
}

/// Runs releases as processes of this machine. What a process takes to start and to end is never
/// sped up in a rehearsal: it would not become faster.
struct Process {
    settings: Settings,
    site: Site,
    readiness: Readiness,
}

impl Process {
    fn new(settings: &Value, site: &Site) -> Result<Self, String> {
        let own = settings.as_object().into_iter().flatten();
        let own: serde_json::Map<_, _> = own
            .filter(|(key, _)| !key.starts_with("x-"))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        let settings = Settings::deserialize(Value::Object(own));
        let settings = settings.map_err(|error| format!("target `process`: {error}"))?;
        let site = Site {
            state: crate::absolute(&site.state),
            program: crate::absolute(&site.program),
            ..site.clone()
        };
        Ok(Self { settings, site, readiness: Readiness::new()? })
    }

    fn folder(&self, lane: &LaneId, deployment: PromotionNumber) -> DeploymentFolder {
        DeploymentFolder::of(&self.site.state, lane, deployment)
    }
}

#[async_trait]
impl Target for Process {
    async fn ensure_running(&self, request: &DeployRequest) -> Result<Vec<Endpoint>, TargetError> {
        self.start(request).await
    }

    async fn observe(
        &self,
        lane: &LaneId,
        deployment: PromotionNumber,
    ) -> Result<Vec<InstanceStatus>, TargetError> {
        let (folder, program) = (self.folder(lane, deployment), self.site.program.clone());
        blocking(move |_| Ok(observe(&folder, &program)?)).await
    }

    async fn ensure_stopped(
        &self,
        lane: &LaneId,
        deployment: PromotionNumber,
        epoch: Epoch,
        drain: Span,
    ) -> Result<(), TargetError> {
        let within = drain.min(self.settings.stop_within);
        let stopping = Stopping { fence: Fence::of(&self.site.state), epoch, within };
        stopping.stop(&self.site.state, lane, deployment).await
    }

    async fn handed(&self, lane: &LaneId, deployment: PromotionNumber) -> Vec<Secret> {
        let folder = self.folder(lane, deployment);
        let read = blocking(move |_| {
            let mut secrets = Vec::new();
            for (_, instance) in folder.instances()? {
                secrets.extend(instance.secrets()?.into_values());
            }
            Ok(secrets)
        });
        read.await.unwrap_or_default()
    }

    async fn logs(
        &self,
        lane: &LaneId,
        deployment: PromotionNumber,
        limit: usize,
    ) -> Result<Vec<LogLine>, TargetError> {
        /// More than anybody reads at once.
        const MOST: usize = 10_000;
        let (folder, limit) = (self.folder(lane, deployment), limit.min(MOST));
        blocking(move |_| {
            let mut lines = Vec::new();
            for (instance, folder) in folder.instances()? {
                lines.append(&mut log::tail(folder.path(), instance, limit)?);
            }
            // Stable: lines of one instance keep their order.
            lines.sort_by_key(|line| line.at);
            lines.drain(..lines.len().saturating_sub(limit));
            Ok(lines)
        })
        .await
    }
}

/// What is there now. Where an instance shall run and has no supervisor, starts one, which adopts
/// the program if it still runs.
fn observe(folder: &DeploymentFolder, program: &Path) -> io::Result<Vec<InstanceStatus>> {
    let mut seen = Vec::new();
    for (instance, folder) in folder.instances()? {
        let (Some(address), shall_run) = (folder.address()?, folder.plan()?.is_some()) else {
            continue;
        };
        if shall_run && !folder.is_supervised()? {
            starting::spawn_supervisor(program, &folder)?;
        }
        let status = folder.status()?;
        let running = status.app.as_ref().is_some_and(Identity::is_alive);
        if shall_run || running {
            let last_end = status.ends.last().map(|end| end.how.clone());
            let restarts = status.restarts;
            seen.push(InstanceStatus { instance, address, running, last_end, restarts });
        }
    }
    Ok(seen)
}

/// An error that trying again may help.
fn transient(sentence: String) -> TargetError {
    TargetError { sentence, said: Vec::new(), kind: TargetErrorKind::Transient }
}
