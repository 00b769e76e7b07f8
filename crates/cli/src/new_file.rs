//! A file that a person named to be written, as `--output` does. Owns that nothing that is there is
//! touched; knows no content.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// Makes `path`, neither over a file that is there nor through a link; only the owner reads it.
///
/// # Errors
/// There is something already, or its folder cannot be written.
pub(crate) fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn only_the_owner_reads_it_and_nothing_that_is_there_is_touched() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        let made = create(&file).unwrap();
        assert_eq!(made.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::write(&file, "kept").unwrap();
        assert!(create(&file).is_err());
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "kept");
        symlink(folder.path().join("elsewhere"), &link).unwrap();
        assert!(create(&link).is_err());
        assert!(!folder.path().join("elsewhere").exists());
    }
}
