//! Folders as archives: the same folder gives the same bytes, and unpacking writes nowhere but into
//! its own folder. Owns the form; keeps nothing.
//!
//! The form: tar, names sorted by their bytes, folders before what they hold, no times, no owners,
//! mode 755 for folders and executables and 644 for the rest. Symbolic links are kept when they are
//! relative and stay inside.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Component, Path, PathBuf};

use tar::{Archive, Builder, EntryType, Header};

/// More files than any deployable folder that is not a mistake; a `node_modules` of a large
/// application holds about 60,000.
pub(super) const ENTRIES_MOST: usize = 200_000;
/// Deeper than any real tree, shallower than any stack.
const DEPTH_MOST: usize = 64;

/// What of a folder is packed.
pub(super) enum Wanted {
    /// Everything but this folder, given by its real path, if it lies inside.
    AllBut(PathBuf),
    /// These entries, by their paths inside it; what else is there is passed over.
    These(BTreeSet<PathBuf>),
    /// What people work on: of every folder all but the journals and repositories, and no more
    /// than so many bytes.
    Tree {
        /// Relative paths of the files; none: all that are there.
        files: Option<BTreeSet<PathBuf>>,
        /// The most bytes, together.
        bytes_most: u64,
    },
}

/// Folders that belong to a program beside the tree and never to what is worked on.
const BESIDE_THE_TREE: [&str; 2] = [".git", ".towpath"];

/// Writes what is wanted of `folder` into `archive`. Files that change while they are read are an
/// error.
pub(super) fn pack(folder: &Path, wanted: &Wanted, archive: impl Write) -> io::Result<()> {
    let mut builder = Builder::new(archive);
    let mut packing = Packing {
        root: folder.canonicalize()?,
        wanted,
        folders: wanted.folders(),
        entries: 0,
        bytes: 0,
    };
    packing.add_folder(&mut builder, Path::new(""), 0)?;
    builder.finish()
}

/// The paths of all entries of `archive`. What they hold is not read.
pub(super) fn entries(archive: impl Read + Seek) -> io::Result<BTreeSet<PathBuf>> {
    let mut paths = BTreeSet::new();
    for (count, entry) in Archive::new(archive).entries_with_seek()?.enumerate() {
        let path = inner_path(&entry?.path()?)?;
        if count >= ENTRIES_MOST {
            return Err(refused(&path, "is more than an archive may hold"));
        }
        paths.insert(path);
    }
    Ok(paths)
}

/// Unpacks `archive` into `folder`, which must exist and be empty. Refuses every entry that does
/// not lie inside, that is neither file, folder nor inner link, and more than the limits.
pub(super) fn unpack(archive: impl Read, folder: &Path, bytes_most: u64) -> io::Result<()> {
    let mut made: BTreeSet<PathBuf> = BTreeSet::from([PathBuf::new()]);
    let mut bytes = 0_u64;
    for (count, entry) in Archive::new(archive).entries()?.enumerate() {
        let mut entry = entry?;
        let path = inner_path(&entry.path()?)?;
        bytes = bytes.saturating_add(entry.size());
        if count >= ENTRIES_MOST || bytes > bytes_most {
            return Err(refused(&path, "is more than an archive may hold"));
        }
        // Only folders that this call made hold anything, so nothing is written through a link.
        if !path.parent().is_some_and(|parent| made.contains(parent)) {
            return Err(refused(&path, "does not lie in a folder of the archive"));
        }
        let target = folder.join(&path);
        match entry.header().entry_type() {
            EntryType::Directory => {
                fs::create_dir(&target)?;
                made.insert(path);
            }
            EntryType::Regular => {
                let mode = if entry.header().mode()? & 0o111 == 0 { 0o444 } else { 0o555 };
                let mut file =
                    OpenOptions::new().write(true).create_new(true).mode(0o600).open(&target)?;
                io::copy(&mut entry, &mut file)?;
                file.set_permissions(fs::Permissions::from_mode(mode))?;
            }
            EntryType::Symlink => {
                let link = entry.link_name()?.ok_or_else(|| refused(&path, "leads nowhere"))?;
                ensure_inside(&path, &link)?;
                std::os::unix::fs::symlink(&link, &target)?;
            }
            _ => return Err(refused(&path, "is neither file, folder nor symbolic link")),
        }
    }
    Ok(())
}

impl Wanted {
    /// The folders that hold the wanted files; none where they are not named.
    fn folders(&self) -> Option<BTreeSet<PathBuf>> {
        let Self::Tree { files: Some(files), .. } = self else { return None };
        let above = files.iter().flat_map(|file| file.ancestors().skip(1));
        Some(above.map(Path::to_path_buf).collect())
    }
}

struct Packing<'a> {
    root: PathBuf,
    wanted: &'a Wanted,
    folders: Option<BTreeSet<PathBuf>>,
    entries: usize,
    bytes: u64,
}

impl Packing<'_> {
    fn add_folder(
        &mut self,
        builder: &mut Builder<impl Write>,
        inner: &Path,
        depth: usize,
    ) -> io::Result<()> {
        if depth > DEPTH_MOST {
            return Err(refused(inner, "lies too deep"));
        }
        let entries = fs::read_dir(self.root.join(inner))?;
        let mut names: Vec<_> =
            entries.map(|entry| entry.map(|entry| entry.file_name())).collect::<Result<_, _>>()?;
        names.sort_unstable();
        for name in names {
            let inner = inner.join(name);
            if !self.is_wanted(&inner) {
                continue;
            }
            self.entries += 1;
            if self.entries > ENTRIES_MOST {
                return Err(refused(&inner, "is more than an artefact may hold"));
            }
            self.add(builder, &inner, depth)?;
        }
        Ok(())
    }

    fn is_wanted(&self, inner: &Path) -> bool {
        match self.wanted {
            Wanted::AllBut(folder) => self.root.join(inner) != *folder,
            Wanted::These(entries) => entries.contains(inner),
            Wanted::Tree { files, .. } => {
                let is_beside = inner
                    .file_name()
                    .is_some_and(|name| BESIDE_THE_TREE.iter().any(|it| name == *it));
                let is_named = |files: &BTreeSet<PathBuf>| {
                    files.contains(inner)
                        || self.folders.as_ref().is_some_and(|folders| folders.contains(inner))
                };
                !is_beside && files.as_ref().is_none_or(is_named)
            }
        }
    }

    fn add(
        &mut self,
        builder: &mut Builder<impl Write>,
        inner: &Path,
        depth: usize,
    ) -> io::Result<()> {
        let path = self.root.join(inner);
        let data = fs::symlink_metadata(&path)?;
        if data.is_dir() {
            if matches!(self.wanted, Wanted::Tree { files: Some(files), .. } if files.contains(inner))
            {
                return Err(refused(
                    inner,
                    "is a repository of its own, and its files are unknown",
                ));
            }
            builder.append_data(&mut header(EntryType::Directory, 0o755, 0), inner, io::empty())?;
            return self.add_folder(builder, inner, depth + 1);
        }
        if data.is_symlink() {
            let link = fs::read_link(&path)?;
            ensure_inside(inner, &link)?;
            return builder.append_link(&mut header(EntryType::Symlink, 0o777, 0), inner, link);
        }
        if !data.is_file() {
            return Err(refused(inner, "is neither file, folder nor symbolic link"));
        }
        self.add_file(builder, inner, &path)
    }

    fn add_file(
        &mut self,
        builder: &mut Builder<impl Write>,
        inner: &Path,
        path: &Path,
    ) -> io::Result<()> {
        // Not followed: what was a file a moment ago may be a link now.
        let flags = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
        let file = OpenOptions::new().read(true).custom_flags(flags).open(path);
        let file = file.map_err(|error| {
            io::Error::new(error.kind(), format!("{}: {error}", inner.display()))
        })?;
        let data = file.metadata()?;
        self.bytes = self.bytes.saturating_add(data.len());
        if let Wanted::Tree { bytes_most, .. } = self.wanted
            && self.bytes > *bytes_most
        {
            let more = format!("brings it to more than {} MiB", bytes_most >> 20);
            return Err(refused(inner, &more));
        }
        let mode = if data.permissions().mode() & 0o111 == 0 { 0o644 } else { 0o755 };
        let mut read = Counted { file: file.take(data.len()), read: 0 };
        let mut header = header(EntryType::Regular, mode, data.len());
        builder.append_data(&mut header, inner, &mut read)?;
        if read.read == data.len() {
            Ok(())
        } else {
            Err(refused(inner, "changed while it was read"))
        }
    }
}

struct Counted {
    file: io::Take<File>,
    read: u64,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.read += read as u64;
        Ok(read)
    }
}

fn header(of: EntryType, mode: u32, size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(of);
    header.set_mode(mode);
    header.set_size(size);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header
}

/// The path without anything that could lead out of the folder it is joined to.
fn inner_path(path: &Path) -> io::Result<PathBuf> {
    let is_inner = path.components().all(|part| matches!(part, Component::Normal(_)));
    // Rebuilt from its parts: a closing slash would make two spellings of one folder.
    if is_inner && path.components().next().is_some() {
        Ok(path.components().collect())
    } else {
        Err(refused(path, "leads out of the artefact"))
    }
}

/// A link at `inner` may say `link` when it is relative and never climbs above the root.
fn ensure_inside(inner: &Path, link: &Path) -> io::Result<()> {
    let mut depth = inner.components().count() - 1;
    for part in link.components() {
        match part {
            Component::Normal(_) => depth += 1,
            Component::CurDir => {}
            Component::ParentDir if depth > 0 => depth -= 1,
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => {
                return Err(refused(
                    inner,
                    &format!("is a link out of the artefact, to {}", link.display()),
                ));
            }
        }
    }
    Ok(())
}

fn refused(path: &Path, what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, format!("{} {what}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Wanted {
        Wanted::AllBut(PathBuf::new())
    }

    fn packed(folder: &Path) -> Vec<u8> {
        let mut bytes = Vec::new();
        pack(folder, &all(), &mut bytes).unwrap();
        bytes
    }

    fn sample(root: &Path, reverse: bool) {
        let mut names = vec!["b/run", "b/data", "a", "c/d/e"];
        if reverse {
            names.reverse();
        }
        for name in names {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, name).unwrap();
            let mode = if name == "b/run" { 0o700 } else { 0o640 };
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        }
        std::os::unix::fs::symlink("../b/run", root.join("c/start")).unwrap();
        fs::create_dir(root.join("empty")).unwrap();
    }

    #[test]
    fn the_same_content_gives_the_same_bytes_and_survives_unpacking() {
        let (one, two, out) = (
            tempfile::tempdir().unwrap(),
            tempfile::tempdir().unwrap(),
            tempfile::tempdir().unwrap(),
        );
        sample(one.path(), false);
        sample(two.path(), true);
        let bytes = packed(one.path());
        assert_eq!(bytes, packed(two.path()));
        unpack(&bytes[..], out.path(), 1 << 20).unwrap();
        assert_eq!(packed(out.path()), bytes);
        let mode = out.path().join("b/run").metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o555);
        assert_eq!(fs::read_to_string(out.path().join("c/start")).unwrap(), "b/run");
    }

    #[test]
    fn links_that_lead_out_are_not_packed() {
        for link in ["/etc/passwd", "../../x", "inner/../../../x"] {
            let root = tempfile::tempdir().unwrap();
            fs::create_dir(root.path().join("sub")).unwrap();
            std::os::unix::fs::symlink(link, root.path().join("sub/link")).unwrap();
            let error = pack(root.path(), &all(), Vec::new()).unwrap_err();
            assert!(error.to_string().contains("sub/link is a link out"), "{error}");
        }
    }

    /// An archive as an attacker writes it: the library refuses such names, so they are put into
    /// the header by hand.
    fn hostile(entries: &[(&str, EntryType, &str)]) -> Vec<u8> {
        let mut builder = Builder::new(Vec::new());
        for (name, of, link) in entries {
            let content = if *of == EntryType::Regular { &b"owned"[..] } else { b"" };
            let mut header = header(*of, 0o755, content.len() as u64);
            let old = header.as_old_mut();
            old.name[..name.len()].copy_from_slice(name.as_bytes());
            old.linkname[..link.len()].copy_from_slice(link.as_bytes());
            header.set_cksum();
            builder.append(&header, content).unwrap();
        }
        builder.into_inner().unwrap()
    }

    #[test]
    fn no_archive_writes_outside_its_folder() {
        use EntryType::{Block, Directory, Fifo, Link, Regular, Symlink};
        let cases: [&[(&str, EntryType, &str)]; 12] = [
            &[("../escaped", Regular, "")],
            &[("/escaped", Regular, "")],
            &[("a/../../escaped", Regular, "")],
            &[("./../escaped", Regular, "")],
            &[("link", Symlink, ".."), ("link/escaped", Regular, "")],
            &[("link", Symlink, "/")],
            &[("d", Directory, ""), ("d/link", Symlink, "../..")],
            &[("in", Directory, ""), ("l", Symlink, "in"), ("l/escaped", Regular, "")],
            &[("hard", Link, "/etc/passwd")],
            &[("device", Block, "")],
            &[("pipe", Fifo, "")],
            &[("twice", Regular, ""), ("twice", Regular, "")],
        ];
        for case in cases {
            let root = tempfile::tempdir().unwrap();
            let folder = root.path().join("in/side");
            fs::create_dir_all(&folder).unwrap();
            assert!(unpack(&hostile(case)[..], &folder, 1 << 20).is_err(), "{case:?}");
            assert!(
                !root.path().join("escaped").exists() && !root.path().join("in/escaped").exists()
            );
            assert!(!Path::new("/escaped").exists());
        }
    }

    #[test]
    fn an_archive_larger_than_allowed_is_not_unpacked() {
        let (root, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(root.path().join("big"), [0; 5000]).unwrap();
        assert!(unpack(&packed(root.path())[..], out.path(), 4999).is_err());
    }
}
