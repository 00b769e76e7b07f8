//! Finds the files that fit a pattern. Owns the rule that none lies outside of the project; opens
//! no file.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};

use super::{Stop, shown};

/// How many files one question reads: more than a build of a thousand modules has reports of one
/// kind.
const FILES_MOST: usize = 512;
/// How many entries of folders are looked at: several times those of a large working copy with all
/// that was installed into it.
const ENTRIES_MOST: usize = 200_000;
/// How deep folders lie in one another.
const DEPTH_MOST: usize = 64;

/// Files of the project, such as `reports/**/*.xml`.
#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    text: String,
    /// The folders before the first sign with a meaning; the whole when there is none.
    fixed: PathBuf,
    /// None when all of it is one path.
    matcher: Option<GlobMatcher>,
    /// How many names a path has that fits; none when `**` stands in it.
    depth: Option<usize>,
}

/// A file that fits.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// From the root on, as it was found.
    pub(crate) path: PathBuf,
    /// Where it is, without links.
    pub(crate) real: PathBuf,
}

/// What fits.
#[derive(Debug, Default)]
pub(crate) struct Finds {
    /// By path.
    pub(crate) files: Vec<Found>,
    /// Folders that lead outside of the project.
    outside: Vec<PathBuf>,
}

impl Finds {
    /// The end of a sentence about what was not followed; empty when there is nothing.
    pub(crate) fn passed_by(&self) -> String {
        match &self.outside[..] {
            [] => String::new(),
            [one] => format!("; {} leads outside of the project and was not followed", shown(one)),
            [first, rest @ ..] => format!(
                "; {} and {} more lead outside of the project and were not followed",
                shown(first),
                rest.len()
            ),
        }
    }
}

impl Pattern {
    /// Reads a pattern: `*` and `?` within a name, `**` for any folders, `[ab]`, `{a,b}`.
    ///
    /// # Errors
    /// What is wrong with it, without a full stop.
    pub(crate) fn new(text: &str) -> Result<Self, String> {
        let shown = super::escaped(text.as_bytes());
        if text.contains('\0') {
            return Err(format!("`{shown}` is no path"));
        }
        let parts = Path::new(text).components().filter(|part| *part != Component::CurDir);
        let parts: Vec<Component<'_>> = parts.collect();
        // A part of a pattern may come to two dots too: `{.,x}.`, `[.].`. No entry has that name.
        if parts.iter().any(|part| !matches!(part, Component::Normal(_))) {
            return Err(format!("`{shown}` leaves the project"));
        }
        let names: Vec<&str> = parts.iter().filter_map(|part| part.as_os_str().to_str()).collect();
        if names.is_empty() {
            return Err("`path` names no file".to_owned());
        }
        let is_plain = |name: &&&str| !name.contains(['*', '?', '[', ']', '{', '}', '\\']);
        let fixed: PathBuf = names.iter().take_while(is_plain).collect();
        let joined = names.join("/");
        let is_one_path = names.iter().all(|name| is_plain(&name));
        let matcher = if is_one_path {
            None
        } else {
            let glob = GlobBuilder::new(&joined).literal_separator(true).build();
            let glob =
                glob.map_err(|error| format!("`{shown}` is no pattern: {}", error.kind()))?;
            Some(glob.compile_matcher())
        };
        // A choice may hold folders of its own, and then names cannot be counted.
        let is_open = joined.contains("**") || joined.contains('{');
        let depth = (!is_open).then_some(names.len());
        Ok(Self { text: text.to_owned(), fixed, matcher, depth })
    }

    /// As it was written.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// All that fits below `root`, a folder without links in its path.
    ///
    /// # Errors
    /// A sentence: a folder cannot be read, a link that fits leads outside, or there is too much.
    pub(crate) fn find(&self, root: &Path, stop: &Stop) -> Result<Finds, String> {
        let mut walk = Walk {
            pattern: self,
            root,
            stop,
            entries: 0,
            finds: BTreeMap::new(),
            outside: Vec::new(),
        };
        let start = root.join(&self.fixed);
        match fs::canonicalize(&start) {
            Err(error) if is_absent(&error) => {}
            Err(error) => return Err(format!("{} cannot be read: {error}", shown(&self.fixed))),
            Ok(real) if !real.starts_with(root) => return Err(outside(&self.fixed)),
            Ok(real) if self.matcher.is_none() => walk.add(self.fixed.clone(), real)?,
            Ok(real) if real.is_dir() => {
                walk.folder(&self.fixed, &real, &mut vec![real.clone()])?;
            }
            Ok(_) => {}
        }
        let files = walk.finds.into_iter().map(|(real, path)| Found { path, real });
        let mut files: Vec<Found> = files.collect();
        files.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(Finds { files, outside: walk.outside })
    }
}

struct Walk<'a> {
    pattern: &'a Pattern,
    root: &'a Path,
    stop: &'a Stop,
    entries: usize,
    /// By where they are, so that a file that is reached in two ways counts once.
    finds: BTreeMap<PathBuf, PathBuf>,
    outside: Vec<PathBuf>,
}

impl Walk<'_> {
    /// Looks through `path`, which is `real`; `chain` are the folders on the way, so that a link
    /// cannot lead in a circle.
    fn folder(&mut self, path: &Path, real: &Path, chain: &mut Vec<PathBuf>) -> Result<(), String> {
        if chain.len() > DEPTH_MOST {
            return Err(format!(
                "more than {DEPTH_MOST} folders lie in one another at {}",
                shown(path)
            ));
        }
        for name in self.names(path, real)? {
            let (path, real) = (path.join(&name), real.join(&name));
            let kind = match fs::symlink_metadata(&real) {
                Ok(facts) => facts.file_type(),
                // It went away in between: a test that cleans up behind itself.
                Err(error) if is_absent(&error) => continue,
                Err(error) => return Err(format!("{} cannot be read: {error}", shown(&path))),
            };
            if kind.is_symlink() {
                self.link(path, &real, chain)?;
            } else if kind.is_dir() {
                self.enter(&path, &real, chain)?;
            } else if self.fits(&path) {
                self.add(path, real)?;
            }
        }
        Ok(())
    }

    /// Names in a folder, in order, so that every run sees the same.
    fn names(&mut self, path: &Path, real: &Path) -> Result<Vec<OsString>, String> {
        let cannot = |error: io::Error| format!("{} cannot be read: {error}", shown(path));
        let mut names = Vec::new();
        for entry in fs::read_dir(real).map_err(cannot)? {
            self.entries += 1;
            if self.entries > ENTRIES_MOST {
                return Err(format!(
                    "`{}` looks through more than {ENTRIES_MOST} files and folders; name the folder \
                     of the reports in `path`",
                    self.pattern
                ));
            }
            self.stop.check().map_err(|wrong| wrong.why)?;
            names.push(entry.map_err(cannot)?.file_name());
        }
        names.sort();
        Ok(names)
    }

    fn enter(&mut self, path: &Path, real: &Path, chain: &mut Vec<PathBuf>) -> Result<(), String> {
        let can_hold = |most| path.components().count() < most;
        if chain.iter().any(|folder| folder == real) || !self.pattern.depth.is_none_or(can_hold) {
            return Ok(());
        }
        chain.push(real.to_owned());
        self.folder(path, real, chain)?;
        chain.pop();
        Ok(())
    }

    fn link(&mut self, path: PathBuf, link: &Path, chain: &mut Vec<PathBuf>) -> Result<(), String> {
        let fits = self.fits(&path);
        let real = match fs::canonicalize(link) {
            Ok(real) => real,
            Err(error) if fits => return Err(format!("{} cannot be read: {error}", shown(&path))),
            Err(_) => return Ok(()),
        };
        let is_inside = real.starts_with(self.root);
        match (real.is_dir(), is_inside) {
            (true, true) => self.enter(&path, &real, chain),
            (true, false) => {
                let can_hold = |most| path.components().count() < most;
                if self.pattern.depth.is_none_or(can_hold) {
                    self.outside.push(path);
                }
                Ok(())
            }
            (false, true) if fits => self.add(path, real),
            (false, false) if fits => Err(outside(&path)),
            (false, _) => Ok(()),
        }
    }

    fn fits(&self, path: &Path) -> bool {
        self.pattern.matcher.as_ref().is_some_and(|matcher| matcher.is_match(path))
    }

    fn add(&mut self, path: PathBuf, real: PathBuf) -> Result<(), String> {
        if real.is_dir() {
            let folder = shown(&path);
            return Err(format!(
                "{folder} is a folder; let `path` name files, as in {folder}/**/*"
            ));
        }
        self.finds.entry(real).or_insert(path);
        if self.finds.len() > FILES_MOST {
            return Err(format!(
                "more than {FILES_MOST} files fit `{}`; narrow it, or put reports together",
                self.pattern
            ));
        }
        Ok(())
    }
}

fn outside(path: &Path) -> String {
    format!(
        "{} leads outside of the project and is not read; copy the reports into it",
        shown(path)
    )
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn folder(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        folder
    }

    fn finds(root: &Path, pattern: &str) -> Result<Vec<String>, String> {
        let root = root.canonicalize().unwrap();
        let found = Pattern::new(pattern).unwrap().find(&root, &Stop::default())?;
        Ok(found.files.iter().map(|file| shown(&file.path)).collect())
    }

    #[test]
    fn a_star_stays_in_its_folder_and_two_stars_do_not() {
        let folder = folder(&["r/a.xml", "r/b/c.xml", "r/b/d/e.xml", "r/b/c.txt", "s/a.xml"]);
        let find = |pattern| finds(folder.path(), pattern).unwrap();
        assert_eq!(find("r/*.xml"), ["r/a.xml"]);
        assert_eq!(find("./r//*.xml"), ["r/a.xml"], "as people write it");
        assert_eq!(find("r/**/*.xml"), ["r/a.xml", "r/b/c.xml", "r/b/d/e.xml"]);
        assert_eq!(find("**/c.*"), ["r/b/c.txt", "r/b/c.xml"]);
        assert_eq!(find("{r,s}/a.xml"), ["r/a.xml", "s/a.xml"]);
        assert_eq!(find("{r/b/d,s}/?.xml"), ["r/b/d/e.xml", "s/a.xml"]);
        assert_eq!(find("*/[b]/c.xml"), ["r/b/c.xml"]);
        assert_eq!(find("r/b/c.xml"), ["r/b/c.xml"]);
        for nothing in ["r/a", "r/a.xml/x", "none/*.xml", "*.xml", "r/B/c.xml"] {
            assert_eq!(find(nothing), [""; 0], "{nothing}");
        }
    }

    #[test]
    fn cve_b09_patterns_that_could_leave_the_project_or_mean_nothing_are_refused() {
        for wrong in ["/etc/*.xml", "../a.xml", "a/../../b", "", ".", "a[", "{a", "a\0b", "**/../*"]
        {
            assert!(Pattern::new(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_folder_is_no_report_and_the_answer_says_what_to_write() {
        let folder = folder(&["reports/a.xml"]);
        let said = finds(folder.path(), "reports").unwrap_err();
        assert_eq!(said, "reports is a folder; let `path` name files, as in reports/**/*");
    }

    #[test]
    fn cve_b09_links_are_followed_inside_and_nowhere_else() {
        let elsewhere = folder(&["x.xml", "deep/y.xml"]);
        let folder = folder(&["r/a.xml", "other/b.xml"]);
        let at = |path: &str| folder.path().join(path);
        symlink(at("other"), at("r/inside")).unwrap();
        symlink(at("r"), at("r/circle")).unwrap();
        symlink(at("r"), at("other/back")).unwrap();
        symlink(at("r/a.xml"), at("r/twice.xml")).unwrap();
        symlink("nowhere", at("r/dangling")).unwrap();
        symlink(elsewhere.path(), at("r/outside")).unwrap();
        let root = folder.path().canonicalize().unwrap();
        let found = Pattern::new("r/**/*.xml").unwrap().find(&root, &Stop::default()).unwrap();
        let paths: Vec<_> = found.files.iter().map(|file| shown(&file.path)).collect();
        assert_eq!(paths, ["r/a.xml", "r/inside/b.xml"]);
        let said = "; r/outside leads outside of the project and was not followed";
        assert_eq!(found.passed_by(), said);
        symlink(elsewhere.path().join("x.xml"), at("r/x.xml")).unwrap();
        symlink("../r/x.xml", at("other/chain.xml")).unwrap();
        for pattern in
            ["r/*.xml", "r/x.xml", "r/outside/x.xml", "r/outside/*.xml", "other/chain.xml"]
        {
            let said = finds(folder.path(), pattern).unwrap_err();
            assert!(said.contains("leads outside of the project and is not read"), "{said}");
        }
        fs::remove_file(at("r/x.xml")).unwrap();
        symlink("nowhere", at("r/gone.xml")).unwrap();
        assert!(finds(folder.path(), "r/*.xml").unwrap_err().starts_with("r/gone.xml cannot be"));
    }

    #[test]
    fn too_many_files_are_not_half_of_an_answer() {
        let names: Vec<String> = (0..=FILES_MOST).map(|index| format!("r/{index}.xml")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let folder = folder(&names);
        assert!(finds(folder.path(), "r/*.xml").unwrap_err().starts_with("more than 512 files"));
        assert_eq!(finds(folder.path(), "r/[1-9]*.xml").unwrap().len(), FILES_MOST);
    }

    #[test]
    fn folders_without_end_are_given_up() {
        let folder = tempfile::tempdir().unwrap();
        let deep: PathBuf = std::iter::repeat_n("d", DEPTH_MOST + 1).collect();
        fs::create_dir_all(folder.path().join(deep)).unwrap();
        assert!(finds(folder.path(), "**/*.xml").unwrap_err().starts_with("more than 64 folders"));
        assert_eq!(finds(folder.path(), "*/*.xml").unwrap(), [""; 0], "no need to look there");
    }
}
