//! Any bytes as a file of another tool that `init --from` reads: there is an answer, nothing panics,
//! and a starter that is written passes its own check. The first byte says which tool's. The modules
//! are those of the command line, which is a program and no library.

#![no_main]
#![allow(dead_code, unused_imports, reason = "the command line uses more of them than this does")]

#[path = "../../crates/cli/src/exit_code.rs"]
mod exit_code;
#[path = "../../crates/cli/src/commands/init/guess.rs"]
mod guess;
#[path = "../../crates/cli/src/commands/init/sources/mod.rs"]
mod sources;
#[path = "../../crates/cli/src/report/style.rs"]
mod style;

/// The modules by the paths that they know each other by.
mod commands {
    pub(crate) mod init {
        pub(crate) use crate::{guess, sources};
    }
}
mod report {
    pub(crate) use crate::style;
}

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sources::{Source, complete, read};
use towpath_config::{parse, starter};
use towpath_core::ids::Name;
use towpath_ports::catalogue::Catalogue;

use guess::Guess;

/// What is read, and the file that it is read from.
const FILES: &[(Source, &str)] = &[
    (Source::Compose, "docker-compose.yml"),
    (Source::Sam, "template.yaml"),
    (Source::Cdk, "cdk.out/App-Staging.template.json"),
    (Source::Scripts, "promote-environment.sh"),
    (Source::Cdk, "app/config/environments.ts"),
];

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(towpath_adapters::catalogue);
static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = std::env::temp_dir().join(format!("towpath-fuzz-sources-{}", std::process::id()));
    for (_, file) in FILES {
        let file = folder.join(file);
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("a folder is made");
    }
    folder
});

fuzz_target!(|bytes: &[u8]| {
    let Some((first, text)) = bytes.split_first() else { return };
    let (source, name) = FILES[usize::from(*first) % FILES.len()];
    let file = FOLDER.join(name);
    std::fs::write(&file, text).expect("a file is written");
    let app = FOLDER.join("app");
    let path: &Path = if file.starts_with(&app) { &app } else { &file };
    let guess = Guess {
        found: String::new(),
        project: Name::new("folder").expect("a name"),
        project_from: "the folder's name",
        command: vec!["./start".to_owned()],
        command_from: None,
        port: None,
    };
    let Ok(found) = read(source, Some(path), &guess.project, &mut |_| Ok(None)) else { return };
    let (input, _) = complete(found, &guess);
    let text = starter(&input);
    let checked = parse("towpath.yaml", text.as_bytes(), &CATALOGUE);
    let told: Vec<_> = checked.errors.iter().map(|it| &it.message).collect();
    assert!(told.is_empty(), "{told:?}\n{text}");
});
