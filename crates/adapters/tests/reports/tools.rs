//! Runs the tools that write reports in small projects. Judges nothing.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A folder with sources, gone when it is dropped.
pub(crate) struct Project(tempfile::TempDir);

impl Project {
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let project = Self(tempfile::tempdir().unwrap());
        for (path, text) in files {
            project.write(path, text);
        }
        project
    }

    pub(crate) fn root(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.root().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Runs a program in the project; how it ends is what its report is for.
    fn run(&self, command: &mut Command, report: &str) {
        let report = self.root().join(report);
        let _there_may_be_none = std::fs::remove_file(&report);
        let ended = command.current_dir(self.root()).output().unwrap();
        let said = [ended.stdout, ended.stderr].concat();
        assert!(report.is_file(), "{command:?}: {}", String::from_utf8_lossy(&said));
    }
}

/// The tools that `.ci/run` installs.
pub(crate) struct Tools(PathBuf);

impl Tools {
    /// None, and said so, when they are not installed.
    pub(crate) fn find() -> Option<Self> {
        let found = std::env::var_os("TOWPATH_REPORT_TOOLS").map(PathBuf::from);
        let found = found.filter(|folder| folder.join("complete").is_file());
        found.map(Self).or_else(|| skipped("TOWPATH_REPORT_TOOLS names no folder with the tools"))
    }

    fn python(&self, words: &[&str]) -> Command {
        let mut command = Command::new(self.0.join("venv/bin/python"));
        command.arg("-m").args(words).env("PYTHONDONTWRITEBYTECODE", "1");
        command
    }

    /// Runs the tests and writes reports of them and of coverage, in both forms.
    pub(crate) fn pytest(&self, project: &Project) {
        let run = [
            "coverage",
            "run",
            "--include=shop.py",
            "-m",
            "pytest",
            "--rootdir=.",
            "-p",
            "no:cacheprovider",
            "--junitxml=reports/unit/pytest.xml",
        ];
        project.run(&mut self.python(&run), "reports/unit/pytest.xml");
        // Where nothing ran there is nothing to report, and the last reports stay.
        let _may_have_nothing = self
            .python(&["coverage", "xml", "-o", "cov/coverage.xml"])
            .current_dir(project.root())
            .output()
            .unwrap();
        let _may_have_nothing = self
            .python(&["coverage", "lcov", "-o", "cov/coverage.info"])
            .current_dir(project.root())
            .output()
            .unwrap();
    }

    /// Writes the bill of materials of what this Python has installed, for the project of
    /// `pyproject.toml`.
    pub(crate) fn cyclonedx_py(&self, project: &Project) {
        std::fs::create_dir_all(project.root().join("reports")).unwrap();
        let write = ["cyclonedx_py", "environment", "--pyproject", "pyproject.toml"];
        let mut command = self.python(&write);
        command.args(["--output-reproducible", "--output-file", "reports/bom.json"]);
        project.run(&mut command, "reports/bom.json");
    }

    /// Scans `src`.
    pub(crate) fn bandit(&self, project: &Project) {
        std::fs::create_dir_all(project.root().join("reports")).unwrap();
        let scan = ["bandit", "--quiet", "-r", "src", "-f", "sarif", "-o", "reports/bandit.sarif"];
        project.run(&mut self.python(&scan), "reports/bandit.sarif");
    }

    /// Runs the tests and writes reports of them and of coverage, in both forms.
    pub(crate) fn jest(&self, project: &Project) {
        let modules = self.0.join("node_modules");
        let mut command = Command::new("node");
        command
            .arg(modules.join("jest/bin/jest.js"))
            .args([
                "--ci",
                "--coverage",
                "--coverageReporters=cobertura",
                "--coverageReporters=lcov",
            ])
            .arg(format!("--reporters={}", modules.join("jest-junit").display()))
            .env("JEST_JUNIT_OUTPUT_FILE", "reports/jest.xml")
            // Without it nothing tells of a file that could not be loaded.
            .env("JEST_JUNIT_REPORT_TEST_SUITE_ERRORS", "true");
        project.run(&mut command, "reports/jest.xml");
    }
}

/// A cargo with its `nextest`.
pub(crate) struct Nextest;

/// None, and said so, when it is not installed.
pub(crate) fn nextest() -> Option<Nextest> {
    let found = Command::new("cargo").args(["nextest", "--version"]).output();
    let is_there = found.is_ok_and(|said| said.status.success());
    if is_there { Some(Nextest) } else { skipped("`cargo nextest` is not installed") }
}

impl Nextest {
    /// Runs the tests and writes the report of the profile `ci`.
    pub(crate) fn run(&self, project: &Project, more: &[&str]) {
        let Self = self;
        let mut command = Command::new("cargo");
        command.args(["nextest", "run", "--profile", "ci", "--offline"]).args(more);
        // This test may itself be run by it, and by a cargo with settings of its own.
        for (name, _) in std::env::vars_os() {
            let is_of_ours = name.to_str().is_some_and(|name| {
                name.starts_with("NEXTEST")
                    || name.starts_with("CARGO_")
                    || name.starts_with("RUST")
            });
            if is_of_ours
                && name != "CARGO_HOME"
                && name != "RUSTUP_HOME"
                && name != "RUSTUP_TOOLCHAIN"
            {
                command.env_remove(name);
            }
        }
        project.run(&mut command, "target/nextest/ci/junit.xml");
    }
}

#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn skipped<T>(why: &str) -> Option<T> {
    assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "it must run under CI: {why}");
    eprintln!("skipped: {why}");
    None
}
