//! Takes signed words in: whose key the matrix names, and whether it signed them. What the words are about
//! is the core's to say.

use std::path::Path;

use towpath_audit::spoken;
use towpath_core::ids::{Digest, Person};
use towpath_core::reason::{Refusal, RefusalKind};
use towpath_core::speaking::{Signed, Statement, unconditional};
use towpath_core::units::Timestamp;
use towpath_ports::store::StoreError;

use crate::beside;
use crate::desk::Desk;
use crate::rights::Rights;
use crate::run_loop::Engine;
use crate::shared::{Setup, Shared};
use crate::views::{FORMAT, YouView};

/// Most bytes that are read for a public key, which has about a hundred.
const LONGEST_KEY: u64 = 16 * 1024;

/// The key that the matrix names for somebody: the line itself, or what stands in the file that it names.
///
/// # Errors
/// As [`in_file`].
fn key_of(shared: &Shared, declared: &str) -> Result<String, String> {
    if is_line(declared) {
        return Ok(declared.to_owned());
    }
    in_file(&shared.setup.root, declared)
}

/// The key in a file of the folder of the matrix.
///
/// What is no public key is never handed on: somebody may have named the private half by mistake.
///
/// # Errors
/// One sentence, where the file lies elsewhere, cannot be read or holds no such key; nothing of its content is
/// in it.
fn in_file(root: &Path, declared: &str) -> Result<String, String> {
    let place = Path::new(declared).display();
    let read = beside::read(root, declared, LONGEST_KEY + 1);
    let bytes = read.map_err(|why| format!("{place} is not read as a key: {why}"))?;
    if bytes.len() as u64 > LONGEST_KEY {
        return Err(format!("{place} is larger than {LONGEST_KEY} bytes, and no public key is"));
    }
    let key = std::str::from_utf8(&bytes).map(str::trim).ok();
    let key = key.filter(|key| spoken::is_key(key).is_ok());
    key.map(str::to_owned)
        .ok_or_else(|| format!("{place} holds no public key of ssh by which words can be signed"))
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
            None => Rights::in_force(shared)
                .authority()
                .ok()
                .and_then(|it| it.person_behind(by))
                .cloned(),
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

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// A key of nobody: its bytes are not secret, and nothing is signed by it here.
    const LINE: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f ada";
    const PRIVATE: &str = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEhidden\n\
                           -----END OPENSSH PRIVATE KEY-----\n";

    /// A project with a key, a key beside it, and all that a path may lead to.
    fn folder() -> tempfile::TempDir {
        let all = tempfile::tempdir().unwrap();
        let keys = all.path().join("project/keys");
        std::fs::create_dir_all(&keys).unwrap();
        std::fs::write(all.path().join("outside.pub"), LINE).unwrap();
        std::fs::write(keys.join("ada.pub"), format!("{LINE}\n")).unwrap();
        std::fs::write(keys.join("ada"), PRIVATE).unwrap();
        std::fs::write(keys.join("bytes.pub"), [0xff, 0xfe, 0]).unwrap();
        let huge = std::fs::File::create(keys.join("huge.pub")).unwrap();
        huge.set_len(1 << 40).unwrap();
        let long = format!("{LINE}{}", " ".repeat(usize::try_from(LONGEST_KEY).unwrap()));
        std::fs::write(keys.join("long.pub"), long).unwrap();
        let (file, mode) = (rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR);
        rustix::fs::mknodat(rustix::fs::CWD, keys.join("pipe.pub"), file, mode, 0).unwrap();
        symlink("ada.pub", keys.join("inside.pub")).unwrap();
        symlink("../../outside.pub", keys.join("link.pub")).unwrap();
        symlink("link.pub", keys.join("chain.pub")).unwrap();
        symlink(all.path(), keys.join("up")).unwrap();
        symlink("/dev/zero", keys.join("zero.pub")).unwrap();
        symlink("round.pub", keys.join("round.pub")).unwrap();
        all
    }

    #[test]
    fn cve_b09_no_path_of_a_persons_key_leads_out_of_the_project_or_is_waited_for() {
        let all = folder();
        let root = all.path().join("project");
        for inside in ["keys/ada.pub", "./keys/ada.pub", "keys/inside.pub"] {
            assert_eq!(in_file(&root, inside).unwrap(), LINE, "{inside}");
        }
        let outside = all.path().join("outside.pub").display().to_string();
        for (named, cause) in [
            ("../outside.pub", "leaves the folder of the matrix"),
            ("keys/../../outside.pub", "leaves the folder of the matrix"),
            ("keys/../keys/ada.pub", "leaves the folder of the matrix"),
            (&*outside, "leaves the folder of the matrix"),
            ("/dev/zero", "leaves the folder of the matrix"),
            ("keys/link.pub", "leads outside of the folder of the matrix"),
            ("keys/chain.pub", "leads outside of the folder of the matrix"),
            ("keys/up/outside.pub", "leads outside of the folder of the matrix"),
            ("keys/zero.pub", "leads outside of the folder of the matrix"),
            ("keys/round.pub", "is not read as a key"),
            ("keys/none.pub", "there is no such file"),
            ("keys", "it is no file"),
            ("keys/pipe.pub", "it is no file"),
            ("keys/huge.pub", "is larger than 16384 bytes"),
            ("keys/long.pub", "is larger than 16384 bytes"),
            ("keys/bytes.pub", "holds no public key of ssh"),
            ("keys/ada", "holds no public key of ssh"),
        ] {
            let refused = in_file(&root, named).unwrap_err();
            assert!(refused.contains(cause), "{named}: {refused}");
            assert!(refused.contains(named) && !refused.contains("b3BlbnNz"), "{named}: {refused}");
        }
    }
}
