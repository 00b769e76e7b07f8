//! Kept bytes of releases, by digest, below the journal's folder. Owns how they are written and
//! checked; knows nothing of releases, and removes only what it is told that nobody wants.
//!
//! ```text
//! <state>/artifacts/sha256/HEX     the bytes: a file, or the archive of a folder
//! <state>/artifacts/unpacked/HEX/  a folder as it is given out
//! <state>/artifacts/uploaded/HEX   bytes that came from elsewhere and that no release has named yet
//! <state>/artifacts/temporary/     what is being written, and damaged folders that may be in use
//! ```
//!
//! Kept files cannot be written to. Folders can, so that everybody may remove the journal's folder;
//! what was kept of them is compared with the digest before each use instead. What a program wrote
//! beside it is left alone.

mod archive;
#[cfg(test)]
mod attacks;
mod keeping;
mod source;
mod sweep;
mod tree;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use async_trait::async_trait;
use towpath_core::ids::Digest;
use towpath_core::release::{Artifact, ArtifactForm};
use towpath_ports::artifacts::{ArtifactError, ArtifactStore, Named, Receiving};

use self::archive::Wanted;
use self::keeping::{Keeping, Taking, digest_of};
pub use self::source::shown;
pub use self::tree::TREE_BYTES_MOST;
use crate::outgoing::{self, Redirects};

/// The largest artefact in bytes, 8 GiB: larger than every image of a machine that we know of to be
/// deployed as a file, small enough that a mistake does not fill a disk.
pub const ARTIFACT_BYTES_MOST: u64 = 8 << 30;

/// The most bytes that wait for a release that names them: four of the largest artefacts. What is not named
/// goes after a day.
const UPLOADED_BYTES_MOST: u64 = 4 * ARTIFACT_BYTES_MOST;
/// Where these are.
const UPLOADED: &str = "uploaded";

/// The artefact store of one journal. Cheap to clone; several may work on one folder at once.
#[derive(Clone, Debug)]
pub struct Artifacts {
    state: PathBuf,
    root: PathBuf,
}

/// Why bytes were not kept. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// It could not be read or written, or is of a form that is not kept.
    #[error("{path}: {source}")]
    Io {
        /// What.
        path: PathBuf,
        /// What is wrong with it.
        source: io::Error,
    },
    /// The address is not one that is downloaded from; final.
    #[error("{0}")]
    Refused(String),
    /// The server did not give it; may pass.
    #[error("{url}: {reason}")]
    Download {
        /// From where.
        url: String,
        /// What happened.
        reason: String,
    },
}

impl Artifacts {
    /// The store below the journal's folder `state`. Makes nothing until something is kept.
    pub fn new(state: &Path) -> Self {
        Self::apart(state, state)
    }

    /// A store below `folder` for a look at what the one of `state` would keep: nothing is written
    /// into the journal's folder, and nothing of it is read.
    pub fn apart(folder: &Path, state: &Path) -> Self {
        let root = crate::absolute(folder).join("artifacts");
        Self { root, state: crate::absolute(state) }
    }

    /// Keeps the file at `path`; that it can be executed is kept as well. Safe to repeat.
    ///
    /// # Errors
    /// [`KeepError::Io`]: it is no file, cannot be read, or is larger than
    /// [`ARTIFACT_BYTES_MOST`].
    pub async fn keep_file(&self, path: &Path) -> Result<Artifact, KeepError> {
        let (own, path) = (self.clone(), path.to_owned());
        let source = path.display().to_string();
        self.in_background(path.clone(), move || {
            let mut file = File::open(&path)?;
            let data = file.metadata()?;
            if !data.is_file() {
                return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no file"));
            }
            let mut kept = Keeping::begin(&own)?;
            io::copy(&mut file, &mut kept)?;
            let executable = data.permissions().mode() & 0o111 != 0;
            kept.finish(ArtifactForm::File, source, executable)
        })
        .await
    }

    /// Keeps the folder at `path` with all that is in it, except this journal's own folder. Links
    /// that lead out of it are refused. The same content has the same digest everywhere. Safe to
    /// repeat.
    ///
    /// # Errors
    /// [`KeepError::Io`]: it is no folder, holds what is neither file, folder nor inner link, or
    /// more than 200,000 entries or [`ARTIFACT_BYTES_MOST`].
    pub async fn keep_directory(&self, path: &Path) -> Result<Artifact, KeepError> {
        let (own, path) = (self.clone(), path.to_owned());
        let source = path.display().to_string();
        self.in_background(path.clone(), move || {
            let skipped = own.state.canonicalize().unwrap_or_else(|_| own.state.clone());
            let mut kept = Keeping::begin(&own)?;
            archive::pack(&path, &Wanted::AllBut(skipped), &mut kept)?;
            kept.finish(ArtifactForm::Directory, source, false)
        })
        .await
    }

    /// Downloads and keeps the file at `url`, following redirects. A user, a password and the query
    /// of the address are used but neither kept nor told: they may be secrets. A download has no mode: it can be
    /// executed when it begins as a program does (ELF, or `#!`). Safe to repeat. Takes as long as
    /// the server needs, with at most a minute between two pieces.
    ///
    /// # Errors
    /// [`KeepError::Refused`] for an address that may not be asked, [`KeepError::Download`] when the
    /// server says no or breaks off, [`KeepError::Io`] when the disk does.
    pub async fn keep_url(&self, url: &str) -> Result<Artifact, KeepError> {
        let refused = |why: String| KeepError::Refused(why);
        let parsed = reqwest::Url::parse(url)
            .map_err(|error| refused(format!("the address of the artefact: {error}")))?;
        let shown = source::without_secrets(&parsed);
        outgoing::ensure_allowed(&shown).map_err(refused)?;
        let failed = |reason: String| KeepError::Download { url: shown.to_string(), reason };
        let quiet = std::time::Duration::from_mins(1);
        let client =
            outgoing::client(Redirects::Anywhere).connect_timeout(quiet).read_timeout(quiet);
        let broken = |error: reqwest::Error| failed(outgoing::reason(&error.without_url()));
        let client = client.build().map_err(broken)?;
        let mut response = client.get(parsed).send().await.map_err(broken)?;
        if !response.status().is_success() {
            return Err(failed(format!("the server answers {}", response.status())));
        }
        let io = |source: io::Error| KeepError::Io { path: self.root.clone(), source };
        let mut kept = Keeping::begin(self).map_err(io)?;
        let mut start = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(broken)? {
            start.extend(chunk.iter().take(4_usize.saturating_sub(start.len())));
            kept.write_all(&chunk).map_err(io)?;
        }
        let executable = start.starts_with(b"#!") || start.starts_with(b"\x7fELF");
        kept.finish(ArtifactForm::File, shown.to_string(), executable).map_err(io)
    }

    /// Where the bytes of a digest are, and whether they can be executed, if they are kept. They are not
    /// compared with it; whoever takes them does that.
    pub fn bytes_of(&self, digest: &Digest) -> Option<(PathBuf, bool)> {
        let path = self.kept(digest);
        let mode = path.metadata().ok()?.permissions().mode();
        Some((path, mode & 0o111 != 0))
    }

    async fn in_background(
        &self,
        path: PathBuf,
        work: impl FnOnce() -> io::Result<Artifact> + Send + 'static,
    ) -> Result<Artifact, KeepError> {
        let done = tokio::task::spawn_blocking(work).await;
        let done = done.unwrap_or_else(|error| Err(io::Error::other(error)));
        done.map_err(|source| KeepError::Io { path, source })
    }

    fn kept(&self, digest: &Digest) -> PathBuf {
        self.root.join("sha256").join(digest.hex())
    }

    /// Gives out what is kept after it has been read and compared.
    fn checked(&self, artifact: &Artifact) -> Result<PathBuf, ArtifactError> {
        let kept = self.kept(&artifact.digest);
        let io = |source: io::Error| ArtifactError::Io { path: kept.clone(), source };
        if !kept.exists() {
            self.name(&artifact.digest).map_err(io)?;
        }
        let digest = match File::open(&kept) {
            Ok(mut file) => digest_of(|hash| io::copy(&mut file, hash).map(drop)).map_err(io)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(ArtifactError::Missing(artifact.digest.to_string()));
            }
            Err(error) => return Err(io(error)),
        };
        if digest != artifact.digest {
            return Err(ArtifactError::Damaged(artifact.digest.to_string()));
        }
        match artifact.form {
            ArtifactForm::File => Ok(kept),
            ArtifactForm::Directory => self.unpacked(&artifact.digest).map_err(io),
            ArtifactForm::Image => Err(ArtifactError::Missing(artifact.digest.to_string())),
        }
    }

    /// Keeps for good what came from elsewhere under a digest, if anything did.
    fn name(&self, digest: &Digest) -> io::Result<()> {
        let folder = self.root.join("sha256");
        let uploaded = self.root.join(UPLOADED).join(digest.hex());
        if !uploaded.exists() {
            return Ok(());
        }
        fs::create_dir_all(&folder)?;
        match fs::rename(uploaded, self.kept(digest)) {
            // Another was faster.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
            Ok(()) => File::open(folder)?.sync_all(),
        }
    }

    /// A place for bytes from elsewhere, while there is room for them.
    fn take_in(&self) -> io::Result<Taking> {
        let waiting = match fs::read_dir(self.root.join(UPLOADED)) {
            Ok(entries) => entries
                .map(|entry| entry?.metadata().map(|data| data.len()))
                .sum::<io::Result<u64>>()?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
            Err(error) => return Err(error),
        };
        if waiting >= UPLOADED_BYTES_MOST {
            let most = UPLOADED_BYTES_MOST >> 30;
            let cause = format!("{most} GiB were sent that no release names");
            return Err(io::Error::new(io::ErrorKind::QuotaExceeded, cause));
        }
        Taking::begin(self)
    }

    /// The folder of a kept archive, unpacked anew when it is not there or what was kept of it
    /// was changed.
    fn unpacked(&self, digest: &Digest) -> io::Result<PathBuf> {
        let folder = self.root.join("unpacked").join(digest.hex());
        if self.is_intact(&folder, digest) {
            return Ok(folder);
        }
        let fresh = self.temporary()?;
        fs::create_dir(&fresh)?;
        let unpacked = File::open(self.kept(digest)).and_then(|file| {
            archive::unpack(io::BufReader::new(file), &fresh, ARTIFACT_BYTES_MOST)
        });
        let placed = unpacked.and_then(|()| {
            fs::create_dir_all(self.root.join("unpacked"))?;
            replace_folder(&folder, &fresh, &self.temporary()?)
        });
        if let Err(error) = placed {
            let _best_effort = fs::remove_dir_all(&fresh);
            // Somebody else may have been faster with the same content.
            return if self.is_intact(&folder, digest) { Ok(folder) } else { Err(error) };
        }
        Ok(folder)
    }

    /// Whether all that was kept is in `folder` as it was kept. More may be there: programs write
    /// beside their own files, such as Python its `__pycache__`.
    fn is_intact(&self, folder: &Path, digest: &Digest) -> bool {
        let kept = File::open(self.kept(digest));
        let Ok(entries) = kept.and_then(archive::entries) else { return false };
        let now = digest_of(|hash| archive::pack(folder, &Wanted::These(entries), hash));
        now.is_ok_and(|now| now == *digest)
    }

    fn temporary(&self) -> io::Result<PathBuf> {
        let folder = self.root.join("temporary");
        fs::create_dir_all(&folder)?;
        Ok(folder.join(format!("{:016x}", rand::random::<u64>())))
    }
}

/// Puts `fresh` in the place of `folder`, and what was there `aside`: something may run from it. When
/// `fresh` does not get there, `folder` is as it was.
fn replace_folder(folder: &Path, fresh: &Path, aside: &Path) -> io::Result<()> {
    match File::open(folder) {
        // What is aside is swept by its age, and that begins now.
        Ok(old) => old.set_modified(SystemTime::now())?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return fs::rename(fresh, folder);
        }
        Err(error) => return Err(error),
    }
    fs::rename(folder, aside)?;
    fs::rename(fresh, folder).inspect_err(|_| {
        let _fails_when_another_is_there = fs::rename(aside, folder);
    })
}

#[async_trait]
impl ArtifactStore for Artifacts {
    async fn path(&self, artifact: &Artifact) -> Result<PathBuf, ArtifactError> {
        let (own, artifact) = (self.clone(), artifact.clone());
        let path = self.root.clone();
        let done = tokio::task::spawn_blocking(move || own.checked(&artifact)).await;
        done.unwrap_or_else(|error| {
            Err(ArtifactError::Io { path, source: io::Error::other(error) })
        })
    }

    async fn gone(&self, digests: &BTreeSet<Digest>) -> BTreeSet<Digest> {
        let (own, digests) = (self.clone(), digests.clone());
        let is_gone = move |digest: &Digest| {
            let places = [own.kept(digest), own.root.join(UPLOADED).join(digest.hex())];
            places.iter().all(|path| {
                let found = fs::symlink_metadata(path);
                found.is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
            })
        };
        let look = move || digests.into_iter().filter(is_gone).collect();
        tokio::task::spawn_blocking(look).await.unwrap_or_default()
    }

    async fn receive(&self) -> Result<Box<dyn Receiving>, ArtifactError> {
        let own = self.clone();
        let began = tokio::task::spawn_blocking(move || own.take_in()).await;
        let began = began.unwrap_or_else(|error| Err(io::Error::other(error)));
        let began =
            began.map_err(|source| ArtifactError::Io { path: self.root.clone(), source })?;
        Ok(Box::new(began))
    }

    async fn taken(&self, digest: &Digest, most: u64) -> Result<Option<Vec<u8>>, ArtifactError> {
        let path = self.root.join(UPLOADED).join(digest.hex());
        let read = {
            let path = path.clone();
            move || match fs::metadata(&path) {
                Ok(data) if data.len() > most => Ok(None),
                Ok(_) => fs::read(&path).map(Some),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(error),
            }
        };
        let read = tokio::task::spawn_blocking(read).await;
        let read = read.unwrap_or_else(|error| Err(io::Error::other(error)));
        read.map_err(|source| ArtifactError::Io { path, source })
    }

    async fn sweep(&self, named: &Named) -> Result<u64, ArtifactError> {
        let (own, named, path) = (self.clone(), named.clone(), self.root.clone());
        let done = tokio::task::spawn_blocking(move || own.swept(&named)).await;
        done.unwrap_or_else(|error| {
            Err(ArtifactError::Io { path, source: io::Error::other(error) })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world() -> (tempfile::TempDir, Artifacts) {
        let root = tempfile::tempdir().unwrap();
        let store = Artifacts::new(&root.path().join("state"));
        (root, store)
    }

    #[tokio::test]
    async fn a_kept_file_is_given_out_with_its_mode_under_the_digest_of_its_bytes() {
        let (root, store) = world();
        let path = root.path().join("app");
        fs::write(&path, "#!/bin/sh\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        let artifact = store.keep_file(&path).await.unwrap();
        assert_eq!(artifact.digest, Digest::of(b"#!/bin/sh\n"));
        assert_eq!((artifact.size, artifact.form), (10, ArtifactForm::File));
        fs::write(&path, "changed since").unwrap();
        let kept = store.path(&artifact).await.unwrap();
        assert_eq!(fs::read_to_string(&kept).unwrap(), "#!/bin/sh\n");
        assert_eq!(kept.metadata().unwrap().permissions().mode() & 0o777, 0o555);
        assert_eq!(fs::read_dir(store.root.join("temporary")).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn changed_bytes_are_never_given_out_and_keeping_again_repairs_them() {
        let (root, store) = world();
        let path = root.path().join("app");
        fs::write(&path, "good").unwrap();
        let artifact = store.keep_file(&path).await.unwrap();
        let kept = store.kept(&artifact.digest);
        fs::remove_file(&kept).unwrap();
        assert!(matches!(store.path(&artifact).await, Err(ArtifactError::Missing(_))));
        fs::write(&kept, "evil").unwrap();
        assert!(matches!(store.path(&artifact).await, Err(ArtifactError::Damaged(_))));
        store.keep_file(&path).await.unwrap();
        assert_eq!(store.path(&artifact).await.unwrap(), kept);
    }

    #[tokio::test]
    async fn a_changed_folder_is_unpacked_anew() {
        let (root, store) = world();
        let folder = root.path().join("site");
        fs::create_dir_all(folder.join("sub")).unwrap();
        fs::write(folder.join("sub/page"), "hello").unwrap();
        let artifact = store.keep_directory(&folder).await.unwrap();
        let given = store.path(&artifact).await.unwrap();
        fs::remove_file(given.join("sub/page")).unwrap();
        fs::write(given.join("sub/page"), "evil").unwrap();
        assert_eq!(store.path(&artifact).await.unwrap(), given);
        assert_eq!(fs::read_to_string(given.join("sub/page")).unwrap(), "hello");
    }

    #[tokio::test]
    async fn a_changed_folder_is_put_aside_for_as_long_as_one_that_is_new() {
        let (root, store) = world();
        let folder = root.path().join("site");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("page"), "hello").unwrap();
        let artifact = store.keep_directory(&folder).await.unwrap();
        let given = store.path(&artifact).await.unwrap();
        fs::remove_file(given.join("page")).unwrap();
        fs::write(given.join("page"), "evil").unwrap();
        File::open(&given).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
        store.path(&artifact).await.unwrap();
        store.sweep(&Named::default()).await.unwrap();
        let aside = fs::read_dir(store.root.join("temporary")).unwrap();
        let aside: Vec<_> = aside.map(|entry| entry.unwrap().path().join("page")).collect();
        assert_eq!(aside.len(), 1, "{aside:?}");
        assert_eq!(fs::read_to_string(&aside[0]).unwrap(), "evil");
    }

    #[tokio::test]
    async fn what_a_program_writes_beside_its_files_is_no_damage() {
        let (root, store) = world();
        let folder = root.path().join("site");
        fs::create_dir_all(folder.join("sub")).unwrap();
        fs::write(folder.join("sub/page"), "hello").unwrap();
        let artifact = store.keep_directory(&folder).await.unwrap();
        let given = store.path(&artifact).await.unwrap();
        let cache = given.join("sub/__pycache__");
        fs::create_dir(&cache).unwrap();
        std::os::unix::fs::symlink("/tmp", given.join("link")).unwrap();
        assert_eq!(store.path(&artifact).await.unwrap(), given);
        assert!(cache.is_dir(), "the folder was left alone");
        fs::remove_dir_all(given.join("sub")).unwrap();
        assert_eq!(store.path(&artifact).await.unwrap(), given);
        assert!(given.join("sub/page").exists(), "a file that is gone is damage");
    }

    #[tokio::test]
    async fn a_folder_stays_in_place_while_it_cannot_be_unpacked_anew() {
        let (_root, store) = world();
        let bytes = [b'x'; 1024];
        let digest = Digest::of(&bytes);
        let kept = store.kept(&digest);
        let given = store.root.join("unpacked").join(digest.hex());
        for (path, bytes) in [(kept, &bytes[..]), (given.join("app"), b"runs")] {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        let (form, source) = (ArtifactForm::Directory, "site".to_owned());
        let artifact = Artifact { digest, form, source, size: 1024 };
        assert!(matches!(store.path(&artifact).await, Err(ArtifactError::Io { .. })));
        assert_eq!(fs::read_to_string(given.join("app")).unwrap(), "runs");
        assert_eq!(fs::read_dir(store.root.join("temporary")).unwrap().count(), 0);
    }

    #[test]
    fn a_folder_that_cannot_be_replaced_is_put_back() {
        let root = tempfile::tempdir().unwrap();
        let [folder, absent, aside] = ["folder", "absent", "aside"].map(|it| root.path().join(it));
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("app"), "runs").unwrap();
        replace_folder(&folder, &absent, &aside).unwrap_err();
        assert!(folder.join("app").exists() && !aside.exists());
    }

    #[tokio::test]
    async fn the_journal_is_not_part_of_the_folder_that_holds_it() {
        let (root, store) = world();
        fs::write(root.path().join("page"), "hello").unwrap();
        let first = store.keep_directory(root.path()).await.unwrap();
        let second = store.keep_directory(root.path()).await.unwrap();
        assert_eq!(first.digest, second.digest);
        assert!(!store.path(&first).await.unwrap().join("state").exists());
    }

    /// Answers one request with these bytes and closes.
    async fn server(answer: String) -> String {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/app", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let (mut connection, _) = listener.accept().await.unwrap();
            let _request = connection.read(&mut [0; 4096]).await;
            connection.write_all(answer.as_bytes()).await.unwrap();
        });
        url
    }

    #[tokio::test]
    async fn a_download_is_kept_whole_or_not_at_all() {
        let (_root, store) = world();
        let page = |status: &str, length: usize| {
            format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n#!/bin/sh\n")
        };
        let artifact = store.keep_url(&server(page("200 OK", 10)).await).await.unwrap();
        assert_eq!(artifact.digest, Digest::of(b"#!/bin/sh\n"));
        let mode = store.path(&artifact).await.unwrap().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o555, "it begins as a program does");
        for (status, length, wanted) in [("404 No", 10, "404"), ("200 OK", 11, "")] {
            let error = store.keep_url(&server(page(status, length)).await).await.unwrap_err();
            assert!(matches!(&error, KeepError::Download { .. }), "{error}");
            assert!(error.to_string().contains(wanted), "{error}");
        }
        let there =
            "HTTP/1.1 302 X\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n";
        assert!(store.keep_url(&server(there.to_owned()).await).await.is_err());
        assert_eq!(fs::read_dir(store.root.join("sha256")).unwrap().count(), 1);
        assert_eq!(fs::read_dir(store.root.join("temporary")).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn secrets_of_an_address_are_neither_kept_nor_told() {
        let (_root, store) = world();
        let good = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi";
        let gone = "HTTP/1.1 404 No\r\ncontent-length: 0\r\n\r\n";
        let with_secrets =
            |url: String| url.replace("http://", "http://user:hush@") + "?sig=hush#hush";
        let url = server(good.to_owned()).await;
        let artifact = store.keep_url(&with_secrets(url.clone())).await.unwrap();
        assert_eq!(artifact.source, url);
        let mut bad = vec![
            with_secrets(server(gone.to_owned()).await),
            with_secrets(server("no HTTP\r\n\r\n".to_owned()).await),
        ];
        bad.extend(["ftp://user:hush@host/x?sig=hush", "http://user:hush@:x/"].map(str::to_owned));
        for url in bad {
            let error = store.keep_url(&url).await.unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hush"), "{error:?}");
        }
    }

    #[tokio::test]
    async fn what_is_no_file_or_may_not_be_asked_is_refused() {
        let (root, store) = world();
        assert!(store.keep_file(root.path()).await.is_err());
        assert!(store.keep_file(&root.path().join("absent")).await.is_err());
        assert!(matches!(
            store.keep_url("http://169.254.169.254/x").await,
            Err(KeepError::Refused(_))
        ));
        assert!(matches!(store.keep_url("file:///etc/passwd").await, Err(KeepError::Refused(_))));
    }
}
