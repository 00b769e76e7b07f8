//! The journal as it was written, a batch at a time: from its disk, or from the server that keeps it. Of what a server
//! sends nothing is believed that does not follow from what it sent before. Owns that; knows no file that is written.

use std::sync::Arc;

use towpath_audit::chain::genesis;
use towpath_audit::export::Line;
use towpath_core::ids::Name;
use towpath_ports::store::{Store, WrittenEvent};

use crate::client::{Client, Lines};
use crate::commands::session::Session;
use crate::commands::{Context, matrix};
use crate::exit_code::{CliError, ExitCode};
use crate::journal::Journal;
use crate::project::ProjectFolder;

/// Events that are read at once.
const BATCH: u32 = 1000;

/// A journal.
pub(super) struct Written {
    keeper: Keeper,
    pub(super) project: Name,
    pub(super) speed: u32,
}

/// Who keeps it.
enum Keeper {
    /// This machine, beside whatever engine writes it.
    Disk(Arc<dyn Store>),
    /// A server, and where it is.
    Server(Box<Client>, String),
}

impl Written {
    /// The one of this folder, on its disk.
    ///
    /// # Errors
    /// `no-journal` (exit 5) before anything happened; `of-server` (exit 2) where a server is meant.
    pub(super) async fn open(project: &ProjectFolder, context: &Context) -> Result<Self, CliError> {
        project.ensure_here("a journal is read as it was written")?;
        let name = || Ok(matrix::resolved(project, context)?.project);
        let journal = Journal::open(project, name).await?;
        if !journal.is_begun() {
            let message = "this project has no journal yet";
            return Err(CliError::new(ExitCode::NotFound, "no-journal", message)
                .at(project.state.display().to_string())
                .next("towpath status", "what there is"));
        }
        let setup = journal.engine().setup();
        let (store, project) = (Arc::clone(&setup.store), setup.project.clone());
        Ok(Self { keeper: Keeper::Disk(store), project, speed: setup.speed })
    }

    /// The one that is meant: of the server where one is, else as [`Written::open`].
    ///
    /// # Errors
    /// As [`Written::open`], and whatever the server refuses with.
    pub(super) async fn meant(context: &Context) -> Result<Self, CliError> {
        let project = context.project()?;
        if project.server.is_none() {
            return Self::open(&project, context).await;
        }
        Self::of(&Session::reading(context).await?, context).await
    }

    /// The same within a session.
    ///
    /// # Errors
    /// As [`Written::meant`].
    pub(super) async fn of(session: &Session, context: &Context) -> Result<Self, CliError> {
        let Some(server) = &session.project.server else {
            return Self::open(&session.project, context).await;
        };
        let keeper = Keeper::Server(Box::new(session.client.clone()), server.shown());
        let project = Name::new(&session.status.project).map_err(anyhow::Error::new)?;
        Ok(Self { keeper, project, speed: session.status.rehearsal.unwrap_or(1) })
    }

    /// Whether it is read from a server, which withholds what holds secrets.
    pub(super) fn is_elsewhere(&self) -> bool {
        matches!(self.keeper, Keeper::Server(..))
    }

    /// Events after `after`, at most so many as are read at once; of this disk alone.
    ///
    /// # Errors
    /// `no-journal` (exit 1): what is there cannot be read.
    pub(super) async fn after(&self, after: u64) -> Result<Vec<WrittenEvent>, CliError> {
        self.read(after, BATCH).await
    }

    /// One event; none where there is none.
    ///
    /// # Errors
    /// As [`Written::after`].
    pub(super) async fn event(&self, seq: u64) -> Result<Option<WrittenEvent>, CliError> {
        let Some(before) = seq.checked_sub(1) else { return Ok(None) };
        let found = self.read(before, 1).await?.pop();
        Ok(found.filter(|event| u64::try_from(event.seq) == Ok(seq)))
    }

    async fn read(&self, after: u64, limit: u32) -> Result<Vec<WrittenEvent>, CliError> {
        let Keeper::Disk(store) = &self.keeper else { return Ok(Vec::new()) };
        let found = store.written(after, limit).await;
        found.map_err(|error| {
            CliError::new(ExitCode::Failed, "no-journal", "the journal cannot be read")
                .because(error.to_string())
                .next("towpath audit verify", "where it is not as it was written")
        })
    }

    /// Its lines from the event `from` on.
    ///
    /// # Errors
    /// As [`Written::after`], and whatever the server refuses with.
    pub(super) async fn lines(&self, from: u64) -> Result<Reading<'_>, CliError> {
        let after = from.saturating_sub(1);
        let mut previous = (after == 0).then(|| genesis(&self.project, self.speed).to_string());
        let stream = match &self.keeper {
            Keeper::Server(client, _) => {
                Some(client.patient().lines(&format!("/v1/audit/export?after={after}")).await?)
            }
            Keeper::Disk(_) => {
                let before = self.event(after).await?.map(|event| event.hash);
                let begins = || genesis(&self.project, self.speed).to_string();
                previous = Some(before.unwrap_or_else(begins));
                None
            }
        };
        Ok(Reading { written: self, after, previous, stream })
    }
}

/// A journal that is being read.
pub(super) struct Reading<'a> {
    written: &'a Written,
    /// The last event that was read.
    after: u64,
    /// Its hash; none where that is not known yet.
    previous: Option<String>,
    stream: Option<Lines>,
}

impl Reading<'_> {
    /// The next lines; none at the end.
    ///
    /// # Errors
    /// `no-journal` (exit 1) when it cannot be read; `broken-chain` (exit 1) when a server sends what does not follow from
    /// what it sent before.
    pub(super) async fn next(&mut self) -> Result<Vec<Line>, CliError> {
        if self.stream.is_some() { self.sent().await } else { self.read().await }
    }

    async fn read(&mut self) -> Result<Vec<Line>, CliError> {
        let Written { project, speed, .. } = self.written;
        let mut lines = Vec::new();
        for event in self.written.after(self.after).await? {
            self.after = u64::try_from(event.seq).unwrap_or(u64::MAX);
            let previous = self.previous.take().unwrap_or_default();
            let line = Line::of(project, *speed, event, &previous);
            self.previous = Some(line.hash.clone());
            lines.push(line);
        }
        Ok(lines)
    }

    async fn sent(&mut self) -> Result<Vec<Line>, CliError> {
        let Some(mut stream) = self.stream.take() else { return Ok(Vec::new()) };
        let mut lines: Vec<Line> = Vec::new();
        while lines.len() < BATCH as usize {
            let next = stream.next::<Line>().await;
            let Some(line) = next.map_err(|error| self.written.broken_off(&error))? else { break };
            self.after += 1;
            if let Some(cause) = self.wrong(&line) {
                return Err(self.written.not_its_own(self.after, &cause));
            }
            self.previous = Some(line.hash.clone());
            lines.push(line);
        }
        self.stream = Some(stream);
        Ok(lines)
    }

    /// Why a line does not follow from the one before it, or from itself.
    fn wrong(&self, line: &Line) -> Option<String> {
        let Written { project, speed, .. } = self.written;
        if line.project != project.as_str() || line.speed != *speed {
            return Some("it belongs to another journal".to_owned());
        }
        if u64::try_from(line.seq) != Ok(self.after) {
            return Some(format!("event {} came in its place", line.seq));
        }
        if self.previous.as_ref().is_some_and(|hash| *hash != line.previous) {
            return Some("it is linked to something else than the event before it".to_owned());
        }
        let computed = line.computed().map(|hash| hash.to_string());
        let is_other = computed.is_some_and(|hash| hash != line.hash);
        is_other.then(|| "its content does not have the hash that stands beside it".to_owned())
    }
}

impl Written {
    fn place(&self) -> String {
        match &self.keeper {
            Keeper::Server(_, place) => place.clone(),
            Keeper::Disk(_) => String::new(),
        }
    }

    fn broken_off(&self, error: &anyhow::Error) -> CliError {
        CliError::new(ExitCode::Failed, "server-silent", "the journal did not come whole")
            .because(format!("{error:#}"))
            .at(self.place())
            .next("towpath audit export", "asks for it anew")
    }

    fn not_its_own(&self, seq: u64, cause: &str) -> CliError {
        let message = format!("event {seq} is not as it was written");
        CliError::new(ExitCode::Failed, "broken-chain", message)
            .because(cause.to_owned())
            .at(self.place())
            .next("towpath audit verify", "what the server says of its journal")
    }
}
