//! A conversation with the project's engine, or with its journal: finding it, giving it the matrix,
//! naming lanes. Owns the answers to a name that does not exist; orders nothing.

use std::sync::Arc;

use towpath_core::ids::{LaneId, Name};
use towpath_engine::views::{LaneView, Status};
use towpath_server::requests::{AcceptedView, MatrixRequest};

use crate::background;
use crate::client::Client;
use crate::commands::{Context, matrix};
use crate::exit_code::{CliError, ExitCode};
use crate::journal::Journal;
use crate::project::ProjectFolder;
use crate::report::attendance::Attendance;
use crate::report::usage::nearest;
use crate::{person, report};

/// Somebody who answers, and what was said at the beginning.
pub(crate) struct Session {
    /// Where the project is.
    pub(crate) project: Arc<ProjectFolder>,
    /// The way to its engine, or to its journal.
    pub(crate) client: Client,
    /// What served where when the session began.
    pub(crate) status: Status,
    service: Option<Name>,
    /// An engine is there and did not answer.
    silent: bool,
}

impl Session {
    /// For orders that must work whatever the file says now (rolling back, holding). The matrix in
    /// force counts; only an engine that has none yet gets the file. Starts an engine when none runs.
    pub(crate) async fn looking(context: &Context) -> Result<Self, CliError> {
        let project = Arc::new(context.project()?);
        if project.server.is_some() {
            return Self::elsewhere(project, context).await;
        }
        background::ensure_engine(&project, true).await?;
        let client = Client::of_engine(&project);
        let mut session = Self::of(project, client, context).await?;
        if session.status.lanes.is_empty() {
            session.apply(context).await?;
        }
        Ok(session)
    }

    /// For orders that follow the file: it must be right, and is in force afterwards. Starts an engine
    /// when none runs.
    pub(crate) async fn following(context: &Context) -> Result<Self, CliError> {
        let project = Arc::new(context.project()?);
        if project.server.is_some() {
            return Self::elsewhere(project, context).await;
        }
        matrix::resolved(&project, context)?;
        background::ensure_engine(&project, true).await?;
        let client = Client::of_engine(&project);
        let mut session = Self::of(project, client, context).await?;
        session.apply(context).await?;
        Ok(session)
    }

    /// With an engine, and with the matrix as it is in force.
    pub(crate) async fn looking_with_engine(context: &Context) -> Result<Self, CliError> {
        let project = Arc::new(context.project()?);
        if project.server.is_some() {
            return Self::elsewhere(project, context).await;
        }
        matrix::resolved(&project, context)?;
        background::ensure_engine(&project, true).await?;
        let client = Client::of_engine(&project);
        Self::of(project, client, context).await
    }

    /// For questions: as [`Session::looking`], but starts nothing. Where no engine runs, the journal
    /// answers, and the command says so at its end.
    pub(crate) async fn reading(context: &Context) -> Result<Self, CliError> {
        let project = Arc::new(context.project()?);
        if project.server.is_some() {
            return Self::elsewhere(project, context).await;
        }
        let client = Self::engine_or_journal(&project, context).await?;
        let mut session = Self::of(project, client, context).await?;
        if session.status.lanes.is_empty() {
            session.apply(context).await?;
        }
        context.at_the_end(session.attendance());
        Ok(session)
    }

    /// For questions about what the file says: as [`Session::following`], but starts nothing. Where no
    /// engine runs, the answer is what it would be with the file in force.
    pub(crate) async fn planning(context: &Context) -> Result<Self, CliError> {
        let project = Arc::new(context.project()?);
        if project.server.is_some() {
            return Self::elsewhere(project, context).await;
        }
        matrix::resolved(&project, context)?;
        let client = Self::engine_or_journal(&project, context).await?;
        let mut session = Self::of(project, client, context).await?;
        session.apply(context).await?;
        context.at_the_end(session.attendance());
        Ok(session)
    }

    /// With a server, which has a matrix in force: the file of this folder, if there is one, is nothing but
    /// what `matrix apply` would bring.
    async fn elsewhere(project: Arc<ProjectFolder>, context: &Context) -> Result<Self, CliError> {
        let client = Client::of_engine(&project);
        Self::of(project, client, context).await
    }

    async fn engine_or_journal(
        project: &Arc<ProjectFolder>,
        context: &Context,
    ) -> Result<Client, CliError> {
        if background::engine_answers_soon(project).await {
            return Ok(Client::of_engine_or_journal(project));
        }
        Self::of_journal(project, context).await
    }

    async fn of_journal(project: &ProjectFolder, context: &Context) -> Result<Client, CliError> {
        let name = || Ok(matrix::resolved(project, context)?.project);
        Ok(Client::of_journal(Journal::open(project, name).await?))
    }

    /// Who answered, and what is missing where it was no engine.
    pub(crate) fn attendance(&self) -> Attendance {
        match self.client.journal() {
            None => Attendance::Engine,
            Some(_) if self.silent => Attendance::Silent,
            Some(journal) if !journal.is_begun() => Attendance::NoJournal,
            Some(_) if self.is_ended() => Attendance::Ended(self.project.ended()),
            Some(journal) if journal.needs_engine() => Attendance::Missing,
            Some(_) => Attendance::NotNeeded,
        }
    }

    /// Whether everything was ended for good that some lane is on record to serve.
    fn is_ended(&self) -> bool {
        let ended = self.project.ended();
        let mut serving = self.status.lanes.iter().filter_map(|lane| lane.serves.as_ref());
        serving.any(|serves| serves.promotion <= ended)
    }

    async fn of(
        project: Arc<ProjectFolder>,
        client: Client,
        context: &Context,
    ) -> Result<Self, CliError> {
        let status: Status = client.get("/v1/status").await?;
        context.knows_services(!report::status::is_single(&status));
        let service = context.global.service.clone();
        let silent = client.journal().is_none() && !status.engine.running;
        // The journal has answered in its place, and answers what else is asked.
        let client = if silent { Self::of_journal(&project, context).await? } else { client };
        Ok(Self { project, client, status, service, silent })
    }

    async fn apply(&mut self, context: &Context) -> Result<(), CliError> {
        // What a repository says is not overruled by a file that happens to lie here.
        if self.status.following.is_some() {
            return Ok(());
        }
        let matrix = matrix::resolved(&self.project, context)?;
        if let Some(journal) = self.client.journal() {
            journal.suppose(matrix.rehearsed(self.project.speed()));
        } else {
            let request = MatrixRequest {
                matrix,
                by: person::current(),
                unless_asked: true,
                signed: None,
                source: None,
            };
            // Asked, not ordered: to apply the same a second time changes nothing.
            let applied = self.client.ask::<_, AcceptedView>("/v1/matrix", &request).await;
            match applied {
                Err(error) if error.code() == "needs-agreement" => {
                    context.aside(&changed_file(&error));
                }
                other => drop(other?),
            }
        }
        self.status = self.client.get("/v1/status").await?;
        Ok(())
    }

    /// The lane of the named service, or of the only one, in `environment`. `retry` writes the same
    /// command for another environment.
    ///
    /// # Errors
    /// `no-environment` and `no-service` (exit 5) when the matrix in force has none of that name,
    /// `service-needed` (exit 2) when it has several and none was named.
    pub(crate) fn lane(
        &self,
        environment: &Name,
        retry: impl Fn(&str) -> String,
    ) -> Result<(LaneId, &LaneView), CliError> {
        let lanes = &self.status.lanes;
        let here: Vec<&LaneView> =
            lanes.iter().filter(|lane| lane.environment == environment.as_str()).collect();
        if here.is_empty() {
            return Err(self.no_environment(environment, retry));
        }
        let found = match (&self.service, here.as_slice()) {
            (None, [only]) => only,
            (None, _) => {
                return Err(service_needed(&services_of(&here), &retry(environment.as_str())));
            }
            (Some(service), _) => here
                .iter()
                .find(|lane| lane.service == service.as_str())
                .ok_or_else(|| no_service(service, &services_of(&here)))?,
        };
        let service = Name::new(&found.service).map_err(anyhow::Error::new)?;
        Ok((LaneId { service, environment: environment.clone() }, found))
    }

    /// The named service, or the only one.
    ///
    /// # Errors
    /// As [`Session::lane`].
    pub(crate) fn service(&self, retry: &str) -> Result<Name, CliError> {
        let mut lanes: Vec<&LaneView> = self.status.lanes.iter().collect();
        lanes.sort_by(|one, other| one.service.cmp(&other.service));
        lanes.dedup_by(|one, other| one.service == other.service);
        let name = match (&self.service, lanes.as_slice()) {
            (Some(service), _) if lanes.iter().any(|lane| lane.service == service.as_str()) => {
                return Ok(service.clone());
            }
            (Some(service), _) => return Err(no_service(service, &services_of(&lanes))),
            (None, [only]) => only.service.clone(),
            (None, _) => return Err(service_needed(&services_of(&lanes), retry)),
        };
        Ok(Name::new(&name).map_err(anyhow::Error::new)?)
    }

    /// The name that commands about `service` have to say; none where there is no other.
    pub(crate) fn named_service(&self, service: &str) -> Option<Name> {
        let several = self.status.lanes.iter().any(|lane| lane.service != service);
        several.then(|| Name::new(service).ok()).flatten()
    }

    /// Refuses an environment that the matrix in force does not have.
    pub(crate) fn knows(
        &self,
        environment: &Name,
        retry: impl Fn(&str) -> String,
    ) -> Result<(), CliError> {
        let found = self.status.lanes.iter().any(|lane| lane.environment == environment.as_str());
        if found { Ok(()) } else { Err(self.no_environment(environment, retry)) }
    }

    fn no_environment(&self, name: &Name, retry: impl Fn(&str) -> String) -> CliError {
        let mut known: Vec<&str> =
            self.status.lanes.iter().map(|lane| lane.environment.as_str()).collect();
        known.dedup();
        no_environment(name, &known, retry)
    }
}

fn services_of<'a>(lanes: &[&'a LaneView]) -> Vec<&'a str> {
    lanes.iter().map(|lane| lane.service.as_str()).collect()
}

/// The refusal of an environment that is none of the `known`. `retry` writes the same command for
/// another one.
pub(super) fn no_environment(
    name: &Name,
    known: &[&str],
    retry: impl Fn(&str) -> String,
) -> CliError {
    let message = format!("there is no environment `{name}`");
    let error = CliError::new(ExitCode::NotFound, "no-environment", message)
        .because(format!("the matrix has {}", known.join(", ")));
    match nearest(name.as_str(), known) {
        Some(near) => error.next(retry(near), ""),
        None => error.next("towpath status", "what serves where"),
    }
}

/// The refusal of a service that is none of the `known`.
pub(super) fn no_service(name: &Name, known: &[&str]) -> CliError {
    let error =
        CliError::new(ExitCode::NotFound, "no-service", format!("there is no service `{name}`"))
            .because(format!("the matrix has {}", known.join(", ")));
    match nearest(name.as_str(), known) {
        Some(near) => error.next(format!("--service {near}"), "the nearest name"),
        None => error.next("towpath status", "what serves where"),
    }
}

/// The question which of the `known` services is meant. `retry` is the command without it.
pub(super) fn service_needed(known: &[&str], retry: &str) -> CliError {
    let message = format!("which of {} services is meant?", known.len());
    let mut error = CliError::new(ExitCode::Usage, "service-needed", message)
        .because(format!("the matrix has {}, and none was named", known.join(", ")));
    // More than a screenful of choices is no help.
    for service in known.iter().take(5) {
        error = error.next(format!("{retry} --service {service}"), "");
    }
    error
}

/// The address of a lane.
pub(crate) fn lane_path(lane: &LaneId, rest: &str) -> String {
    format!("/v1/lanes/{}/{}{rest}", lane.service, lane.environment)
}

/// What is done with a file that differs from what is in force, where people must agree to it.
fn changed_file(error: &CliError) -> String {
    let cause = error.cause().unwrap_or_default();
    format!(
        "note: towpath.yaml {}; what is in force counts\n      towpath matrix apply     proposes the file\n",
        cause.trim_start_matches("it ")
    )
}
