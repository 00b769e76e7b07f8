//! Takes signed words in: whose key the matrix names, and whether it signed them. What the words are about
//! is the core's to say.

use std::io::Read as _;
use std::path::Path;

use towpath_audit::spoken;
use towpath_core::ids::{Digest, Person};
use towpath_core::reason::{Refusal, RefusalKind};
use towpath_core::speaking::{Signed, Statement, unconditional};
use towpath_core::units::Timestamp;
use towpath_ports::store::StoreError;

use crate::desk::Desk;
use crate::rights::Rights;
use crate::run_loop::Engine;
use crate::shared::{Setup, Shared};
use crate::views::{FORMAT, YouView};

/// Most bytes that are read for a public key, which has about a hundred.
const LONGEST_KEY: u64 = 16 * 1024;

/// The key that the matrix names for somebody: the line itself, or what stands in the file that it names.
///
/// What is no public key is never handed on: somebody may have named the private half by mistake.
///
/// # Errors
/// One sentence, where the file cannot be read or holds no such key; nothing of its content is in it.
fn key_of(shared: &Shared, declared: &str) -> Result<String, String> {
    if is_line(declared) {
        return Ok(declared.to_owned());
    }
    let file = shared.setup.root.join(declared);
    let place = Path::new(declared).display();
    let mut text = String::new();
    // A pipe would be waited for.
    if !std::fs::metadata(&file).is_ok_and(|found| found.is_file()) {
        return Err(format!("{place} is no file that can be read"));
    }
    let open = std::fs::File::open(&file);
    if let Err(error) = open.and_then(|file| file.take(LONGEST_KEY).read_to_string(&mut text)) {
        return Err(format!("{place} cannot be read: {error}"));
    }
    let key = text.trim();
    if spoken::is_key(key).is_err() {
        return Err(format!("{place} holds no public key of ssh by which words can be signed"));
    }
    Ok(key.to_owned())
}

/// Whether a key stands in the matrix itself: a kind and its bytes, which no path begins with.
fn is_line(declared: &str) -> bool {
    let kind = unconditional(declared).1.split_once(' ').map(|(kind, _)| kind);
    kind.is_some_and(|kind| ["ssh-", "sk-", "ecdsa-"].iter().any(|one| kind.starts_with(one)))
}

/// Whether `by` signed the words, by the key that the matrix in force names for them, for this journal. Words
/// of whoever has no key are left to the core, which takes none.
///
/// # Errors
/// The refusal.
pub(crate) fn heard(
    shared: &Shared,
    by: &Person,
    signed: Option<&Signed>,
) -> Result<(), Box<Refusal>> {
    let Some(signed) = signed else { return Ok(()) };
    let declared = shared.read(|project| {
        let known = project.common.matrix.as_ref()?.people.get(by)?;
        known.key.clone()
    });
    let Some(declared) = declared else { return Ok(()) };
    let key = key_of(shared, &declared).map_err(|cause| refused(by, "no-key-file", cause))?;
    let proven = spoken::verify(&key, signed);
    proven.map_err(|unproven| refused(by, "not-proven", unproven.to_string()))?;
    let own = Statement::project(&shared.setup.project, shared.setup.speed);
    match Statement::read(&signed.statement) {
        Some(statement) if statement.project != own => {
            let cause =
                format!("they were signed for `{}`, and this is `{own}`", statement.project);
            Err(refused(by, "signed-other-project", cause))
        }
        Some(statement) if statement.journal.as_ref() != shared.journal.get() => {
            let cause = match (&statement.journal, shared.journal.get()) {
                (None, _) => "they do not say to which journal they belong".to_owned(),
                (Some(said), own) => {
                    let own = own.map_or("of no known name", String::as_str);
                    format!("they were signed for the journal {said}, and this one is {own}")
                }
            };
            Err(refused(by, "signed-other-journal", cause))
        }
        // What is no statement the core refuses.
        _ => Ok(()),
    }
}

fn refused(by: &Person, code: &str, cause: String) -> Box<Refusal> {
    let message = format!("the word of {by} was not taken");
    let refusal = Refusal::new(RefusalKind::NotAllowed, code, message, cause);
    Box::new(
        refusal
            .at(format!("people.{by}.key"))
            .next("towpath matrix show --resolved", "which key the matrix names")
            .next("ssh-keygen -l -f FILE", "which one a file has"),
    )
}

impl Engine {
    /// The person behind an account or a token; none whom the matrix in force does not name.
    pub(crate) fn named(&self, by: &Person) -> Option<Person> {
        let shared = &self.shared;
        match by.token() {
            Some(token) => Desk::new(shared).token(&token).ok().map(|token| token.owner),
            None => {
                Rights::in_force(shared).authority().ok().and_then(|it| it.person_of(by)).cloned()
            }
        }
    }

    /// Who somebody is here, and by which key they speak.
    pub fn you(&self, by: &Person) -> YouView {
        let shared = &self.shared;
        let you = self.named(by);
        let declared = shared.read(|project| {
            let people = &project.common.matrix.as_ref()?.people;
            people.get(you.as_ref()?)?.key.clone()
        });
        let now: Timestamp = shared.now();
        YouView {
            format: FORMAT,
            project: Statement::project(&shared.setup.project, shared.setup.speed),
            journal: shared.journal.get().cloned(),
            you: you.map(|you| you.to_string()),
            // The path itself, where it cannot be read: the order says why.
            key: declared.map(|declared| key_of(shared, &declared).unwrap_or(declared)),
            now: Statement::moment(now),
        }
    }
}

/// Finds out how this journal is called in its checkpoints and in signed words; nothing while it is empty.
///
/// # Errors
/// Whatever the store says.
pub(crate) async fn learn_journal(shared: &Shared) -> Result<(), StoreError> {
    let first = shared.setup.store.written(0, 1).await?;
    let first = first.first().and_then(|event| Digest::new(&event.hash).ok());
    if let Some(first) = first {
        let Setup { project, speed, .. } = &shared.setup;
        // It is called so for ever.
        let _ = shared.journal.set(towpath_audit::origin(project.as_str(), *speed, &first));
    }
    Ok(())
}
