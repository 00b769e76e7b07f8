//! Any two files as an older and a newer matrix: comparing them, their tables and where their values
//! come from never panics, and nothing differs from itself. With the kinds of adapters that there
//! really are. What one file alone must bear is in `matrix`.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use towpath_config::{Checked, diff, line_of, origins, parse, tables};
use towpath_ports::catalogue::Catalogue;

/// What stands between the two files; `run` puts it there too.
const BETWEEN: &[u8] = b"\n%%%%\n";

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(towpath_adapters::catalogue);

fuzz_target!(|bytes: &[u8]| {
    let at = bytes.windows(BETWEEN.len()).position(|it| it == BETWEEN);
    let (old, new) = match at {
        Some(at) => (&bytes[..at], &bytes[at + BETWEEN.len()..]),
        None => (bytes, &[][..]),
    };
    let (old, new) = (checked(old), checked(new));
    let compared = diff(&old, &new);
    assert_eq!(compared.is_some(), old.matrix.is_some() && new.matrix.is_some());
    if let Some(compared) = compared {
        assert!(compared.looser <= compared.changes.len());
    }
    for one in [&old, &new] {
        shown(one);
    }
});

fn checked(bytes: &[u8]) -> Checked {
    parse("towpath.yaml", bytes, &CATALOGUE)
}

fn shown(checked: &Checked) {
    let Some(matrix) = &checked.matrix else { return };
    for table in tables(matrix) {
        assert!(table.rows.iter().all(|row| row.len() == table.columns.len()), "{}", table.name);
    }
    let _ = origins(checked);
    for demand in &checked.not_enforced {
        assert!(line_of(checked, &demand.path).is_some(), "{} stands nowhere", demand.path);
    }
    let same = diff(checked, checked).expect("both are right");
    assert!(same.changes.is_empty(), "{:?}", same.changes[0].path);
}
