//! Which invariants there are, and what of each is checked. Checks none of them.

/// One invariant, and whether it is checked.
#[derive(Clone, Copy, Debug)]
pub struct Invariant {
    /// Its name in design.md.
    pub name: &'static str,
    /// What is checked of it here, or why nothing is.
    pub what: &'static str,
    /// Whether its parts are built, and so it is checked after every step.
    pub checked: bool,
}

/// All invariants, in order.
pub fn invariants() -> [Invariant; 14] {
    let checked = |name, what| Invariant { name, what, checked: true };
    let not_yet = |name, what| Invariant { name, what, checked: false };
    [
        checked("I1", "every acknowledged event is in the journal after a restart"),
        checked("I2", "one promotion with effects per lane; no effect under a stale epoch"),
        checked(
            "I3",
            "no start, weight or answer without a real pass of its checks, no start without its approvals",
        ),
        checked("I4", "every recorded weight, commit and return was observed at the router"),
        checked("I5", "no event of a promotion after its end"),
        checked("I6", "everything open waits for an order or a moment, and ends when faults do"),
        checked("I7", "gapless, hash-linked, and the states are its fold"),
        not_yet("I8", "the engine's own tests crash it between a notice and its delivery"),
        checked("I9", "in the model's sense: no arm with visitors is stopped or was never started"),
        not_yet("I10", "the model has no secrets; those of channels are masked by the engine"),
        checked("I11", "what was condemned is quarantined, nothing else is, and none of it enters"),
        checked(
            "I12",
            "a started promotion keeps its plan; a freeze binds at once; revoked persons not yet",
        ),
        checked("I13", "no weight above ready capacity; what serves is not stopped before commit"),
        checked(
            "s6",
            "nothing moves by itself to a blue that is absent or would lose data; a remembered rollback goes first",
        ),
    ]
}
