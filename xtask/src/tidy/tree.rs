//! The workspace as the rules see it: every directory and file below the root, and the text of
//! those that are text. It leaves out build output and hidden directories, and judges nothing.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Directories whose content is nobody's source.
const SKIPPED_DIRECTORIES: &[&str] = &["target", "node_modules"];

/// Hidden directories that hold source all the same.
const READ_HIDDEN_DIRECTORIES: &[&str] = &[".ci", ".cargo", ".github"];

/// Endings of the files that people write as text.
const TEXT_ENDINGS: &[&str] =
    &["css", "csv", "html", "js", "json", "md", "rs", "sh", "sql", "toml", "txt", "yaml", "yml"];

/// Larger files are data: the longest allowed source file has 500 lines of at most 100 columns.
const TEXT_BYTES_MAX: u64 = 1 << 20;

/// Everything below one root, in the order of the paths, which are relative to it.
pub(crate) struct Tree {
    entries: Vec<PathBuf>,
    files: Vec<SourceFile>,
}

/// A file with its text.
pub(crate) struct SourceFile {
    /// Path below the root.
    pub(crate) path: PathBuf,
    /// The whole text.
    pub(crate) text: String,
}

impl SourceFile {
    /// Whether the name ends in `.ending`.
    pub(crate) fn ends_in(&self, ending: &str) -> bool {
        self.path.extension().is_some_and(|found| found == ending)
    }

    /// Line numbers from 1 with their text.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(index, line)| (index + 1, line))
    }
}

impl Tree {
    /// Reads everything below `root`.
    ///
    /// # Errors
    /// When a directory or a source file cannot be read, or a source file is not UTF-8.
    pub(crate) fn read(root: &Path) -> Result<Self> {
        let mut tree = Self { entries: Vec::new(), files: Vec::new() };
        tree.read_directory(root, Path::new(""))?;
        tree.entries.sort();
        tree.files.sort_by(|left, right| left.path.cmp(&right.path));
        Ok(tree)
    }

    /// Every directory and file, text or not.
    pub(crate) fn entries(&self) -> &[PathBuf] {
        &self.entries
    }

    /// Every text file.
    pub(crate) fn files(&self) -> &[SourceFile] {
        &self.files
    }

    /// Every Rust file.
    pub(crate) fn rust_files(&self) -> impl Iterator<Item = &SourceFile> {
        self.files.iter().filter(|file| file.ends_in("rs"))
    }

    /// Every `Cargo.toml`.
    pub(crate) fn manifests(&self) -> impl Iterator<Item = &SourceFile> {
        self.files.iter().filter(|file| file.path.ends_with("Cargo.toml"))
    }

    /// The text file at `path`, if there is one.
    pub(crate) fn file(&self, path: &Path) -> Option<&SourceFile> {
        let found = self.files.binary_search_by(|file| file.path.as_path().cmp(path)).ok()?;
        Some(&self.files[found])
    }

    /// How many text files there are.
    pub(crate) fn file_count(&self) -> usize {
        self.files.len()
    }

    fn read_directory(&mut self, root: &Path, relative: &Path) -> Result<()> {
        let directory = root.join(relative);
        let listing = fs::read_dir(&directory)
            .with_context(|| format!("cannot list {}", directory.display()))?;
        for entry in listing {
            let entry = entry.with_context(|| format!("cannot list {}", directory.display()))?;
            let path = relative.join(entry.file_name());
            let kind = entry.file_type()?;
            if kind.is_dir() && is_read(&entry.file_name().to_string_lossy()) {
                self.entries.push(path.clone());
                self.read_directory(root, &path)?;
            } else if kind.is_file() {
                self.entries.push(path.clone());
                if is_text(&path) && entry.metadata()?.len() <= TEXT_BYTES_MAX {
                    let text = fs::read_to_string(root.join(&path))
                        .with_context(|| format!("cannot read {} as text", path.display()))?;
                    self.files.push(SourceFile { path, text });
                }
            }
        }
        Ok(())
    }
}

fn is_read(directory_name: &str) -> bool {
    if directory_name.starts_with('.') {
        return READ_HIDDEN_DIRECTORIES.contains(&directory_name);
    }
    !SKIPPED_DIRECTORIES.contains(&directory_name)
}

/// A file without an ending in `.ci` is a script.
fn is_text(path: &Path) -> bool {
    match path.extension() {
        Some(ending) => TEXT_ENDINGS.iter().any(|known| ending == *known),
        None => path.starts_with(".ci"),
    }
}

#[cfg(test)]
mod tests {
    use crate::tidy::sample;

    #[test]
    fn build_output_and_hidden_directories_are_left_out() {
        let tree = sample::tree(&[
            ("src/lib.rs", "//! a\n"),
            ("target/debug/b.rs", ""),
            (".git/c.rs", ""),
            (".ci/run", "#!/bin/bash\n"),
        ]);
        let found: Vec<_> = tree.files().iter().map(|file| file.path.to_str().unwrap()).collect();
        assert_eq!(found, [".ci/run", "src/lib.rs"]);
    }
}
