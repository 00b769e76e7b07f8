//! The project's key in its file. Owns how it comes to be and who may read it; signs nothing.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use towpath_audit::note::SigningKey;
use towpath_core::ids::Name;

/// The private key, beside the journal.
const KEY_FILE: &str = "audit.key";
/// The public key, beside the journal.
pub const PUBLIC_FILE: &str = "audit.pub";

/// The key of `project` in `state`, the folder of its journal; made where there is none. Its public
/// half is written beside it. Safe to repeat.
///
/// # Errors
/// One sentence without any part of the key: it cannot be read or written, others may read it, or it is
/// the key of another project.
pub fn ensure_key(state: &Path, project: &Name) -> Result<SigningKey, String> {
    let file = state.join(KEY_FILE);
    let place = file.display();
    let failed = |error: io::Error| format!("{place}: {error}");
    if !fs::exists(&file).map_err(failed)? {
        make(&file, project).map_err(failed)?;
    }
    let found = fs::metadata(&file).map_err(failed)?;
    if found.permissions().mode() & 0o077 != 0 {
        return Err(format!("others may read the key that signs; chmod 600 {place}"));
    }
    if found.uid() != rustix::process::geteuid().as_raw() {
        return Err(format!("{place} belongs to another user"));
    }
    let text = fs::read_to_string(&file).map_err(failed)?;
    let key = SigningKey::parse(&text).map_err(|error| format!("{place}: {error}"))?;
    if key.public().name() != name(project) {
        let other = key.public().name().escape_debug();
        return Err(format!("{place} is the key {other}, not that of {project}"));
    }
    let public = state.join(PUBLIC_FILE);
    let text = format!("{}\n", key.public());
    if fs::read_to_string(&public).ok().as_deref() != Some(&text) {
        let failed = |error: io::Error| format!("{}: {error}", public.display());
        fs::write(&public, text).map_err(failed)?;
    }
    Ok(key)
}

/// What a project's key is called.
fn name(project: &Name) -> String {
    format!("towpath-{project}")
}

/// Never writes over a key that somebody else made in this moment.
fn make(file: &Path, project: &Name) -> io::Result<()> {
    let key = SigningKey::generate(&name(project)).map_err(io::Error::other)?;
    let fresh = file.with_extension(format!("new-{}", std::process::id()));
    let mut options = fs::OpenOptions::new();
    let mut writing = options.create(true).truncate(true).write(true).mode(0o600).open(&fresh)?;
    writing.set_permissions(fs::Permissions::from_mode(0o600))?;
    writing.write_all(key.text().as_bytes())?;
    writing.sync_all()?;
    let linked = fs::hard_link(&fresh, file);
    fs::remove_file(&fresh)?;
    match linked {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    }
}
