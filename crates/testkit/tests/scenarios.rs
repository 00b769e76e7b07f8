//! Tells every story in `scenarios/` and compares it with the file beside it. `TOWPATH_BLESS=1`
//! writes the files anew, for a person to read before they are committed.

use std::path::{Path, PathBuf};

#[test]
fn every_story_goes_as_it_is_written_down() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
    let bless = std::env::var_os("TOWPATH_BLESS").is_some();
    let mut stories: Vec<PathBuf> = std::fs::read_dir(&folder)
        .expect("the folder of the stories is part of the repository")
        .map(|entry| entry.expect("it can be listed").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .collect();
    stories.sort();
    assert!(!stories.is_empty());
    let mut different = Vec::new();
    for story in stories {
        let text = std::fs::read_to_string(&story).expect("a story is text");
        let told = match towpath_testkit::scenario::run(&text) {
            Ok(told) => told,
            Err(error) => {
                different.push(format!("{}: {error}", story.display()));
                continue;
            }
        };
        let golden = story.with_extension("out");
        if bless {
            std::fs::write(&golden, &told).expect("a golden file can be written");
        } else if std::fs::read_to_string(&golden).ok().as_ref() != Some(&told) {
            let first = first_difference(&golden, &told);
            different.push(format!("{}: {first}", story.display()));
        }
    }
    assert!(different.is_empty(), "told otherwise:\n{}", different.join("\n"));
}

fn first_difference(golden: &Path, told: &str) -> String {
    let Ok(written) = std::fs::read_to_string(golden) else { return "no golden file".to_owned() };
    let pairs = written.lines().map(Some).chain(std::iter::repeat(None));
    let lines = told.lines().map(Some).chain(std::iter::repeat(None));
    let mut numbered = pairs.zip(lines).enumerate();
    let found = numbered.find(|(_, (written, told))| written != told || written.is_none());
    let (number, (written, told)) = found.expect("they differ");
    format!("line {}\n  written: {written:?}\n  told:    {told:?}", number + 1)
}
