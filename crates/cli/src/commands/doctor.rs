//! `doctor`: looks for what is wrong with this project on this machine. Changes nothing and starts
//! nothing.

use std::process::Stdio;
use std::sync::Arc;

use towpath_core::reason::Next;
use towpath_engine::views::{FORMAT, Status};
use towpath_server::requests::EngineStatus;

use crate::background;
use crate::client::Client;
use crate::commands::{Context, matrix};
use crate::exit_code::{CliError, ExitCode};
use crate::project::ProjectFolder;
use crate::report;
use crate::report::doctor::Finding;
use crate::server::Server;

/// Runs `doctor`. Failed (exit 1) when something is wrong.
pub(crate) async fn run(context: &Context) -> Result<ExitCode, CliError> {
    let mut findings = Vec::new();
    match context.project() {
        Ok(project) if project.server.is_some() => findings.extend(server(project, context).await),
        Ok(project) => {
            findings.push(matrix_file(&project));
            findings.push(journal(&project));
            findings.extend(engine(&project, context).await);
        }
        Err(error) => findings.push(of_error("project", Some(false), &error)),
    }
    findings.push(git().await);
    let wrong = findings.iter().any(|finding| finding.well == Some(false));
    let view = serde_json::json!({ "format": FORMAT, "well": !wrong, "findings": findings });
    context.either(&view, report::doctor::text(&findings, &context.out));
    Ok(if wrong { ExitCode::Failed } else { ExitCode::Done })
}

/// The server that is meant, and what it says of the project.
async fn server(project: ProjectFolder, context: &Context) -> Vec<Finding> {
    let place = project.server.as_ref().map(Server::shown).unwrap_or_default();
    let client = Client::of_engine(&Arc::new(project));
    let status = match client.get::<EngineStatus>("/v1/engine").await {
        Err(error) => return vec![of_error("server", Some(false), &error)],
        Ok(status) => status,
    };
    let sentence = format!("{place}, version {} since {}", status.version, status.since);
    let same = status.version == env!("CARGO_PKG_VERSION");
    let mut findings = vec![Finding {
        what: "server",
        well: same.then_some(true),
        sentence: if same {
            sentence
        } else {
            format!("{sentence}; this program is {}", env!("CARGO_PKG_VERSION"))
        },
        next: None,
    }];
    if let Ok(status) = client.get::<Status>("/v1/status").await {
        context.knows_services(!report::status::is_single(&status));
        findings.extend(signed(&status));
        findings.extend(lanes(&status, context));
    }
    findings
}

fn of_error(what: &'static str, well: Option<bool>, error: &CliError) -> Finding {
    let trouble = error.trouble();
    let cause = trouble.cause.as_ref().map(|cause| format!(": {cause}")).unwrap_or_default();
    Finding {
        what,
        well,
        sentence: format!("{}{cause}", trouble.message),
        next: trouble.next.first().cloned(),
    }
}

fn matrix_file(project: &ProjectFolder) -> Finding {
    match matrix::counts(project) {
        Ok((0, warnings)) => Finding {
            what: "matrix",
            well: Some(true),
            sentence: format!("{}: 0 errors, {warnings} warnings", project.matrix_file.display()),
            next: None,
        },
        Ok((errors, _)) => Finding {
            what: "matrix",
            well: Some(false),
            sentence: format!("{}: {errors} errors", project.matrix_file.display()),
            next: Some(Next::new("towpath matrix check", "what is wrong with it")),
        },
        Err(error) => of_error("matrix", Some(false), &error),
    }
}

/// Who else may read the folder of the journal; kept artefacts and logs are in it.
fn journal(project: &ProjectFolder) -> Finding {
    use std::os::unix::fs::PermissionsExt as _;
    let place = project.state.display();
    let Ok(found) = std::fs::metadata(&project.state) else {
        return Finding {
            what: "journal",
            well: None,
            sentence: format!("{place} does not exist yet; the first order makes it"),
            next: None,
        };
    };
    let open = found.permissions().mode() & 0o077 != 0;
    Finding {
        what: "journal",
        well: (!open).then_some(true),
        sentence: if open {
            format!("{place} can be read by other users of this machine")
        } else {
            format!("{place}, readable by you alone")
        },
        next: open.then(|| Next::new(format!("chmod 700 {place}"), "keeps others out")),
    }
}

async fn engine(project: &ProjectFolder, context: &Context) -> Vec<Finding> {
    let socket = match background::ensure_engine(project, false).await {
        Ok(socket) => socket,
        Err(error) => return vec![of_error("engine", None, &error)],
    };
    let client = Client::new(socket);
    match client.get::<EngineStatus>("/v1/engine").await {
        Err(error) => vec![of_error("engine", Some(false), &error)],
        Ok(status) => {
            let same = status.version == env!("CARGO_PKG_VERSION");
            let mut findings = vec![Finding {
                what: "engine",
                well: if same { Some(true) } else { None },
                sentence: format!(
                    "process {} of version {} since {}, at {}",
                    status.pid,
                    status.version,
                    status.since,
                    project.socket().display()
                ),
                next: (!same).then(|| {
                    let own = env!("CARGO_PKG_VERSION");
                    Next::new("towpath engine stop", format!("the next order starts {own}"))
                }),
            }];
            if let Ok(status) = client.get::<Status>("/v1/status").await {
                context.knows_services(!report::status::is_single(&status));
                findings.extend(signed(&status));
                findings.extend(lanes(&status, context));
            }
            findings
        }
    }
}

/// Whether the end of the journal is signed, and kept where the matrix says.
fn signed(status: &Status) -> Option<Finding> {
    status.engine.unsigned.as_ref().map(|why| Finding {
        what: "checkpoints",
        well: Some(false),
        sentence: format!("{why}; it is tried again"),
        next: Some(Next::new("towpath audit checkpoint", "tries it now")),
    })
}

fn lanes(status: &Status, context: &Context) -> Vec<Finding> {
    let mut findings = Vec::new();
    for lane in &status.lanes {
        let helps = |command: String, what: &str| {
            Some(context.err.of_lane(&lane.service, Next::new(command, what)))
        };
        let name = report::status::lane_name(&lane.service, &lane.environment, &context.out);
        if lane.health.state == "unhealthy" {
            findings.push(Finding {
                what: "health",
                well: Some(false),
                sentence: format!("{name} fails on {}", lane.health.failing.join(", ")),
                next: helps(format!("towpath health {}", lane.environment), "asks again"),
            });
        }
        if lane.promotion.as_ref().is_some_and(|promotion| promotion.state == "reconciling") {
            findings.push(Finding {
                what: "router",
                well: Some(false),
                sentence: format!("the weights of {name} are not as they were ordered"),
                next: helps(format!("towpath why {}", lane.environment), "since when"),
            });
        }
    }
    findings
}

/// `release create` asks git for the commit and the author, and checks of kind `git` for the history.
async fn git() -> Finding {
    let mut command = tokio::process::Command::new("git");
    command.arg("--version").stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    match command.output().await {
        Ok(output) if output.status.success() => Finding {
            what: "git",
            well: Some(true),
            sentence: String::from_utf8_lossy(&output.stdout).trim().to_owned(),
            next: None,
        },
        _ => Finding {
            what: "git",
            well: None,
            sentence: "not found; release create cannot fill in commit and author, and no check `git` passes".to_owned(),
            next: None,
        },
    }
}
