//! The notary of one project: its key beside the journal, the list of what it signed, and the copies of
//! that list outside. Owns those files; knows no journal, and signs what it is given.
//!
//! ```text
//! <state>/audit.key      the private key, for its owner alone; made once, never in the journal
//! <state>/audit.pub      the public key, to be handed to whoever verifies
//! <state>/checkpoints    what was signed, oldest first
//! ```

mod key;
mod places;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use towpath_audit::dsse::{Envelope, IN_TOTO, encoding};
use towpath_audit::note::{Note, PublicKey, Signed, SigningKey, split, whole};
use towpath_core::ids::Name;
use towpath_core::matrix::AuditRules;
use towpath_ports::notary::{Checkpoint, Notary};

pub use key::{PUBLIC_FILE, ensure_key};

/// The list beside the journal.
pub const LIST_FILE: &str = "checkpoints";
/// How long one place outside may take: a disk of another machine that is gone answers after minutes
/// or never.
const PLACE_WITHIN: Duration = Duration::from_secs(30);

/// Keys and lists in the folder of a journal.
#[derive(Clone, Debug)]
pub struct FolderNotary {
    state: PathBuf,
    root: PathBuf,
    project: Name,
}

impl FolderNotary {
    /// The notary of the project whose journal is in `state` and whose matrix is in `root`. Makes
    /// nothing yet.
    pub fn new(state: &Path, root: &Path, project: Name) -> Self {
        Self { state: state.to_owned(), root: root.to_owned(), project }
    }

    /// Signs with the project's key, which is made where there is none.
    async fn with_key<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Path, SigningKey) -> Result<T, String> + Send + 'static,
    ) -> Result<T, String> {
        let (state, project) = (self.state.clone(), self.project.clone());
        blocking(move || {
            let key = ensure_key(&state, &project)?;
            work(&state, key)
        })
        .await
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    let ended = tokio::task::spawn_blocking(work).await;
    ended.map_err(|error| format!("the notary broke down: {error}"))?
}

#[async_trait]
impl Notary for FolderNotary {
    async fn key(&self) -> Result<String, String> {
        self.with_key(|_, key| Ok(key.public().to_string())).await
    }

    async fn attest(&self, statement: Vec<u8>) -> Result<String, String> {
        self.with_key(move |_, key| {
            let signature = key.sign(&encoding(IN_TOTO, &statement));
            let envelope = Envelope::of(&statement, key.public(), &signature);
            serde_json::to_string(&envelope).map_err(|error| error.to_string())
        })
        .await
    }

    async fn last(&self) -> Result<Option<Checkpoint>, String> {
        self.with_key(|state, key| {
            let file = state.join(LIST_FILE);
            let list = places::read(&file)?;
            let list = &list[..whole(&list)];
            let Some(last) = split(list).pop() else { return Ok(None) };
            let place = file.display();
            let wrong = |why: String| format!("the last checkpoint in {place} {why}");
            let note = Note::parse(&last).map_err(|error| wrong(error.to_string()))?;
            if note.signed(std::slice::from_ref(key.public())) != Signed::By(key.public().clone()) {
                return Err(wrong("was not signed by this project's key".to_owned()));
            }
            let read = towpath_audit::read(&note.text);
            read.map(Some).map_err(|error| wrong(error.to_string()))
        })
        .await
    }

    async fn kept(&self) -> Result<Vec<String>, String> {
        let file = self.state.join(LIST_FILE);
        let list = blocking(move || places::read(&file)).await?;
        Ok(split(&list[..whole(&list)]))
    }

    async fn outside(&self, rules: &AuditRules) -> Result<Vec<Checkpoint>, String> {
        let newest = self.last().await?.map_or(0, |last| last.events);
        let own = self.state.join(LIST_FILE);
        let own: BTreeSet<String> =
            split(&blocking(move || places::read(&own)).await?).into_iter().collect();
        let files = rules.files.iter().map(|file| self.root.join(file));
        let repositories = rules.repositories.iter();
        let lists = repositories.map(|it| places::list_in(&self.root.join(it), &self.project));
        let mut notes = BTreeSet::new();
        for file in files.chain(lists) {
            // What cannot be read is told when it cannot be brought up to date.
            let reading = blocking(move || places::read(&file));
            notes.extend(split(&within(reading).await.unwrap_or_default()));
        }
        self.with_key(move |_, key| {
            let signed = notes.iter().filter_map(|text| {
                let note = Note::parse(text).ok()?;
                let found = towpath_audit::read(&note.text).ok()?;
                let is_new = found.events > newest || !own.contains(text);
                // Whoever may write there may add anything; only what was signed counts.
                let key = key.public();
                (is_new && note.signed(std::slice::from_ref(key)) == Signed::By(key.clone()))
                    .then_some(found)
            });
            Ok(signed.collect())
        })
        .await
    }

    async fn keep(&self, checkpoint: &Checkpoint) -> Result<(), String> {
        let text = towpath_audit::text(checkpoint);
        self.with_key(move |state, key| places::add_own(&state.join(LIST_FILE), &key.signed(&text)))
            .await
    }

    async fn copy(&self, rules: &AuditRules) -> Result<(), Vec<String>> {
        let own = self.state.join(LIST_FILE);
        let list = blocking(move || places::read(&own)).await.map_err(|error| vec![error])?;
        let notes = split(&list[..whole(&list)]);
        let mut troubles = Vec::new();
        for file in &rules.files {
            let (file, notes) = (self.root.join(file), notes.clone());
            let copied = blocking(move || places::add_missing(&file, &notes).map(drop));
            troubles.extend(within(copied).await.err());
        }
        for folder in &rules.repositories {
            let folder = self.root.join(folder);
            let copied = places::commit_missing(&folder, &self.project, &notes);
            troubles.extend(within(copied).await.err());
        }
        if troubles.is_empty() { Ok(()) } else { Err(troubles) }
    }
}

async fn within<T>(copying: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    let late = |_| Err(format!("a place outside did not answer in {} s", PLACE_WITHIN.as_secs()));
    tokio::time::timeout(PLACE_WITHIN, copying).await.unwrap_or_else(late)
}

/// Public keys in a file, one on a line; lines that begin with `#` are for people.
///
/// # Errors
/// One sentence: there is none in it, or a line is none.
pub fn public_keys(text: &str) -> Result<Vec<PublicKey>, String> {
    let lines = text.lines().map(str::trim).filter(|it| !it.is_empty() && !it.starts_with('#'));
    let keys: Result<Vec<_>, _> = lines.map(PublicKey::parse).collect();
    let keys = keys.map_err(|error| error.to_string())?;
    if keys.is_empty() { Err("there is no public key in it".to_owned()) } else { Ok(keys) }
}

#[cfg(test)]
mod tests;
