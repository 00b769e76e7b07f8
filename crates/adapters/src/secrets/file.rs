//! Store `file`: the text of a file, or of one in a folder. Owns which files are trusted: regular ones that nobody else may
//! change, and that not everybody may read.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use rustix::fs::OFlags;
use serde_json::Value;
use towpath_ports::secret::{Secret, SecretStore};
use towpath_ports::{Family, Field, FieldType, Kind, KindEntry, KindState, Site};

/// Largest secret, in bytes: a chain of certificates is far below it.
const MOST: u64 = 64 * 1024;
/// Whoever is in the group or anybody may write.
const WRITABLE: u32 = 0o022;
/// Anybody may read.
const READABLE: u32 = 0o004;

pub(super) const KIND: Kind<dyn SecretStore> = Kind {
    entry: KindEntry {
        family: Family::Secrets,
        name: "file",
        summary: "A file that only the program may read.",
        example: "{ kind: file, path: /etc/towpath/api.key }",
        state: KindState::Built,
        capabilities: &[],
        fields: &[
            Field::required(
                "path",
                FieldType::Path,
                "The file, or a folder of files that are named like the secrets; one line break at \
                 the end is no part of a secret.",
            ),
            Field {
                name: "shared",
                of: FieldType::Flag,
                default: Some("false"),
                doc: "Whether every account of the machine may read it, as container platforms \
                      mount secrets; otherwise such a file is refused.",
            },
        ],
        validate: |_| Vec::new(),
    },
    build: Some(|settings, site| Ok(Arc::new(Kept::new(settings, site)?))),
};

struct Kept {
    path: PathBuf,
    shared: bool,
}

impl Kept {
    fn new(settings: &Value, site: &Site) -> Result<Self, String> {
        let path = settings.get("path").and_then(Value::as_str);
        let path = path.ok_or("secret store `file`: there is no `path`")?;
        let shared = settings.get("shared").and_then(Value::as_bool).unwrap_or(false);
        Ok(Self { path: site.root.join(path), shared })
    }
}

#[async_trait]
impl SecretStore for Kept {
    async fn read(&self, name: &str) -> Result<Secret, String> {
        let mut path = self.path.clone();
        // A folder is how container platforms mount secrets, and how one place holds several.
        if path.is_dir() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            path.push(name);
        }
        let (shared, shown) = (self.shared, path.display().to_string());
        let wrong = |why: String| format!("the file {shown} of the secret {name} {why}");
        let found = tokio::task::spawn_blocking(move || read(&path, shared)).await;
        found.unwrap_or_else(|error| Err(format!("was not read: {error}"))).map_err(wrong)
    }
}

/// What is looked at is what is read: the open file, and not what its path names a moment later.
fn read(path: &Path, shared: bool) -> Result<Secret, String> {
    let unreadable = |error: io::Error| match error.kind() {
        io::ErrorKind::NotADirectory => "cannot be read: what should be its folder is a file. A \
            `secret_store` is a folder with one file for each secret; a secret that has a file of \
            its own says `kind: file` and its `path` itself"
            .to_owned(),
        _ => format!("cannot be read: {error}"),
    };
    // A pipe would be waited for until somebody writes.
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default();
    let file = File::options().read(true).custom_flags(flags).open(path).map_err(unreadable)?;
    let about = file.metadata().map_err(unreadable)?;
    let own = rustix::process::geteuid().as_raw();
    if !about.is_file() {
        return Err("is no regular file".to_owned());
    }
    if about.len() > MOST {
        return Err(format!("has more than {MOST} bytes"));
    }
    if about.mode() & WRITABLE != 0 || ![0, own].contains(&about.uid()) {
        return Err(
            "may be changed by others: chmod go-w, and chown it to the engine's account".to_owned()
        );
    }
    if about.mode() & READABLE != 0 && !shared {
        return Err("may be read by everybody: chmod o-r, or say `shared: true`".to_owned());
    }
    let mut bytes = Vec::new();
    file.take(MOST).read_to_end(&mut bytes).map_err(unreadable)?;
    let text = String::from_utf8(bytes).map_err(|_| "is no text in UTF-8".to_owned())?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    Secret::new(text.to_owned()).ok_or_else(|| "is empty".to_owned())
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn kept(text: &[u8], mode: u32, shared: bool) -> Result<String, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        read(&path, shared).map(|secret| secret.reveal().to_owned())
    }

    #[test]
    fn one_line_break_at_the_end_is_no_part_of_the_secret() {
        assert_eq!(kept(b"hunter2\n", 0o600, false).unwrap(), "hunter2");
        assert_eq!(kept(b"hunter2\r\n", 0o640, false).unwrap(), "hunter2");
        assert_eq!(kept(b" a\nb \n\n", 0o400, false).unwrap(), " a\nb \n");
    }

    #[tokio::test]
    async fn a_folder_has_a_file_for_each_secret() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("API_KEY"), "hunter2\n").unwrap();
        let own = Permissions::from_mode(0o600);
        std::fs::set_permissions(folder.path().join("API_KEY"), own).unwrap();
        let store = Kept { path: folder.path().to_owned(), shared: false };
        assert_eq!(store.read("API_KEY").await.unwrap().reveal(), "hunter2");
        let absent = store.read("OTHER").await.unwrap_err();
        assert!(absent.contains("/OTHER of the secret OTHER cannot be read"), "{absent}");
        assert!(store.read("../escaped").await.unwrap_err().contains("no regular file"));
    }

    #[tokio::test]
    async fn a_file_where_a_folder_should_be_is_handed_to_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let all = folder.path().join("all");
        std::fs::write(&all, "API_KEY=hunter2\n").unwrap();
        std::fs::set_permissions(&all, Permissions::from_mode(0o600)).unwrap();
        let store = Kept { path: all.join("API_KEY"), shared: false };
        let refused = store.read("API_KEY").await.unwrap_err();
        assert!(refused.contains("is a folder with one file for each secret"), "{refused}");
        assert!(!refused.contains("hunter2"), "{refused}");
    }

    /// Where the folder lies is the matrix's to say, and `/` or `../` in it allowed; what it holds may
    /// be a link, as container platforms mount secrets. The name of a secret never is a path.
    #[tokio::test]
    async fn cve_b09_no_name_of_a_secret_leads_out_of_its_folder() {
        let all = tempfile::tempdir().unwrap();
        let folder = all.path().join("a");
        std::fs::create_dir(&folder).unwrap();
        for path in [all.path().join("outside"), folder.join("INSIDE")] {
            std::fs::write(&path, "hunter2").unwrap();
            std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        }
        std::os::unix::fs::symlink(all.path(), folder.join("UP")).unwrap();
        let store = Kept { path: folder, shared: false };
        assert_eq!(store.read("INSIDE").await.unwrap().reveal(), "hunter2");
        let absolute = all.path().join("outside").display().to_string();
        for name in
            ["../outside", "x/../../outside", "./../outside", "UP/outside", "..", "UP", &absolute]
        {
            let refused = store.read(name).await.unwrap_err();
            assert!(refused.ends_with("is no regular file"), "{name}: {refused}");
        }
    }

    #[test]
    fn a_file_that_others_may_change_or_read_is_refused() {
        assert!(kept(b"x", 0o620, true).unwrap_err().contains("changed by others"));
        assert!(kept(b"x", 0o602, true).unwrap_err().contains("changed by others"));
        assert!(kept(b"x", 0o604, false).unwrap_err().contains("read by everybody"));
        assert_eq!(kept(b"x", 0o444, true).unwrap(), "x");
    }

    #[test]
    fn what_is_empty_endless_or_no_text_is_no_secret() {
        assert_eq!(kept(b"\n", 0o600, false).unwrap_err(), "is empty");
        assert_eq!(kept(b"\xff\xfe", 0o600, false).unwrap_err(), "is no text in UTF-8");
        assert!(kept(&vec![b'a'; 70_000], 0o600, false).unwrap_err().contains("65536"));
        assert_eq!(read(Path::new("/dev/zero"), true).unwrap_err(), "is no regular file");
        let folder = tempfile::tempdir().unwrap();
        assert!(read(folder.path(), true).is_err());
        assert!(
            read(&folder.path().join("absent"), true).unwrap_err().starts_with("cannot be read")
        );
    }
}
