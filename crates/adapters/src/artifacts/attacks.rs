//! Archives as attackers write them (trust.md T9, B09, B10): whatever they hold, nothing outside of the
//! folder changes, and nothing inside of it leads out. Owns no rule; the rules are in `archive`.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use tar::{Builder, EntryType, Header};

use super::archive::unpack;

/// One entry: its name, what it is, and where it leads.
type Entry = (String, EntryType, String);

/// An archive with names that the library would refuse to write. What is too long for a header goes
/// before it, as GNU tar writes it, and so does whatever `long` says.
fn hostile(entries: &[Entry], long: bool) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for (name, of, link) in entries {
        for (text, kind) in [(name, EntryType::GNULongName), (link, EntryType::GNULongLink)] {
            if (long || text.len() > 100) && !text.is_empty() {
                let bytes = [text.as_bytes(), b"\0"].concat();
                append(&mut builder, "././@LongLink", kind, "", &bytes);
            }
        }
        let content: &[u8] = if *of == EntryType::Regular { b"owned" } else { b"" };
        let cut = |text: &str| text.chars().take(90).collect::<String>();
        append(&mut builder, &cut(name), *of, &cut(link), content);
    }
    builder.into_inner().unwrap()
}

fn append(builder: &mut Builder<Vec<u8>>, name: &str, of: EntryType, link: &str, content: &[u8]) {
    let mut header = Header::new_gnu();
    header.set_entry_type(of);
    header.set_mode(0o6755);
    header.set_size(content.len() as u64);
    let old = header.as_old_mut();
    old.name[..name.len()].copy_from_slice(name.as_bytes());
    old.linkname[..link.len()].copy_from_slice(link.as_bytes());
    header.set_cksum();
    builder.append(&header, content).unwrap();
}

/// Every path below `root`, with its content, that does not lie in `but`.
fn outside(root: &Path, but: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let (mut found, mut open) = (BTreeMap::new(), vec![root.to_owned()]);
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            let data = fs::symlink_metadata(&path).unwrap();
            if path == but {
                continue;
            }
            if data.is_dir() {
                open.push(path.clone());
            }
            let content = if data.is_file() { fs::read(&path).unwrap() } else { Vec::new() };
            found.insert(path, content);
        }
    }
    found
}

/// Whether all that is in `folder` stays in it: no link leads out, and nothing is more than a file, a
/// folder or such a link.
fn stays_inside(folder: &Path) {
    let real = folder.canonicalize().unwrap();
    for path in outside(folder, Path::new("")).keys() {
        let data = fs::symlink_metadata(path).unwrap();
        let kind = data.file_type();
        let special =
            kind.is_fifo() || kind.is_block_device() || kind.is_char_device() || kind.is_socket();
        assert!(!special, "{}", path.display());
        assert!(!data.is_file() || data.nlink() == 1, "{} is a hard link", path.display());
        assert_eq!(data.mode() & 0o6000, 0, "{} runs as somebody else", path.display());
        if let Ok(leads) = path.canonicalize() {
            assert!(leads.starts_with(&real), "{} leads out", path.display());
        }
    }
}

fn names() -> Vec<String> {
    let outward = [
        "../escaped",
        "../../escaped",
        "a/../../escaped",
        "./../escaped",
        "a/./../../escaped",
        "a//../../escaped",
        "/escaped",
        "//escaped",
        "/tmp/../escaped",
        "..",
        "../",
        "a/..",
        "a/../..",
        ".",
        "./",
        "",
        "...",
        "..\\escaped",
        "a\\..\\..\\escaped",
        "C:\\escaped",
        "~/escaped",
        "$HOME/escaped",
        "..%2fescaped",
        "%2e%2e/escaped",
        "..;/escaped",
        ".. /escaped",
        " ../escaped",
        "../\u{202e}escaped",
        "..\u{2215}escaped",
        "\u{ff0e}\u{ff0e}/escaped",
    ];
    let mut names: Vec<String> = outward.map(str::to_owned).to_vec();
    names.push(format!("{}escaped", "../".repeat(30)));
    names.push(format!("{}{}escaped", "d/".repeat(20), "../".repeat(21)));
    names.push("x".repeat(300));
    names
}

fn cases() -> Vec<Vec<Entry>> {
    use EntryType::{Block, Char, Continuous, Directory, Fifo, Link, Regular, Symlink};
    let mut cases = Vec::new();
    for name in names() {
        for of in [Regular, Directory, Continuous, Fifo, Block, Char] {
            cases.push(vec![(name.clone(), of, String::new())]);
        }
        for of in [Symlink, Link] {
            // The name as what a link leads to, and then something written through it.
            let link = ("link".to_owned(), of, name.clone());
            let through = ("link/escaped".to_owned(), Regular, String::new());
            cases.push(vec![link.clone(), through]);
            cases.push(vec![link, ("link".to_owned(), Regular, String::new())]);
        }
    }
    let directory = |name: &str| (name.to_owned(), Directory, String::new());
    let link = |name: &str, to: &str| (name.to_owned(), Symlink, to.to_owned());
    let file = |name: &str| (name.to_owned(), Regular, String::new());
    cases.push(vec![directory("d"), link("d/up", ".."), link("d/up/up", ".."), file("d/up/up/x")]);
    cases.push(vec![link("a", "b"), link("b", "a"), file("a/x")]);
    cases.push(vec![directory("d"), link("l", "d"), directory("l"), file("l/x")]);
    cases.push(vec![directory("d"), link("d/l", "../d"), file("d/l/l/l/x")]);
    cases.push(vec![file("f"), file("f/x")]);
    cases
}

#[test]
fn t9_three_hundred_hostile_archives_write_nothing_outside_of_their_folder() {
    let (mut count, mut refused) = (0, 0);
    for long in [false, true] {
        for case in cases() {
            let root = tempfile::tempdir().unwrap();
            let folder = root.path().join("in/side");
            fs::create_dir_all(&folder).unwrap();
            fs::write(root.path().join("escaped-before"), "mine").unwrap();
            let before = outside(root.path(), &folder);
            refused += usize::from(unpack(&hostile(&case, long)[..], &folder, 1 << 20).is_err());
            assert_eq!(outside(root.path(), &folder), before, "{case:?}");
            assert!(!Path::new("/escaped").exists(), "{case:?}");
            stays_inside(&folder);
            count += 1;
        }
    }
    assert!(count >= 300, "{count} cases");
    // Names that only look as if they led out are names, and are kept as such.
    assert!(refused * 10 >= count * 7, "{refused} of {count} were refused");
}

#[test]
fn cve_b10_a_link_is_never_written_through_nor_replaced() {
    use EntryType::{Directory, Regular, Symlink};
    for case in [
        vec![("d", Directory, ""), ("l", Symlink, "d"), ("l/x", Regular, "")],
        vec![("f", Regular, ""), ("l", Symlink, "f"), ("l", Regular, "")],
    ] {
        let folder = tempfile::tempdir().unwrap();
        let entries: Vec<Entry> =
            case.iter().map(|(name, of, to)| ((*name).to_owned(), *of, (*to).to_owned())).collect();
        assert!(unpack(&hostile(&entries, false)[..], folder.path(), 1 << 20).is_err(), "{case:?}");
        assert!(!folder.path().join("d/x").exists());
    }
}
