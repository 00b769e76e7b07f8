//! Files that a matrix names and that are read with it. Owns how much of one is read; where they may lie is
//! the engine's rule, and what they say is `towpath-config`'s.

use std::path::Path;

use towpath_config::MAX_CALENDAR;
use towpath_engine::beside;

/// The bytes of a file, one more than the largest that is read at the most: the reader of it then says so.
///
/// # Errors
/// As [`beside::read`].
pub(super) fn read(folder: &Path, named: &str) -> Result<Vec<u8>, String> {
    let limit = u64::try_from(MAX_CALENDAR).unwrap_or(u64::MAX).saturating_add(1);
    beside::read(folder, named, limit)
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
