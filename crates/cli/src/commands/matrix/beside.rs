//! Files that a matrix names and that are read with it. Owns that they lie in the folder of the matrix,
//! whatever leads to them; what they say is `towpath-config`'s.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Component, Path};

use rustix::fs::OFlags;
use towpath_config::MAX_CALENDAR;

/// The bytes of a file, one more than the largest that is read at the most: the reader of it then says so.
///
/// # Errors
/// One sentence that says why nothing was read: it leads out of `folder`, is not there, or is no file.
pub(super) fn read(folder: &Path, named: &str) -> Result<Vec<u8>, String> {
    let is_plain = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
    if !Path::new(named).components().all(is_plain) {
        return Err("it is named by a path that leaves the folder of the matrix".to_owned());
    }
    let said = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => "there is no such file in the folder of the matrix".to_owned(),
        _ => error.to_string(),
    };
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let root = folder.canonicalize().map_err(said)?;
    let real = root.join(named).canonicalize().map_err(said)?;
    if !real.starts_with(&root) {
        return Err("it leads outside of the folder of the matrix".to_owned());
    }
    let mut bytes = Vec::new();
    let limit = u64::try_from(MAX_CALENDAR).unwrap_or(u64::MAX).saturating_add(1);
    opened(&real).and_then(|file| file.take(limit).read_to_end(&mut bytes)).map_err(said)?;
    Ok(bytes)
}

/// Neither a link that was put there since, nor a pipe that nobody writes to.
fn opened(real: &Path) -> io::Result<File> {
    let flags = i32::try_from((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits()).unwrap_or_default();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(real)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("it is no file")) }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// Names that lead to `outside.ics` beside the folder of the matrix, and one that stays in it.
    fn folder() -> tempfile::TempDir {
        let all = tempfile::tempdir().unwrap();
        let inside = all.path().join("project/calendars");
        std::fs::create_dir_all(&inside).unwrap();
        std::fs::write(all.path().join("outside.ics"), "secret").unwrap();
        std::fs::write(inside.join("here.ics"), "here").unwrap();
        symlink(all.path().join("outside.ics"), inside.join("link.ics")).unwrap();
        symlink("link.ics", inside.join("chain.ics")).unwrap();
        symlink(all.path(), inside.join("up")).unwrap();
        symlink("here.ics", inside.join("stays.ics")).unwrap();
        symlink("round.ics", inside.join("round.ics")).unwrap();
        all
    }

    #[test]
    fn cve_b09_no_path_of_a_calendar_leads_out_of_the_folder_of_the_matrix() {
        let all = folder();
        let project = all.path().join("project");
        let absolute = all.path().join("outside.ics").display().to_string();
        for named in [
            "../outside.ics",
            "calendars/../../outside.ics",
            "./calendars/./../../outside.ics",
            "calendars//..//..//outside.ics",
            &absolute,
            "/etc/passwd",
            "//etc/passwd",
            "calendars/link.ics",
            "calendars/chain.ics",
            "calendars/up/outside.ics",
            "calendars/up/project/../outside.ics",
        ] {
            let refused = read(&project, named).unwrap_err();
            assert!(refused.contains("the folder of the matrix"), "{named}: {refused}");
        }
        for named in ["calendars/here.ics", "./calendars/here.ics", "calendars/stays.ics"] {
            assert_eq!(read(&project, named).unwrap(), b"here", "{named}");
        }
    }

    #[test]
    fn what_is_no_file_is_not_read() {
        let all = folder();
        let project = all.path().join("project");
        assert_eq!(read(&project, "calendars").unwrap_err(), "it is no file");
        assert!(read(&project, "calendars/none.ics").unwrap_err().contains("no such file"));
        assert!(read(&project, "calendars/round.ics").is_err(), "a link to itself");
        assert!(read(&project, "calendars/here.ics/..\0").is_err());
        let pipe = project.join("calendars/pipe.ics");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &pipe,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR,
            0,
        )
        .unwrap();
        assert_eq!(read(&project, "calendars/pipe.ics").unwrap_err(), "it is no file");
    }
}
